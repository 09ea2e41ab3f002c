/** @file
 * The tests of VM entry: which there are, and running them.
 *
 * Each rule of SDM 3C 27 that a machine here can reach is broken once, alone;
 * valid VMCSs of all modes must enter; and every single bit of every control,
 * host and guest field is flipped (entry_bits.c), so that no bit is forgotten.
 */
#include "hv/vmxtest/entry_test.h"

#include "hv/lib/options.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmm/driver.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmxtest/entry_bits.h"
#include "hv/vmxtest/entry_bochs.h"
#include "hv/vmxtest/entry_launch.h"
#include "hv/vmxtest/entry_report.h"
#include "hv/vmxtest/entry_try.h"
#include "hv/vmxtest/entry_vcpu.h"
#include "hv/x86/machine.h"

static const struct entry_rows *const tables[] = {
	&entry_rows_execution, &entry_rows_ept,	     &entry_rows_switch,
	&entry_rows_event,     &entry_rows_host,     &entry_rows_register,
	&entry_rows_segment,   &entry_rows_rights,   &entry_rows_state,
	&entry_rows_memory,
};

/** Is it chosen, and can this machine survive it? */
static bool is_chosen(const char *name)
{
	const struct entry_bochs *bochs = entry_bochs_find(name);

	if (bochs && bochs->dies && !entry_report_named(name)) {
		return false;
	}
	return entry_report_chosen(name);
}

/**
 * The next test's turn.
 * @param count of those chosen so far
 * @return whether it is to run now
 */
static bool take(const char *name, unsigned int *count, bool run)
{
	if (!is_chosen(name)) {
		return false;
	}
	++*count;
	return run;
}

static void modes_for_each(unsigned int *count, bool run)
{
	for (enum entry_mode mode = 0; mode < ENTRY_MODES; mode++) {
		const char *name = entry_report_name("valid_%s",
						     entry_modes_name(mode));

		if (take(name, count, run)) {
			entry_report_result(name, entry_try_mode(mode));
		}
	}
}

static void rows_for_each(const struct entry_rows *rows, unsigned int *count,
			  bool run)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct entry_row *row = &rows->row[i];

		if (take(row->name, count, run)) {
			entry_report_result(row->name, entry_try_row(row));
		}
	}
}

static void bits_for_each(unsigned int *count, bool run)
{
	for (size_t i = 0; i < entry_bits_count(); i++) {
		const char *name = entry_report_name("bits_of_%s",
						     entry_bits_name(i));

		if (take(name, count, run)) {
			entry_report_result(name, entry_bits_sweep(i));
		}
	}
}

static void launches_for_each(unsigned int *count, bool run)
{
	const char *name;

	for (size_t i = 0; (name = entry_launch_name(i)); i++) {
		if (take(name, count, run)) {
			entry_report_result(name, entry_launch_try(i));
		}
	}
}

static void vcpus_for_each(unsigned int *count, bool run)
{
	const char *name;

	for (size_t i = 0; (name = entry_vcpu_name(i)); i++) {
		if (take(name, count, run)) {
			entry_report_result(name, entry_vcpu_try(i));
		}
	}
}

/** Run, or only count, everything that is chosen. */
static unsigned int for_each(bool run)
{
	unsigned int count = 0;

	modes_for_each(&count, run);
	launches_for_each(&count, run);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		rows_for_each(tables[i], &count, run);
	}
	bits_for_each(&count, run);
	vcpus_for_each(&count, run);
	return count;
}

void entry_test_run(void)
{
	unsigned int tests;

	driver_vmx_on();
	tests = for_each(false);
	if (!tests) {
		machine_bail_out("no test of VM entry matches test=%s",
				 options.test);
	}
	if (entry_rig_create()) {
		machine_bail_out("there is too little memory for the tests of "
				 "VM entry");
	}
	entry_checks_printed = false;
	entry_report_begin(tests);
	for_each(true);
	entry_checks_printed = true;
	entry_rig_destroy();
	vmx_cpu_disable();
}
