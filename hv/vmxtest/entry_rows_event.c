/** @file
 * Rows that break the event to be injected (SDM 3C 27.2.1.3), and some that
 * break two rules at once: the one that stands first in the manual is told.
 */
#include "hv/vmxtest/entry_row.h"
#include "hv/x86/msr.h"
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
#define BAD_LIST WORDS("the list must be 16-byte aligned")
#define BAD_FLAGS WORDS("bit 1 must be 1")
#define BAD_TR SET(GUEST_TR_SELECTOR, 4)
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

	{ "exit_list_comes_before_event", ENTRY_LONG,
	  { SET(VM_EXIT_MSR_LOAD_ADDR, 8), SET(VM_EXIT_MSR_LOAD_COUNT, 1), EVENT(1, 3) },
	  CONTROLS, BAD_LIST },
	{ "event_comes_before_entry_list", ENTRY_LONG,
	  { EVENT(1, 3), SET(VM_ENTRY_MSR_LOAD_COUNT, 1), SET(VM_ENTRY_MSR_LOAD_ADDR, 8) },
	  CONTROLS, BAD_TYPE },
	{ "controls_come_before_host", ENTRY_LONG,
	  { ON(IO_BITMAP_A, 8), SET(HOST_CS_SELECTOR, 0) }, CONTROLS, WORDS("must be a page") },
	{ "host_comes_before_guest", ENTRY_LONG,
	  { SET(HOST_CS_SELECTOR, 0), SET(GUEST_RFLAGS, 0) }, HOST, WORDS("must not be 0") },
	{ "registers_come_before_segments", ENTRY_LONG,
	  { OFF(GUEST_CR4, CR4_PAE), BAD_TR }, GUEST, WORDS("PAE must be 1") },
	{ "segments_come_before_rflags", ENTRY_LONG,
	  { BAD_TR, SET(GUEST_RFLAGS, 0) }, GUEST, WORDS("TI, bit 2, must be 0") },
	{ "rflags_come_before_link", ENTRY_LONG,
	  { SET(GUEST_RFLAGS, 0), SET(VMCS_LINK_POINTER, 8) }, GUEST, BAD_FLAGS },
	{ "guest_comes_before_entry_list", ENTRY_LONG,
	  { SET(GUEST_RFLAGS, 0), SPARE(VM_ENTRY_MSR_LOAD_ADDR, 0),
	    SET(VM_ENTRY_MSR_LOAD_COUNT, 1) }, GUEST, BAD_FLAGS,
	  .spare = { MSR_IA32_FS_BASE, 0 } },
};

const struct entry_rows entry_rows_event = { rows, ARRAY_SIZE(rows) };
