/** @file
 * Self-tests of exceptions in the hypervisor.
 *
 * Each kind takes another way in: #PF and #UD on the stack in use, #DF on a
 * stack of its own because there is none left, the NMI on a third one; and
 * leaving each of them behind has its own trap.  They are the mistakes that
 * are made in labs, so the sentences are compared word by word, and the
 * backtrace must name the function that made the mistake.
 */
#include "hv/lib/selftest_cases.h"

#include "hv/boot/image.h"
#include "hv/lib/recovery.h"
#include "hv/lib/selftest_crash.h"
#include "hv/x86/cr.h"
#include "hv/x86/lapic.h"

static const char *expect_fault(void (*fn)(void *arg), void *arg,
				const char *message)
{
	return selftest_expect(fn, arg, CRASH_FAULT, message);
}

/* The three accesses, each in a function of its own that a backtrace can
 * name; volatile, or the compiler drops a read that nobody uses. */
static void __noinline read_from(void *arg)
{
	*(volatile u8 *)arg;
}

static void __noinline write_to(void *arg)
{
	*(volatile u8 *)arg = 0xcc;
}

/**
 * A tail call would be a JMP: no return address, and nothing for the backtrace
 * to find.
 */
static void __noinline call_to(void *arg)
{
	((void (*)(void))arg)();
	asm volatile(""); /* not a tail call */
}

/** 0x18 and not 0: the usual NULL pointer is one to a struct. */
const char *selftest_fault_null(void)
{
	const char *wrong =
		expect_fault(read_from, (void *)0x18,
			     "#PF page fault: read of 0x18, the NULL page "
			     "(not present)");

	wrong = wrong ? wrong : selftest_place(0, "read_from");
	return wrong ? wrong : selftest_place(1, "run_saved");
}

/** The jump has happened when this faults, and RIP says nothing any more: the
 * caller must be found by its return address on the stack. */
const char *selftest_fault_call(void)
{
	const char *wrong = expect_fault(call_to, NULL,
					 "#PF page fault: execution of 0x0, "
					 "the NULL page");

	return wrong ? wrong : selftest_place(1, "call_to");
}

/** CR0.WP makes read-only pages hold for us as well - SDM 3A 4.6.1. */
const char *selftest_fault_text(void)
{
	return expect_fault(write_to, image_text_start,
			    "#PF page fault: write to 0xffffffff");
}

/** 0xc3 is RET: were data executable, this would come back unharmed. */
const char *selftest_fault_data(void)
{
	static u8 code[] = { 0xc3 };

	return expect_fault(call_to, code,
			    "#PF page fault: execution of 0xffffffff");
}

/** The boot tables had this address, the final ones do not: a guest-physical
 * address used as a pointer must not hit our own memory by luck. */
const char *selftest_fault_low(void)
{
	return expect_fault(read_from, (void *)0x100000,
			    "#PF page fault: read of 0x100000, not mapped");
}

/**
 * #GP gives no address; the report finds the register that holds it. Bits 63:47
 * of a linear address must be equal (SDM 1 3.3.7.1). If they are not the
 * processor raises #GP and not #PF, and CR2 is not written.
 */
const char *selftest_fault_canonical(void)
{
	return expect_fault(read_from, (void *)BIT(62),
			    "#GP general protection, error code 0x0; r");
}

static void invalid_opcode(void *arg)
{
	(void)arg;
	asm volatile("ud2");
}

const char *selftest_fault_ud(void)
{
	const char *wrong = expect_fault(invalid_opcode, NULL,
					 "#UD invalid opcode");

	return wrong ? wrong : selftest_place(0, "invalid_opcode");
}

/** It arrives when it likes, so wait for a while in a place that it hits. */
static void send_nmi(void *arg)
{
	(void)arg;
	lapic_send_nmi(lapic_id());
	for (unsigned int i = 0; i < 1000000; i++) {
		cpu_relax();
	}
}

/** The second only arrives when the first one's recovery ended in an IRET:
 * until then the processor holds NMIs back - SDM 3A 6.7.1. */
const char *selftest_fault_nmi(void)
{
	const char *wrong = expect_fault(send_nmi, NULL, "NMI");

	return wrong ? wrong : expect_fault(send_nmi, NULL, "NMI");
}

/** Far deeper than any stack, and nothing a compiler can turn into a loop: the
 * sum is made after the call, from a local that must be kept. */
static unsigned long __noinline recurse(unsigned long depth)
{
	volatile unsigned long here = depth;

	return depth ? recurse(depth - 1) + here : 0;
}

static void overflow(void *arg)
{
	*(volatile unsigned long *)arg = recurse(~0ul);
}

/**
 * The table of tests has it twice: the stack that #DF switches to must start at
 * its top again the second time. The fault cannot be delivered on the stack
 * that has none left: pushing its frame faults again. That is a double fault,
 * #DF, which has a stack of its own through the IST of the TSS.
 */
const char *selftest_fault_stack(void)
{
	unsigned long unused;
	const char *wrong = expect_fault(overflow, &unused,
					 "stack overflow: CPU 0 ran into the "
					 "guard page below its stack");

	return wrong ? wrong : selftest_place(0, "recurse");
}
