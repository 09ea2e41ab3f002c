/** @file
 * Rows that break selectors, bases and limits of guest segments, and
 * virtual-8086 mode, where everything follows from the selector
 * (SDM 3C 27.3.1.2).
 */
#include "hv/vmxtest/entry_row.h"

#define NOT_CANONICAL GUEST, WORDS("the address must be canonical")
#define NOT_32_BITS GUEST, WORDS("bits 63:32 must be 0")
#define ODD_ADDRESS BIT(47)
#define TI BIT(2)
#define LDT_RIGHTS 0x82
#define LDTR_USABLE SET(GUEST_LDTR_AR_BYTES, LDT_RIGHTS)
#define V8086 "in virtual-8086 mode (GUEST_RFLAGS.VM is 1) "
#define V8086_BASE GUEST, WORDS(V8086 "the base must be the selector times 16")
#define V8086_LIMIT GUEST, WORDS(V8086 "the limit must be 0xffff")
#define V8086_RIGHTS GUEST, WORDS(V8086 "the access rights must be 0xf3")

static const struct entry_row rows[] = {
	{ "tr_ti", ENTRY_LONG, { ON(GUEST_TR_SELECTOR, TI) }, GUEST,
	  WORDS("TI, bit 2, must be 0: TSSs are in the GDT") },
	{ "ldtr_ti", ENTRY_LONG, { ON(GUEST_LDTR_SELECTOR, TI), LDTR_USABLE }, GUEST,
	  WORDS("TI, bit 2, must be 0: LDTs are in the GDT") },
	{ "ldtr_unusable_is_not_read", ENTRY_LONG,
	  { ON(GUEST_LDTR_SELECTOR, TI), SET(GUEST_LDTR_BASE, ODD_ADDRESS),
	    SET(GUEST_LDTR_AR_BYTES, SEG_AR_UNUSABLE | 0xf0f) }, ENTERS },
	{ "ss_rpl_differs", ENTRY_LONG_PLAIN, { ON(GUEST_SS_SELECTOR, 3) }, GUEST,
	  WORDS("its RPL must equal that of CS") },
	{ "ss_rpl_differs_unrestricted", ENTRY_LONG, { ON(GUEST_SS_SELECTOR, 3) }, ENTERS },
	{ "tr_base", ENTRY_LONG, { SET(GUEST_TR_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "fs_base", ENTRY_LONG, { SET(GUEST_FS_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "gs_base", ENTRY_LONG, { SET(GUEST_GS_BASE, ODD_ADDRESS) }, NOT_CANONICAL },
	{ "fs_base_unusable", ENTRY_LONG,
	  { SET(GUEST_FS_BASE, ODD_ADDRESS), ON(GUEST_FS_AR_BYTES, SEG_AR_UNUSABLE) },
	  NOT_CANONICAL },
	{ "ldtr_base", ENTRY_LONG, { SET(GUEST_LDTR_BASE, ODD_ADDRESS), LDTR_USABLE },
	  NOT_CANONICAL },
	{ "cs_base_high", ENTRY_LONG, { SET(GUEST_CS_BASE, BIT(32)) }, NOT_32_BITS },
	{ "ss_base_high", ENTRY_LONG, { SET(GUEST_SS_BASE, BIT(32)) }, NOT_32_BITS },
	{ "ds_base_high", ENTRY_PAE, { SET(GUEST_DS_BASE, BIT(32)) }, NOT_32_BITS },
	{ "es_base_high", ENTRY_REAL, { SET(GUEST_ES_BASE, BIT(63)) }, NOT_32_BITS },
	{ "ss_base_high_unusable", ENTRY_LONG,
	  { SET(GUEST_SS_BASE, BIT(32)), ON(GUEST_SS_AR_BYTES, SEG_AR_UNUSABLE) }, ENTERS },

	{ "v8086_cs_base", ENTRY_V8086, { ON(GUEST_CS_BASE, 1) }, V8086_BASE },
	{ "v8086_ss_base", ENTRY_V8086, { ON(GUEST_SS_BASE, 16) }, V8086_BASE },
	{ "v8086_ds_base", ENTRY_V8086, { ON(GUEST_DS_BASE, BIT(20)) }, V8086_BASE },
	{ "v8086_es_base", ENTRY_V8086, { ON(GUEST_ES_BASE, 16) }, V8086_BASE },
	{ "v8086_fs_base", ENTRY_V8086, { ON(GUEST_FS_BASE, 16) }, V8086_BASE },
	{ "v8086_gs_base", ENTRY_V8086_PLAIN, { ON(GUEST_GS_BASE, 16) }, V8086_BASE },
	{ "v8086_cs_limit", ENTRY_V8086, { SET(GUEST_CS_LIMIT, 0xfffff) }, V8086_LIMIT },
	{ "v8086_ss_limit", ENTRY_V8086, { SET(GUEST_SS_LIMIT, 0xfffe) }, V8086_LIMIT },
	{ "v8086_ds_limit", ENTRY_V8086, { SET(GUEST_DS_LIMIT, 0) }, V8086_LIMIT },
	{ "v8086_es_limit", ENTRY_V8086, { SET(GUEST_ES_LIMIT, 0) }, V8086_LIMIT },
	{ "v8086_fs_limit", ENTRY_V8086, { SET(GUEST_FS_LIMIT, 0x1ffff) }, V8086_LIMIT },
	{ "v8086_gs_limit", ENTRY_V8086_PLAIN, { SET(GUEST_GS_LIMIT, 0) }, V8086_LIMIT },
	{ "v8086_cs_rights", ENTRY_V8086, { SET(GUEST_CS_AR_BYTES, 0xfb) }, V8086_RIGHTS },
	{ "v8086_ss_rights", ENTRY_V8086, { SET(GUEST_SS_AR_BYTES, 0x93) }, V8086_RIGHTS },
	{ "v8086_ds_rights", ENTRY_V8086, { SET(GUEST_DS_AR_BYTES, 0xf7) }, V8086_RIGHTS },
	{ "v8086_es_rights", ENTRY_V8086, { ON(GUEST_ES_AR_BYTES, SEG_AR_AVL) }, V8086_RIGHTS },
	{ "v8086_fs_rights", ENTRY_V8086, { ON(GUEST_FS_AR_BYTES, SEG_AR_UNUSABLE) },
	  V8086_RIGHTS },
	{ "v8086_gs_rights", ENTRY_V8086_PLAIN, { SET(GUEST_GS_AR_BYTES, 0x73) }, V8086_RIGHTS },
};

const struct entry_rows entry_rows_segment = { rows, ARRAY_SIZE(rows) };
