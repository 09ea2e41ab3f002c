/** @file
 * Exceptions and interrupts that arrive in the hypervisor itself.
 *
 * Three things can be meant, and are tried in this order: somebody handles
 * the vector (irq.h); the instruction was allowed to fault (extable.h); it is
 * our bug.  A bug is reported at length for people, and in one sentence for
 * the run that it ends.
 */
#include "hv/x86/trap.h"

#include "hv/lib/backtrace.h"
#include "hv/lib/recovery.h"
#include "hv/x86/cr.h"
#include "hv/x86/extable.h"
#include "hv/x86/fault_report.h"
#include "hv/x86/irq.h"

/* 9 and 15 are exceptions no more, or not yet; NULL like all that are none. */
const char *trap_name(unsigned int vector)
{
	static const char *const names[] = {
		[VECTOR_DE] = "#DE divide error",
		[VECTOR_DB] = "#DB debug exception",
		[VECTOR_NMI] = "NMI non-maskable interrupt",
		[VECTOR_BP] = "#BP breakpoint",
		[VECTOR_OF] = "#OF overflow",
		[VECTOR_BR] = "#BR bound range exceeded",
		[VECTOR_UD] = "#UD invalid opcode",
		[VECTOR_NM] = "#NM device not available",
		[VECTOR_DF] = "#DF double fault",
		[VECTOR_TS] = "#TS invalid TSS",
		[VECTOR_NP] = "#NP segment not present",
		[VECTOR_SS] = "#SS stack-segment fault",
		[VECTOR_GP] = "#GP general protection",
		[VECTOR_PF] = "#PF page fault",
		[VECTOR_MF] = "#MF x87 floating-point error",
		[VECTOR_AC] = "#AC alignment check",
		[VECTOR_MC] = "#MC machine check",
		[VECTOR_XM] = "#XM SIMD floating-point exception",
		[VECTOR_VE] = "#VE virtualization exception",
		[VECTOR_CP] = "#CP control protection exception",
	};

	return vector < ARRAY_SIZE(names) ? names[vector] : NULL;
}

/**
 * Our bug: report it and end the run.
 *
 * The sentence and the backtrace are made before anything is printed: they are
 * the run's result, and must be there if printing goes wrong.
 * @param address CR2 as it was on arrival: describing the crash may itself
 *	fault, though it should not, and would overwrite it
 */
static __noreturn void trap_fatal(const struct trap_frame *frame,
				  unsigned long address)
{
	struct crash crash = {
		.kind = CRASH_FAULT,
		.vector = frame->vector,
		.rip = frame->rip,
	};

	recovery_begin_report(trap_name(frame->vector), frame->rip);
	fault_report_summary(frame, address, crash.message,
			     sizeof(crash.message));
	backtrace_from_frame(frame, &crash.trace);
	fault_report_print(frame, address);
	recovery_stop(&crash);
}

/* CR2 is read at once: a fault in here would overwrite it.
 *
 * A fault that may happen goes on at its landing as if by a jump: the handler
 * changes RIP in the frame, and IRETQ does the rest. */
void trap_dispatch(struct trap_frame *frame)
{
	unsigned long address = read_cr2();
	unsigned long landing;

	if (irq_dispatch(frame->vector, frame)) {
		return;
	}
	landing = extable_find(frame->rip);
	if (landing) {
		frame->rip = landing;
		return;
	}
	trap_fatal(frame, address);
}
