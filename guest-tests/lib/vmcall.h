/** @file
 * Hypercalls, as functions.  The numbers and structs: hv/vmm/hypercall.h.
 *
 * The VMM reads and writes guest memory in them, hence the memory clobber.
 */
#ifndef GUEST_TESTS_LIB_VMCALL_H
#define GUEST_TESTS_LIB_VMCALL_H

#include "hv/vmm/hypercall.h"

/** A hypercall with three arguments. @return RAX; negative is an errno */
static inline s64 vmcall3(enum hypercall number, u64 a, u64 b, u64 c)
{
	s64 result;

	asm volatile("vmcall"
		     : "=a"(result)
		     : "a"((u64)number), "D"(a), "S"(b), "d"(c)
		     : "memory");
	return result;
}

static inline s64 vmcall2(enum hypercall number, u64 a, u64 b)
{
	return vmcall3(number, a, b, 0);
}

static inline s64 vmcall1(enum hypercall number, u64 a)
{
	return vmcall3(number, a, 0, 0);
}

static inline s64 vmcall0(enum hypercall number)
{
	return vmcall3(number, 0, 0, 0);
}

/** The address of something, as a hypercall takes it: GVA = GPA here. */
static inline u64 vmcall_address(const volatile void *pointer)
{
	return (u64)pointer;
}

/** One of the vCPU's counters. */
static inline u64 vmcall_counter(enum hypercall_counter which)
{
	return (u64)vmcall1(HYPERCALL_COUNTER, which);
}

/** One of a device's counts; @param base the device's first address. */
static inline u64 vmcall_device(u64 base, enum device_count which)
{
	return (u64)vmcall2(HYPERCALL_DEVICE_READ, base, which);
}

#endif
