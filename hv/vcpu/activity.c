/** @file
 * When a vCPU runs, and when it waits.
 *
 *	      SIPI                HLT
 *	WAITS ----> RUNS <---------------------> HALTED
 *	  ^           |    interrupt, NMI, event    |
 *	  +-----------+------------ INIT -----------+
 *
 * The processor has these states too (SDM 3C 25.4.2), but a guest that sleeps
 * there exits for no timer of the hypervisor's on some machines.  So the guest
 * is always active, and it is the CPU that sleeps, here, in the run loop.  It
 * looks with interrupts off, and STI lets the first one in only behind the HLT
 * that follows it: what comes in between look and sleep ends the sleep.
 */
#include "hv/vcpu/activity.h"

#include "bus/access.h"
#include "hv/lib/panic.h"
#include "hv/lib/watchdog.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/** Ticks of the host that all may sleep with interrupts off: a second. */
#define OFF_TICKS 20

/*
 * Without an irqchip nobody in the core could wake the guest, so the VMM hears
 * of each HLT.  With one it is a mark, no more: the instruction retires, and
 * with "work" set the run loop comes to activity_look() before the next entry.
 */
enum exit_action activity_halt(struct vcpu *vcpu)
{
	if (!vcpu->apic) {
		vcpu->run.exit_reason = VCPU_EXIT_HLT;
		return EXIT_TO_VMM;
	}
	vcpu->halted = true;
	vcpu->work = true;
	if (vcpu->vm->foreign) {
		cpu_progress(); /* what came before is no hang */
	}
	return EXIT_RESUME;
}

/** Other CPUs set signals at any time, so one bit is taken back and the others
 * are left alone in one step.  @return whether it was there */
static bool take_signal(struct vlapic *apic, enum vlapic_signal signal)
{
	return __atomic_fetch_and(&apic->signals, ~(u32)signal,
				  __ATOMIC_SEQ_CST) &
	       signal;
}

/** The bootstrap processor goes on at the reset vector, the others wait.  They
 * do so before the signal is taken back, lest a SIPI in between be lost. */
static void take_init(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->apic;

	WRITE_ONCE(apic->awaits_startup, vcpu->number != 0);
	if (take_signal(apic, VLAPIC_SIGNAL_INIT)) {
		vlapic_reset(apic);
		vcpu_init(vcpu);
	}
}

/**
 * Real mode, at the beginning of a page of the first MiB (SDM 3A 9.4.4.2).  A
 * SIPI has eight bits of address, the page's number: with 0x9f, CS becomes
 * 0x9f00 and its base 0x9f000.  What INIT has left in the registers stays.
 */
static void take_startup(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->apic;
	struct vcpu_sregs sregs;
	struct vcpu_regs regs;

	WRITE_ONCE(apic->awaits_startup, false);
	take_signal(apic, VLAPIC_SIGNAL_STARTUP);
	vcpu_regs_get(vcpu, &regs);
	vcpu_regs_get_system(vcpu, &sregs);
	sregs.segment[SEG_CS].selector = apic->startup << 8;
	sregs.segment[SEG_CS].base = gva(apic->startup << PAGE_SHIFT);
	regs.rip = 0;
	vcpu_regs_set(vcpu, &regs);
	if (vcpu_regs_set_system(vcpu, &sregs)) {
		panic("the state of a SIPI is refused");
	}
}

/*
 * In the order of what beats what: INIT ends everything, the wait for a SIPI
 * too; who waits for a SIPI hears nothing else, so his timer is not looked at;
 * HLT is ended by whatever can be taken.  One thing a call: after a change the
 * run loop looks again, as another signal may have come meanwhile.
 *
 * Interrupts are off, and "kicked" was cleared before: see run.c.
 */
enum activity activity_look(struct vcpu *vcpu)
{
	struct vlapic *apic = vcpu->apic;
	u32 signals = READ_ONCE(apic->signals);

	if (unlikely(signals & VLAPIC_SIGNAL_INIT)) {
		take_init(vcpu);
		return ACTIVITY_CHANGED;
	}
	if (unlikely(apic->awaits_startup)) {
		if (!(signals & VLAPIC_SIGNAL_STARTUP)) {
			return ACTIVITY_SLEEPS;
		}
		take_startup(vcpu);
		return ACTIVITY_CHANGED;
	}
	vlapic_timer_check(apic, rdtsc());
	if (vcpu->halted && !interrupts_wake(vcpu)) {
		return ACTIVITY_SLEEPS;
	}
	vcpu->halted = false;
	WRITE_ONCE(vcpu->off, false);
	return ACTIVITY_RUNS;
}

/** Only an NMI, or a message of another processor, can wake it. */
static bool is_off(const struct vcpu *vcpu)
{
	return vcpu->apic->awaits_startup ||
	       !(vmread(GUEST_RFLAGS) & RFLAGS_IF);
}

static bool are_all_off(const struct vm *vm)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		const struct vcpu *vcpu = READ_ONCE(vm->vcpu[i]);

		if (vcpu && !READ_ONCE(vcpu->off)) {
			return false;
		}
	}
	return true;
}

/**
 * A kernel that is not ours may sleep as long as it likes, and a processor of
 * its with interrupts off, too: another one may want it again.  When that is
 * so of all of them, only a chip's NMI is left, which gets a while to come.
 */
static bool sleeps_for_ever(struct vcpu *vcpu)
{
	u64 ticks = this_cpu()->ticks;

	cpu_progress();
	if (!vcpu->off || !are_all_off(vcpu->vm)) {
		vcpu->off_since = ticks;
	}
	WRITE_ONCE(vcpu->off, is_off(vcpu));
	return vcpu->halted && ticks - vcpu->off_since > OFF_TICKS;
}

/*
 * Comes and returns with interrupts off.  Each interrupt of the host's ends the
 * sleep, whether it concerns the guest or not; the caller looks again.
 */
bool activity_sleep(struct vcpu *vcpu)
{
	if (vcpu->vm->foreign && sleeps_for_ever(vcpu)) {
		vcpu->run.exit_reason = VCPU_EXIT_HLT;
		return false;
	}
	if (vcpu->apic->awaits_startup) {
		cpu_progress();
	}
	watchdog_guest_sleep(gva(vcpu->rip));
	return true;
}
