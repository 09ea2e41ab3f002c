/** @file
 * Tests of the VMX unit, each with a tiny guest: the list and the runner.
 *
 * A case that crashes - the soft unit is part of the hypervisor, so a mistake
 * in it is a crash - is caught like that of a guest's test, and the next case
 * runs on.
 */
#include "hv/unittest/unittest.h"

#include "hv/lib/options.h"
#include "hv/lib/recovery.h"
#include "hv/lib/watchdog.h"
#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/unit_cases.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/cr.h"

/** A case's body: a list of expectations about a guest that is ready to run. */
typedef void (*body_t)(struct tiny_guest *g);

static struct tiny_guest guest;
static struct crash crash;

static void run_body(void *arg)
{
	body_t *body = arg;

	if (tiny_guest_create(&guest)) {
		(*body)(&guest);
	} else {
		guest.why = "no memory for a guest";
	}
}

static void end_guest(void *arg)
{
	(void)arg;
	tiny_guest_destroy(&guest);
	vmx_cpu_disable();
}

/** Interrupts are off, and no timer runs: what exits is what the case does. */
static const char *run_alone(body_t body)
{
	const char *why = NULL;

	if (vmx_unit_select(options.unit) || vmx_caps_read() ||
	    vmx_cpu_enable()) {
		return "VMX cannot be switched on here";
	}
	memset(&guest, 0, sizeof(guest));
	watchdog_stop();
	irq_disable();
	if (!recovery_run(run_body, &body, &crash)) {
		why = crash.message;
	}
	irq_disable();
	if (!recovery_run(end_guest, NULL, &crash) && !why) {
		why = crash.message;
	}
	page_free_all(TINY_OWNER);
	irq_enable();
	watchdog_start();
	return why ? why : guest.why;
}

/** A function without arguments for each case, as the list of all wants it. */
#define RUN(name, body)                     \
	static const char *run_##body(void) \
	{                                   \
		return run_alone(body);     \
	}
#define ROW(name, body) { name, run_##body },

UNIT_CASES(RUN)

static const struct unittest_case cases[] = { UNIT_CASES(ROW) };

const struct unittest_case *unittest_at(size_t i)
{
	return i < ARRAY_SIZE(cases) ? &cases[i] : NULL;
}
