/** @file
 * 16-bit code, called from a 64-bit test.
 *
 * Code of guest-tests/real/code16.S is linked where the program is; real_call()
 * copies it to REAL_CODE and sends the vCPU there, in real mode with all
 * segments 0 but CS.  It comes back with a VMCALL of its own.
 *
 *	real_prepare(&r, mark_begin, mark_end);
 *	r.gpr[0] = 5;
 *	real_run(&r);
 *	CHECK_EQ(r.gpr[0], ...);
 */
#ifndef GUEST_TESTS_LIB_REAL_H
#define GUEST_TESTS_LIB_REAL_H

#include "hv/vmm/hypercall.h"

/** In CS, the number of the hypercall that ends it. */
#define REAL_NUMBER 0xfffcu

/** Where it runs, CS:0; where its stack is, SS:SP; free memory, DS:0. */
#define REAL_CODE 0x10000u
#define REAL_STACK 0x20000u
#define REAL_STACK_TOP 0xfff0u
#define REAL_DATA 0x30000u

/**
 * Copy code to REAL_CODE and make the registers that it begins with: CS, SS, DS
 * and ES as above, SP at the top, all others 0, interrupts off.
 * @param r     is overwritten
 * @param begin first byte of the code
 * @param end   the one behind it
 */
void real_prepare(struct hypercall_real *r, const void *begin,
		  const void *end);

/** Let it run until it comes back. @param r the registers, before and after */
void real_run(struct hypercall_real *r);

/** Point a vector of the table at 0 to a place of the code. */
void real_set_vector(unsigned int vector, u16 offset);

/** Bytes of the guest's memory below 1 MiB. */
static inline volatile u8 *real_memory(u32 address)
{
	return (volatile u8 *)(u64)address;
}

#endif
