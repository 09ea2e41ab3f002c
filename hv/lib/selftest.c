/** @file
 * The image's own tests: what every other test stands on.
 *
 * Guests' tests trust that a crash of the hypervisor is survived and named,
 * that memory comes back, that printed numbers are right.  These tests break
 * things on purpose and look at what recovery_run() brings back.  They run on
 * the machine itself, because most of it - guard pages, interrupt stacks, the
 * local APIC - exists nowhere else.
 *
 * A test returns NULL when it passed, else what went wrong in one sentence.
 *
 * Their order is the order of trust: what a test needs to tell its result
 * (formatting, strings) has been tested before it, and so has what it needs to
 * survive (the recovery, before the faults).  Results go out by hand and not
 * through hv/vmm/tap.h, as that stands on all of this.
 */
#include "hv/lib/selftest.h"

#include "hv/lib/options.h"
#include "hv/lib/selftest_cases.h"
#include "hv/lib/string.h"
#include "hv/unittest/unittest.h"
#include "hv/vcpu/vcpu_selftest.h"
#include "hv/vmx/vmx_selftest.h"
#include "hv/x86/machine.h"
#include "hv/x86/uart.h"

struct selftest {
	const char *name;
	const char *(*run)(void);
};

static const struct selftest tests[] = {
	{ "boot.printf_numbers", selftest_printf_numbers },
	{ "boot.printf_strings", selftest_printf_strings },
	{ "boot.string_memory", selftest_string_memory },
	{ "boot.string_glob", selftest_string_glob },
	{ "boot.options", selftest_options },
	{ "boot.page_alloc_and_free", selftest_page_basic },
	{ "boot.page_contiguous_is_aligned", selftest_page_contig },
	{ "boot.page_owner_is_reclaimed_whole", selftest_page_owner },
	{ "boot.page_exhaustion_is_null", selftest_page_exhaustion },
	{ "boot.page_failure_on_demand", selftest_page_injection },
	{ "boot.page_double_free_panics", selftest_page_double_free },
	{ "boot.msr_that_faults_is_an_error", selftest_msr_safe },
	{ "boot.symbol_names_function_and_line", selftest_symbol },
	{ "boot.recovery_returns_normally", selftest_recovery_normal },
	{ "boot.recovery_from_panic", selftest_recovery_panic },
	{ "boot.recovery_from_step", selftest_recovery_step },
	{ "boot.recovery_releases_locks", selftest_recovery_locks },
	{ "boot.recovery_restores_interrupt_flag", selftest_recovery_flag },
	{ "boot.fault_null_read", selftest_fault_null },
	{ "boot.fault_null_call", selftest_fault_call },
	{ "boot.fault_write_to_text", selftest_fault_text },
	{ "boot.fault_execute_data", selftest_fault_data },
	{ "boot.fault_low_memory_is_gone", selftest_fault_low },
	{ "boot.fault_not_canonical", selftest_fault_canonical },
	{ "boot.fault_invalid_opcode", selftest_fault_ud },
	{ "boot.fault_nmi_twice", selftest_fault_nmi },
	{ "boot.fault_stack_overflow", selftest_fault_stack },
	{ "boot.fault_stack_overflow_again", selftest_fault_stack },
	{ "boot.timer_one_shot_fires_once", selftest_timer },
	{ "boot.timers_fire_in_order", selftest_timers_order },
	{ "boot.timers_are_cancelled", selftest_timers_cancel },
	{ "boot.timers_of_other_cpus", selftest_timers_of_cpus },
	{ "boot.timers_scale", selftest_timers_scale },
	{ "boot.watchdog_names_the_loop", selftest_watchdog_loop },
	{ "boot.watchdog_stops_a_deadlock", selftest_watchdog_deadlock },
	{ "boot.watchdog_stops_a_loop_under_a_lock", selftest_watchdog_lock },
	{ "boot.watchdog_names_the_guest", selftest_watchdog_guest },
	{ "boot.watchdog_tells_livelock_from_hang", selftest_watchdog_livelock },
	{ "boot.watchdog_spares_progress", selftest_watchdog_progress },
	{ "boot.cpus_run_functions", selftest_cpus_run },
	{ "boot.cpus_recover_by_themselves", selftest_cpus_recover },
};

/**
 * One result line, and why when it failed. By the same form as hv/vmm/tap.c,
 * nonce and all, so that one reader serves both. `why` is made of our own words
 * and needs no escaping.
 */
static void report(unsigned int number, const struct selftest *test,
		   const char *why)
{
	uart_printf(UART_RESULTS, "%sok %u - %s", why ? "not " : "", number,
		    test->name);
	if (options.nonce[0]) {
		uart_printf(UART_RESULTS, " [%s]", options.nonce);
	}
	uart_printf(UART_RESULTS, "\n");
	if (why) {
		uart_printf(UART_RESULTS,
			    "  ---\n  seen: \"%s\"\n  stop: \"check\"\n  ...\n",
			    why);
	}
}

/**
 * The i-th test: those above, then those of the VMX unit, without and with a
 * guest, and of vCPUs; a NULL name ends the list. Four lists, as each folder
 * keeps its own. Counted through from the beginning each time, which is quick
 * enough for lists as short as these.
 */
static struct selftest test_at(unsigned int i)
{
	const struct vcpu_selftest_case *vcpu;
	const struct vmx_selftest_case *vmx;
	const struct unittest_case *unit;
	unsigned int count = 0;

	if (i < ARRAY_SIZE(tests)) {
		return tests[i];
	}
	i -= ARRAY_SIZE(tests);
	for (; (vmx = vmx_selftest_case(count)); count++) {
		if (count == i) {
			return (struct selftest){ vmx->name, vmx->run };
		}
	}
	i -= count;
	for (count = 0; (unit = unittest_at(count)); count++) {
		if (count == i) {
			return (struct selftest){ unit->name, unit->run };
		}
	}
	vcpu = vcpu_selftest_case(i - count);
	return vcpu ? (struct selftest){ vcpu->name, vcpu->run } :
		      (struct selftest){ NULL, NULL };
}

/** TAP wants the number of tests before the first of them. */
static unsigned int count_chosen(void)
{
	struct selftest test;
	unsigned int n = 0;

	for (unsigned int i = 0; (test = test_at(i)).name; i++) {
		n += string_glob(options.test, test.name);
	}
	return n;
}

/* A case that hangs for good is ended by whoever started the machine; those
 * about hanging run under recovery_run() themselves. */
unsigned int selftest_run(void)
{
	unsigned int number = 0, failed = 0;
	struct selftest test;

	if (!count_chosen()) {
		machine_bail_out("no self-test matches test=%s (without "
				 "test= all of them run)", options.test);
	}
	uart_printf(UART_RESULTS, "TAP version 14\n1..%u\n", count_chosen());
	for (unsigned int i = 0; (test = test_at(i)).name; i++) {
		const char *why;

		if (!string_glob(options.test, test.name)) {
			continue;
		}
		why = test.run();
		failed += why != NULL;
		report(++number, &test, why);
	}
	return failed;
}
