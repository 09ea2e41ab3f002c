/** @file
 * One counter of the 8254, as a function of time.
 *
 * Time is a number of ticks.  A counter has a start (the tick at which its
 * count was loaded) and a length n, and t ticks later:
 *
 *	mode                          count    output
 *	0 interrupt at the end        n - t    low until t = n
 *	1 one-shot by the gate        n - t    low until t = n
 *	2 a pulse each n ticks        n - t%n  low while t%n = n-1
 *	3 a square wave               by twos  high in the first half
 *	4 a pulse at the end          n - t    low while t = n
 *	5 a pulse, by the gate        n - t    low while t = n
 *
 * Modes 0, 1, 4 and 5 count on beyond the end, around through all ones (or
 * 9999).  A low gate stops modes 0, 2, 3 and 4; a rising one starts 1, 2, 3
 * and 5 anew.  Loading takes a tick: what is written at tick x starts at x+1.
 */
#ifndef HV_PLATFORM_PIT_COUNTER_H
#define HV_PLATFORM_PIT_COUNTER_H

#include "bus/types.h"

/** Which byte of the count is the next to be read or written. */
enum pit_bytes {
	PIT_LATCH = 0, /* a command, not a way of reading */
	PIT_LOW = 1,
	PIT_HIGH = 2,
	PIT_BOTH = 3,
};

/** All of it belongs to the chip's lock. */
struct pit_counter {
	u8 mode;       /* 0 to 5 */
	u8 bytes;      /* enum pit_bytes */
	bool bcd;
	bool gate;
	bool loaded;   /* a count has been written since the control word */
	bool running;  /* it has a start; else output and count stand still */
	bool held;     /* a low gate stops it: start is meaningless ... */
	u64 elapsed;   /* ... and so far it had come */
	u64 start;     /* the tick at which it began */
	bool before;   /* its output before that tick */
	u32 length;    /* n, 1 to 65536 */
	/* A count written in modes 1 to 3 and 5 waits for its turn. */
	u32 next;      /* 0: none waits */
	u64 next_tick; /* modes 2 and 3: it becomes the length here */
	/* Bytes under way. */
	u8 low;		 /* written first */
	bool write_high; /* the high byte is still to come */
	bool read_high;
	u8 latched;	 /* bytes of the latch still to be read */
	u16 latch;
	bool status_latched;
	u8 status;
};

/** A control word for this counter: bits 5..0 of it. @param tick now */
void pit_counter_control(struct pit_counter *counter, u8 word, u64 tick);

/** One byte of a count. @param tick now */
void pit_counter_write(struct pit_counter *counter, u8 byte, u64 tick);

/** @return what a read of its port gives. @param tick now */
u8 pit_counter_read(struct pit_counter *counter, u64 tick);

/** Counter latch command; without effect while a latch is unread. */
void pit_counter_latch(struct pit_counter *counter, u64 tick);

/** Latch the status, for the read-back command; likewise. */
void pit_counter_latch_status(struct pit_counter *counter, u64 tick);

/** The gate goes high or low. @param tick now */
void pit_counter_gate(struct pit_counter *counter, bool gate, u64 tick);

/** @return the output at that tick, which is not before the last call's */
bool pit_counter_output(struct pit_counter *counter, u64 tick);

/** @return the first tick after that one at which the output rises, or
 * CLOCK_NEVER */
u64 pit_counter_rises(struct pit_counter *counter, u64 tick);

#endif
