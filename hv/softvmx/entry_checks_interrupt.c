/** @file
 * VM-execution controls about interrupts (SDM 3C 27.2.1.1): VMfail, error 7.
 *
 * The local APIC can be virtualized in several degrees - a shadow of the task
 * priority, the register page, x2APIC mode, delivery of interrupts, interrupts
 * posted by devices - and each stands on the one before.  NMIs have three
 * controls of which each needs its predecessor, too.
 */
#include "hv/softvmx/entry_checks_row.h"

#define SECTION "27.2.1.1"
#define NOT_A_PAGE "it must be a page: bits 11:0 clear, within MAXPHYADDR"

/** Where in the virtual-APIC page the task priority is (SDM 3C 30.1.1). */
#define VTPR 0x80

static bool has_tpr_shadow(const struct entry_view *view)
{
	return view->cpu & CPU_TPR_SHADOW;
}

static bool lacks_tpr_shadow(const struct entry_view *view)
{
	return !has_tpr_shadow(view);
}

/** The threshold counts when interrupts are not delivered by the processor. */
static bool has_threshold(const struct entry_view *view)
{
	return has_tpr_shadow(view) && !(view->cpu2 & CPU2_VIRTUAL_INTERRUPTS);
}

static bool has_threshold_in_memory(const struct entry_view *view)
{
	return has_threshold(view) && !(view->cpu2 & CPU2_VIRTUALIZE_APIC);
}

static bool has_apic_page(const struct entry_view *view)
{
	return view->cpu2 & CPU2_VIRTUALIZE_APIC;
}

static bool has_x2apic(const struct entry_view *view)
{
	return view->cpu2 & CPU2_VIRTUALIZE_X2APIC;
}

static bool has_delivery(const struct entry_view *view)
{
	return view->cpu2 & CPU2_VIRTUAL_INTERRUPTS;
}

static bool has_posted(const struct entry_view *view)
{
	return view->pin & PIN_POSTED_INTERRUPTS;
}

static bool has_ipi(const struct entry_view *view)
{
	return view->cpu3 & CPU3_IPI_VIRTUALIZATION;
}

static bool is_page(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_page(value);
}

static bool is_4_bits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value >> 4);
}

/** Above the task priority, the first entry would exit at once. */
static bool threshold_is_below(const struct entry_view *view, u64 value)
{
	u64 page = entry_checks_read(VIRTUAL_APIC_PAGE_ADDR);

	(void)view;
	return bits(value, 3, 0) <=
	       bits(entry_checks_load(hpa(page + VTPR)), 7, 4);
}

static bool nmis_are_exiting(const struct entry_view *view, u64 pin)
{
	(void)view;
	return (pin & PIN_NMI_EXITING) || !(pin & PIN_VIRTUAL_NMIS);
}

static bool nmi_window_is_virtual(const struct entry_view *view, u64 cpu)
{
	return (view->pin & PIN_VIRTUAL_NMIS) ||
	       !(cpu & CPU_NMI_WINDOW_EXITING);
}

static bool is_without_apic(const struct entry_view *view, u64 cpu2)
{
	(void)view;
	return !(cpu2 & (CPU2_VIRTUALIZE_X2APIC | CPU2_APIC_REGISTERS |
			 CPU2_VIRTUAL_INTERRUPTS));
}

static bool is_one_mode(const struct entry_view *view, u64 cpu2)
{
	(void)view;
	return !(cpu2 & CPU2_VIRTUALIZE_APIC);
}

static bool interrupts_exit(const struct entry_view *view, u64 pin)
{
	(void)view;
	return pin & PIN_EXTERNAL_INTERRUPT_EXITING;
}

static bool posted_has_delivery(const struct entry_view *view, u64 pin)
{
	(void)pin;
	return has_delivery(view);
}

static bool acknowledges(const struct entry_view *view, u64 exit)
{
	(void)view;
	return exit & EXIT_ACKNOWLEDGE_INTERRUPT;
}

static bool is_vector(const struct entry_view *view, u64 value)
{
	(void)view;
	return value <= 0xff;
}

static bool is_64_bytes(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & 0x3f) && entry_checks_is_physical(value);
}

static bool ipi_has_shadow(const struct entry_view *view, u64 cpu3)
{
	(void)cpu3;
	return has_tpr_shadow(view);
}

/** A table of 8-byte entries: its last one must have an address, too. */
static bool is_pid_table(const struct entry_view *view, u64 value)
{
	u64 last = value + 8 * entry_checks_read(LAST_PID_POINTER_INDEX) + 7;

	(void)view;
	return !(value & 7) && entry_checks_is_physical(value) &&
	       entry_checks_is_physical(last);
}

static const struct entry_check checks[] = {
	{ VIRTUAL_APIC_PAGE_ADDR, SECTION, has_tpr_shadow, is_page, .rule = NOT_A_PAGE },
	{ TPR_THRESHOLD, SECTION, has_threshold, is_4_bits, .rule = "bits 31:4 must be 0" },
	{ TPR_THRESHOLD, SECTION, has_threshold_in_memory, threshold_is_below,
	  .rule = "bits 3:0 are above bits 7:4 of VTPR in the virtual-APIC page" },
	{ PIN_BASED_VM_EXEC_CONTROL, SECTION, NULL, nmis_are_exiting,
	  .rule = "\"virtual NMIs\" is set but \"NMI exiting\" is not" },
	{ CPU_BASED_VM_EXEC_CONTROL, SECTION, NULL, nmi_window_is_virtual,
	  .rule = "\"NMI-window exiting\" is set but \"virtual NMIs\" is not",
	  .other = PIN_BASED_VM_EXEC_CONTROL },
	{ APIC_ACCESS_ADDR, SECTION, has_apic_page, is_page, .rule = NOT_A_PAGE },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, lacks_tpr_shadow, is_without_apic,
	  .rule = "x2APIC mode, APIC registers and interrupt delivery need \"use TPR shadow\"",
	  .other = CPU_BASED_VM_EXEC_CONTROL },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_x2apic, is_one_mode,
	  .rule = "\"virtualize x2APIC mode\" and \"virtualize APIC accesses\" exclude each other",
	   },
	{ PIN_BASED_VM_EXEC_CONTROL, SECTION, has_delivery, interrupts_exit,
	  .rule = "\"virtual-interrupt delivery\" needs \"external-interrupt exiting\"",
	  .other = SECONDARY_VM_EXEC_CONTROL },
	{ PIN_BASED_VM_EXEC_CONTROL, SECTION, has_posted, posted_has_delivery,
	  .rule = "\"process posted interrupts\" needs \"virtual-interrupt delivery\"",
	  .other = SECONDARY_VM_EXEC_CONTROL },
	{ VM_EXIT_CONTROLS, SECTION, has_posted, acknowledges,
	  .rule = "\"process posted interrupts\" needs \"acknowledge interrupt on exit\"",
	  .other = PIN_BASED_VM_EXEC_CONTROL },
	{ POSTED_INTR_NOTIFICATION_VECTOR, SECTION, has_posted, is_vector,
	  .rule = "a vector has 8 bits: bits 15:8 must be 0" },
	{ POSTED_INTR_DESC_ADDR, SECTION, has_posted, is_64_bytes,
	  .rule = "it must be 64-byte aligned: bits 5:0 clear, within MAXPHYADDR" },
	{ TERTIARY_VM_EXEC_CONTROL, SECTION, has_ipi, ipi_has_shadow,
	  .rule = "\"IPI virtualization\" needs \"use TPR shadow\"",
	  .other = CPU_BASED_VM_EXEC_CONTROL },
	{ PID_POINTER_TABLE, SECTION, has_ipi, is_pid_table,
	  .rule = "the table must be 8-byte aligned and end within MAXPHYADDR",
	  .other = LAST_PID_POINTER_INDEX },
};

bool entry_checks_interrupts(const struct entry_view *view)
{
	return entry_checks_run(view, checks, ARRAY_SIZE(checks));
}
