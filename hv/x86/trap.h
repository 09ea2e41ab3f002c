/** @file
 * Exceptions and interrupts that arrive in the hypervisor itself.
 *
 * trap_entry.S pushes what the processor does not, so that each of the 256
 * vectors ends up in trap_dispatch() with the same struct trap_frame.  From
 * there: a registered handler (irq.h) gets it; else an instruction that may
 * fault continues at its landing (extable.h); else it is a bug of the
 * hypervisor, is reported readably (fault_report.c), and ends the run or,
 * outside of any recovery, the machine.
 */
#ifndef HV_X86_TRAP_H
#define HV_X86_TRAP_H

#include "bus/types.h"

/* Exception vectors - SDM 3A 6.3.1, table 6-1 */
enum trap_vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_NMI = 2,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_BR = 5,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_DF = 8,
	VECTOR_TS = 10,
	VECTOR_NP = 11,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
	VECTOR_MC = 18,
	VECTOR_XM = 19,
	VECTOR_VE = 20,
	VECTOR_CP = 21,
};

/* Error code of #PF - SDM 3A 4.7 */
#define PF_P BIT(0)    /* 0: not present, 1: a permission was missing */
#define PF_W BIT(1)    /* the access was a write */
#define PF_U BIT(2)    /* at CPL 3 */
#define PF_RSVD BIT(3) /* a reserved bit was set in an entry */
#define PF_I BIT(4)    /* instruction fetch */

/** What trap_entry.S leaves on the stack, lowest address first. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector;
	u64 error; /* 0 where the processor pushes none */
	u64 rip, cs, rflags, rsp, ss; /* pushed by the processor */
};

/** Called by trap_entry.S for each exception and interrupt, IF=0. */
void trap_dispatch(struct trap_frame *frame);

/** @return the SDM's name of an exception, "#PF page fault", or NULL */
const char *trap_name(unsigned int vector);

#endif
