/** @file
 * A hypercall that plays an instruction which the processor does not have.
 *
 * What the emulator remembers of an instruction's reads has bounds, and it
 * must refuse what cannot be.  No real instruction comes near: none reads 64
 * times, none reads another place when it is run again.  So a test writes down
 * what such an instruction would do, step by step, and the VMM does it with the
 * emulator of the vCPU, as if it were in the middle of one:
 *
 *	BEGIN, READ 8 at A, READ 4 at DEVICE -> waits, ANSWER, REWIND,
 *	READ 8 at A -> served, READ 4 at B -> must be refused
 */
#ifndef HV_VMM_HYPERCALL_READS_H
#define HV_VMM_HYPERCALL_READS_H

#include "bus/types.h"

/** Steps of one script at most. */
#define READS_STEPS_MAX 128

/** A read's destination is filled with this before it. */
#define READS_UNTOUCHED 0xe5e5e5e5e5e5e5e5ull

enum hypercall_read_op {
	READS_BEGIN,  /* a new instruction */
	READS_REWIND, /* the same instruction once more */
	READS_READ,   /* address, size; value: its first 8 bytes */
	READS_ANSWER, /* the VMM's answer to each piece is value */
	READS_SETTLED, /* value: whether everything was taken */
	READS_CANCEL, /* an exception comes in between */
	READS_OP_COUNT,
};

/** How a step ended. */
enum hypercall_read_result {
	READS_DONE,
	READS_FAULT,
	READS_WAITS, /* the VMM must answer first */
	READS_REFUSED,
	READS_RETRY,
};

struct hypercall_read_step {
	u32 op;	     /* enum hypercall_read_op */
	u32 size;    /* bytes, 1 to 32 */
	u64 address; /* linear */
	u64 value;   /* in or out */
	u32 result;  /* out: enum hypercall_read_result */
	u32 zero;
};

#endif
