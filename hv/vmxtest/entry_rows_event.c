/** @file
 * Rows that break the event to be injected (SDM 3C 27.2.1.3).
 */
#include "hv/vmxtest/entry_row.h"
#include "hv/x86/trap.h"

/** An event word. */
#define EVENT(type, vector) \
	SET(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | (type) << 8 | (vector))
#define EVENT_WITH_CODE(type, vector)                                      \
	SET(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | INTR_INFO_HAS_ERROR_CODE | \
					(type) << 8 | (vector))
#define LENGTH(n) SET(VM_ENTRY_INSTRUCTION_LEN, n)
#define BAD_TYPE WORDS("the type, bits 10:8, must not be 1")
#define BAD_VECTOR WORDS("the vector, bits 7:0, must be 2 for an NMI")
#define BAD_CODE WORDS("bit 11 must be 1 for exceptions with an error code")
#define NO_CODE WORDS("bit 11: only a hardware exception outside of real mode")
#define BAD_LENGTH WORDS("has 1 to 15 bytes")
#define BLAMES(field) .blames = field

static const struct entry_row rows[] = {
	{ "event_type_1", ENTRY_LONG, { EVENT(1, 3) }, CONTROLS, BAD_TYPE },
	{ "event_type_7", ENTRY_LONG, { EVENT(INTR_TYPE_OTHER, 1) }, CONTROLS, WORDS("the ") },
	{ "event_nmi_vector_3", ENTRY_LONG, { EVENT(INTR_TYPE_NMI, 3) }, CONTROLS, BAD_VECTOR },
	{ "event_exception_32", ENTRY_LONG, { EVENT(INTR_TYPE_HARD_EXCEPTION, 32) }, CONTROLS,
	  BAD_VECTOR },
	{ "event_gp_without_code", ENTRY_LONG, { EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP) },
	  CONTROLS, BAD_CODE },
	{ "event_ud_with_code", ENTRY_LONG,
	  { EVENT_WITH_CODE(INTR_TYPE_HARD_EXCEPTION, VECTOR_UD) }, CONTROLS, BAD_CODE },
	{ "event_gp_without_code_plain", ENTRY_LONG_PLAIN,
	  { EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP) }, CONTROLS, BAD_CODE },
	{ "event_interrupt_with_code", ENTRY_LONG, { EVENT_WITH_CODE(INTR_TYPE_EXTERNAL, 32) },
	  CONTROLS, NO_CODE },
	{ "event_nmi_with_code", ENTRY_LONG, { EVENT_WITH_CODE(INTR_TYPE_NMI, 2) }, CONTROLS,
	  NO_CODE },
	{ "event_code_in_real_mode", ENTRY_REAL,
	  { EVENT_WITH_CODE(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP) }, CONTROLS, NO_CODE },
	{ "event_gp_in_real_mode", ENTRY_REAL, { EVENT(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP) },
	  ENTERS },
	{ "event_reserved_12", ENTRY_LONG,
	  { SET(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | BIT(12) | 32) }, CONTROLS,
	  WORDS("bits 30:12 are reserved and must be 0") },
	{ "event_reserved_30", ENTRY_LONG,
	  { SET(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | BIT(30) | 32) }, CONTROLS,
	  WORDS("bits 30:12 are reserved and must be 0") },
	{ "event_not_valid_is_not_read", ENTRY_LONG, { SET(VM_ENTRY_INTR_INFO, BITS(30, 0)) },
	  ENTERS },
	{ "event_error_code_16", ENTRY_LONG,
	  { EVENT_WITH_CODE(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP),
	    SET(VM_ENTRY_EXCEPTION_ERROR_CODE, BIT(16)) }, CONTROLS,
	  WORDS("bits 31:16 of the error code"),
	  BLAMES(VM_ENTRY_EXCEPTION_ERROR_CODE) },
	{ "event_error_code_31", ENTRY_LONG,
	  { EVENT_WITH_CODE(INTR_TYPE_HARD_EXCEPTION, VECTOR_GP),
	    SET(VM_ENTRY_EXCEPTION_ERROR_CODE, BIT(31)) }, CONTROLS,
	  WORDS("bits 31:16 of the error code"),
	  BLAMES(VM_ENTRY_EXCEPTION_ERROR_CODE) },
	{ "event_int_length_0", ENTRY_LONG, { EVENT(INTR_TYPE_SOFT_INTERRUPT, 0x80), LENGTH(0) },
	  CONTROLS, BAD_LENGTH, BLAMES(VM_ENTRY_INSTRUCTION_LEN) },
	{ "event_int_length_16", ENTRY_LONG, { EVENT(INTR_TYPE_SOFT_INTERRUPT, 0x80), LENGTH(16) },
	  CONTROLS, BAD_LENGTH, BLAMES(VM_ENTRY_INSTRUCTION_LEN) },
	{ "event_int1_length_16", ENTRY_LONG,
	  { EVENT(INTR_TYPE_PRIV_SOFT_EXCEPTION, VECTOR_DB), LENGTH(16) }, CONTROLS, BAD_LENGTH,
	  BLAMES(VM_ENTRY_INSTRUCTION_LEN) },
	{ "event_int3_length_16", ENTRY_LONG,
	  { EVENT(INTR_TYPE_SOFT_EXCEPTION, VECTOR_BP), LENGTH(16) }, CONTROLS, BAD_LENGTH,
	  BLAMES(VM_ENTRY_INSTRUCTION_LEN) },
};

const struct entry_rows entry_rows_event = { rows, ARRAY_SIZE(rows) };
