/** @file
 * Rows that break the host state (SDM 3C 27.2.2 to 27.2.4).
 */
#include "hv/vmxtest/entry_row.h"

#define NOT_CANONICAL HOST, WORDS("the address must be canonical")
#define ODD_ADDRESS BIT(47) /* bits 63:48 are not like it */
#define NOT_PLAIN HOST, WORDS("RPL and TI, bits 2:0, must be 0")
#define RPL 3
#define TI BIT(2)

static const struct entry_row rows[] = {
	{ "host_cr0_pe", ENTRY_LONG, { OFF(HOST_CR0, CR0_PE) }, HOST,
	  WORDS("bit 0 (PE) must be 1") },
	{ "host_cr0_ne", ENTRY_LONG, { OFF(HOST_CR0, CR0_NE) }, HOST,
	  WORDS("bit 5 (NE) must be 1") },
	{ "host_cr0_pg", ENTRY_LONG, { OFF(HOST_CR0, CR0_PG) }, HOST,
	  WORDS("bit 31 (PG) must be 1") },
	{ "host_cr0_32", ENTRY_LONG, { ON(HOST_CR0, BIT(32)) }, HOST,
	  .words = "bit 32 (reserved) must be 0 by IA32_VMX_CR0_FIXED0 and FIXED1" },
	{ "host_cr4_reserved", ENTRY_LONG, { ON(HOST_CR4, BIT(31)) }, HOST,
	  .words = "bit 31 (reserved) must be 0 by IA32_VMX_CR4_FIXED0 and FIXED1" },
	{ "host_cr3_beyond", ENTRY_LONG, { ON(HOST_CR3, BIT(52)) }, HOST,
	  WORDS("bits beyond MAXPHYADDR must be 0") },
	{ "host_sysenter_esp", ENTRY_LONG, { SET(HOST_SYSENTER_ESP, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_sysenter_eip", ENTRY_LONG, { SET(HOST_SYSENTER_EIP, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_pat_type_2", ENTRY_LONG, { SET(HOST_IA32_PAT, 0x0007040600070402) }, HOST,
	  WORDS("each byte must be a memory type"),
	  NEEDS(EXIT, EXIT_LOAD_PAT) },
	{ "host_pat_type_8", ENTRY_LONG, { ON(HOST_IA32_PAT, BIT(59)) }, HOST,
	  WORDS("each byte must be a memory type"),
	  NEEDS(EXIT, EXIT_LOAD_PAT) },
	{ "host_efer_reserved", ENTRY_LONG, { ON(HOST_IA32_EFER, BIT(63)) }, HOST,
	  WORDS("bit 63 (reserved) must be 0 by the definition of IA32_EFER") },
	{ "host_efer_lma", ENTRY_LONG, { OFF(HOST_IA32_EFER, EFER_LMA) }, HOST,
	  WORDS("LMA and LME must both equal") },
	{ "host_efer_lme", ENTRY_LONG, { OFF(HOST_IA32_EFER, EFER_LME) }, HOST,
	  WORDS("LMA and LME must both equal") },
	{ "host_cs_rpl", ENTRY_LONG, { ON(HOST_CS_SELECTOR, RPL) }, NOT_PLAIN },
	{ "host_cs_ti", ENTRY_LONG, { ON(HOST_CS_SELECTOR, TI) }, NOT_PLAIN },
	{ "host_ss_rpl", ENTRY_LONG, { ON(HOST_SS_SELECTOR, RPL) }, NOT_PLAIN },
	{ "host_ds_ti", ENTRY_LONG, { ON(HOST_DS_SELECTOR, TI) }, NOT_PLAIN },
	{ "host_es_rpl", ENTRY_LONG, { ON(HOST_ES_SELECTOR, 1) }, NOT_PLAIN },
	{ "host_fs_ti", ENTRY_LONG, { ON(HOST_FS_SELECTOR, TI) }, NOT_PLAIN },
	{ "host_gs_rpl", ENTRY_LONG, { ON(HOST_GS_SELECTOR, 2) }, NOT_PLAIN },
	{ "host_tr_rpl", ENTRY_LONG, { ON(HOST_TR_SELECTOR, RPL) }, NOT_PLAIN },
	{ "host_tr_ti", ENTRY_LONG, { ON(HOST_TR_SELECTOR, TI) }, NOT_PLAIN },
	{ "host_cs_0", ENTRY_LONG, { SET(HOST_CS_SELECTOR, 0) }, HOST, WORDS("it must not be 0") },
	{ "host_tr_0", ENTRY_LONG, { SET(HOST_TR_SELECTOR, 0) }, HOST, WORDS("it must not be 0") },
	{ "host_fs_base", ENTRY_LONG, { SET(HOST_FS_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_gs_base", ENTRY_LONG, { SET(HOST_GS_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_gdtr_base", ENTRY_LONG, { SET(HOST_GDTR_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_idtr_base", ENTRY_LONG, { SET(HOST_IDTR_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_tr_base", ENTRY_LONG, { SET(HOST_TR_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_32bit", ENTRY_LONG,
	  { OFF(VM_EXIT_CONTROLS, EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_LOAD_EFER) }, HOST,
	  .words = "\"host address-space size\" must be 1 when VMLAUNCH is executed" },
	{ "host_32bit_efer", ENTRY_LONG, { OFF(VM_EXIT_CONTROLS, EXIT_HOST_ADDRESS_SPACE_SIZE) },
	  HOST,
	  WORDS("LMA and LME must both equal \"host address-space size\""),
	  .blames = HOST_IA32_EFER },
	{ "host_cr4_pae", ENTRY_LONG, { OFF(HOST_CR4, CR4_PAE) }, HOST,
	  WORDS("PAE must be 1 for a 64-bit host") },
	{ "host_rip", ENTRY_LONG, { SET(HOST_RIP, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "host_rip_high", ENTRY_LONG, { SET(HOST_RIP, BIT(63)) }, NOT_CANONICAL },
};

const struct entry_rows entry_rows_host = { rows, ARRAY_SIZE(rows) };
