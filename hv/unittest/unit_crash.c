/** @file
 * Cases: a crash inside the soft unit, which is the hypervisor's own code.
 *
 * It must read like any other crash - where, and called from where - and leave
 * a machine on which the next test can run.  The crash is brought about by
 * taking the unit one of its tables away.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/lib/recovery.h"
#include "hv/lib/string.h"
#include "hv/softvmx/softvmx_cpu.h"
#include "hv/unittest/tiny_guest.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

#define TEST_VECTOR 0x52

static struct crash crash;
static unsigned int interrupts;

static void count_interrupt(struct trap_frame *frame)
{
	(void)frame;
	interrupts++;
}

TINY_CODE(any_code, "cpuid\n\t")

static __noinline void enter_guest(void *g)
{
	tiny_guest_run(g);
}

/** Is a function among those that the backtrace names? */
static bool is_named(const char *function)
{
	char text[160];

	for (unsigned int i = 0; i < crash.trace.count; i++) {
		backtrace_format(&crash.trace, i, text, sizeof(text));
		if (strncmp(text, function, strlen(function)) == 0) {
			return true;
		}
	}
	return false;
}

static bool contains(const char *text, const char *words)
{
	for (; *text; text++) {
		if (strncmp(text, words, strlen(words)) == 0) {
			return true;
		}
	}
	return false;
}

/** The backtrace goes on from the unit's own stack to its caller's; after it
 * interrupts come again, GIF being 1. */
void unit_crash_is_reported(struct tiny_guest *g)
{
	struct ept_shadow *shadow;
	bool returned;

	if (!vmx_unit_is_soft) {
		return;
	}
	TINY_LOAD(g, any_code);
	shadow = softvmx_cpu()->shadow;
	softvmx_cpu()->shadow = NULL;
	returned = recovery_run(enter_guest, g, &crash);
	softvmx_cpu()->shadow = shadow;
	tiny_guest_equal(g, "the entry returned", returned, false);
	tiny_guest_equal(g, "the kind of crash", crash.kind, CRASH_FAULT);
	tiny_guest_equal(g, "the vector", crash.vector, VECTOR_PF);
	tiny_guest_equal(g, "svm_enter_run in the backtrace",
			 is_named("svm_enter_run+"), true);
	tiny_guest_equal(g, "tiny_guest_run in the backtrace",
			 is_named("tiny_guest_run+"), true);
	tiny_guest_equal(g, "the case itself in the backtrace",
			 is_named("unit_crash_is_reported+"), true);
	interrupts = 0;
	irq_set_handler(TEST_VECTOR, count_interrupt);
	lapic_send_ipi(lapic_id(), TEST_VECTOR);
	irq_enable();
	irq_disable();
	irq_set_handler(TEST_VECTOR, NULL);
	tiny_guest_equal(g, "interrupts after the crash", interrupts, 1);
	/* And the unit still works. */
	g->gpr[GPR_LAUNCHED] = 0;
	tiny_guest_expect(g, EXIT_REASON_CPUID);
}

/** A wild pointer: it runs over the end of the guest's VMCB. */
static __noinline void write_wildly(void *arg)
{
	volatile u8 *at = arg;

	for (size_t i = 0; i < 2 * PAGE_SIZE; i++) {
		at[i] = 0;
	}
}

/** It meets a page that is not mapped, and the report names it. */
void unit_crash_guard_page(struct tiny_guest *g)
{
	static struct vmcb saved;
	bool returned;

	if (!vmx_unit_is_soft) {
		return;
	}
	memcpy(&saved, softvmx_cpu()->guest, sizeof(saved));
	returned = recovery_run(write_wildly, softvmx_cpu()->guest, &crash);
	memcpy(softvmx_cpu()->guest, &saved, sizeof(saved));
	tiny_guest_equal(g, "the write returned", returned, false);
	tiny_guest_equal(g, "the kind of crash", crash.kind, CRASH_FAULT);
	tiny_guest_equal(g, "the guard page by its name",
			 contains(crash.message,
				  "guard page behind the VMCB of the guest of "
				  "CPU 0's soft VMX unit"),
			 true);
}
