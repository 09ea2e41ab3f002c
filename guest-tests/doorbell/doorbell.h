/** @file
 * What the tests of doorbells share: one store, from always the same place.
 *
 * The hypervisor knows a store again by where it is.  So here are stores that
 * are functions, not inlined, and code that a test may change or move.
 */
#ifndef GUEST_TESTS_DOORBELL_DOORBELL_H
#define GUEST_TESTS_DOORBELL_DOORBELL_H

#include "guest-tests/lib/test.h"

/** Where doorbells hang; nobody else is there. */
#define BELL_GPA DEVICE_FREE_GPA

/** MOV m, EAX; one instruction for all who call it. */
void doorbell_store4(u64 address, u32 value);

/** The same of 8 bytes. */
void doorbell_store8(u64 address, u64 value);

/** Store so often that the hypervisor knows the store. @return how often */
u64 doorbell_teach(u64 address);

/** A page of code, which begins with MOV m, EAX: 89 03 C3. */
extern u8 doorbell_code[PAGE_SIZE];

/** Write that code. */
void doorbell_write_code(void);

/** Call code with RBX and EAX. @return EAX */
u32 doorbell_call(const void *code, u64 rbx, u32 eax);

#endif
