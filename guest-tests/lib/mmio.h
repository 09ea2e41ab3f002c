/** @file
 * Accesses to a device's registers with exactly one, known instruction.
 *
 * A compiler may choose another instruction for the same load.  Here the
 * instruction is the point: its width, its operands, its length.  RBX holds
 * the address and the value goes by the accumulator, so that the encoding is
 * always the same.
 */
#ifndef GUEST_TESTS_LIB_MMIO_H
#define GUEST_TESTS_LIB_MMIO_H

#include "bus/types.h"

/* MOV AL/AX/EAX/RAX, m   8A /r, 8B /r */
static inline u8 mmio_read1(u64 address)
{
	u8 value;

	asm volatile("movb (%1), %0" : "=a"(value) : "b"(address) : "memory");
	return value;
}

static inline u16 mmio_read2(u64 address)
{
	u16 value;

	asm volatile("movw (%1), %0" : "=a"(value) : "b"(address) : "memory");
	return value;
}

static inline u32 mmio_read4(u64 address)
{
	u32 value;

	asm volatile("movl (%1), %0" : "=a"(value) : "b"(address) : "memory");
	return value;
}

static inline u64 mmio_read8(u64 address)
{
	u64 value;

	asm volatile("movq (%1), %0" : "=a"(value) : "b"(address) : "memory");
	return value;
}

/* MOV m, AL/AX/EAX/RAX   88 /r, 89 /r */
static inline void mmio_write1(u64 address, u8 value)
{
	asm volatile("movb %0, (%1)" : : "a"(value), "b"(address) : "memory");
}

static inline void mmio_write2(u64 address, u16 value)
{
	asm volatile("movw %0, (%1)" : : "a"(value), "b"(address) : "memory");
}

static inline void mmio_write4(u64 address, u32 value)
{
	asm volatile("movl %0, (%1)" : : "a"(value), "b"(address) : "memory");
}

static inline void mmio_write8(u64 address, u64 value)
{
	asm volatile("movq %0, (%1)" : : "a"(value), "b"(address) : "memory");
}

#endif
