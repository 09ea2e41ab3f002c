/** @file
 * Recovery: a crash in the hypervisor costs one test, not the machine.
 *
 * recovery_run() saves its place (recovery_jump.S) and leaves a struct
 * recovery where the per-CPU area points to it.  Whatever goes wrong ends in
 * recovery_stop(), which copies the crash out and jumps back there - from an
 * interrupt stack, too: it is simply abandoned, the processor starts at its
 * top again next time.
 *
 * A crash while a crash is being reported would go round for ever; the second
 * one prints a line and ends the machine.
 */
#include "hv/lib/recovery.h"

#include "hv/lib/printf.h"
#include "hv/lib/spinlock.h"
#include "hv/x86/cpu.h"
#include "hv/x86/machine.h"
#include "hv/x86/uart.h"

/** What recovery_jump.S saves, in its order: what the ABI lets a function
 * expect of a call (System V ABI 3.2.1), and the interrupt flag. */
struct recovery_context {
	u64 rbx, rbp, r12, r13, r14, r15, rsp, rip, rflags;
};

_Static_assert(sizeof(struct recovery_context) == 72, "recovery_jump.S");

struct recovery {
	struct recovery_context context;
	struct crash *out;
	unsigned int nlocks; /* that this CPU held at the start */
};

int recovery_jump_save(struct recovery_context *context)
	__attribute__((returns_twice));
__noreturn void
recovery_jump_restore(const struct recovery_context *context);

/** The frame that is come back to: nothing but the call may live in it. */
static __noinline void run_saved(struct recovery *recovery,
				 void (*fn)(void *arg), void *arg)
{
	if (recovery_jump_save(&recovery->context) == 0) {
		fn(arg);
	}
}

/*
 * Nothing is undone but locks and the interrupt flag.  Undoing what the
 * function did would need its cooperation, and it has just proved that it
 * cannot be trusted; so whoever calls this throws away all that it worked on.
 */
bool recovery_run(void (*fn)(void *arg), void *arg, struct crash *out)
{
	struct cpu *cpu = this_cpu();
	struct recovery recovery = { .out = out, .nlocks = cpu->nlocks };

	out->kind = CRASH_NONE;
	cpu_progress();
	cpu->recovery = &recovery;
	run_saved(&recovery, fn, arg);
	cpu->recovery = NULL;
	cpu_end_waiting();
	spinlock_release_beyond(recovery.nlocks);
	return out->kind == CRASH_NONE;
}

const char *recovery_kind_name(enum crash_kind kind)
{
	switch (kind) {
	case CRASH_NONE:
		return "none";
	case CRASH_PANIC:
		return "panic";
	case CRASH_FAULT:
		return "fault";
	case CRASH_HANG:
		return "hang";
	case CRASH_LIVELOCK:
		return "livelock";
	case CRASH_STEP:
		return "step";
	}
	return "?";
}

/** See recovery_on_crash(). */
static void (*on_crash)(void);

void recovery_on_crash(void (*fn)(void))
{
	on_crash = fn;
}

/* The format of the line is simple on purpose: what crashed may well have been
 * the search for a symbol. */
void recovery_begin_report(const char *what, unsigned long rip)
{
	struct cpu *cpu = this_cpu();

	if (on_crash) {
		on_crash();
	}
	if (cpu->reporting) {
		printf("exit49: %s at 0x%lx while reporting a crash\n", what,
		       rip);
		machine_exit(MACHINE_PANICKED);
	}
	cpu->reporting = true;
}

/** For people; a fault has printed its own, longer report already, and a step
 * that is missing is no crash: a backtrace would hide the one sentence. */
static void print_crash(const struct crash *crash)
{
	if (crash->kind == CRASH_FAULT || crash->kind == CRASH_STEP) {
		return;
	}
	printf("\nexit49: %s on CPU %u: %s\n", recovery_kind_name(crash->kind),
	       this_cpu()->id, crash->message);
	backtrace_print(&crash->trace);
}

/** Nobody goes on after this crash. */
static __noreturn void end_machine(const struct crash *crash)
{
	if (crash->kind == CRASH_STEP) {
		machine_bail_out("%s", crash->message);
	}
	uart_printf(UART_RESULTS, "Bail out! the hypervisor crashed (%s): %s\n",
		    recovery_kind_name(crash->kind), crash->message);
	machine_exit(MACHINE_PANICKED);
}

void recovery_stop(const struct crash *crash)
{
	struct cpu *cpu = this_cpu();
	struct recovery *recovery = cpu->recovery;

	print_crash(crash);
	if (!recovery) {
		end_machine(crash);
	}
	/* `crash` lies on the stack that is about to be left. */
	*recovery->out = *crash;
	cpu->recovery = NULL; /* a tick that waits must not stop it again */
	cpu->reporting = false;
	recovery_jump_restore(&recovery->context);
}
