/** @file
 * Devices of a test's own, on either side of the bus, and what they have seen.
 *
 *	u64 fifo = device_make(DEVICE_FIFO, DEVICE_OUTSIDE, FIFO_GPA, 4096);
 *
 *	device_fill(fifo, 0x11);
 *	mmio_read4(FIFO_GPA);
 *	CHECK_COUNT(vmcall_device(fifo, DEVICE_READS), 1, "...");
 *
 * What device_make() returns is the device's name in all that asks about it.
 */
#ifndef GUEST_TESTS_LIB_DEVICE_H
#define GUEST_TESTS_LIB_DEVICE_H

#include "hv/vmm/hypercall.h"

/** Where tests put devices: nobody is there at first; whole GiB are free. */
#define DEVICE_FREE_GPA 0x80000000ull

/** Make a device that takes accesses of any width.  @return its name */
u64 device_make(enum device_kind kind, enum device_side side, u64 gpa,
		u64 length);

/** One more value for a FIFO; the value of a latch; all bytes of a mirror. */
void device_fill(u64 device, u64 value);

/** A mirror's bytes from its beginning, set and read back. */
void device_put(u64 device, const void *from, u64 bytes);
void device_get(u64 device, void *to, u64 bytes);

/** The n-th access that a made device has seen, from 0; there must be one. */
struct hypercall_access device_log(u64 device, u64 n);

/** @return how many accesses a device has seen, of either kind */
u64 device_accesses(u64 device);

/** The n-th exit to the VMM since device_clear_exits(); there must be one. */
struct hypercall_io device_exit(u64 n);

/** The vCPU's registers during that exit. */
struct hypercall_io_state device_exit_state(u64 n);

/** Begin the list of exits anew. @return how many have been in it */
u64 device_clear_exits(void);

/**
 * At the n-th exit from now on, let another CPU write to memory.
 * @param nth from 1
 * @param at what is written, in the test's own memory
 * @param bytes little-endian
 * @param length 1 to 8
 */
void device_poke_at_exit(u64 nth, volatile void *at, u64 bytes, u64 length);

#endif
