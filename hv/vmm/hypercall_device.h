/** @file
 * Hypercalls about devices: those that a test makes, and what happens at an
 * exit.
 *
 * Whether an access was carried out once, in the right order and with the
 * right bytes can only be told by the device.  So a test may put devices where
 * it needs them, on both sides of the bus, and ask afterwards what each has
 * seen:
 *
 *	the guest's access ---> the core's bus ---> DEVICE_IN_CORE
 *	                             |
 *	                             +---> exit ---> the VMM ---> DEVICE_OUTSIDE
 *	                                      ^
 *	                                      hooks: what happens meanwhile
 *
 * The same kinds stand on both sides; the guest must not be able to tell which
 * side has answered it.
 */
#ifndef HV_VMM_HYPERCALL_DEVICE_H
#define HV_VMM_HYPERCALL_DEVICE_H

#include "bus/types.h"

/* ---- Devices of the test's own ------------------------------------------- */

/** How many a test may make, and how long one is at most. */
#define DEVICES_MADE_MAX 8
#define DEVICE_LENGTH_MAX 4096

enum device_kind {
	DEVICE_FIFO,   /* a load takes the next value that was filled in */
	DEVICE_STREAM, /* a FIFO that never runs dry: its n-th load, from 0,
			* gives hypercall_stream(n) */
	DEVICE_LATCH,  /* a load gives the value; then each byte is one more.
			* A store, or a fill, sets it; 8 bytes, everywhere */
	DEVICE_MIRROR, /* storage */
	DEVICE_PATTERN, /* hypercall_pattern() */
	DEVICE_KIND_COUNT,
};

enum device_side {
	DEVICE_OUTSIDE, /* answered by the VMM: an exit */
	DEVICE_IN_CORE, /* on the core's bus: no exit */
	DEVICE_SIDE_COUNT,
};

/** What the n-th load from a stream gives: no byte is like its neighbours. */
static inline u64 hypercall_stream(u64 n)
{
	return (n + 1) * 0x0123456789abcdebull;
}

/** A device to be made.  Ranges of one side must not overlap; where the two
 * sides do, the core is asked first. */
struct hypercall_device {
	u32 kind;   /* enum device_kind */
	u32 side;   /* enum device_side */
	u64 gpa;    /* of its first byte, in no slot; pages need not be whole */
	u64 length; /* bytes, 1 to DEVICE_LENGTH_MAX */
	u64 widths; /* 1, 2, 4, 8 added up; 0: any.  In the core another width
		     * is for the VMM; outside it refuses: ~0, no store */
};

/** One access that a made device has seen; the first 64 are kept. */
struct hypercall_access {
	u64 offset;
	u64 value;
	u32 length;
	u32 is_write;
	u64 order; /* among those of all made devices, from 0 */
};

/* ---- At an exit to the VMM ---------------------------------------------- */

/** The vCPU's registers during an exit, as the VMM reads them. */
struct hypercall_io_state {
	u64 rip;
	u64 rflags;
	u64 gpr[16]; /* in the order of their encoding: RAX, RCX ... */
};

enum hypercall_io_action {
	IO_HOOK_POKE,	  /* write to guest RAM, as another CPU could */
	IO_HOOK_SCRIBBLE, /* fill the exit record with nonsense, all but the
			   * data of a read's answer */
	IO_HOOK_DUMP,	  /* print all of the vCPU for people */
	IO_HOOK_MOVE,	  /* save the vCPU and go on in another VM */
	IO_HOOK_ASK_BACK, /* immediate_exit, until vcpu_run() says -EINTR */
	IO_HOOK_SIGNAL,	  /* a signal comes in: -EINTR as well */
	IO_HOOK_MOVE_DRAINED, /* ask back, and then move */
	IO_ACTION_COUNT,
};

/** What the VMM does besides, at the n-th exit to it from now on: once. */
struct hypercall_io_hook {
	u32 action; /* enum hypercall_io_action */
	u32 nth;    /* from 1 */
	u64 gpa;    /* POKE: where, in the RAM at 0 */
	u64 bytes;  /* POKE: what, little-endian */
	u64 length; /* POKE: 1 to 8 */
};

#endif
