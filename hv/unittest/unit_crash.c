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
#include "hv/softvmx/svm_tlb.h"
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

/** A wild pointer: one byte, where it points. */
static __noinline void write_wildly(void *arg)
{
	*(volatile u8 *)arg = 0;
}

/** A write ends in a fault whose report names the guard page. */
static void expect_guard(struct tiny_guest *g, void *at, const char *behind)
{
	bool returned = recovery_run(write_wildly, at, &crash);

	tiny_guest_equal(g, "the write returned", returned, false);
	tiny_guest_equal(g, "the kind of crash", crash.kind, CRASH_FAULT);
	tiny_guest_equal(g, behind, contains(crash.message, behind), true);
}

/** The page before each part: its last byte, and its first. */
static void expect_guards(struct tiny_guest *g, const struct softvmx_cpu *cpu)
{
	const struct {
		const void *part;
		const char *before; /* the name of what lies before it */
	} parts[] = {
		{ cpu, "guard page before CPU 0's soft VMX unit" },
		{ cpu->guest, "guard page behind the state of CPU 0's" },
		{ cpu->before, "behind the VMCB of the guest of CPU 0's" },
		{ cpu->after, "behind the VMCB of the host before of" },
		{ cpu->halted, "behind the VMCB of the host after of" },
		{ cpu->host_save, "behind the VMCB of the halted guest of" },
		{ cpu->msrpm, "behind the host-save area of CPU 0's" },
		{ cpu->iopm_all, "behind the MSR permission map of CPU 0's" },
		{ cpu->iopm_copy, "behind the I/O permission map of CPU 0's" },
		{ cpu->shadow, "behind the copied I/O bitmaps of CPU 0's" },
		{ cpu->tlb, "behind the nested page tables of CPU 0's" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		u8 *part = (u8 *)parts[i].part;

		expect_guard(g, part - 1, parts[i].before);
		expect_guard(g, part - PAGE_SIZE, parts[i].before);
	}
	expect_guard(g, (u8 *)cpu->tlb + SVM_TLB_PAGES * PAGE_SIZE,
		     "behind the TLB of CPU 0's");
}

/** Each part of the unit's memory has such a page before it, with a name of its
 * own; and the unit survives the writes. */
void unit_crash_guard_page(struct tiny_guest *g)
{
	if (!vmx_unit_is_soft) {
		return;
	}
	expect_guards(g, softvmx_cpu());
	TINY_LOAD(g, any_code);
	tiny_guest_expect(g, EXIT_REASON_CPUID);
}
