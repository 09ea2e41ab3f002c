/** @file
 * What the tests of lab 5 share: devices by number, and rounds.
 *
 * Every device here is in the core, on one of its two buses.  Whether the bus
 * has found it is seen from both sides: by the value of a load, which is the
 * device's own, and by what has left for the VMM instead.
 */
#ifndef GUEST_TESTS_LAB5_LAB5_H
#define GUEST_TESTS_LAB5_LAB5_H

#include "guest-tests/lib/test.h"

/** Where the devices are: a page in which nobody else answers. */
#define LAB5_GPA DEVICE_FREE_GPA

/** Ports where nobody else answers. */
#define LAB5_PORT 0x4000

/** What the VMM answers where nobody is. */
#define NOBODYS_4 0xffffffffu

/** A device of memory, of any width, that answers; the rest is the test's. */
struct hypercall_bus lab5_device(u32 number, u64 base, u64 length);

/** Make the call of that action. @return 0 or a negative errno */
s64 lab5_call(struct hypercall_bus *b, enum hypercall_bus_action action);

/** Put it on the bus; it has to succeed. */
void lab5_add(u32 number, u64 base, u64 length);

/** Take it off; it has to succeed. */
void lab5_remove(u32 number);

/** What the device has seen. */
struct hypercall_bus lab5_look(u32 number);

/** How many pages the tables of the buses take by now. */
u64 lab5_pages(void);

/** What a load of so many bytes from that device gives. */
u64 lab5_value(u32 number, u64 bytes);

/** How many exits for a device there have been, of memory and ports. */
u64 lab5_exits(void);

/* A second vCPU ------------------------------------------------------------ */

/** Who executes the two instructions of a round. */
enum lab5_by {
	BY_PROCESSOR,
	BY_EMULATOR, /* in one read section, however long it takes */
	BY_LOOP,     /* as for an invalid state: up to 130 a section */
};

/** What the second vCPU does in rounds (hypercall_bus.h). */
struct lab5_rounds {
	struct hypercall_bus device;
	enum lab5_by by;
};

/**
 * Play rounds against vCPU 1: a device comes, a flag is set, vCPU 1 sees it
 * and its next instruction touches the device.
 * @return in how many of them it was the device that answered.  Where CPUs
 *	are so busy that rounds take too long, or one has failed, those left
 *	are taken for granted; unless the hypervisor is told cases=.
 */
u64 lab5_play(const struct lab5_rounds *rounds);

/** Wait until another vCPU has been so often round its loop from now on; for
 * more than second_turn() would do it is one wait, not many. */
void lab5_turns(const struct meeting *of, u64 turns);

/** Let vCPU 1 touch a device that parks it; comes back when it is inside. */
void lab5_park(u32 number, u64 base, enum hypercall_bus_behaviour behaviour);

/** Let it go on, and wait for its end. */
void lab5_release(void);

#endif
