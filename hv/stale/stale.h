/** @file
 * The staleness shim: what a missing barrier costs, on a processor that
 * forgives it.
 *
 * A processor may go on seeing an old value of a pointer until a barrier, or a
 * grace period, tells it otherwise.  x86 never does between two loads; so a
 * bus whose barrier is missing or stands in the wrong place runs for years.
 * While the shim is on, the bus' own loads give the *oldest* pointer that the
 * Linux-kernel memory model still allows:
 *
 *	time          1       2       3
 *	bus->table    T0 ---> T1 ---> T2 ---> T3	published by CPU 0
 *	CPU 1's floor         ^ its last barrier, say
 *	CPU 1 may see         T1, T2 or T3: it is given T1
 *
 * Each CPU has a floor, the time up to which it has been told all; only what
 * the bus' file itself does raises it.  Locks, atomics and VM exits of the
 * hypervisor do not count: none is a barrier that the model promises (spec
 * 6.5).  All other memory, the guest's above all, is as fresh as it is.
 *
 * The bus' file is linked twice, unchanged: as it is, and with the words of
 * bus/access.h led here (stale_words.h).  stale_switch.c decides which of the
 * two is run, so that the shim costs nothing while it is off.
 *
 * It judges loads of published pointers and nothing else.  What the barrier
 * bench judges, which is much more, it judges on its own.
 */
#ifndef HV_STALE_STALE_H
#define HV_STALE_STALE_H

#include "bus/srcu.h"
#include "bus/types.h"

struct vm;

/**
 * Switch the shim on for a VM.
 * @return 0, also if it is on already; -EBUSY: it is on for another VM, or
 *	another CPU is not idle
 * For CPU 0.
 */
int stale_begin(struct vm *vm) __must_check;

/** Switch it off, if it is on: its VM ends.  All other CPUs are idle. */
void stale_end(void);

/** Memory is freed: no CPU sees a pointer into it any more.  At any time. */
void stale_forget(const void *memory, size_t size);

/** What a load, or a barrier, has told this CPU. */
enum stale_order {
	STALE_NONE,    /* plain loads, release and write barriers */
	STALE_ACQUIRE, /* an acquire load */
	STALE_READ,    /* a read barrier or a full one */
	STALE_LOCK,    /* smp_mb__after_srcu_read_lock(): as at the lock */
};

/* For stale_words.h. ------------------------------------------------------- */

/** Load size bytes, 1 to 8, from a place into value. */
void stale_load(const volatile void *place, void *value, size_t size,
		enum stale_order order);

/** Store them. */
void stale_store(volatile void *place, const void *value, size_t size);

/** A barrier. */
void stale_fence(enum stale_order order);

/** As in bus/srcu.h, but callbacks come as late as they may. */
void stale_call_srcu(struct srcu *srcu, struct srcu_head *head,
		     void (*call)(struct srcu_head *head));

/** As in bus/srcu.h. */
void stale_synchronize_srcu(struct srcu *srcu);
void stale_srcu_barrier(struct srcu *srcu);

#endif
