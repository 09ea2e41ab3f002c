/** @file
 * Rows that break the VM-exit and VM-entry controls (SDM 3C 27.2.1.2 and
 * 27.2.1.3).
 */
#include "hv/vmxtest/entry_row.h"

#define EXIT VM_EXIT_CONTROLS
#define ENTRY VM_ENTRY_CONTROLS
#define BEYOND BIT(62)
#define NOT_A_LIST WORDS("the list must be 16-byte aligned, and its end within MAXPHYADDR")

static const struct entry_row rows[] = {
	{ "exit_reserved_1", ENTRY_LONG, { ON(EXIT, EXIT_LOAD_PKRS) }, CONTROLS,
	  WORDS("bit 29 (load PKRS) must be 0 by IA32_VMX_TRUE_EXIT_CTLS") },
	{ "exit_reserved_0", ENTRY_LONG, { OFF(EXIT, BIT(0)) }, CONTROLS,
	  WORDS("bit 0 (reserved) must be 1 by IA32_VMX_TRUE_EXIT_CTLS") },
	{ "exit_secondary", ENTRY_LONG, { ON(EXIT, EXIT_SECONDARY_CONTROLS) }, CONTROLS,
	  .words = "bit 31 (activate secondary controls) must be 0 by IA32_VMX_TRUE_EXIT_CTLS" },
	{ "timer_saved_but_off", ENTRY_LONG,
	  { ON(EXIT, EXIT_SAVE_PREEMPTION_TIMER),
	    OFF(PIN_BASED_VM_EXEC_CONTROL, PIN_PREEMPTION_TIMER) }, CONTROLS,
	  WORDS("is set but the timer is not activated"),
	  NEEDS(EXIT, EXIT_SAVE_PREEMPTION_TIMER) },
	{ "msr_store_unaligned", ENTRY_LONG,
	  { SPARE(VM_EXIT_MSR_STORE_ADDR, 8), SET(VM_EXIT_MSR_STORE_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
	{ "msr_store_beyond", ENTRY_LONG,
	  { SET(VM_EXIT_MSR_STORE_ADDR, BEYOND), SET(VM_EXIT_MSR_STORE_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
	{ "msr_store_empty_is_not_read", ENTRY_LONG, { SET(VM_EXIT_MSR_STORE_ADDR, BEYOND | 8) },
	  ENTERS },
	{ "msr_load_unaligned", ENTRY_LONG,
	  { SPARE(VM_EXIT_MSR_LOAD_ADDR, 4), SET(VM_EXIT_MSR_LOAD_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
	{ "msr_load_beyond", ENTRY_LONG,
	  { SET(VM_EXIT_MSR_LOAD_ADDR, BEYOND), SET(VM_EXIT_MSR_LOAD_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
	{ "entry_reserved_1", ENTRY_LONG, { ON(ENTRY, BIT(31)) }, CONTROLS,
	  WORDS("bit 31 (reserved) must be 0 by IA32_VMX_TRUE_ENTRY_CTLS") },
	{ "entry_reserved_0", ENTRY_LONG, { OFF(ENTRY, BIT(1)) }, CONTROLS,
	  WORDS("bit 1 (reserved) must be 1 by IA32_VMX_TRUE_ENTRY_CTLS") },
	{ "entry_to_smm", ENTRY_LONG, { ON(ENTRY, ENTRY_TO_SMM) }, CONTROLS,
	  WORDS("are for SMM only"), NEEDS(ENTRY, ENTRY_TO_SMM) },
	{ "entry_deactivate_dual_monitor", ENTRY_LONG, { ON(ENTRY, ENTRY_DEACTIVATE_DUAL_MONITOR) },
	  CONTROLS, WORDS("are for SMM only"),
	  NEEDS(ENTRY, ENTRY_DEACTIVATE_DUAL_MONITOR) },
	{ "entry_msr_unaligned", ENTRY_LONG,
	  { SPARE(VM_ENTRY_MSR_LOAD_ADDR, 8), SET(VM_ENTRY_MSR_LOAD_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
	{ "entry_msr_beyond", ENTRY_LONG,
	  { SET(VM_ENTRY_MSR_LOAD_ADDR, BEYOND), SET(VM_ENTRY_MSR_LOAD_COUNT, 1) }, CONTROLS,
	  NOT_A_LIST },
};

const struct entry_rows entry_rows_switch = { rows, ARRAY_SIZE(rows) };
