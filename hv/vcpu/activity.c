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

#include "hv/lib/panic.h"
#include "hv/lib/watchdog.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

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

/** Real mode, at the beginning of a page of the first MiB (SDM 3A 9.4.4.2). */
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
	return ACTIVITY_RUNS;
}

/** One that waits for a SIPI may do so for ever; so may a kernel that is not
 * ours, but for its first vCPU with interrupts off. */
static bool may_sleep_long(const struct vcpu *vcpu)
{
	return vcpu->apic->awaits_startup ||
	       (vcpu->vm->foreign &&
		(vcpu->number || (vmread(GUEST_RFLAGS) & RFLAGS_IF)));
}

void activity_sleep(struct vcpu *vcpu)
{
	if (may_sleep_long(vcpu)) {
		cpu_progress();
	}
	watchdog_guest_sleep(gva(vcpu->rip));
}
