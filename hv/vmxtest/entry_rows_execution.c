/** @file
 * Rows that break the VM-execution controls (SDM 3C 27.2.1.1), but for those of
 * address translation.
 */
#include "hv/vmxtest/entry_row.h"

#define PIN PIN_BASED_VM_EXEC_CONTROL
#define CPU CPU_BASED_VM_EXEC_CONTROL
#define CPU2 SECONDARY_VM_EXEC_CONTROL
#define CPU3 TERTIARY_VM_EXEC_CONTROL
#define NOT_A_PAGE WORDS("it must be a page: bits 11:0 clear, within MAXPHYADDR")
#define BEYOND BIT(62) /* more than any MAXPHYADDR */
#define NEEDS_SHADOW NEEDS(CPU, CPU_TPR_SHADOW)
#define NEEDS_POSTED NEEDS(PIN, PIN_POSTED_INTERRUPTS)
#define DELIVERY ON(CPU2, CPU2_VIRTUAL_INTERRUPTS)
#define APIC_PAGE SPARE(VIRTUAL_APIC_PAGE_ADDR, 0)

static const struct entry_row rows[] = {
	{ "pin_reserved_1", ENTRY_LONG, { ON(PIN, BIT(30)) }, CONTROLS,
	  WORDS("bit 30 (reserved) must be 0 by IA32_VMX_TRUE_PINBASED_CTLS") },
	{ "pin_reserved_0", ENTRY_LONG, { OFF(PIN, BIT(1)) }, CONTROLS,
	  WORDS("bit 1 (reserved) must be 1 by IA32_VMX_TRUE_PINBASED_CTLS") },
	{ "cpu_reserved_1", ENTRY_LONG, { ON(CPU, BIT(0)) }, CONTROLS,
	  WORDS("bit 0 (reserved) must be 0 by IA32_VMX_TRUE_PROCBASED_CTLS") },
	{ "cpu_reserved_0", ENTRY_LONG, { OFF(CPU, BIT(1)) }, CONTROLS,
	  WORDS("bit 1 (reserved) must be 1 by IA32_VMX_TRUE_PROCBASED_CTLS") },
	{ "cpu2_reserved_1", ENTRY_LONG, { ON(CPU2, BIT(29)) }, CONTROLS,
	  WORDS("bit 29 (reserved) must be 0 by IA32_VMX_PROCBASED_CTLS2") },
	{ "cpu_tertiary", ENTRY_LONG, { ON(CPU, CPU_TERTIARY_CONTROLS) }, CONTROLS,
	  .words = "bit 17 (activate tertiary controls) must be 0 by IA32_VMX_TRUE" },
	{ "cr3_targets", ENTRY_LONG, { SET(CR3_TARGET_COUNT, 5) }, CONTROLS,
	  WORDS("there are not so many CR3-target values") },
	{ "io_bitmap_a_unaligned", ENTRY_LONG, { ON(IO_BITMAP_A, 8) }, CONTROLS, NOT_A_PAGE },
	{ "io_bitmap_a_beyond", ENTRY_LONG, { ON(IO_BITMAP_A, BEYOND) }, CONTROLS, NOT_A_PAGE },
	{ "io_bitmap_b_unaligned", ENTRY_LONG, { ON(IO_BITMAP_B, BIT(11)) }, CONTROLS, NOT_A_PAGE },
	{ "io_bitmap_b_beyond", ENTRY_LONG, { ON(IO_BITMAP_B, BEYOND) }, CONTROLS, NOT_A_PAGE },
	{ "io_bitmaps_off_are_not_read", ENTRY_LONG,
	  { OFF(CPU, CPU_USE_IO_BITMAPS), ON(IO_BITMAP_A, BEYOND), ON(IO_BITMAP_B, 1) }, ENTERS },
	{ "msr_bitmap_unaligned", ENTRY_LONG, { ON(MSR_BITMAP, 1) }, CONTROLS, NOT_A_PAGE },
	{ "msr_bitmap_beyond", ENTRY_LONG, { ON(MSR_BITMAP, BEYOND) }, CONTROLS, NOT_A_PAGE },

	{ "virtual_apic_unaligned", ENTRY_LONG,
	  { SPARE(VIRTUAL_APIC_PAGE_ADDR, 16), ON(CPU, CPU_TPR_SHADOW) }, CONTROLS, NOT_A_PAGE,
	  NEEDS_SHADOW },
	{ "virtual_apic_beyond", ENTRY_LONG,
	  { SET(VIRTUAL_APIC_PAGE_ADDR, BEYOND), ON(CPU, CPU_TPR_SHADOW) }, CONTROLS, NOT_A_PAGE,
	  NEEDS_SHADOW },
	{ "tpr_threshold_reserved", ENTRY_LONG,
	  { SET(TPR_THRESHOLD, 0x10), APIC_PAGE, ON(CPU, CPU_TPR_SHADOW) }, CONTROLS,
	  WORDS("bits 31:4 must be 0"), NEEDS_SHADOW },
	{ "tpr_threshold_above_vtpr", ENTRY_LONG,
	  { SET(TPR_THRESHOLD, 1), APIC_PAGE, ON(CPU, CPU_TPR_SHADOW) }, CONTROLS,
	  WORDS("bits 3:0 are above bits 7:4 of VTPR"), NEEDS_SHADOW },
	{ "virtual_nmis_alone", ENTRY_LONG,
	  { ON(PIN, PIN_VIRTUAL_NMIS), OFF(PIN, PIN_NMI_EXITING) }, CONTROLS,
	  WORDS("\"virtual NMIs\" is set but \"NMI exiting\" is not"),
	  NEEDS(PIN, PIN_VIRTUAL_NMIS) },
	{ "nmi_window_alone", ENTRY_LONG, { ON(CPU, CPU_NMI_WINDOW_EXITING) }, CONTROLS,
	  WORDS("\"NMI-window exiting\" is set but \"virtual NMIs\" is not"),
	  NEEDS(CPU, CPU_NMI_WINDOW_EXITING) },
	{ "apic_access_unaligned", ENTRY_LONG,
	  { SET(APIC_ACCESS_ADDR, 4), ON(CPU2, CPU2_VIRTUALIZE_APIC) }, CONTROLS, NOT_A_PAGE,
	  NEEDS(CPU2, CPU2_VIRTUALIZE_APIC) },
	{ "x2apic_without_shadow", ENTRY_LONG, { ON(CPU2, CPU2_VIRTUALIZE_X2APIC) }, CONTROLS,
	  WORDS("x2APIC mode, APIC registers and interrupt delivery need"),
	  NEEDS(CPU2, CPU2_VIRTUALIZE_X2APIC) },
	{ "apic_registers_without_shadow", ENTRY_LONG, { ON(CPU2, CPU2_APIC_REGISTERS) }, CONTROLS,
	  WORDS("x2APIC mode, APIC registers and interrupt delivery need"),
	  NEEDS(CPU2, CPU2_APIC_REGISTERS) },
	{ "delivery_without_shadow", ENTRY_LONG, { DELIVERY }, CONTROLS,
	  WORDS("x2APIC mode, APIC registers and interrupt delivery need"),
	  NEEDS(CPU2, CPU2_VIRTUAL_INTERRUPTS) },
	{ "x2apic_and_apic_accesses", ENTRY_LONG,
	  { ON(CPU2, CPU2_VIRTUALIZE_X2APIC | CPU2_VIRTUALIZE_APIC), APIC_PAGE,
	    ON(CPU, CPU_TPR_SHADOW) }, CONTROLS, WORDS("exclude each other"),
	  NEEDS(CPU2, CPU2_VIRTUALIZE_X2APIC | CPU2_VIRTUALIZE_APIC) },
	{ "delivery_without_interrupt_exiting", ENTRY_LONG,
	  { OFF(PIN, PIN_EXTERNAL_INTERRUPT_EXITING), DELIVERY, APIC_PAGE,
	    ON(CPU, CPU_TPR_SHADOW) }, CONTROLS,
	  .words = "\"virtual-interrupt delivery\" needs \"external-interrupt exiting\"",
	  NEEDS(CPU2, CPU2_VIRTUAL_INTERRUPTS) },
	{ "posted_without_delivery", ENTRY_LONG, { ON(PIN, PIN_POSTED_INTERRUPTS) }, CONTROLS,
	  .words = "\"process posted interrupts\" needs \"virtual-interrupt delivery\"",
	  NEEDS_POSTED },
	{ "posted_without_acknowledge", ENTRY_LONG,
	  { OFF(VM_EXIT_CONTROLS, EXIT_ACKNOWLEDGE_INTERRUPT), ON(PIN, PIN_POSTED_INTERRUPTS),
	    DELIVERY, APIC_PAGE, ON(CPU, CPU_TPR_SHADOW) }, CONTROLS,
	  .words = "\"process posted interrupts\" needs \"acknowledge interrupt on exit\"",
	  NEEDS_POSTED },
};

const struct entry_rows entry_rows_execution = { rows, ARRAY_SIZE(rows) };
