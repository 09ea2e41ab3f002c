/** @file
 * The VM beside a hostile one: it computes, and must not notice anything.
 *
 *	first CPU   the hostile guest     vcpu_run() | answer | ...
 *	last CPU    the neighbour         vcpu_run() | compare | ...
 *
 * Its program steps through a sequence of numbers, changes a word of its memory
 * at each and asks for nothing; every so many steps it exits.  The VMM does the
 * same with a model of its own and compares: registers after each round, all of
 * the memory at the end.
 */
#ifndef HV_VMM_NEIGHBOUR_H
#define HV_VMM_NEIGHBOUR_H

#include "bus/types.h"
#include "hv/lib/recovery.h"
#include "hv/vmm/hypercall.h"
#include "hv/vmm/verdict.h"

struct vcpu;
struct vm;

struct neighbour {
	struct vm *vm; /* NULL: there is none */
	struct vcpu *vcpu;
	u8 *ram;
	u64 *model; /* what its words should be */
	u64 x;	    /* where in the sequence it should be */

	/* Written by its CPU; read when it has ended. */
	u64 rounds;
	int error;	   /* it could not be made */
	const char *wrong; /* what was noticed, or NULL */
	struct crash crash;
	bool ended;

	/* Asked of its CPU. */
	bool stop;
	enum hypercall_harm harm; /* HARM_NONE: done */
};

/**
 * Make it and let it run on the last CPU.
 * @param n zeroed
 * @return 0, or an errno; neighbour_destroy() takes away what there is
 */
int neighbour_start(struct neighbour *n) __must_check;

/**
 * Harm it, for tests of neighbour_judge(); a passed test must fail then.
 * Returns when it is done.
 * @param how enum hypercall_harm, or anything: -EINVAL
 */
int neighbour_harm(struct neighbour *n, u64 how) __must_check;

/** One more round, then it ends; a passed test fails if it was harmed.  Does
 * nothing when there is none. */
void neighbour_judge(struct neighbour *n, struct verdict *verdict);

/** Take it away, after neighbour_judge(). */
void neighbour_destroy(struct neighbour *n);

#endif
