/** @file
 * The PC's loop around vcpu_run(), one for each processor, and its end.
 *
 * The devices are in the core, so what comes back here is rare: an access that
 * nobody answers, or the end.  As on a PC's bus, a read of nothing gives ones,
 * and a write goes nowhere.
 *
 * An end may come from anywhere: a vCPU that has crashed, a device on whichever
 * CPU was accessing it, a timer.  So it is a race by design, and is_first() is
 * its finish: who wins writes the text and the code, then `end`, with release;
 * all others' reasons are dropped.  wake_all() makes every vCPU leave the
 * guest, or its sleep, once more, and the loop looks at `over` before it goes
 * in again.
 *
 *	           vcpu_run() == 0                 -EINTR
 *	  loop: ---> a question --> answer --> loop   ---> is it over? --> loop
 *	         `-> no question --> pc_stop()             `--> leave
 *
 * The answer stays in vcpu->run; the next vcpu_run() finishes the instruction
 * with it (a load gets its bytes, an IN its register) before it enters again.
 */
#include "hv/machine/pc.h"

#include <stdarg.h>

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/printf.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/* The end ------------------------------------------------------------------ */

static bool is_over(const struct pc *pc)
{
	return READ_ONCE(pc->over);
}

/**
 * After `over` is set and not before: a vCPU that is woken looks at it, and if
 * it found 0 it would go back into the guest, with nobody to wake it again.
 */
static void wake_all(struct pc *pc)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		struct vcpu *vcpu = READ_ONCE(pc->vm->vcpu[i]);

		if (vcpu) {
			vcpu_signal(vcpu);
		}
	}
}

/**
 * Two vCPUs may end it at once: the first one writes, the other one's reason
 * is lost with it.  The first one is most often the cause, too: a guest that
 * powers off while another of its processors crashes has powered off.
 */
static bool is_first(struct pc *pc)
{
	return !__atomic_exchange_n(&pc->over, 1, __ATOMIC_SEQ_CST);
}

/** Text and code stand already; who reads `end` with acquire finds them. */
static void publish_end(struct pc *pc, enum pc_end end)
{
	pc->vcpu = this_cpu()->id;
	smp_store_release(&pc->end, end);
	wake_all(pc);
}

void pc_stop(struct pc *pc, enum pc_end end, const char *format, ...)
{
	va_list args;

	if (!is_first(pc)) {
		return;
	}
	va_start(args, format);
	vsnprintf(pc->text, sizeof(pc->text), format, args);
	va_end(args);
	publish_end(pc, end);
}

/* The exit device takes 32 bits; a process' exit status has 8. */
void pc_exit(struct pc *pc, u8 code)
{
	if (!is_first(pc)) {
		return;
	}
	pc->code = code;
	snprintf(pc->text, sizeof(pc->text),
		 "the guest has ended with code %u", code);
	publish_end(pc, PC_EXITED);
}

/*
 * recovery_run() has come back by a jump out of the depths: whatever was under
 * way there is not finished and never will be.  The vCPU is given up as it is;
 * the rest of the hypervisor lives on to tell what happened.
 */
void pc_abandon(struct pc *pc, struct vcpu *vcpu, const struct crash *crash)
{
	vcpu_abandon(vcpu);
	if (crash->kind == CRASH_STEP) {
		pc_stop(pc, PC_UNWRITTEN, "%s", crash->message);
	} else {
		pc_stop(pc, PC_CRASHED, "vCPU %u: %s", vcpu->number,
			crash->message);
	}
}

/**
 * What comes back and is no question.  A HLT comes here only if nothing can end
 * it; one that waits for an interrupt is slept through in the core.  All names
 * stand in the switch, so that the compiler asks about a new one.
 */
static void stop_at(struct pc *pc, struct vcpu *vcpu)
{
	const struct vcpu_run *run = &vcpu->run;

	switch ((enum vcpu_exit)run->exit_reason) {
	case VCPU_EXIT_HLT:
		pc_stop(pc, PC_HALTED,
			"the guest has halted at rip 0x%llx with interrupts "
			"off: nothing can wake it",
			(unsigned long long)vcpu->rip);
		return;
	case VCPU_EXIT_SHUTDOWN:
	case VCPU_EXIT_INTERNAL_ERROR:
		pc_stop(pc, PC_CRASHED, "vCPU %u at rip 0x%llx: %s",
			vcpu->number, (unsigned long long)vcpu->rip,
			run->internal.text);
		return;
	case VCPU_EXIT_FAIL_ENTRY:
		pc_stop(pc, PC_CRASHED, "VM entry failed: %s",
			run->fail_entry.sentence);
		return;
	case VCPU_EXIT_NONE:
	case VCPU_EXIT_MMIO:
	case VCPU_EXIT_IO:
	case VCPU_EXIT_HYPERCALL:
	case VCPU_EXIT_INTERRUPTED:
	case VCPU_EXIT_COUNT:
		break;
	}
	pc_stop(pc, PC_CRASHED, "vcpu_run() came back for no known reason (%u)",
		run->exit_reason);
}

/* Nobody there ------------------------------------------------------------- */

/**
 * Most of them are no mistakes: a kernel that looks for devices finds out like
 * this that they are not there.
 */
static void tell(struct pc *pc, const struct vcpu *vcpu, const char *what,
		 u64 address)
{
	__atomic_fetch_add(&pc->unanswered, 1, __ATOMIC_RELAXED);
	if (pc->log) {
		printf("exit49: nobody answers %s 0x%llx (vCPU %u, rip "
		       "0x%llx)\n", what,
		       (unsigned long long)address, vcpu->number,
		       (unsigned long long)vcpu->rip);
	}
}

/** Ones in all bytes; how many of them count, the instruction knows. */
static void answer_mmio(struct pc *pc, struct vcpu *vcpu)
{
	struct vcpu_run *run = &vcpu->run;

	if (!run->mmio.is_write) {
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	}
	tell(pc, vcpu, run->mmio.is_write ? "a store to" : "a load from",
	     run->mmio.gpa.v);
}

static void answer_port(struct pc *pc, struct vcpu *vcpu)
{
	struct vcpu_run *run = &vcpu->run;

	if (!run->io.is_write) {
		memset(run->io.data, 0xff, sizeof(run->io.data));
	}
	tell(pc, vcpu, run->io.is_write ? "an OUT to port" : "an IN from port",
	     run->io.port);
}

/** No hypercall is known to a kernel that is not ours. */
#define NO_SUCH_CALL ((u64)-1000)

/** What is answered returns; all else ends the PC. */
static void handle(struct pc *pc, struct vcpu *vcpu)
{
	switch ((enum vcpu_exit)vcpu->run.exit_reason) {
	case VCPU_EXIT_MMIO:
		answer_mmio(pc, vcpu);
		return;
	case VCPU_EXIT_IO:
		answer_port(pc, vcpu);
		return;
	case VCPU_EXIT_HYPERCALL:
		vcpu->run.hypercall.ret = NO_SUCH_CALL;
		return;
	case VCPU_EXIT_HLT:
	case VCPU_EXIT_SHUTDOWN:
	case VCPU_EXIT_INTERNAL_ERROR:
	case VCPU_EXIT_FAIL_ENTRY:
	case VCPU_EXIT_NONE:
	case VCPU_EXIT_INTERRUPTED:
	case VCPU_EXIT_COUNT:
		break;
	}
	stop_at(pc, vcpu);
}

/* The loop ----------------------------------------------------------------- */

/*
 * -EINTR is no error: somebody wanted this CPU's attention, and `over` may be
 * why.  `foreign` tells the watchdog that this guest makes no hypercalls to say
 * that it gets on, so that its exits have to do.
 */
void pc_run_vcpu(struct pc *pc, struct vcpu *vcpu)
{
	this_cpu()->foreign = true;
	while (!is_over(pc)) {
		int error = vcpu_run(vcpu);

		cpu_progress();
		if (!error) {
			handle(pc, vcpu);
		} else if (error != -EINTR) {
			pc_stop(pc, PC_CRASHED, "vcpu_run() failed with %d",
				error);
		}
	}
}

static void run_first(void *arg)
{
	struct pc *pc = arg;

	pc_run_vcpu(pc, pc->vm->vcpu[0]);
}

/*
 * CPU 0 runs vCPU 0 itself, under a net (recovery_run()).  Timers are started
 * first and stopped last: until every vCPU has left, one of them may still ask
 * the board for something.
 */
void pc_run(struct pc *pc)
{
	struct crash crash;

	pc_board_start(pc);
	pc_cpus_start(pc);
	if (!recovery_run(run_first, pc, &crash)) {
		pc_abandon(pc, pc->vm->vcpu[0], &crash);
	}
	pc_cpus_wait(pc);
	pc_board_stop(pc);
}
