/** @file
 * VM-exit and VM-entry controls (SDM 3C 27.2.1.2, 27.2.1.3): VMfail, error 7.
 *
 * What is switched between the worlds, and the three lists of MSRs that are
 * stored and loaded on the way: 16 bytes an entry, aligned to that.
 */
#include "hv/softvmx/entry_checks_row.h"

#define EXIT "27.2.1.2"
#define ENTRY "27.2.1.3"
#define NOT_A_LIST "the list must be 16-byte aligned, and its end within MAXPHYADDR"
#define NOT_MEMORY "no memory is there (a processor would not mind, softvmx does)"
#define TOO_LONG "the list is longer than softvmx takes, the 512 that IA32_VMX_MISC recommends"

#define LIST_ENTRY_SIZE 16
#define LIST_MAX 512

static bool has_exit2(const struct entry_view *view)
{
	return view->exit & EXIT_SECONDARY_CONTROLS;
}

static bool timer_is_on(const struct entry_view *view, u64 exit)
{
	return (view->pin & PIN_PREEMPTION_TIMER) ||
	       !(exit & EXIT_SAVE_PREEMPTION_TIMER);
}

/* The lists: a rule applies when the count is not 0. */

static bool has_store(const struct entry_view *view)
{
	(void)view;
	return entry_checks_read(VM_EXIT_MSR_STORE_COUNT);
}

static bool has_load(const struct entry_view *view)
{
	(void)view;
	return entry_checks_read(VM_EXIT_MSR_LOAD_COUNT);
}

static bool has_entry_load(const struct entry_view *view)
{
	(void)view;
	return entry_checks_read(VM_ENTRY_MSR_LOAD_COUNT);
}

static u64 last_byte(u64 list, enum vmcs_field count)
{
	return list + entry_checks_read(count) * LIST_ENTRY_SIZE - 1;
}

static bool is_list(u64 list, enum vmcs_field count)
{
	return !(list & (LIST_ENTRY_SIZE - 1)) &&
	       entry_checks_is_physical(list) &&
	       entry_checks_is_physical(last_byte(list, count));
}

/** The three rules of each list. */
#define LIST_RULES(name, count)                                              \
	static bool name##_fits(const struct entry_view *view, u64 list)     \
	{                                                                    \
		(void)view;                                                  \
		return is_list(list, count);                                 \
	}                                                                    \
	static bool name##_is_memory(const struct entry_view *view, u64 list) \
	{                                                                    \
		(void)view;                                                  \
		return entry_checks_is_reachable(last_byte(list, count));    \
	}

LIST_RULES(store, VM_EXIT_MSR_STORE_COUNT)
LIST_RULES(load, VM_EXIT_MSR_LOAD_COUNT)
LIST_RULES(entry_load, VM_ENTRY_MSR_LOAD_COUNT)

static bool is_short(const struct entry_view *view, u64 count)
{
	(void)view;
	return !vmx_unit_is_soft || count <= LIST_MAX;
}

static const struct entry_check exit_checks[] = {
	{ VM_EXIT_CONTROLS, EXIT, .bits = &entry_checks_exit_bits },
	{ SECONDARY_VM_EXIT_CONTROLS, EXIT, has_exit2, .bits = &entry_checks_exit2_bits },
	{ VM_EXIT_CONTROLS, EXIT, NULL, timer_is_on,
	  .rule = "\"save VMX-preemption timer value\" is set but the timer is not activated",
	  .other = PIN_BASED_VM_EXEC_CONTROL },
	{ VM_EXIT_MSR_STORE_ADDR, EXIT, has_store, store_fits,
	  .rule = NOT_A_LIST, .other = VM_EXIT_MSR_STORE_COUNT },
	{ VM_EXIT_MSR_STORE_COUNT, EXIT, NULL, is_short, .rule = TOO_LONG },
	{ VM_EXIT_MSR_STORE_ADDR, EXIT, has_store, store_is_memory, .rule = NOT_MEMORY },
	{ VM_EXIT_MSR_LOAD_ADDR, EXIT, has_load, load_fits,
	  .rule = NOT_A_LIST, .other = VM_EXIT_MSR_LOAD_COUNT },
	{ VM_EXIT_MSR_LOAD_COUNT, EXIT, NULL, is_short, .rule = TOO_LONG },
	{ VM_EXIT_MSR_LOAD_ADDR, EXIT, has_load, load_is_memory, .rule = NOT_MEMORY },
};

/** System-management mode is the firmware's: we are never in it. */
static bool stays_out_of_smm(const struct entry_view *view, u64 entry)
{
	(void)view;
	return !(entry & (ENTRY_TO_SMM | ENTRY_DEACTIVATE_DUAL_MONITOR));
}

static const struct entry_check entry_checks[] = {
	{ VM_ENTRY_CONTROLS, ENTRY, .bits = &entry_checks_entry_bits },
};

/** Behind the rules about the event, which have a file of their own. */
static const struct entry_check later_entry_checks[] = {
	{ VM_ENTRY_MSR_LOAD_ADDR, ENTRY, has_entry_load, entry_load_fits,
	  .rule = NOT_A_LIST, .other = VM_ENTRY_MSR_LOAD_COUNT },
	{ VM_ENTRY_MSR_LOAD_COUNT, ENTRY, NULL, is_short, .rule = TOO_LONG },
	{ VM_ENTRY_MSR_LOAD_ADDR, ENTRY, has_entry_load, entry_load_is_memory, .rule = NOT_MEMORY },
	{ VM_ENTRY_CONTROLS, ENTRY, NULL, stays_out_of_smm,
	  .rule = "\"entry to SMM\" and \"deactivate dual-monitor treatment\" are for SMM only" },
};

bool entry_checks_exit(const struct entry_view *view)
{
	return entry_checks_run(view, exit_checks, ARRAY_SIZE(exit_checks));
}

bool entry_checks_entry(const struct entry_view *view)
{
	return entry_checks_run(view, entry_checks, ARRAY_SIZE(entry_checks)) &&
	       entry_checks_event() &&
	       entry_checks_run(view, later_entry_checks,
				ARRAY_SIZE(later_entry_checks));
}
