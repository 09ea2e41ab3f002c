/** @file
 * The 8254 timer: three counters, and the port that shows two of them.
 *
 * Counter 0 is the PC's old clock interrupt, counter 1 once refreshed the
 * memory, counter 2 makes the speaker's tone.  Kernels find the speed of their
 * TSC by counter 2: they open its gate in port 0x61, let it count down, and
 * read how far the TSC has come when port 0x61 shows its output high.
 *
 *	0x40..0x42 counters   0x43 control words
 *	0x61  bit 0 gate of counter 2     (read and write)
 *	      bit 1 speaker on            (read and write)
 *	      bit 4 toggles with each refresh, every 18 ticks
 *	      bit 5 output of counter 2
 *
 * A counter is never counted down here.  It is a start and a length, from
 * which count and output follow for any moment (pit_counter.h).  Two functions
 * make a timer of it: pit_deadline() says when counter 0's output rises next,
 * pit_advance() makes the interrupt when it has.
 *
 * Intel 8254 data sheet (231164).
 */
#ifndef HV_PLATFORM_PIT_H
#define HV_PLATFORM_PIT_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/clock.h"
#include "hv/platform/irq_line.h"
#include "hv/platform/pit_counter.h"

#define PIT_HZ 1193182
#define PIT_PORT 0x40	      /* to 0x43 */
#define PIT_SYSTEM_PORT 0x61

struct pit {
	struct spinlock lock;
	/* Under lock. */
	struct pit_counter counter[3];
	u8 system; /* port 0x61, bits 1..0 */
	bool high; /* the line */
	u64 tick;  /* counter 0's output is known up to here */
	/* Fixed. */
	struct clock clock;
	struct irq_line line;
};

/**
 * All counters stand still until they are programmed.
 * @param tsc_hz frequency of now's unit: 2 MHz to 15 THz
 * @param now    the guest's TSC
 * @param line   follows counter 0's output
 */
void pit_init(struct pit *pit, u64 tsc_hz, u64 now, struct irq_line line);

/**
 * An access to one of the five ports, by access->address.  Takes the lock.
 * @param now the guest's TSC; a little earlier than at another call is taken
 *	for the same moment
 * Ask for the deadline afterwards: it may have changed.
 */
void pit_access(struct pit *pit, struct bus_access *access, u64 now);

/** @return the TSC at which pit_advance() has something to do, or CLOCK_NEVER;
 * takes the lock */
u64 pit_deadline(struct pit *pit);

/**
 * Time has come to now: the line rises if the output has risen meanwhile, once
 * however often it did.  Takes the lock.
 * @return pit_deadline() from now on
 */
u64 pit_advance(struct pit *pit, u64 now);

#endif
