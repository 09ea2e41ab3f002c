/** @file
 * Ports, for a kernel that has nothing underneath.
 */
#ifndef GUEST_TESTS_KERNEL_PORTS_H
#define GUEST_TESTS_KERNEL_PORTS_H

#include "bus/types.h"

static inline void out(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out_long(u16 port, u32 value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 in(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 in_long(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#endif
