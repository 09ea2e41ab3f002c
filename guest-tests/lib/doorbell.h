/** @file
 * Doorbells of a test's own.
 *
 *	u64 bell = doorbell_make(BELL_GPA, 0);	  any length
 *
 *	mmio_write4(BELL_GPA, 1);
 *	CHECK_COUNT(doorbell_take(bell), 1, "...");
 *
 * What doorbell_make() returns is the doorbell's number in all that asks about
 * it.  For what may fail, call the hypercalls.
 */
#ifndef GUEST_TESTS_LIB_DOORBELL_H
#define GUEST_TESTS_LIB_DOORBELL_H

#include "hv/vmm/hypercall.h"

/** Hang one up.  @param length of the store; 0: any  @return its number */
u64 doorbell_make(u64 gpa, u32 length);

/** The same for stores of one value. */
u64 doorbell_make_matching(u64 gpa, u32 length, u64 value);

/** The same at a port.  @param length of the OUT; 0: any */
u64 doorbell_make_port(u16 port, u32 length);

/** Take it down; nobody rings it any more. */
void doorbell_remove(u64 doorbell);

/** @return how often it was rung and nobody has taken it */
u64 doorbell_count(u64 doorbell);

/** The same, and take them: the next count begins with 0. */
u64 doorbell_take(u64 doorbell);

#endif
