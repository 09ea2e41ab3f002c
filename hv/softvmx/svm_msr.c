/** @file
 * The guest's MSRs: some in the VMCB, the others the machine's.
 *
 * While the guest runs its FS base is in FS_BASE; while we run, it is in the
 * VMCB and FS_BASE has ours.  So an access on the guest's behalf goes to the
 * VMCB for all that VMRUN and VMLOAD switch (APM 2 15.5.1, 15.5.2), and to the
 * processor for the rest:
 *
 *	in the VMCB       EFER, PAT, SYSENTER_.., FS and GS base
 *	there as well     STAR, LSTAR, CSTAR, FMASK, KERNEL_GS_BASE: for VMX
 *	                  they are the host's, too; svm_host.c carries them over
 *	the machine's     everything else, with its own #GP
 *
 * EFER is shown without SVME, which must be set while an SVM guest runs
 * (APM 2 15.4) and which a guest of VMX does not have.
 */
#include "hv/softvmx/svm_msr.h"

#include "bus/errno.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** What this unit's guests may set in EFER; SVME is not of it. */
#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/** Where the VMCB keeps this MSR; NULL when it does not.  EFER is not here: it
 * is no plain number (read and write it below). */
static u64 *in_vmcb(struct softvmx_cpu *cpu, u32 msr)
{
	struct vmcb_save *save = &cpu->guest->save;

	switch (msr) {
	case MSR_IA32_SYSENTER_CS:
		return &save->sysenter_cs;
	case MSR_IA32_SYSENTER_ESP:
		return &save->sysenter_esp;
	case MSR_IA32_SYSENTER_EIP:
		return &save->sysenter_eip;
	case MSR_IA32_PAT:
		return &save->g_pat;
	case MSR_IA32_STAR:
		return &save->star;
	case MSR_IA32_LSTAR:
		return &save->lstar;
	case MSR_IA32_CSTAR:
		return &save->cstar;
	case MSR_IA32_FMASK:
		return &save->sfmask;
	case MSR_IA32_FS_BASE:
		return &save->fs.base;
	case MSR_IA32_GS_BASE:
		return &save->gs.base;
	case MSR_IA32_KERNEL_GS_BASE:
		return &save->kernel_gs_base;
	default:
		return NULL;
	}
}

/** MSRs that hold linear addresses: a non-canonical one is #GP (SDM 2B WRMSR).
 * What is only stored in the VMCB no processor checks before VMRUN. */
static bool is_address_msr(u32 msr)
{
	return msr == MSR_IA32_LSTAR || msr == MSR_IA32_CSTAR ||
	       msr == MSR_IA32_FS_BASE || msr == MSR_IA32_GS_BASE ||
	       msr == MSR_IA32_KERNEL_GS_BASE ||
	       msr == MSR_IA32_SYSENTER_ESP || msr == MSR_IA32_SYSENTER_EIP;
}

/** Bits 63:47 all equal (SDM 1 3.3.7.1). */
static bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/** Each byte 0, 1, 4, 5, 6 or 7 (SDM 3A 11.12.2). */
static bool is_pat(u64 value)
{
	for (unsigned int i = 0; i < 8; i++) {
		u8 type = value >> 8 * i;

		if (type > 7 || type == 2 || type == 3) {
			return false;
		}
	}
	return true;
}

/*
 * An MSR that nobody knows is read from the machine, which may refuse. The time
 * stamp counter is offset as RDTSC is (SDM 3C 26.3).
 */
int svm_msr_read(struct softvmx_cpu *cpu, u32 msr, u64 *value)
{
	const u64 *place = in_vmcb(cpu, msr);

	if (msr == MSR_IA32_EFER) {
		*value = cpu->guest->save.efer & ~EFER_SVME;
		return 0;
	}
	if (place) {
		*value = *place;
		return 0;
	}
	if (msr == MSR_IA32_TSC) {
		*value = rdtsc() + cpu->guest->control.tsc_offset;
		return 0;
	}
	return rdmsr_safe(msr, value);
}

/** SDM 3A 2.2.1: LMA is read-only, and LME with paging on.  NXE and LME change
 * what the guest's page tables mean, so what is cached of them goes. */
static int write_efer(struct softvmx_cpu *cpu, u64 value)
{
	struct vmcb_save *save = &cpu->guest->save;
	u64 lma = save->efer & EFER_LMA;

	if (value & ~EFER_KNOWN) {
		return -EFAULT;
	}
	if ((save->cr0 & CR0_PG) && ((value ^ save->efer) & EFER_LME)) {
		return -EFAULT;
	}
	save->efer = (value & ~EFER_LMA) | lma | EFER_SVME;
	svm_exit_flush(cpu);
	return 0;
}

/*
 * Checks first, so that a refused write changes nothing.  PAT is a case of its
 * own: when VM exit does not save it, the VMCS keeps the value that the next
 * entry will load, and the guest's own ends with this stay.
 */
int svm_msr_write(struct softvmx_cpu *cpu, u32 msr, u64 value)
{
	u64 *place = in_vmcb(cpu, msr);

	if (msr == MSR_IA32_EFER) {
		return write_efer(cpu, value);
	}
	if (!place) {
		return wrmsr_safe(msr, value);
	}
	if ((is_address_msr(msr) && !is_canonical(value)) ||
	    (msr == MSR_IA32_PAT && !is_pat(value))) {
		return -EFAULT;
	}
	if (msr == MSR_IA32_PAT &&
	    !(vmcs_memory_get(cpu, VM_EXIT_CONTROLS) & EXIT_SAVE_PAT)) {
		cpu->reload_system = true;
	}
	*place = value;
	return 0;
}
