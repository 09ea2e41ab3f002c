/** @file
 * Self-tests of the timer, the watchdog and the other CPUs.
 *
 * They are about time, and must not depend on it: each waits for something
 * that is counted (ticks, interrupts, rounds), never for a duration that a busy
 * host could stretch.  With one CPU those of the other CPUs still run, on that
 * one; make check gives the machine two.
 *
 * The watchdog counts ticks of a CPU in which nothing was reported to have got
 * on (cpu_progress()). What it says then depends on where the tick has met the
 * CPU:
 *
 *	in a function of ours              "is looping in ..."
 *	on the way out of a guest, again   the guest makes no progress
 *	... while exits go up              a livelock: it exits for ever
 */
#include "hv/lib/selftest_cases.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/panic.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/lib/spinlock.h"
#include "hv/lib/string.h"
#include "hv/lib/watchdog.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"

/* An impatient watchdog makes quick tests; less than two ticks it refuses. */
#define FEW_TICKS 4
#define ONE_SHOT_VECTOR 0xe8 /* nobody else's, below those of irq.h */
#define ONE_SHOT_US 1000

static struct crash crash;

static unsigned int shots;

/** One CPU alone takes this interrupt, so `++` is enough. */
static void count_shot(struct trap_frame *frame)
{
	(void)frame;
	shots++;
}

/**
 * One interrupt, and no second one in ten times its time.  The local APIC has
 * one timer, so the watchdog's ticks pause meanwhile.
 */
const char *selftest_timer(void)
{
	shots = 0;
	irq_set_handler(ONE_SHOT_VECTOR, count_shot);
	lapic_timer_oneshot(ONE_SHOT_VECTOR, ONE_SHOT_US);
	for (unsigned int i = 0; i < 10; i++) {
		lapic_delay_us(ONE_SHOT_US);
	}
	irq_set_handler(ONE_SHOT_VECTOR, NULL);
	watchdog_start();
	return READ_ONCE(shots) == 1 ? NULL : "not exactly one interrupt came";
}

/** A student's endless loop.  Not inlined: its name must come out. */
static void __noinline loop_for_ever(void *arg)
{
	(void)arg;
	for (;;) {
		cpu_relax();
	}
}

/**
 * Run fn under an impatient watchdog and expect this stop. The watchdog is made
 * impatient only around the call; with the usual patience each of these tests
 * would take long.
 * @param message how the crash's sentence must begin: with the right culprit
 * @return what went wrong, or NULL
 */
static const char *expect_stop(void (*fn)(void *arg), void *arg,
			       enum crash_kind kind, const char *message)
{
	bool returned;

	watchdog_init(FEW_TICKS);
	returned = recovery_run(fn, arg, &crash);
	watchdog_init(options.watchdog);
	if (returned || crash.kind != kind) {
		return "the watchdog did not bark";
	}
	if (strncmp(crash.message, message, strlen(message)) != 0) {
		return crash.message;
	}
	return NULL;
}

const char *selftest_watchdog_loop(void)
{
	return expect_stop(loop_for_ever, NULL, CRASH_HANG,
			   "the hypervisor is looping in loop_for_ever+0x");
}

/** A deadlock with oneself.  Interrupts are off while a lock is held, but not
 * while it is waited for: else nothing would ever end this. */
static void lock_twice(void *arg)
{
	spinlock_lock(arg);
	spinlock_unlock(arg);
}

const char *selftest_watchdog_deadlock(void)
{
	static struct spinlock taken = { .locked = 1 };

	return expect_stop(lock_twice, &taken, CRASH_HANG,
			   "the hypervisor is looping in spinlock_lock+0x");
}

/**
 * Under other locks interrupts are off, so the tick cannot reach a loop there.
 * `stoppable` is for those of a VM, whose data goes away with it: they leave
 * interrupts as they are, and nothing is lost if the holder never comes back.
 */
static struct spinlock vms_lock = { .stoppable = true };

static void loop_under_lock(void *arg)
{
	spinlock_lock(arg);
	loop_for_ever(NULL);
	spinlock_unlock(arg);
}

/** A lab's code runs under a VM's locks, and must be stopped there too. */
const char *selftest_watchdog_lock(void)
{
	const char *wrong =
		expect_stop(loop_under_lock, &vms_lock, CRASH_HANG,
			    "the hypervisor is looping in loop_for_ever+0x");

	return vms_lock.locked ? "the lock is still held" : wrong;
}

/**
 * What the run loop does for a guest that never exits but for interrupts: let
 * them in by a call that knows where the guest is. RIP is made up; the sentence
 * must have it.
 */
static void guest_loops(void *arg)
{
	(void)arg;
	irq_disable();
	for (;;) {
		watchdog_guest_tick(gva(0x1234));
		cpu_relax();
	}
}

const char *selftest_watchdog_guest(void)
{
	return expect_stop(guest_loops, NULL, CRASH_HANG,
			   "the guest makes no progress at rip 0x1234");
}

/**
 * And for one that takes the same exit again and again: the tick may well meet
 * the hypervisor, but it is not the hypervisor that loops. Interrupts are off
 * but for a moment, as they are around a guest.
 */
static void guest_exits(void *arg)
{
	(void)arg;
	for (;;) {
		this_cpu()->exits++;
		irq_disable();
		cpu_relax();
		irq_enable();
	}
}

const char *selftest_watchdog_livelock(void)
{
	return expect_stop(guest_exits, NULL, CRASH_LIVELOCK,
			   "the guest makes no progress although it exits");
}

/** Long, but getting on all the time: three times what a standstill may
 * last. */
static void work(void *arg)
{
	u64 end = this_cpu()->ticks + 3 * FEW_TICKS;

	(void)arg;
	while (READ_ONCE(this_cpu()->ticks) < end) {
		cpu_progress();
		cpu_relax();
	}
}

const char *selftest_watchdog_progress(void)
{
	bool returned;

	watchdog_init(FEW_TICKS);
	returned = recovery_run(work, NULL, &crash);
	watchdog_init(options.watchdog);
	return returned ? NULL : "the watchdog barks at one who works";
}

/**
 * Each CPU writes only its own counter, so this needs no lock. this_cpu() is
 * read on the CPU that runs this, so a function that was sent to the wrong one
 * counts in the wrong place.
 */
static void note_cpu(void *arg)
{
	unsigned int *seen = arg;

	seen[this_cpu()->id]++;
}

/** Fifty rounds, since a mailbox that loses one function in ten passes one. */
const char *selftest_cpus_run(void)
{
	unsigned int seen[CPU_MAX] = { 0 };

	for (unsigned int round = 0; round < 50; round++) {
		for (unsigned int id = 0; id < cpu_count(); id++) {
			if (cpu_run_on(id, note_cpu, seen)) {
				return "a CPU takes no function";
			}
		}
	}
	for (unsigned int id = 0; id < CPU_MAX; id++) {
		if (seen[id] != (id < cpu_count() ? 50 : 0)) {
			return "a function ran on the wrong CPU";
		}
	}
	if (cpu_start_on(cpu_count(), note_cpu, seen) != -ENODEV) {
		return "a CPU which does not exist took a function";
	}
	printf("exit49: %u CPUs ran functions\n", cpu_count());
	return NULL;
}

/** Which CPU's stack and recovery are in use shows in the sentence. */
static void crash_here(void *arg)
{
	(void)arg;
	panic("on CPU %u", this_cpu()->id);
}

/**
 * What a vCPU thread on another CPU does: it recovers by itself, there.
 * recovery_run() comes back with true only if nothing crashed; then the kind is
 * overwritten and the caller sees it.
 */
static void recover_here(void *arg)
{
	if (recovery_run(crash_here, NULL, arg)) {
		((struct crash *)arg)->kind = CRASH_NONE;
	}
}

const char *selftest_cpus_recover(void)
{
	char expected[32];

	for (unsigned int id = 0; id < cpu_count(); id++) {
		if (cpu_run_on(id, recover_here, &crash)) {
			return "a CPU takes no function";
		}
		snprintf(expected, sizeof(expected), "on CPU %u", id);
		if (crash.kind != CRASH_PANIC ||
		    strcmp(crash.message, expected) != 0) {
			return "a CPU did not recover by itself";
		}
	}
	return NULL;
}
