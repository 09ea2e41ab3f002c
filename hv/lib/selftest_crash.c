/** @file
 * Self-tests of recovery: each crash is made on purpose inside recovery_run(),
 * and its struct crash is looked at.
 *
 * A panic is the plain case.  What it leaves behind must be whole afterwards,
 * locks and the interrupt flag above all, because the next case, and in real
 * life the next test of a lab, stands on it.  selftest_fault.c goes on with the
 * crashes that nobody asked for.
 */
#include "hv/lib/selftest_crash.h"

#include "bus/errno.h"
#include "hv/boot/image.h"
#include "hv/lib/panic.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/lib/selftest_cases.h"
#include "hv/lib/spinlock.h"
#include "hv/lib/string.h"
#include "hv/lib/symbol.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/**
 * Sentences are made here, as a test returns a pointer. The next failing test
 * overwrites it; by then it has been printed.
 */
static char why[320];
static struct crash crash;

/**
 * Only the beginning of the message is compared: what follows is addresses,
 * which change with each build.
 */
const char *selftest_expect(void (*fn)(void *arg), void *arg,
			    enum crash_kind kind, const char *message)
{
	size_t length = strlen(message);

	if (recovery_run(fn, arg, &crash)) {
		return "nothing crashed";
	}
	if (crash.kind != kind ||
	    strncmp(crash.message, message, length) != 0) {
		snprintf(why, sizeof(why), "%s: %s",
			 recovery_kind_name(crash.kind), crash.message);
		return why;
	}
	return NULL;
}

/*
 * The `+` behind the name keeps "read_from" from matching "read_from_it". Place
 * 0 is where it crashed, 1 its caller.
 */
const char *selftest_place(unsigned int i, const char *function)
{
	char text[160];
	size_t length = strlen(function);

	backtrace_format(&crash.trace, i, text, sizeof(text));
	if (strncmp(text, function, length) != 0 || text[length] != '+') {
		snprintf(why, sizeof(why), "the place is %s", text);
		return why;
	}
	return NULL;
}

/**
 * An MSR that faults is an answer and no crash: how the hypervisor finds out
 * what a processor has without knowing its model. How such a fault becomes a
 * return value: hv/x86 marks the instruction, and the handler of #GP finds it
 * in a table and goes on behind it.
 */
const char *selftest_msr_safe(void)
{
	u64 value = 0;

	if (rdmsr_safe(MSR_IA32_APIC_BASE, &value) || !value) {
		return "an MSR which exists cannot be read";
	}
	/* Both raise #GP on hardware; QEMU and Bochs check one of them each. */
	if (wrmsr_safe(MSR_IA32_PKRS, BIT(32)) != -EFAULT &&
	    wrmsr_safe(MSR_IA32_KERNEL_GS_BASE, BIT(62)) != -EFAULT) {
		return "a value that must fault was written";
	}
	return NULL;
}

/** The address of a function we know, three bytes in, and its line within this
 * one's; then an address in the image that is no code. */
const char *selftest_symbol(void)
{
	struct symbol symbol;

	if (!symbol_lookup((unsigned long)selftest_symbol + 3, &symbol) ||
	    strcmp(symbol.name, "selftest_symbol") != 0 || symbol.offset != 3) {
		return "a function of ours was not found by its address";
	}
	if (!symbol.file ||
	    strcmp(symbol.file, "hv/lib/selftest_crash.c") != 0 ||
	    symbol.line + 12 < __LINE__ || symbol.line > __LINE__) {
		snprintf(why, sizeof(why), "the place is %s:%u",
			 symbol.file ? symbol.file : "?", symbol.line);
		return why;
	}
	if (symbol_lookup((unsigned long)image_end, &symbol)) {
		return "a function was found behind the image";
	}
	return NULL;
}

/** The usual end: nothing is left set, and the function did what it does. */
static void return_normally(void *arg)
{
	*(int *)arg = 7;
}

/**
 * A recovery that stays set would send the next crash, which has nothing to do
 * with it, back into a frame that is long gone.
 */
const char *selftest_recovery_normal(void)
{
	int seen = 0;

	if (!recovery_run(return_normally, &seen, &crash) || seen != 7) {
		return "a function that returns is taken for a crash";
	}
	return this_cpu()->recovery ? "the recovery is still set" : NULL;
}

/**
 * With an argument in the sentence, so that formatting in the middle of a crash
 * is tried as well. Not inlined: the backtrace has to name it.
 */
static void __noinline panic_here(void *arg)
{
	panic("a bug of %s own", (const char *)arg);
}

const char *selftest_recovery_panic(void)
{
	const char *wrong = selftest_expect(panic_here, "its", CRASH_PANIC,
					    "a bug of its own");

	return wrong ? wrong : selftest_place(0, "panic_here");
}

/** What a starter does in place of the step that is not written yet. */
static void step_here(void *arg)
{
	(void)arg;
	panic_step("1.4", "lab 1.4: f() is not written yet");
}

const char *selftest_recovery_step(void)
{
	const char *wrong =
		selftest_expect(step_here, NULL, CRASH_STEP,
				"lab 1.4: f() is not written yet");

	if (!wrong && strcmp(crash.step, "1.4") != 0) {
		return "the step's number is lost";
	}
	return wrong;
}

/*
 * One is held around the crash, one is taken inside of it: only the second is
 * to be released. A recovery notes how many locks this CPU held at the start
 * and gives back those that came after. To release all would open the caller's
 * critical section behind its back; to release none would hang whoever wants
 * the lock next.
 */
static struct spinlock outer, inner;

static void panic_with_locks(void *arg)
{
	spinlock_lock(&inner);
	panic_here(arg);
}

const char *selftest_recovery_locks(void)
{
	const char *wrong;

	spinlock_lock(&outer);
	wrong = selftest_expect(panic_with_locks, "a lock", CRASH_PANIC, "");
	if (!wrong && (inner.locked || !outer.locked)) {
		wrong = "the locks are not as they were before the crash";
	}
	spinlock_unlock(&outer);
	return wrong;
}

/**
 * Interrupts are given back as they were at the start of the run, not as the
 * crash left them: off in one half of this test, on in the other. The second
 * half crashes with a lock held, that is, with interrupts off, after it was
 * entered with interrupts on.
 */
const char *selftest_recovery_flag(void)
{
	const char *wrong;

	irq_disable();
	wrong = selftest_expect(panic_here, "nobody's", CRASH_PANIC, "");
	if (!wrong && read_rflags() & RFLAGS_IF) {
		wrong = "interrupts are on that were off";
	}
	irq_enable();
	if (!wrong) {
		wrong = selftest_expect(panic_with_locks, "my", CRASH_PANIC,
					"");
	}
	if (!wrong && !(read_rflags() & RFLAGS_IF)) {
		wrong = "interrupts are off that were on";
	}
	return wrong;
}
