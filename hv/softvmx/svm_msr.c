/** @file
 * The guest's MSRs: some in the VMCB, the others the machine's.
 *
 * While the guest runs its FS base is in FS_BASE; while we run, it is in the
 * VMCB and FS_BASE has ours.  So an access on the guest's behalf goes to the
 * VMCB for all that VMRUN and VMLOAD switch, and to the processor for the rest.
 * EFER is shown without SVME, which a guest of VMX does not have.
 *
 * The MSR lists of VM entry and exit are here too, for the same reason.
 */
#include "hv/softvmx/svm_msr.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** An entry of an MSR list (SDM 3C table 25-14). */
struct list_entry {
	u32 msr;
	u32 reserved;
	u64 value;
};

#define EFER_KNOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/** Where the VMCB keeps this MSR; NULL when it does not. */
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

/** MSRs that hold linear addresses: a non-canonical one is #GP. */
static bool is_address_msr(u32 msr)
{
	return msr == MSR_IA32_LSTAR || msr == MSR_IA32_CSTAR ||
	       msr == MSR_IA32_FS_BASE || msr == MSR_IA32_GS_BASE ||
	       msr == MSR_IA32_KERNEL_GS_BASE ||
	       msr == MSR_IA32_SYSENTER_ESP || msr == MSR_IA32_SYSENTER_EIP;
}

static bool is_canonical(u64 address)
{
	return (u64)((s64)(address << 16) >> 16) == address;
}

/** An MSR that nobody knows is read from the machine, which may refuse. */
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
	return rdmsr_safe(msr, value);
}

/** SDM 3A 2.2.1: LMA is read-only, and LME with paging on. */
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

/* Checks first, so that a refused write changes nothing. */
int svm_msr_write(struct softvmx_cpu *cpu, u32 msr, u64 value)
{
	u64 *place = in_vmcb(cpu, msr);

	if (msr == MSR_IA32_EFER) {
		return write_efer(cpu, value);
	}
	if (!place) {
		return wrmsr_safe(msr, value);
	}
	if (is_address_msr(msr) && !is_canonical(value)) {
		return -EFAULT;
	}
	if (msr == MSR_IA32_PAT &&
	    !(vmcs_memory_get(cpu, VM_EXIT_CONTROLS) & EXIT_SAVE_PAT)) {
		/* The next entry takes the VMCS' value, not this one. */
		cpu->reload_system = true;
	}
	*place = value;
	return 0;
}

/** A list of the VMCS; count 0 when it is not in memory, with a sentence. */
static struct list_entry *list_at(const struct softvmx_cpu *cpu,
				  enum vmcs_field address, u32 *count)
{
	hpa_t list = hpa(vmcs_memory_get(cpu, address));

	if (*count && list.v >= DIRECT_MAP_SIZE - 16ull * *count) {
		printf("softvmx: %s = 0x%llx is not in memory\n",
		       vmcs_fields_name(address), (unsigned long long)list.v);
		*count = 0;
	}
	return *count ? hpa_to_virt(list) : NULL;
}

/** Stops at the first entry that cannot be loaded: its number is the exit
 * qualification of reason 34. */
u32 svm_msr_load_list(struct softvmx_cpu *cpu)
{
	u32 count = vmcs_memory_get(cpu, VM_ENTRY_MSR_LOAD_COUNT);
	const struct list_entry *list =
		list_at(cpu, VM_ENTRY_MSR_LOAD_ADDR, &count);

	for (u32 i = 0; i < count; i++) {
		u64 index = list[i].msr | (u64)list[i].reserved << 32;

		if (!entry_checks_msr(i + 1, index, list[i].value)) {
			return i + 1;
		}
		if (svm_msr_write(cpu, list[i].msr, list[i].value)) {
			entry_checks_msr_refused(i + 1, index, list[i].value);
			return i + 1;
		}
	}
	return 0;
}

void svm_msr_store_list(struct softvmx_cpu *cpu)
{
	u32 count = vmcs_memory_get(cpu, VM_EXIT_MSR_STORE_COUNT);
	struct list_entry *list = list_at(cpu, VM_EXIT_MSR_STORE_ADDR, &count);

	for (u32 i = 0; i < count; i++) {
		u64 value = 0;

		if (svm_msr_read(cpu, list[i].msr, &value)) {
			printf("softvmx: VM exit cannot store MSR 0x%x\n",
			       list[i].msr);
		}
		list[i].value = value;
	}
}

void svm_msr_load_host_list(struct softvmx_cpu *cpu)
{
	u32 count = vmcs_memory_get(cpu, VM_EXIT_MSR_LOAD_COUNT);
	const struct list_entry *list =
		list_at(cpu, VM_EXIT_MSR_LOAD_ADDR, &count);

	for (u32 i = 0; i < count; i++) {
		u64 value = list[i].value;

		if (list[i].msr == MSR_IA32_EFER) {
			value |= EFER_SVME;
		}
		if (wrmsr_safe(list[i].msr, value)) {
			printf("softvmx: VM exit cannot load MSR 0x%x\n",
			       list[i].msr);
		}
	}
}
