/** @file
 * Where Bochs 2.7 does not do what the manual says about VM entry.
 *
 * Bochs is written by other hands from the same manual, which is why its
 * answers are worth comparing.  Each row below is a difference that was looked
 * at: which row of the tests, what Bochs does, and why.  It is asserted, not
 * skipped: a Bochs that does otherwise fails the test, and the row has to go.
 */
#include "hv/vmxtest/entry_bochs.h"

#include "hv/lib/string.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "hv/x86/machine.h"

#define NOT_LOOKED_AT(what) .why = "does not look at " what

static const struct entry_bochs rows[] = {
	{ "entry_to_smm", .reason = 33,
	  .why = "looked at with the guest state: the entry fails, not the instruction" },
	{ "event_type_7", .dies = true,
	  .why = "a pending MTF is accepted although MTF is not offered, and then unknown" },
	{ "debugctl_reserved", NOT_LOOKED_AT("IA32_DEBUGCTL: it has none") },
	{ "ia32e_without_pg", NOT_LOOKED_AT("CR0.PG when the guest is unrestricted") },
	{ "perf_global_ctrl_reserved", NOT_LOOKED_AT("IA32_PERF_GLOBAL_CTRL: it has none") },
	{ "rip_48", NOT_LOOKED_AT("bits 63:48 of RIP; the fetch faults in the guest") },
	{ "rip_63", NOT_LOOKED_AT("bits 63:48 of RIP; the fetch faults in the guest") },
	{ "vm_in_real_mode", NOT_LOOKED_AT("CR0.PE when RFLAGS.VM is set") },
	{ "hlt_and_exception", NOT_LOOKED_AT("what wakes a processor from HLT") },
	{ "hlt_and_software_interrupt", NOT_LOOKED_AT("what wakes a processor from HLT") },
	{ "blocking_sti_and_nmi", .reason = 33, .qualification = 0,
	  .why = "refuses it as it should, but has no qualification 3" },
	{ "blocking_nmi_and_virtual_nmi", NOT_LOOKED_AT("NMI blocking when it injects an NMI") },
	{ "pending_reserved_63", NOT_LOOKED_AT("bits 63:32 of pending debug exceptions") },
	{ "pending_bs_behind_sti_without_tf", NOT_LOOKED_AT("BS") },
	{ "pending_bs_missing_behind_sti", NOT_LOOKED_AT("BS") },
	{ "pending_bs_missing_behind_mov_ss", NOT_LOOKED_AT("BS") },
	{ "pending_bs_missing_in_hlt", NOT_LOOKED_AT("BS") },
	{ "pending_bs_with_btf_behind_sti", NOT_LOOKED_AT("BS") },
	{ "msr_smm_monitor", .why = "WRMSR there ignores MSRs that it does not know" },
	{ "msr_microcode", .why = "WRMSR there ignores MSRs that it does not know" },
};

#define ANY_MODE ~0u
#define LONG_MODE BIT(ENTRY_LONG)

static const struct entry_bochs_bits bits_rows[] = {
	{ VM_ENTRY_CONTROLS, ENTRY_TO_SMM, ANY_MODE, .reason = 33, .why = "as row entry_to_smm" },
	{ VM_ENTRY_MSR_LOAD_COUNT, BITS(31, 28), ANY_MODE, .error = 7,
	  .why = "computes the length of the list in 32 bits" },
	{ GUEST_IA32_DEBUGCTL, BITS(63, 0), ANY_MODE, NOT_LOOKED_AT("IA32_DEBUGCTL") },
	{ GUEST_CR0, CR0_PG, LONG_MODE, .why = "as row ia32e_without_pg" },
	{ GUEST_RIP, BITS(63, 48), LONG_MODE, .why = "as row rip_48" },
	{ GUEST_PENDING_DBG_EXCEPTIONS, BITS(63, 32), ANY_MODE,
	  .why = "as row pending_reserved_63" },
	{ GUEST_CS_SELECTOR, BITS(1, 0), LONG_MODE, .reason = 33,
	  .why = "compares the DPL of CS with its RPL, not with the DPL of SS" },
	{ GUEST_SS_AR_BYTES, SEG_AR_DPL, LONG_MODE,
	  .why = "compares the DPL of CS with its RPL, not with the DPL of SS" },
};

static bool is_here(void)
{
	return !vmx_unit_is_soft && machine_is_bochs();
}

const struct entry_bochs_bits *entry_bochs_find_bit(u32 field,
						    unsigned int bit,
						    enum entry_mode mode)
{
	if (!is_here()) {
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(bits_rows); i++) {
		const struct entry_bochs_bits *row = &bits_rows[i];

		if (row->field == field && (row->bits & BIT(bit)) &&
		    (row->modes & BIT(mode))) {
			return row;
		}
	}
	return NULL;
}

const struct entry_bochs *entry_bochs_find(const char *name)
{
	if (!is_here()) {
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}
