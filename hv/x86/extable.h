/** @file
 * The exception table: instructions that are allowed to fault.
 *
 * Some questions can only be put by trying: does this MSR exist?  An
 * instruction that asks such a question gets an entry {its address, where to
 * go on if it faults} in the section .extable.  The trap dispatcher looks an
 * exception's RIP up here before it calls it a bug.
 *
 *	error = -EFAULT
 *	1: rdmsr          <- #GP here continues at 2 with error still set
 *	   error = 0
 *	2:
 */
#ifndef HV_X86_EXTABLE_H
#define HV_X86_EXTABLE_H

#include "bus/types.h"

/** One entry, laid down by EXTABLE(). */
struct extable_entry {
	unsigned long insn;    /* address of the instruction that may fault */
	unsigned long landing; /* where execution continues if it does */
};

/** Assembler text for an entry; both arguments are label strings. */
#define EXTABLE(insn, landing)               \
	".pushsection .extable, \"a\"\n\t"   \
	".balign 8\n\t"                      \
	".quad " insn ", " landing "\n\t"    \
	".popsection\n\t"

/**
 * Where to continue after an exception at this address.
 * @param rip host virtual address of the faulting instruction
 * @return the landing address, or 0 when no fault is allowed there
 */
unsigned long extable_find(unsigned long rip);

#endif
