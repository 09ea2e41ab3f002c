/** @file
 * Hypercalls about the core's buses: devices by number, as many as fit.
 *
 * A test of the bus wants many devices that are alike: it has to find the one
 * that has answered.  So they have numbers here; each counts what it was asked,
 * and a load tells which one has given the answer.  And since the bus is about
 * who waits for whom, a device may also park the vCPU that touches it:
 *
 *	vCPU 1	load ---> device parks it, inside of a read section
 *	vCPU 0	ADD, REMOVE: must wait, or must not
 *	vCPU 0	RELEASE ------------> the load goes on
 */
#ifndef HV_VMM_HYPERCALL_BUS_H
#define HV_VMM_HYPERCALL_BUS_H

#include "bus/types.h"

/** Devices have numbers below this. */
#define BUS_NUMBERS 1024

enum hypercall_bus_action {
	BUS_ADD,     /* number, bus, base, length, widths, behaviour; on the
		      * bus by then, or why not */
	BUS_REMOVE,  /* number; inside: it has come back while an access to
		      * the device was under way */
	BUS_LOOK,    /* number: the last access, and how many */
	BUS_PARKED,  /* parked, and gave_up */
	BUS_RELEASE, /* whoever is parked goes on */
	BUS_ROUNDS,  /* a device, and rounds, meeting: register it, tell, wait,
		      * unregister it; accesses: rounds in which it was found */
	BUS_END,     /* another VM, given number devices, is destroyed */
	BUS_ACTION_COUNT,
};

enum hypercall_bus_kind {
	BUS_OF_MEMORY,
	BUS_OF_PORTS,
	BUS_KIND_COUNT,
};

/** What a device does; a load gives hypercall_stream(number). */
enum hypercall_bus_behaviour {
	BUS_ANSWERS,
	BUS_WRITE_ONLY,	   /* loads are not for it */
	BUS_ODD_ERROR,	   /* any access: an error that means nothing */
	BUS_PARKS,	   /* until RELEASE; or much too long: it gives up */
	BUS_PARKS_REMOVED, /* until somebody removes it, and a while longer */
	BUS_NO_FUNCTION,   /* there is none: it cannot be registered */
	BUS_RINGS,	   /* it is a doorbell: of that length, 0: any */
	BUS_BEHAVIOUR_COUNT,
};

/** The guest's half of BUS_ROUNDS, in its memory. */
struct hypercall_bus_meeting {
	u64 turns; /* the guest's: goes up while it waits for the flag */
	u64 flag;  /* the VMM's: the device of this round, from 1, is there */
	u64 done;  /* the guest's: it has touched the device of this round */
	u64 gone;  /* the VMM's: and that is unregistered */
};

/** HYPERCALL_BUS; for each action, what it needs. */
struct hypercall_bus {
	u32 action;    /* enum hypercall_bus_action */
	u32 number;    /* below BUS_NUMBERS */
	u32 bus;       /* enum hypercall_bus_kind */
	u32 behaviour; /* enum hypercall_bus_behaviour */
	u64 base;
	u64 length;
	u64 widths;  /* 1, 2, 4, 8 added up */
	u64 fail;    /* ADD, REMOVE: from the fail-th allocation on there is no
		      * memory; 0: there is */
	u64 rounds;
	u64 meeting; /* of a struct hypercall_bus_meeting */

	/* Filled. */
	u64 pages;    /* that the tables of the VM's buses take, after it */
	u64 accesses; /* to the device, also those that it refused */
	u64 offset;   /* of the last access */
	u64 value;
	u32 size;
	u32 is_write;
	u32 parked;  /* a vCPU is inside of a device that parks it */
	u32 gave_up; /* how often nobody has released it */
	u32 inside;
	u32 zero;
};

#endif
