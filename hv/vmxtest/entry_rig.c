/** @file
 * Making the bare VMCS, and entering its guest.
 *
 * The controls and the host state are those that exit49 gives its vCPUs
 * (vmcs_setup.h), so that what is tested is what is used.  Interrupts are off
 * around an entry.  A guest that was allowed to take an interrupt, or an exit
 * that acknowledged one, leaves it in service, which the EOI ends.
 */
#include "hv/vmxtest/entry_rig.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmcs_setup.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/lapic.h"
#include "mmu/ept_format.h"

#define EPT_TABLES 4
#define BITMAP_PAGES 3

struct entry_rig entry_rig;
static u64 *ept;

/** Guest-physical 0 on is guest memory, everything else is nothing. */
static void fill_ept(void)
{
	hpa_t guest = virt_to_hpa(entry_rig.guest);

	for (unsigned int i = 0; i + 1 < EPT_TABLES; i++) {
		u64 *table = ept + i * EPT_ENTRIES;

		table[0] = virt_to_hpa(table + EPT_ENTRIES).v | EPT_RWX;
	}
	for (unsigned int i = 0; i < ENTRY_RIG_GUEST_PAGES; i++) {
		ept[(EPT_TABLES - 1) * EPT_ENTRIES + i] =
			(guest.v + i * PAGE_SIZE) | EPT_RWX | EPT_MEMORY_WB;
	}
	entry_rig.eptp = virt_to_hpa(ept).v | EPTP_MEMORY_TYPE_WB |
			 EPTP_WALK_LENGTH_4;
}

int entry_rig_create(void)
{
	u32 *vmcs = page_alloc(PAGE_OWNER_HV);

	entry_rig.guest = page_alloc_contig(PAGE_OWNER_HV,
					    ENTRY_RIG_GUEST_PAGES, 1);
	entry_rig.spare = page_alloc(PAGE_OWNER_HV);
	entry_rig.bitmap = page_alloc_contig(PAGE_OWNER_HV, BITMAP_PAGES, 1);
	ept = page_alloc_contig(PAGE_OWNER_HV, EPT_TABLES, 1);
	if (!vmcs || !entry_rig.guest || !entry_rig.spare ||
	    !entry_rig.bitmap || !ept) {
		return -ENOMEM;
	}
	vmcs[0] = vmx_caps.revision;
	entry_rig.vmcs = virt_to_hpa(vmcs);
	memset(entry_rig.bitmap, 0xff, BITMAP_PAGES * PAGE_SIZE);
	fill_ept();
	return 0;
}

static void clear_vmcs(void)
{
	enum vmx_result result = vmx_unit->vmclear(entry_rig.vmcs);

	if (result) {
		vmx_unit_panic("VMCLEAR", ~0u, result);
	}
}

void entry_rig_destroy(void)
{
	clear_vmcs();
	page_free(hpa_to_virt(entry_rig.vmcs));
	page_free_contig(entry_rig.guest, ENTRY_RIG_GUEST_PAGES);
	page_free(entry_rig.spare);
	page_free_contig(entry_rig.bitmap, BITMAP_PAGES);
	page_free_contig(ept, EPT_TABLES);
}

/** A VMCS that was another mode's may hold anything: all of it is written. */
static void write_zeros(void)
{
	for (size_t i = 0; i < vmcs_fields_count(); i++) {
		/* Read-only fields and those that are missing say no. */
		if (vmx_unit->vmwrite(vmcs_fields_at(i), 0)) {
			continue;
		}
	}
}

static void write_controls(enum entry_mode mode)
{
	struct vmcs_setup setup = {
		.eptp = entry_rig.eptp,
		.unrestricted = vmx_caps.unrestricted_guest,
		.vpid = vmx_caps.invvpid ? 1 : 0,
		.io_bitmap = virt_to_hpa(entry_rig.bitmap),
		.msr_bitmap = hpa_add(virt_to_hpa(entry_rig.bitmap),
				      2 * PAGE_SIZE),
	};
	u64 cpu2;

	vmcs_setup_all(&setup);
	cpu2 = vmread(SECONDARY_VM_EXEC_CONTROL);
	if (!entry_modes_unrestricted(mode)) {
		cpu2 &= ~CPU2_UNRESTRICTED_GUEST;
	}
	if (!entry_modes_ept(mode)) {
		cpu2 &= ~CPU2_ENABLE_EPT;
	}
	vmwrite(SECONDARY_VM_EXEC_CONTROL, cpu2);
}

bool entry_rig_prepare(enum entry_mode mode)
{
	enum vmx_result result;

	if (entry_modes_unrestricted(mode) && !vmx_caps.unrestricted_guest) {
		return false;
	}
	clear_vmcs();
	result = vmx_unit->vmptrld(entry_rig.vmcs);
	if (result) {
		vmx_unit_panic("VMPTRLD", ~0u, result);
	}
	entry_rig.launched = false;
	memset(entry_rig.spare, 0, PAGE_SIZE);
	write_zeros();
	write_controls(mode);
	entry_modes_write_memory(mode);
	entry_modes_write(mode);
	return true;
}

bool entry_rig_entered(const struct entry_outcome *outcome)
{
	return !outcome->result &&
	       !(outcome->reason & EXIT_REASON_ENTRY_FAILURE);
}

struct entry_outcome entry_rig_enter(void)
{
	u64 gpr[GPR_SLOTS] = { [GPR_LAUNCHED] = entry_rig.launched };
	struct entry_outcome outcome = { 0 };

	irq_disable();
	vmx_entry_run(gpr, &outcome.result);
	if (!outcome.result) {
		outcome.reason = vmread(EXIT_REASON);
		outcome.qualification = vmread(EXIT_QUALIFICATION);
		lapic_eoi();
	}
	irq_enable();
	if (outcome.result == VMX_FAIL_VALID) {
		outcome.error = vmread(VM_INSTRUCTION_ERROR);
	}
	/* SDM 3C 27.8: a failed entry leaves the launch state alone. */
	if (entry_rig_entered(&outcome)) {
		entry_rig.launched = true;
	}
	return outcome;
}

struct entry_outcome entry_rig_outcome(u32 error, u32 reason,
				       u64 qualification)
{
	struct entry_outcome outcome = { .result = VMX_SUCCEED };

	if (error) {
		outcome.result = VMX_FAIL_VALID;
		outcome.error = error;
	} else if (reason) {
		outcome.reason = reason | EXIT_REASON_ENTRY_FAILURE;
		outcome.qualification = qualification;
	}
	return outcome;
}

bool entry_rig_same(const struct entry_outcome *a,
		    const struct entry_outcome *b)
{
	if (entry_rig_entered(a) || entry_rig_entered(b)) {
		return entry_rig_entered(a) && entry_rig_entered(b);
	}
	return a->result == b->result && a->error == b->error &&
	       a->reason == b->reason && a->qualification == b->qualification;
}

void entry_rig_describe(const struct entry_outcome *outcome, char *text,
			size_t size)
{
	if (outcome->result == VMX_FAIL_VALID) {
		snprintf(text, size, "VMfail %u", outcome->error);
	} else if (outcome->result) {
		snprintf(text, size, "VMfailInvalid");
	} else if (entry_rig_entered(outcome)) {
		snprintf(text, size, "entered");
	} else {
		snprintf(text, size, "exit %u qualification %llu",
			 outcome->reason & (u32)EXIT_REASON_BASIC,
			 (unsigned long long)outcome->qualification);
	}
}
