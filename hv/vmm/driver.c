/** @file
 * From multiboot modules to results.
 *
 *	module ---> loader_parse() ---> records ---> test=GLOB ---> bed
 *	                                                             |
 *	 tap_result() <--- verdict <--- recovery_run(bed_prepare, bed_run)
 *
 * Each test gets a VM of its own, and the hypervisor's own crash in one of
 * them (a panic, a fault, an endless loop: in a lab, a student's mistake) ends
 * that test and no other.  Its memory is found and freed by its owner number.
 *
 * One machine runs all tests in a row, since to boot one for each would take
 * long. So a test must not be able to spoil the next one. What guards it: a bed
 * that is zeroed, a VM made anew, recovery around everything that a lab's code
 * takes part in, and an allocator that knows whose each page is.
 */
#include "hv/vmm/driver.h"

#include "hv/boot/multiboot.h"
#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/panic.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/lib/trace.h"
#include "hv/lib/watchdog.h"
#include "hv/unittest/unit_bench.h"
#include "hv/vmm/bed.h"
#include "hv/vmm/bed_vcpus.h"
#include "hv/vmm/bench.h"
#include "hv/vmm/secret.h"
#include "hv/vmm/select.h"
#include "hv/vmm/tap.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/machine.h"

/** Events of the trace ring to print after a test. */
#define TRACE_LINES 200

/**
 * The one test bed; too large for a stack. One is enough: tests run one after
 * the other.
 */
static struct bed bed;
/** Numbers of TAP lines, from 1; skipped tests have one as well. */
static unsigned int results;

/**
 * First which unit (the processor's own VMX, or hv/softvmx on top of SVM), then
 * what it can do, then VMXON. Each has its own sentence, as what to do about it
 * differs: another QEMU option, another processor, the firmware's setup.
 */
void driver_vmx_on(void)
{
	if (vmx_unit_select(options.unit)) {
		machine_bail_out("this processor has no VMX and no SVM with "
				 "nested paging that unit=%s could use (under "
				 "QEMU say -cpu max)", options.unit);
	}
	if (vmx_caps_read()) {
		machine_bail_out("this processor's VMX cannot be used: %s",
				 vmx_caps_missing());
	}
	if (vmx_cpu_enable()) {
		machine_bail_out("VMX cannot be switched on: firmware forbids "
				 "it (IA32_FEATURE_CONTROL), or memory is out");
	}
	printf("exit49: VMX unit %s, %u CPU%s\n", vmx_unit->name, cpu_count(),
	       cpu_count() == 1 ? "" : "s");
}

/** Both halves under one recovery: making a VM runs the lab's code as well. */
static void run_test(void *arg)
{
	struct bed *b = arg;

	bed_prepare(b);
	if (b->verdict.stop == VERDICT_NONE) {
		bed_run(b);
	}
}

static void destroy(void *arg)
{
	bed_destroy(arg);
}

/**
 * Whatever pages VMs still own are a leak: name it and take them back. After a
 * crash pages may well be left, and that is no fault of its own. Only a
 * test that has passed is failed for a leak: in any other case the verdict that
 * is there is the more useful one. `free_before` was taken before the VM was
 * made, so the difference is exact.
 */
static void reclaim(struct bed *b, size_t free_before)
{
	size_t leaked = free_before - page_count_free();

	if (!leaked) {
		return;
	}
	for (unsigned int n = 0; n < VM_MAX; n++) {
		page_free_all(PAGE_OWNER_VM(n));
	}
	if (b->verdict.stop == VERDICT_PASSED) {
		b->verdict.stop = VERDICT_LEAK;
		snprintf(b->verdict.message, VERDICT_TEXT,
			 "%zu pages were not given back with the VM", leaked);
	}
}

/**
 * Run one test in the bed, from nothing to nothing. The order after the guest's
 * end:
 *
 *	other vCPUs    stop, so that nothing moves any more
 *	secret         memory and registers as the guest has left them
 *	neighbour      one more round, then it is judged
 *	counts         while the VM is still there
 *	destroy        under a recovery of its own: it may crash, too
 *	reclaim        whatever is left
 *
 * A crash in destroy() counts only if there was none before: the second one is
 * often a consequence.
 */
static void run_in_bed(const struct bed_plan *plan)
{
	size_t free_before = page_count_free();
	struct crash crash;

	memset(&bed, 0, sizeof(bed));
	bed.plan = *plan;
	trace_clear();
	cpu_progress();
	if (!recovery_run(run_test, &bed, &crash)) {
		bed_vcpus_crashed(&bed, 0, &crash);
	}
	bed_vcpus_stop(&bed);
	secret_judge(&bed);
	neighbour_judge(&bed.neighbour, &bed.verdict);
	bed_fill_counts(&bed);
	if (!recovery_run(destroy, &bed, &crash) &&
	    bed.verdict.stop != VERDICT_CRASH) {
		verdict_crash(&bed.verdict, &crash);
	}
	reclaim(&bed, free_before);
}

/**
 * Why this test has no meaning in this mode, or NULL. Skipped is not passed,
 * and TAP has a mark for it: whoever reads the results can see what this
 * machine could not show.
 */
static const char *reason_to_skip(const struct test_record *test)
{
	if (options.ept && (test->flags & TEST_NEEDS_SHADOW)) {
		return "only shadow paging (ept=0) can show it";
	}
	if (!options.ept && (test->flags & TEST_NEEDS_EPT)) {
		return "only the EPT can show it";
	}
	if (cpu_count() < 2 && (test->flags & TEST_NEEDS_CPUS)) {
		return "it needs a machine with two CPUs (--cpus 2)";
	}
	if (cpu_count() < 3 && (test->flags & TEST_NEEDS_3_CPUS)) {
		return "it needs a machine with three CPUs (--cpus 3)";
	}
	return NULL;
}

/**
 * "name ... " goes out on COM1 before the test starts: if the machine dies in
 * it, the last line says which one it was.
 */
static void run_selected(const struct select_guest *guest,
			 const struct test_record *test)
{
	struct bed_plan plan = {
		.module = guest->name,
		.program = &guest->program,
		.test = test,
		.memory_size = GUEST_RAM_SIZE,
		.log_exits = options.exits,
		.poison = options.poison,
	};

	const char *skip = reason_to_skip(test);

	printf("%s/%s ... ", guest->name, test->name);
	if (skip) {
		printf("skipped: %s\n", skip);
		tap_skip(++results, test->name, skip);
		return;
	}
	run_in_bed(&plan);
	printf("%s\n", bed.verdict.stop == VERDICT_PASSED
			       ? "ok"
			       : bed.verdict.message);
	tap_result(++results, test->name, &bed.verdict);
	if (options.trace) {
		trace_dump(TRACE_LINES);
	}
}

static void list_test(const struct select_guest *guest,
		      const struct test_record *test)
{
	tap_comment("test %s/%s", guest->name, test->name);
}

/**
 * The trace ring is off, since each event would be in the figures. The guest
 * itself prints the figures by HYPERCALL_STAMPS (bench.c); here only a failure
 * is told.
 */
static void measure(const struct select_guest *guest,
		    const struct test_record *test)
{
	struct bed_plan plan = {
		.module = guest->name,
		.program = &guest->program,
		.test = test,
		.memory_size = GUEST_RAM_SIZE_BENCH,
		.iterations = BENCH_ITERATIONS,
		.warm_up = BENCH_ITERATIONS,
	};

	trace_on = false;
	run_in_bed(&plan);
	if (bed.verdict.stop != VERDICT_PASSED) {
		tap_comment("bench %s failed: %s: %s", test->name,
			    verdict_stop_name(&bed.verdict),
			    bed.verdict.message);
	}
}

/** The soft unit's own figures need no guest program (unit_bench.h). */
static bool is_unit_bench(void)
{
	return strcmp(options.bench, "softvmx") == 0;
}

/** VMXON is per CPU, so each has to do it by itself. */
static void enable_vmx(void *unused)
{
	(void)unused;
	if (vmx_cpu_enable()) {
		panic("VMX cannot be switched on on CPU %u", this_cpu()->id);
	}
}

static void disable_vmx(void *unused)
{
	(void)unused;
	vmx_cpu_disable();
}

/** CPU 0 has gone before: what it could do the others can, too. */
static void on_other_cpus(cpu_fn_t fn)
{
	for (unsigned int i = 1; i < cpu_count(); i++) {
		panic_unless(cpu_run_on(i, fn, NULL) == 0);
	}
}

void driver_vmx_on_all(void)
{
	driver_vmx_on();
	on_other_cpus(enable_vmx);
}

void driver_vmx_off_all(void)
{
	on_other_cpus(disable_vmx);
	vmx_cpu_disable();
}

/**
 * What the machine was started for. All modules are read before any test runs,
 * also for a list: a bad file ends the run at once. The plan line "1..N" comes
 * first in TAP, so the tests are counted before.
 */
static void run_all(void)
{
	select_read_guests(options.bench[0] ? GUEST_RAM_SIZE_BENCH
					    : GUEST_RAM_SIZE);
	if (options.list) {
		select_for_each(options.test, list_test);
	} else if (options.bench[0]) {
		select_for_each(options.bench, measure);
	} else {
		tap_begin(select_count(options.test));
		select_for_each(options.test, run_selected);
	}
}

/**
 * The unit's own benchmark runs no VM, and the watchdog's ticks would be in its
 * figures.
 */
void driver_main(void)
{
	driver_vmx_on();
	if (is_unit_bench()) {
		watchdog_stop();
		unit_bench_run();
		vmx_cpu_disable();
		return;
	}
	on_other_cpus(enable_vmx);
	run_all();
	driver_vmx_off_all();
}
