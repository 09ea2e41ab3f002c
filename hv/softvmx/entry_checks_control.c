/** @file
 * VM-execution controls, first half (SDM 3C 27.2.1.1): VMfail, error 7.
 *
 * A control that switches something on makes demands on the fields that belong
 * to it: a bitmap is a page, a VPID is not the host's.  Fields of controls that
 * are off are not looked at, whatever they hold.
 *
 * Addresses must be aligned and within MAXPHYADDR; memory need not be there.
 * The soft unit has to read these pages itself, in rows marked so it demands
 * what a processor does not.
 */
#include "hv/softvmx/entry_checks_row.h"

#define SECTION "27.2.1.1"
#define NOT_A_PAGE "it must be a page: bits 11:0 clear, within MAXPHYADDR"
#define NOT_MEMORY "no memory is there (a processor would not mind, softvmx does)"

static bool has_cpu2(const struct entry_view *view)
{
	return view->cpu & CPU_SECONDARY_CONTROLS;
}

static bool has_cpu3(const struct entry_view *view)
{
	return view->cpu & CPU_TERTIARY_CONTROLS;
}

/** IA32_VMX_MISC bits 24:16 say how many there are: 4, so far. */
static bool cr3_targets_fit(const struct entry_view *view, u64 value)
{
	(void)view;
	return value <= bits(vmx_unit->capability(IA32_VMX_MISC), 24, 16);
}

static bool has_io_bitmaps(const struct entry_view *view)
{
	return view->cpu & CPU_USE_IO_BITMAPS;
}

static bool has_msr_bitmap(const struct entry_view *view)
{
	return view->cpu & CPU_USE_MSR_BITMAPS;
}

static bool is_page(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_page(value);
}

static bool is_reachable(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_reachable(value);
}

static const struct entry_check checks[] = {
	{ PIN_BASED_VM_EXEC_CONTROL, SECTION, .bits = &entry_checks_pin_bits },
	{ CPU_BASED_VM_EXEC_CONTROL, SECTION, .bits = &entry_checks_cpu_bits },
	{ SECONDARY_VM_EXEC_CONTROL, SECTION, has_cpu2, .bits = &entry_checks_cpu2_bits },
	{ TERTIARY_VM_EXEC_CONTROL, SECTION, has_cpu3, .bits = &entry_checks_cpu3_bits },
	{ CR3_TARGET_COUNT, SECTION, NULL, cr3_targets_fit,
	  .rule = "there are not so many CR3-target values: IA32_VMX_MISC 24:16 says how many" },
	{ IO_BITMAP_A, SECTION, has_io_bitmaps, is_page, .rule = NOT_A_PAGE },
	{ IO_BITMAP_A, SECTION, has_io_bitmaps, is_reachable, .rule = NOT_MEMORY },
	{ IO_BITMAP_B, SECTION, has_io_bitmaps, is_page, .rule = NOT_A_PAGE },
	{ IO_BITMAP_B, SECTION, has_io_bitmaps, is_reachable, .rule = NOT_MEMORY },
	{ MSR_BITMAP, SECTION, has_msr_bitmap, is_page, .rule = NOT_A_PAGE },
	{ MSR_BITMAP, SECTION, has_msr_bitmap, is_reachable, .rule = NOT_MEMORY },
};

static bool execution(const struct entry_view *view)
{
	return entry_checks_run(view, checks, ARRAY_SIZE(checks));
}

bool entry_checks_controls(void)
{
	struct entry_view view;

	entry_checks_look(&view);
	return execution(&view) &&
	       entry_checks_interrupts(&view) && entry_checks_ept(&view) &&
	       entry_checks_exit(&view) && entry_checks_entry(&view);
}
