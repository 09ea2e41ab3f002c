/** @file
 * Rows that break access rights of guest segments (SDM 3C 27.3.1.2).
 */
#include "hv/vmxtest/entry_row.h"

#define CS GUEST_CS_AR_BYTES
#define SS GUEST_SS_AR_BYTES
#define DS GUEST_DS_AR_BYTES
#define TR GUEST_TR_AR_BYTES
#define LDTR GUEST_LDTR_AR_BYTES
#define S SEG_AR_S
#define P SEG_AR_P
#define NOT_CODE GUEST, WORDS("the type must be accessed code, 9, 11, 13 or 15")
#define NOT_STACK GUEST, WORDS("the type must be writable accessed data: 3 or 7")
#define NOT_DATA GUEST, WORDS("the type must be accessed, and readable if it is code")
#define NOT_S GUEST, WORDS("S, bit 4, must be 1 for code and data")
#define NOT_P GUEST, WORDS("P, bit 7, must be 1: the segment must be present")
#define RESERVED GUEST, WORDS("bits 31:17 and 11:8 are reserved and must be 0")
#define TOO_FINE GUEST, WORDS("G must be 0: not all of the limit's bits 11:0 are 1")
#define TOO_FAR GUEST, WORDS("G must be 1: the limit has bits set in 31:20")
#define CS_DPL GUEST, WORDS("the DPL must equal that of SS")
#define DATA_DPL GUEST, WORDS("the DPL must not be less than the selector's RPL")
#define LDT_RIGHTS 0x82
#define BLAMES(field) .blames = field

static const struct entry_row rows[] = {
	{ "cs_type_data", ENTRY_LONG_PLAIN, { SET(CS, 0xa093) }, NOT_CODE },
	{ "cs_type_not_accessed", ENTRY_LONG, { SET(CS, 0xa09a) }, NOT_CODE },
	{ "cs_type_expand_down", ENTRY_REAL, { SET(CS, 0x97) }, NOT_CODE },
	{ "ss_type_read_only", ENTRY_LONG, { SET(SS, 0xc091) }, NOT_STACK },
	{ "ss_type_code", ENTRY_LONG, { SET(SS, 0xc09b) }, NOT_STACK },
	{ "ss_type_expand_down", ENTRY_LONG, { SET(SS, 0xc097) }, ENTERS },
	{ "ss_unusable_is_not_read", ENTRY_LONG, { SET(SS, SEG_AR_UNUSABLE | 0xf0d) }, ENTERS },
	{ "ds_type_not_accessed", ENTRY_LONG, { SET(DS, 0xc092) }, NOT_DATA },
	{ "es_type_execute_only", ENTRY_LONG, { SET(GUEST_ES_AR_BYTES, 0xc099) }, NOT_DATA },
	{ "fs_type_not_accessed", ENTRY_PAE, { SET(GUEST_FS_AR_BYTES, 0xc09a) }, NOT_DATA },
	{ "gs_type_not_accessed", ENTRY_REAL, { SET(GUEST_GS_AR_BYTES, 0x92) }, NOT_DATA },
	{ "ds_unusable_is_not_read", ENTRY_LONG, { SET(DS, SEG_AR_UNUSABLE | 0xf00) }, ENTERS },
	{ "cs_s", ENTRY_LONG, { OFF(CS, S) }, NOT_S },
	{ "ss_s", ENTRY_LONG, { OFF(SS, S) }, NOT_S },
	{ "ds_s", ENTRY_LONG, { OFF(DS, S) }, NOT_S },
	{ "es_s", ENTRY_LONG, { OFF(GUEST_ES_AR_BYTES, S) }, NOT_S },
	{ "fs_s", ENTRY_LONG, { OFF(GUEST_FS_AR_BYTES, S) }, NOT_S },
	{ "gs_s", ENTRY_LONG, { OFF(GUEST_GS_AR_BYTES, S) }, NOT_S },
	{ "cs_dpl_above_ss", ENTRY_LONG, { SET(CS, 0xa0fb) }, CS_DPL },
	{ "cs_dpl_below_ss", ENTRY_LONG_USER, { SET(CS, 0xa09b) }, CS_DPL },
	{ "cs_conforming_dpl_above_ss", ENTRY_LONG, { SET(CS, 0xa0ff) }, CS_DPL },
	{ "cs_conforming_dpl_below_ss", ENTRY_LONG_USER, { SET(CS, 0xa09f) }, ENTERS },
	{ "cs_data_dpl_3", ENTRY_REAL, { SET(CS, 0xf3) }, CS_DPL },
	{ "ss_dpl_differs_from_rpl", ENTRY_LONG_PLAIN, { SET(SS, 0xc0f3), SET(CS, 0xa0fb) }, GUEST,
	  WORDS("the DPL must equal the selector's RPL") },
	{ "ss_dpl_in_real_mode", ENTRY_REAL, { SET(SS, 0xf3), SET(CS, 0xfb) }, GUEST,
	  WORDS("the DPL must be 0 in real mode") },
	{ "ss_dpl_with_cs_data", ENTRY_PROTECTED_16, { SET(SS, 0xf3), SET(CS, 0x93) }, GUEST,
	  WORDS("when the type of CS is 3") },
	{ "ds_dpl_below_rpl", ENTRY_LONG_PLAIN, { SET(GUEST_DS_SELECTOR, 0x13) }, DATA_DPL,
	  BLAMES(DS) },
	{ "es_dpl_below_rpl", ENTRY_LONG_PLAIN, { SET(GUEST_ES_SELECTOR, 0x11) }, DATA_DPL,
	  BLAMES(GUEST_ES_AR_BYTES) },
	{ "fs_dpl_below_rpl", ENTRY_PAE_PLAIN, { SET(GUEST_FS_SELECTOR, 0x13) }, DATA_DPL,
	  BLAMES(GUEST_FS_AR_BYTES) },
	{ "gs_dpl_below_rpl", ENTRY_PAE_PLAIN, { SET(GUEST_GS_SELECTOR, 0x12) }, DATA_DPL,
	  BLAMES(GUEST_GS_AR_BYTES) },
	{ "ds_dpl_below_rpl_unrestricted", ENTRY_LONG, { SET(GUEST_DS_SELECTOR, 0x13) }, ENTERS },
	{ "ds_conforming_dpl_below_rpl", ENTRY_LONG_PLAIN,
	  { SET(GUEST_DS_SELECTOR, 0x13), SET(DS, 0xc09f) }, ENTERS },
	{ "cs_p", ENTRY_LONG, { OFF(CS, P) }, NOT_P },
	{ "ss_p", ENTRY_LONG, { OFF(SS, P) }, NOT_P },
	{ "ds_p", ENTRY_LONG, { OFF(DS, P) }, NOT_P },
	{ "es_p", ENTRY_LONG, { OFF(GUEST_ES_AR_BYTES, P) }, NOT_P },
	{ "fs_p", ENTRY_LONG, { OFF(GUEST_FS_AR_BYTES, P) }, NOT_P },
	{ "gs_p", ENTRY_LONG, { OFF(GUEST_GS_AR_BYTES, P) }, NOT_P },
	{ "cs_reserved_8", ENTRY_LONG, { ON(CS, BIT(8)) }, RESERVED },
	{ "cs_reserved_17", ENTRY_LONG, { ON(CS, BIT(17)) }, RESERVED },
	{ "ss_reserved_11", ENTRY_LONG, { ON(SS, BIT(11)) }, RESERVED },
	{ "ds_reserved_31", ENTRY_LONG, { ON(DS, BIT(31)) }, RESERVED },
	{ "es_reserved_9", ENTRY_LONG, { ON(GUEST_ES_AR_BYTES, BIT(9)) }, RESERVED },
	{ "fs_reserved_10", ENTRY_LONG, { ON(GUEST_FS_AR_BYTES, BIT(10)) }, RESERVED },
	{ "gs_reserved_20", ENTRY_LONG, { ON(GUEST_GS_AR_BYTES, BIT(20)) }, RESERVED },
	{ "cs_long_and_32bit", ENTRY_LONG, { ON(CS, SEG_AR_DB) }, GUEST,
	  WORDS("D/B, bit 14, must be 0 in 64-bit code") },
	{ "cs_long_outside_of_ia32e", ENTRY_PAE, { ON(CS, SEG_AR_L) }, ENTERS },
	{ "cs_limit_fine", ENTRY_LONG, { SET(GUEST_CS_LIMIT, 0xfffffffe) }, TOO_FINE, BLAMES(CS) },
	{ "cs_limit_far", ENTRY_PAE, { OFF(CS, SEG_AR_G) }, TOO_FAR },
	{ "ss_limit_fine", ENTRY_LONG, { SET(GUEST_SS_LIMIT, 0) }, TOO_FINE, BLAMES(SS) },
	{ "ss_limit_far", ENTRY_LONG, { OFF(SS, SEG_AR_G) }, TOO_FAR },
	{ "ds_limit_fine", ENTRY_LONG, { SET(GUEST_DS_LIMIT, 0xfffffeff) }, TOO_FINE, BLAMES(DS) },
	{ "es_limit_fine", ENTRY_LONG, { SET(GUEST_ES_LIMIT, 0xfffffffd) }, TOO_FINE,
	  BLAMES(GUEST_ES_AR_BYTES) },
	{ "fs_limit_fine", ENTRY_LONG, { SET(GUEST_FS_LIMIT, 1) }, TOO_FINE,
	  BLAMES(GUEST_FS_AR_BYTES) },
	{ "gs_limit_fine", ENTRY_LONG, { SET(GUEST_GS_LIMIT, 0xfffff7ff) }, TOO_FINE,
	  BLAMES(GUEST_GS_AR_BYTES) },
	{ "ds_limit_far", ENTRY_REAL, { SET(GUEST_DS_LIMIT, 0x100000) }, TOO_FAR, BLAMES(DS) },
	{ "es_limit_far", ENTRY_LONG, { OFF(GUEST_ES_AR_BYTES, SEG_AR_G) }, TOO_FAR },
	{ "fs_limit_far", ENTRY_LONG, { OFF(GUEST_FS_AR_BYTES, SEG_AR_G) }, TOO_FAR },
	{ "gs_limit_far", ENTRY_LONG, { OFF(GUEST_GS_AR_BYTES, SEG_AR_G) }, TOO_FAR },

	{ "tr_type_available", ENTRY_LONG, { SET(TR, 0x89) }, GUEST,
	  WORDS("the type must be 11, busy TSS, or 3 outside of IA-32e mode") },
	{ "tr_type_16bit_in_ia32e", ENTRY_LONG, { SET(TR, 0x83) }, GUEST,
	  WORDS("the type must be 11, busy TSS, or 3 outside of IA-32e mode") },
	{ "tr_type_16bit", ENTRY_PAE, { SET(TR, 0x83) }, ENTERS },
	{ "tr_s", ENTRY_LONG, { ON(TR, S) }, GUEST, WORDS("S, bit 4, must be 0 for a TSS") },
	{ "tr_p", ENTRY_LONG, { OFF(TR, P) }, NOT_P },
	{ "tr_reserved", ENTRY_LONG, { ON(TR, BIT(8)) }, RESERVED },
	{ "tr_limit_fine", ENTRY_LONG, { ON(TR, SEG_AR_G) }, TOO_FINE },
	{ "tr_limit_far", ENTRY_LONG, { SET(GUEST_TR_LIMIT, BIT(20)) }, TOO_FAR, BLAMES(TR) },
	{ "tr_unusable", ENTRY_LONG, { ON(TR, SEG_AR_UNUSABLE) }, GUEST,
	  WORDS("bit 16 must be 0: TR must be usable") },
	{ "ldtr_type", ENTRY_LONG, { SET(LDTR, LDT_RIGHTS | 1) }, GUEST,
	  WORDS("the type must be 2, LDT") },
	{ "ldtr_s", ENTRY_LONG, { SET(LDTR, LDT_RIGHTS | S) }, GUEST,
	  WORDS("S, bit 4, must be 0 for an LDT") },
	{ "ldtr_p", ENTRY_LONG, { SET(LDTR, 2) }, NOT_P },
	{ "ldtr_reserved", ENTRY_LONG, { SET(LDTR, LDT_RIGHTS | BIT(11)) }, RESERVED },
	{ "ldtr_limit_fine", ENTRY_LONG,
	  { SET(LDTR, LDT_RIGHTS | SEG_AR_G), SET(GUEST_LDTR_LIMIT, 7) }, TOO_FINE },
	{ "ldtr_limit_far", ENTRY_LONG, { SET(LDTR, LDT_RIGHTS), SET(GUEST_LDTR_LIMIT, BIT(31)) },
	  TOO_FAR },
};

const struct entry_rows entry_rows_rights = { rows, ARRAY_SIZE(rows) };
