/** @file
 * The MSR lists that VM entry and VM exit go through (SDM 3C 25.7.2, 25.8.2).
 *
 *	VM entry  loads the guest's; one that cannot be loaded is a failed
 *	          entry, exit reason 34 with its number as qualification (27.4,
 *	          27.8)
 *	VM exit   stores the guest's, loads the host's; what cannot be done is a
 *	          "VMX abort" (28.7), the end of the processor.  Here it is a
 *	          sentence on the console: one mistake should not cost the whole
 *	          machine
 */
#include "hv/softvmx/svm_list.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/svm_msr.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** An entry of an MSR list (SDM 3C table 25-14). */
struct list_entry {
	u32 msr;
	u32 reserved;
	u64 value;
};

/**
 * A list of the VMCS.
 * @param address the field with its physical address
 * @param count   how many entries; becomes 0, with a sentence, when they are
 *	not in memory that we can reach
 */
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

/* The guest's MSRs are those of svm_msr.c: the entry comes before VMRUN. */
u32 svm_list_enter(struct softvmx_cpu *cpu)
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

/* The guest's values, as they are in the VMCB; so this comes first of all that
 * a VM exit does with MSRs. */
void svm_list_store(struct softvmx_cpu *cpu)
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

/* The host runs again: these go to the processor.  SVME stays set, since this
 * unit would be off without it. */
void svm_list_load(struct softvmx_cpu *cpu)
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
