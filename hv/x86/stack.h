/** @file
 * The stacks of all CPUs, and their guard pages.
 *
 * Each CPU has an ordinary stack and one each for #DF, NMI, #MC and the soft
 * VMX unit.  Below each lies a page that is not mapped, so that an endless
 * recursion ends in a report instead of in silence:
 *
 *	| guard | #DF ... | guard | NMI ... | ... | guard | stack ............ |
 *	                                             ^ a push from here faults
 *
 * The ordinary one lies above the others, so that a chain of frames which goes
 * from another stack to it rises, as every chain must (hv/lib/backtrace.c).
 */
#ifndef HV_X86_STACK_H
#define HV_X86_STACK_H

#include "bus/types.h"

enum stack_kind {
	STACK_MAIN,
	STACK_DF,
	STACK_NMI,
	STACK_MC,
	STACK_SOFTVMX, /* of the VMX unit in software, hv/softvmx/ */
	STACK_KINDS,
};

/** Sizes in bytes without the guard page. */
#define STACK_MAIN_SIZE (8 * 4096)
#define STACK_IST_SIZE (4 * 4096)
#define STACK_GUARD_SIZE 4096

/** What an address is to the stacks. */
struct stack_place {
	unsigned int cpu;
	enum stack_kind kind;
	unsigned long low, high; /* usable range, low <= address < high */
	bool is_guard;		 /* the address is in the guard page below */
};

/** @return the first address above this stack: its initial RSP */
unsigned long stack_top(unsigned int cpu, enum stack_kind kind);

/**
 * Find the stack, or guard page, that an address belongs to.
 * @param address host virtual address
 * @param place filled when found
 * @return whether it belongs to one
 */
bool stack_find(unsigned long address, struct stack_place *place);

/** @return "stack", "#DF stack", "NMI stack" and so on */
const char *stack_name(enum stack_kind kind);

/** Call fn with the address of each guard page. */
void stack_for_each_guard(void (*fn)(unsigned long guard));

#endif
