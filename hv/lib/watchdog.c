/** @file
 * The watchdog.
 *
 * Each tick compares cpu->progress with what it was.  If it has moved, all is
 * well and the count starts again.  If not, and too many ticks have gone by,
 * the run is stopped, and the question is only whom to name:
 *
 *	- The tick interrupted the hypervisor: an endless loop of ours.  The
 *	  interrupted frame says where.  If tick after tick finds it in one and
 *	  the same exit there is no need to wait so long: to handle an exit
 *	  takes microseconds.
 *	- The tick interrupted the guest (the interrupt came in by a VM exit,
 *	  watchdog_guest_tick() let it in): the guest loops.
 *	  So it does if the tick interrupted the hypervisor while it emulates
 *	  one instruction of the guest after the other (cpu->turns).
 *	- As before, but exits were counted: the guest takes the same exits
 *	  over and over, for example an EPT violation that is never cured.  The
 *	  hypervisor, interrupted while it handles one of these exits, gets the
 *	  same verdict, since it is not what loops.
 */
#include "hv/lib/watchdog.h"

#include "hv/lib/backtrace.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/lib/symbol.h"
#include "hv/lib/timer.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/**
 * Exits per idle tick from which on it is a livelock and not a hang.  Even a
 * guest that does nothing may exit now and then between two ticks; one that
 * goes in circles exits by the hundred.
 */
#define LIVELOCK_EXITS_PER_TICK 2

/** This part of the patience is enough for the hypervisor in a single exit. */
#define STUCK_PART 3

static unsigned int ticks_allowed = WATCHDOG_TICKS_DEFAULT;

/* Patience is a number of ticks and not a time: a machine that is starved by
 * its neighbours gets fewer ticks and fewer instructions alike. */
void watchdog_init(unsigned int ticks)
{
	ticks_allowed = ticks;
}

void watchdog_start(void)
{
	timer_tick_begin(watchdog_tick);
}

void watchdog_stop(void)
{
	timer_tick_end();
}

/** Whether the hypervisor does not come out of one exit any more. */
static bool is_stuck(const struct cpu *cpu)
{
	return cpu->stuck_ticks > ticks_allowed / STUCK_PART;
}

/**
 * Count a tick.  Outside of recovery_run() there is nobody to come back to, so
 * the count begins anew: the test driver's own work is never stopped.
 * @return whether the patience is at its end
 */
static bool count_tick(struct cpu *cpu)
{
	cpu->ticks++;
	/* It may wait at a port for as long as it likes.  (A tick that comes
	 * while it runs is an exit itself: hang.c looks at those.) */
	if (cpu->foreign && !cpu->tick_in_guest &&
	    cpu->exits != cpu->tick_exits) {
		cpu->tick_exits = cpu->exits;
		cpu->progress++;
	}
	if (cpu->progress != cpu->seen_progress || !cpu->recovery) {
		cpu->seen_progress = cpu->progress;
		cpu->seen_exits = cpu->exits;
		cpu->idle_ticks = 0;
		cpu->stuck_ticks = 0;
		return false;
	}
	if (cpu->waiting && cpu->ticks % 2) {
		return false; /* whoever it waits for shall be named first */
	}
	cpu->idle_ticks++;
	cpu->stuck_ticks++;
	cpu->turned = cpu->turns != cpu->tick_turns;
	cpu->tick_turns = cpu->turns;
	if (!cpu->vcpu || cpu->tick_in_guest || cpu->turned ||
	    cpu->exits != cpu->tick_exits) {
		cpu->stuck_ticks = 0;
	}
	cpu->tick_exits = cpu->exits;
	return cpu->idle_ticks >= ticks_allowed || is_stuck(cpu);
}

static bool exits_in_circles(const struct cpu *cpu)
{
	u64 exits = cpu->exits - cpu->seen_exits;

	/* The ticks are exits themselves when they interrupt the guest. */
	return exits > (u64)LIVELOCK_EXITS_PER_TICK * cpu->idle_ticks;
}

/** Of a guest in circles the number of exits says more than any place; what
 * they were is in the trace ring. */
static __noreturn void stop_livelock(struct crash *crash,
				     const struct cpu *cpu)
{
	crash->kind = CRASH_LIVELOCK;
	snprintf(crash->message, sizeof(crash->message),
		 "the guest makes no progress although it exits again and "
		 "again: %lu exits in %u ticks",
		 cpu->exits - cpu->seen_exits, cpu->idle_ticks);
	recovery_stop(crash);
}

/** The tick came while the hypervisor itself was running. */
static __noreturn void stop_hypervisor(const struct trap_frame *frame)
{
	struct crash crash = { .kind = CRASH_HANG, .rip = frame->rip };
	char place[160];

	recovery_begin_report("watchdog", frame->rip);
	backtrace_from_frame(frame, &crash.trace);
	if (!is_stuck(this_cpu()) && exits_in_circles(this_cpu())) {
		stop_livelock(&crash, this_cpu());
	}
	symbol_format(frame->rip, false, place, sizeof(place));
	snprintf(crash.message, sizeof(crash.message),
		 "the hypervisor is looping in %s", place);
	recovery_stop(&crash);
}

/* In the guest, the run loop asks for the verdict after the interrupt: only it
 * knows the guest's RIP, and the frame here is its own.  So does the emulation
 * loop at its next turn. */
void watchdog_tick(struct trap_frame *frame)
{
	struct cpu *cpu = this_cpu();

	if (count_tick(cpu) && !cpu->tick_in_guest && !cpu->turned) {
		stop_hypervisor(frame);
	}
}

/** The patience is at its end; a function of its own, as its report is large
 * and the look before it is part of each interrupt. */
static __noinline __noreturn void stop_guest(gva_t rip, const char *what)
{
	struct cpu *cpu = this_cpu();
	struct crash crash = { .kind = CRASH_HANG };

	recovery_begin_report("watchdog", rip.v);
	backtrace_here(&crash.trace);
	if (exits_in_circles(cpu)) {
		stop_livelock(&crash, cpu);
	}
	snprintf(crash.message, sizeof(crash.message),
		 "the guest %s at rip 0x%llx", what, (unsigned long long)rip.v);
	recovery_stop(&crash);
}

/** @param what  for the message: what the guest does at `rip` */
static inline void judge_guest(gva_t rip, const char *what)
{
	const struct cpu *cpu = this_cpu();

	/* Another interrupt than the tick finds what the last tick has left,
	 * which may be the end of another test's patience. */
	if (unlikely(cpu->idle_ticks >= ticks_allowed) && cpu->recovery &&
	    cpu->progress == cpu->seen_progress) {
		stop_guest(rip, what);
	}
}

/** What made the guest exit is still pending and comes in here. */
void watchdog_guest_tick(gva_t rip)
{
	struct cpu *cpu = this_cpu();

	cpu->tick_in_guest = true;
	irq_enable();
	irq_disable();
	cpu->tick_in_guest = false;
	judge_guest(rip, "makes no progress");
}

void watchdog_guest_sleep(gva_t rip)
{
	struct cpu *cpu = this_cpu();

	cpu->tick_in_guest = true;
	cpu_begin_waiting();
	asm volatile("sti; hlt; cli" : : : "memory");
	cpu_end_waiting();
	cpu->tick_in_guest = false;
	judge_guest(rip, "is halted and nothing wakes it");
}
