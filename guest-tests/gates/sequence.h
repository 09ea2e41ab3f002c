/** @file
 * Sequences of instructions that go through gates, and back, and where they
 * may not go.
 */
#ifndef GUEST_TESTS_GATES_SEQUENCE_H
#define GUEST_TESTS_GATES_SEQUENCE_H

#include "bus/types.h"

/** Elements of a sequence: an instruction, and what it finds on the stack. */
#define SEQUENCE_LENGTH 16

/**
 * Write a sequence to its place in the arena; behind it INT VECTOR_END.
 * @param random what it is made of
 * @param level  0 or 3, where it begins
 * @param length elements
 */
void sequence_make(u64 *random, unsigned int level, unsigned int length);

#endif
