/** @file
 * RDMSR and WRMSR: the registers that a guest has.
 *
 * MSRs which VM entry and exit switch, and those that the vCPUs of a CPU hand
 * to each other (vcpu_load.c), do not exit at all.  The rest is here; for what
 * is not here the guest gets #GP, as on a processor without that MSR.
 *
 * Reading and writing are two switches and not a table, because hardly two of
 * them are alike: one lives in the VMCS, one in the local APIC, one changes
 * what an operand of the emulator means.  exit_msr_get() and exit_msr_set() are
 * also the emulator's, for an RDMSR that it does itself; so a rule is written
 * once.
 *
 * Which do not exit is in the MSR bitmap: a bit for each MSR, 1 for "exit", and
 * all begin as 1 (vcpu.c).  So an MSR that nobody has thought of comes here and
 * is #GP.  The other way round, an unknown one would change the machine, which
 * belongs to all VMs.
 *
 * ECX is the number, EDX:EAX the value; privilege was checked by the processor.
 */
#include "hv/vcpu/exit.h"

#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vcpu/pvclock.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu.h"
#include "hv/x86/msr.h"

/**
 * Memory types that a byte of IA32_PAT may hold (SDM 3A table 12-10).  It is a
 * field of the VMCS and VM entry checks it: a bad one must not get there.
 */
static bool pat_valid(u64 pat)
{
	for (unsigned int i = 0; i < 8; i++) {
		u8 type = pat >> 8 * i;

		if (type == 2 || type == 3 || type > 7) {
			return false;
		}
	}
	return true;
}

/** TSC-deadline mode: a timer that fires when the TSC reaches a value; 0 means
 * that none is armed (SDM 3A 11.5.4.1). */
static int get_deadline(struct vcpu *vcpu, u64 *value)
{
	if (!vcpu->apic) {
		return -EINVAL;
	}
	*value = vlapic_timer_get_deadline(vcpu->apic, rdtsc());
	return 0;
}

/**
 * The guest counts by its own TSC, the timer by the host's.
 *
 *	guest's TSC = host's TSC + TSC_OFFSET, modulo 2^64
 *
 * Both are kept: the guest reads back what it wrote.  A moment that is over
 * already fires no host timer; the run loop has to look (work).
 */
static int set_deadline(struct vcpu *vcpu, u64 value)
{
	u64 when;

	if (!vcpu->apic) {
		return -EINVAL;
	}
	when = value - vmread(TSC_OFFSET);
	vlapic_timer_set_deadline(vcpu->apic, value, when);
	if (when <= rdtsc()) {
		vcpu->work = true;
	}
	return 0;
}

/**
 * A deadline keeps its value and moves in time: it is compared with a clock
 * that has just been set.  The clock in guest memory is a formula over the same
 * TSC (pvclock.h), so it is written anew.
 */
static void write_tsc(struct vcpu *vcpu, u64 value)
{
	u64 now = rdtsc(), deadline;

	/* Nothing counts but the processor: the guest's TSC is a distance. */
	vmwrite(TSC_OFFSET, value - now);
	pvclock_update(vcpu);
	if (!vcpu->apic) {
		return;
	}
	deadline = vlapic_timer_get_deadline(vcpu->apic, now);
	if (deadline && set_deadline(vcpu, deadline)) {
		panic("a deadline that was there is refused");
	}
}

/** Without an irqchip there is no APIC to move or switch off. */
static int write_apic_base(struct vcpu *vcpu, u64 value)
{
	if (vcpu->apic) {
		return irqchip_set_base(vcpu, value);
	}
	return value == vcpu->apic_base ? 0 : -EINVAL;
}

int exit_msr_get(struct vcpu *vcpu, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_IA32_TSC:
		*value = rdtsc() + vmread(TSC_OFFSET);
		return 0;
	case MSR_IA32_APIC_BASE:
		*value = vcpu->apic ? vcpu->apic->base : vcpu->apic_base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		return get_deadline(vcpu, value);
	case MSR_IA32_MISC_ENABLE:
		*value = vcpu->misc_enable;
		return 0;
	case MSR_IA32_PAT:
		*value = vmread(GUEST_IA32_PAT);
		return 0;
	case MSR_IA32_EFER:
		*value = guest_mode_efer(vcpu);
		return 0;
	case MSR_IA32_TSC_AUX:
		*value = rdmsr(MSR_IA32_TSC_AUX);
		return 0;
	case MSR_IA32_FEATURE_CONTROL: /* locked, VMX off */
		*value = FEATURE_CONTROL_LOCK;
		return 0;
	default:
		return vcpu->vm->foreign ? exit_msr_pc_get(vcpu, msr, value)
					 : -EINVAL;
	}
}

/**
 * LME cannot change while paging is on (SDM 3A 4.1.2).  LMA, which says that
 * long mode is on, is the processor's own: guest_mode.c makes it from LME and
 * CR0.PG, whatever was written here.
 */
static int write_efer(struct vcpu *vcpu, u64 value)
{
	u64 old = guest_mode_efer(vcpu);

	if (!guest_mode_efer_valid(value)) {
		return -EINVAL;
	}
	if ((guest_mode_cr0() & CR0_PG) && ((old ^ value) & EFER_LME)) {
		return -EINVAL;
	}
	guest_mode_set_efer(vcpu, value);
	/* NXE is a part of how pages are read, LME of what code is. */
	emulate_mode_changed(vcpu);
	if (!vcpu->vm->with_ept) {
		vcpu_paging_new_mode(vcpu);
	}
	return 0;
}

/*
 * TSC_AUX is what RDTSCP leaves in ECX; kernels put the CPU's number there.
 * RDTSCP does not exit and reads the processor's register, so that is written,
 * too; whether it exists at all the processor says.
 */
int exit_msr_set(struct vcpu *vcpu, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_IA32_TSC:
		write_tsc(vcpu, value);
		return 0;
	case MSR_IA32_APIC_BASE:
		return write_apic_base(vcpu, value);
	case MSR_IA32_TSC_DEADLINE:
		return set_deadline(vcpu, value);
	case MSR_IA32_MISC_ENABLE:
		vcpu->misc_enable = value;
		return 0;
	case MSR_IA32_PAT:
		if (!pat_valid(value)) {
			return -EINVAL;
		}
		vmwrite(GUEST_IA32_PAT, value);
		return 0;
	case MSR_IA32_EFER:
		return write_efer(vcpu, value);
	case MSR_IA32_TSC_AUX: /* RDTSCP reads the real one: vcpu_load.c */
		return value >> 32 || wrmsr_safe(MSR_IA32_TSC_AUX, value) ?
			       -EINVAL :
			       0;
	default:
		return vcpu->vm->foreign ? exit_msr_pc_set(vcpu, msr, value)
					 : -EINVAL;
	}
}

enum exit_action exit_msr_read(struct vcpu *vcpu)
{
	u64 value;

	if (exit_msr_get(vcpu, vcpu->gpr[GPR_RCX], &value)) {
		events_inject_gp(vcpu);
		return EXIT_RESUME;
	}
	/* In 64-bit mode, too, both upper halves end as 0 (SDM 2B RDMSR). */
	vcpu->gpr[GPR_RAX] = (u32)value;
	vcpu->gpr[GPR_RDX] = value >> 32;
	return EXIT_ADVANCE;
}

enum exit_action exit_msr_write(struct vcpu *vcpu)
{
	u64 value = (u32)vcpu->gpr[GPR_RAX] | vcpu->gpr[GPR_RDX] << 32;

	if (exit_msr_set(vcpu, vcpu->gpr[GPR_RCX], value)) {
		events_inject_gp(vcpu);
		return EXIT_RESUME;
	}
	return EXIT_ADVANCE;
}
