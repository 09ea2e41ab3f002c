/** @file
 * The exit recorder: which tests, on which CPUs, and what is printed.
 *
 * One test after the other; each runs on all CPUs at once, every CPU with a rig
 * of its own, and when the last has come to its end CPU 0 prints:
 *
 *	# vmxtest cpuid_exits cpu=0 exits=9
 *	# x 0 0 reason=12 len=3 rip=200009 ...
 *	ok 1 - cpuid_exits [5f3a9c01]
 *
 * A test that was disturbed (rig->late) is made again, three times at most.
 */
#include "hv/vmxtest/vmxtest.h"

#include "hv/boot/multiboot.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/vmm/driver.h"
#include "hv/vmm/select.h"
#include "hv/vmm/tap.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmxtest/rig.h"
#include "hv/x86/cpu.h"
#include "hv/x86/irq.h"
#include "hv/x86/machine.h"
#include "hv/x86/trap.h"

#define MODULE "vmx.elf"
#define ATTEMPTS 3

static struct loader_program program;
static struct rig rigs[CPU_MAX];
static bool with_ept;
static unsigned int results;

/** What may crash, and is then thrown away as a whole. */
static void create_and_run(void *arg)
{
	struct rig *rig = arg;

	if (rig_create(rig)) {
		verdict_stop(&rig->verdict, VERDICT_ENVIRONMENT,
			     "the machine has too little memory for a rig");
	} else {
		rig_run(rig);
	}
}

/** From nothing to a verdict. The rig stays, for its exits to be printed. */
static void run_once(struct rig *rig)
{
	struct rig_plan plan = rig->plan;
	page_owner_t owner = rig->owner;
	struct crash crash;

	memset(rig, 0, sizeof(*rig));
	rig->plan = plan;
	rig->owner = owner;
	cpu_progress();
	if (!recovery_run(create_and_run, rig, &crash)) {
		verdict_crash(&rig->verdict, &crash);
	}
	rig->verdict.exits = rig->count;
}

/** On each CPU.  What disturbs a test is not the test's fault, so it is made
 * again; a guest that hangs is disturbed every time. */
static void run_on_cpu(void *arg)
{
	struct rig *rig = arg;

	for (unsigned int i = 1; i <= ATTEMPTS; i++) {
		run_once(rig);
		if (!rig->late || i == ATTEMPTS) {
			return;
		}
		rig_destroy(rig);
	}
}

/** CPU 0 prints for all: two CPUs on one port would mix their lines. */
static void put_result(struct rig *rig, unsigned int cpu)
{
	char name[TEST_NAME_SIZE + 8];

	snprintf(name, sizeof(name), cpu ? "%s@%u" : "%s", rig->plan.test.name,
		 cpu);
	tap_comment("vmxtest %s cpu=%u exits=%zu", rig->plan.test.name, cpu,
		    rig->count);
	rig_record_print(rig, cpu);
	if (rig->skipped) {
		tap_skip(++results, name, rig->verdict.message);
	} else {
		tap_result(++results, name, &rig->verdict);
	}
}

/** The other CPUs first, so that all run at the same time. */
static void run_test(const struct test_record *test)
{
	for (unsigned int i = 0; i < cpu_count(); i++) {
		rigs[i].plan = (struct rig_plan){ &program, *test, with_ept };
		rigs[i].owner = PAGE_OWNER_VM(i);
		if (i && cpu_start_on(i, run_on_cpu, &rigs[i])) {
			machine_bail_out("CPU %u does not take work", i);
		}
	}
	run_on_cpu(&rigs[0]);
	for (unsigned int i = 0; i < cpu_count(); i++) {
		if (i) {
			cpu_wait(i);
		}
		put_result(&rigs[i], i);
	}
}

static void destroy(void *arg)
{
	rig_destroy(arg);
}

/** A VMCS is cleared by the CPU that it was current on (SDM 3C 25.1). */
static void destroy_all(void)
{
	for (unsigned int i = 0; i < cpu_count(); i++) {
		if (cpu_run_on(i, destroy, &rigs[i])) {
			machine_bail_out("CPU %u does not take work", i);
		}
	}
}

/** By name, and by what the variant can do. */
static bool is_wanted(const struct test_record *test)
{
	u64 unfit = with_ept ? TEST_NEEDS_SHADOW : TEST_NEEDS_EPT;

	return !(test->flags & unfit) &&
	       select_matches(options.test, test->name);
}

/** Call fn for each wanted test. @return how many there are */
static unsigned int for_each_test(void (*fn)(const struct test_record *test))
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < program.ntests; i++) {
		struct test_record test;

		loader_test(&program, i, &test);
		if (is_wanted(&test)) {
			fn(&test);
			count++;
		}
	}
	return count;
}

static void count_only(const struct test_record *test)
{
	(void)test;
}

static void list_test(const struct test_record *test)
{
	tap_comment("test vmx/%s", test->name);
}

static void run_and_destroy(const struct test_record *test)
{
	run_test(test);
	destroy_all();
}

static const struct module *find_module(const char *name)
{
	for (unsigned int i = 0; i < multiboot_module_count(); i++) {
		if (strcmp(multiboot_module(i)->name, name) == 0) {
			return multiboot_module(i);
		}
	}
	return NULL;
}

static void read_program(void)
{
	const struct module *module = find_module(MODULE);
	const char *why;

	if (!module) {
		machine_bail_out("vmxtest needs the module " MODULE
				 " (build/guest-tests/" MODULE ")");
	}
	why = loader_parse(module->data, module->size, SERVICES_RAM_SIZE,
			   &program);
	if (why) {
		machine_bail_out("the guest program " MODULE " %s", why);
	}
}

/** An NMI that comes when no guest runs: nothing to do. */
static void ignore(struct trap_frame *frame)
{
	(void)frame;
}

static void enable_here(void *arg)
{
	int *error = arg;

	*error = vmx_cpu_enable();
}

/** CPU 0's is on already. */
static void enable_others(void)
{
	for (unsigned int i = 1; i < cpu_count(); i++) {
		int error = -ENODEV;

		if (cpu_run_on(i, enable_here, &error) || error) {
			machine_bail_out("VMX cannot be switched on on CPU %u",
					 i);
		}
	}
}

void vmxtest_main(const char *name)
{
	unsigned int count;

	with_ept = strcmp(name, "exits") == 0;
	if (!with_ept && strcmp(name, "noept") != 0) {
		machine_bail_out("vmxtest=%s is not known: say exits, noept or "
				 "entry", name);
	}
	read_program();
	count = for_each_test(count_only);
	if (!count) {
		machine_bail_out("no test of " MODULE " matches %s",
				 options.test);
	}
	if (options.list) {
		for_each_test(list_test);
		return;
	}
	driver_vmx_on();
	enable_others();
	irq_set_handler(VECTOR_NMI, ignore);
	tap_begin(count * cpu_count());
	for_each_test(run_and_destroy);
	vmx_cpu_disable();
}
