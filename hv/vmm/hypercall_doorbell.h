/** @file
 * Hypercalls: doorbells that a test hangs up, and how often each was rung.
 *
 * A store to a doorbell is told to the VMM without an exit to it.  The count is
 * kept there, out of the guest's reach; the guest asks for it afterwards.
 *
 *	the guest's store ---> the core's bus ---> +1 ---> the VMM looks
 *	                             | not for a doorbell
 *	                             +---> devices in the core, else an exit
 */
#ifndef HV_VMM_HYPERCALL_DOORBELL_H
#define HV_VMM_HYPERCALL_DOORBELL_H

#include "bus/types.h"

/** How many there may be at the same time; their numbers are below this. */
#define DOORBELLS_MADE_MAX 1024

#define DOORBELL_PORT BIT(0)	/* address is a port */
#define DOORBELL_MATCHES BIT(1) /* only stores of this value ring */

/** A doorbell to be hung up. */
struct hypercall_doorbell {
	u64 address; /* guest-physical, in no slot; it may lie in a device */
	u64 value;   /* MATCHES: its low length bytes count */
	u32 length;  /* bytes of the store: 1, 2, 4, 8; 0: any */
	u32 flags;   /* DOORBELL_* */
};

#endif
