/** @file
 * Rows that break what VM entry looks up in memory: the VMCS link pointer
 * (SDM 3C 27.3.1.5), PDPTEs (27.3.1.6), and the MSR-load list (27.4).
 */
#include "hv/vmxtest/entry_row.h"
#include "hv/x86/msr.h"

#define LINK VMCS_LINK_POINTER
#define NOT_A_PAGE QUALIFIED(4), WORDS("it must be ~0, or a page: bits 11:0 clear")
#define BEYOND BIT(62)
#define NOT_A_PDPTE QUALIFIED(2), WORDS("bits 8:5, 2:1 and beyond MAXPHYADDR must be 0")
#define BAD_PDPT QUALIFIED(2), WORDS("a PDPTE there is present with bits 8:5")
#define P 1ull
/* A list of so many entries at the spare page. */
#define MSR_LIST(n) \
	{ SPARE(VM_ENTRY_MSR_LOAD_ADDR, 0), SET(VM_ENTRY_MSR_LOAD_COUNT, n) }
#define HARMLESS MSR_IA32_KERNEL_GS_BASE, 0
#define BEGINS(text) .words = text, .blames = ~0u

static const struct entry_row rows[] = {
	{ "link_unaligned", ENTRY_LONG, { SPARE(LINK, 8) }, NOT_A_PAGE, .first = FIRST_REVISION },
	{ "link_beyond", ENTRY_LONG, { SET(LINK, BEYOND) }, NOT_A_PAGE },
	{ "link_other_revision", ENTRY_LONG, { SPARE(LINK, 0) }, QUALIFIED(4),
	  WORDS("the VMCS there must have this processor's revision"),
	  .first = FIRST_OTHER },
	{ "link_shadow_vmcs", ENTRY_LONG, { SPARE(LINK, 0) }, QUALIFIED(4),
	  WORDS("bit 31 of the VMCS there must equal the control"),
	  .first = FIRST_SHADOW },
	{ "link_no_shadow_vmcs", ENTRY_LONG,
	  { SPARE(LINK, 0), ON(SECONDARY_VM_EXEC_CONTROL, CPU2_VMCS_SHADOWING) }, QUALIFIED(4),
	  WORDS("bit 31 of the VMCS there must equal the control"),
	  .first = FIRST_REVISION, NEEDS(CPU2, CPU2_VMCS_SHADOWING) },
	{ "link_current_vmcs", ENTRY_LONG, { CURRENT(LINK) }, QUALIFIED(4),
	  WORDS("it must not be the current VMCS") },
	{ "link_another_vmcs", ENTRY_LONG, { SPARE(LINK, 0) }, .first = FIRST_REVISION },

	{ "pdpte_reserved_1", ENTRY_PAE, { ON(GUEST_PDPTE0, BIT(1)) }, NOT_A_PDPTE },
	{ "pdpte_reserved_8", ENTRY_PAE, { SET(GUEST_PDPTE1, P | BIT(8)) }, NOT_A_PDPTE },
	{ "pdpte_reserved_5", ENTRY_PAE_PLAIN, { SET(GUEST_PDPTE2, P | BIT(5)) }, NOT_A_PDPTE },
	{ "pdpte_beyond", ENTRY_PAE, { SET(GUEST_PDPTE3, P | BEYOND) }, NOT_A_PDPTE },
	{ "pdpte_not_present_is_not_read", ENTRY_PAE, { SET(GUEST_PDPTE3, BEYOND | BIT(1)) },
	  ENTERS },
	{ "pdpte_outside_of_pae_is_not_read", ENTRY_LONG, { SET(GUEST_PDPTE0, P | BEYOND) },
	  ENTERS },
	{ "pdpte_without_ept_is_not_read", ENTRY_PAE_NO_EPT, { SET(GUEST_PDPTE0, P | BEYOND) },
	  ENTERS },
	{ "pdpte_in_memory_reserved", ENTRY_PAE_NO_EPT, { SPARE(GUEST_CR3, 0) }, BAD_PDPT,
	  .spare = { P | BIT(1) } },
	{ "pdpte_in_memory_beyond", ENTRY_PAE_NO_EPT, { SPARE(GUEST_CR3, 0) }, BAD_PDPT,
	  .spare = { 0, 0, 0, P | BEYOND } },

	{ "msr_fs_base", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("entry 1 of the list is MSR 0xc0000100"),
	  .spare = { MSR_IA32_FS_BASE, 0 } },
	{ "msr_gs_base", ENTRY_LONG, MSR_LIST(2), MSR_ENTRY(2),
	  BEGINS("entry 2 of the list is MSR 0xc0000101"),
	  .spare = { HARMLESS, MSR_IA32_GS_BASE, 0 } },
	{ "msr_reserved_bits", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("bits 63:32 of the entry are reserved"),
	  .spare = { MSR_IA32_KERNEL_GS_BASE | BIT(32), 0 } },
	{ "msr_x2apic", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("registers of the x2APIC are never loaded"),
	  .spare = { 0x808, 0 } },
	{ "msr_smm_monitor", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("IA32_SMM_MONITOR_CTL can be written in SMM only"),
	  .spare = { 0x9b, 0 } },
	{ "msr_microcode", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("a microcode update cannot be loaded so"),
	  .spare = { 0x79, 0 } },
	{ "msr_not_canonical", ENTRY_LONG, MSR_LIST(2), MSR_ENTRY(2),
	  BEGINS("this MSR takes canonical addresses only"),
	  .spare = { HARMLESS, MSR_IA32_LSTAR, BIT(47) } },
	{ "msr_efer_reserved", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("reserved bits of IA32_EFER must be 0"),
	  .spare = { MSR_IA32_EFER, BIT(63) } },
	{ "msr_efer_lme", ENTRY_PAE, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("IA32_EFER.LME cannot change while paging is on"),
	  .spare = { MSR_IA32_EFER, EFER_LME } },
	{ "msr_pat", ENTRY_LONG, MSR_LIST(1), MSR_ENTRY(1),
	  BEGINS("each byte of IA32_PAT must be 0, 1, 4, 5, 6 or 7"),
	  .spare = { MSR_IA32_PAT, 2 } },
	{ "msr_loads", ENTRY_LONG, MSR_LIST(2), .spare = { HARMLESS, MSR_IA32_KERNEL_GS_BASE, 0 } },
};

const struct entry_rows entry_rows_memory = { rows, ARRAY_SIZE(rows) };
