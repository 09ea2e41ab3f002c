/** @file
 * The six modes, and the bytes in which a count comes and goes.
 *
 * settle() is called first by everything: a count that was waiting for the end
 * of a period takes its place there, and from then on the counter is a start
 * and a length again.
 *
 * So each question has a formula in t, the ticks since the start:
 *
 *	mode		output high when	rises at
 *	0, 1		t >= n			n
 *	2		t % n != n - 1		each multiple of n
 *	3		t % n < n / 2, up	each multiple of n
 *	4, 5		t != n			n + 1
 *
 * A gate that is low holds the counter: then t stands still (`elapsed`).
 *
 * A counter's life:
 *
 *	control word --> !loaded, output at rest (mode 0: low, else high)
 *	count written --> modes 0, 4: runs; 2, 3: runs, or waits for the
 *	                  period's end; 1, 5: waits for the gate to rise
 *	gate low --> held (0, 2, 3, 4)     gate high --> goes on, or anew
 *
 * Why formulas and no counting: the chip ticks 1.19 million times a second, and
 * nobody looks at most of them.  A guest that reads a counter pays for one
 * division; one that does not, for nothing.
 */
#include "hv/platform/pit_counter.h"

#include "hv/platform/clock.h"

/** The modes that go round and round. */
static bool repeats(const struct pit_counter *counter)
{
	return counter->mode == 2 || counter->mode == 3;
}

/** The modes that a rising gate starts, and only that. */
static bool triggered(const struct pit_counter *counter)
{
	return counter->mode == 1 || counter->mode == 5;
}

/*
 * A start may lie ahead, by the one tick that loading takes: then it is 0, and
 * callers that must know ask for tick < start themselves.
 */
/** How many ticks since the start. */
static u64 elapsed(const struct pit_counter *counter, u64 tick)
{
	if (counter->held) {
		return counter->elapsed;
	}
	return tick < counter->start ? 0 : tick - counter->start;
}

/** The first half of a square wave is the longer one. */
static u64 high_half(u32 length)
{
	return (length + 1) / 2;
}

/**
 * Does the new length take over between the halves of a wave?  Mode 3 takes a
 * new count at the end of a half, so that no half is cut; the second half of
 * the new wave then follows the first one of the old.
 */
static bool is_middle(const struct pit_counter *counter)
{
	return (counter->next_tick - counter->start) % counter->length;
}

/**
 * A new length takes over where a period, or half a wave, ends.  The start is
 * set so that the formulas hold from the boundary on: into the middle of a wave
 * that began before.  (So a start may lie before the machine's own; pit.c's
 * ticks leave room for that.)
 */
static void settle(struct pit_counter *counter, u64 tick)
{
	u64 boundary = counter->next_tick;
	u64 into;

	if (!counter->next || !repeats(counter) || counter->held ||
	    tick < boundary) {
		return;
	}
	into = is_middle(counter) ? high_half(counter->next) : 0;
	counter->length = counter->next;
	counter->next = 0;
	counter->start = boundary - into;
}

/** Modes 2 and 3 are running: where does the new length begin? */
static void wait_for_period(struct pit_counter *counter, u64 tick)
{
	u64 t = elapsed(counter, tick);
	u64 into = t % counter->length;
	u64 half = high_half(counter->length);
	u64 left = counter->mode == 3 && into < half ? half - into
						     : counter->length - into;

	counter->next_tick = counter->start + t + left;
}

/**
 * The next tick loads the count; until then the output is as it is (`before`),
 * but for mode 0, where writing lets it fall at once.  A low gate holds a
 * counter from the beginning, except where the gate is a trigger and no switch.
 */
static void start(struct pit_counter *counter, u64 tick)
{
	u32 next = counter->next;

	counter->next = 0;
	counter->before = counter->mode && pit_counter_output(counter, tick);
	if (next) {
		counter->length = next;
	}
	counter->start = tick + 1;
	counter->elapsed = 0;
	counter->held = !counter->gate && !triggered(counter);
	counter->running = true;
}

/**
 * A whole count has been written.  0 stands for the most there can be: 65536,
 * or 10000 in BCD.  What happens now depends on the mode: see the file's head.
 */
static void load(struct pit_counter *counter, u16 count, u64 tick)
{
	u32 n = count ? count : 0x10000;

	if (counter->bcd) {
		n = count ? (u32)(bits(count, 15, 12) * 1000 +
				  bits(count, 11, 8) * 100 +
				  bits(count, 7, 4) * 10 + bits(count, 3, 0))
			  : 10000;
	}
	/* A length of 1 has no low tick in modes 2 and 3: as if it were 2. */
	counter->next = repeats(counter) && n < 2 ? 2 : n;
	counter->loaded = true;
	if (triggered(counter)) {
		return;
	}
	if (repeats(counter) && counter->running && !counter->held) {
		wait_for_period(counter, tick);
	} else {
		start(counter, tick);
	}
}

/*
 * All begins anew, latches and half-written counts included, but not the gate:
 * that is a wire.
 */
void pit_counter_control(struct pit_counter *counter, u8 word, u64 tick)
{
	u8 mode = (u8)bits(word, 3, 1);
	bool gate = counter->gate;

	(void)tick;
	/* Modes 6 and 7 are 2 and 3: bit 3 does not count there. */
	*counter = (struct pit_counter){
		.mode = mode > 5 ? mode - 4 : mode,
		.bytes = (u8)bits(word, 5, 4),
		.bcd = word & 1,
		.gate = gate,
		.length = word & 1 ? 10000 : 0x10000,
	};
}

/*
 * Of 16 bits a guest may want to write only one byte; the other one is 0 then,
 * not what it was.
 */
void pit_counter_write(struct pit_counter *counter, u8 byte, u64 tick)
{
	settle(counter, tick);
	switch ((enum pit_bytes)counter->bytes) {
	case PIT_LOW:
		load(counter, byte, tick);
		break;
	case PIT_HIGH:
		load(counter, (u16)(byte << 8), tick);
		break;
	case PIT_BOTH:
		counter->write_high = !counter->write_high;
		if (!counter->write_high) {
			load(counter, (u16)(byte << 8 | counter->low), tick);
			break;
		}
		counter->low = byte;
		/* The first byte stops mode 0 until the second has come. */
		if (counter->mode == 0) {
			counter->running = false;
		}
		break;
	case PIT_LATCH: /* never programmed */
		break;
	}
}

/**
 * The count after t ticks.  Down from n; modes 2 and 3 are reloaded at their
 * end, the others go on through zero and around.
 */
static u32 count_after(const struct pit_counter *counter, u64 t)
{
	u32 n = counter->length;
	u32 around = counter->bcd ? 10000 : 0x10000;
	u64 into = t % n;

	switch (counter->mode) {
	case 2:
		return (u32)(n - into);
	case 3:
		/* By twos from an even number, in each half anew. */
		into = into < high_half(n) ? into : into - high_half(n);
		return (u32)((n & ~1u) - 2 * into);
	default:
		return (u32)(n + around - t % around);
	}
}

/**
 * The 16 bits that a read sees.  65536 is 0 there, and 10000 in BCD is, too.
 */
static u16 visible(const struct pit_counter *counter, u64 tick)
{
	u32 count = counter->running
			    ? count_after(counter, elapsed(counter, tick))
			    : counter->length;

	if (counter->bcd) {
		count %= 10000;
		count = count / 1000 << 12 | count / 100 % 10 << 8 |
			count / 10 % 10 << 4 | count % 10;
	}
	return (u16)count;
}

/*
 * Two reads of a byte each would see two moments.  So a guest latches the count
 * first; a second latch before the first is read changes nothing.
 */
void pit_counter_latch(struct pit_counter *counter, u64 tick)
{
	settle(counter, tick);
	if (!counter->latched) {
		counter->latch = visible(counter, tick);
		counter->latched = counter->bytes == PIT_BOTH ? 2 : 1;
	}
}

/*
 * "Null count" (bit 6): what was written last does not count yet.  A guest that
 * changes the period waits for it to clear.
 */
void pit_counter_latch_status(struct pit_counter *counter, u64 tick)
{
	bool output = pit_counter_output(counter, tick);
	bool null = counter->next || !counter->loaded ||
		    (counter->running && !counter->held &&
		     tick < counter->start);

	if (!counter->status_latched) {
		counter->status_latched = true;
		counter->status = (u8)(output << 7 | null << 6 |
				       counter->bytes << 4 |
				       counter->mode << 1 | counter->bcd);
	}
}

/*
 * First the status, if it is latched, then the latched count, then the count
 * itself.  With both bytes asked for, low and high take turns, for latches and
 * live counts by the same flag; two drivers that read without a lock between
 * them get each other's halves.
 */
u8 pit_counter_read(struct pit_counter *counter, u64 tick)
{
	u16 count;
	bool high;

	settle(counter, tick);
	if (counter->status_latched) {
		counter->status_latched = false;
		return counter->status;
	}
	count = counter->latched ? counter->latch : visible(counter, tick);
	high = counter->bytes == PIT_HIGH ||
	       (counter->bytes == PIT_BOTH && counter->read_high);
	if (counter->bytes == PIT_BOTH) {
		counter->read_high = !counter->read_high;
	}
	if (counter->latched) {
		counter->latched--;
	}
	return high ? count >> 8 : (u8)count;
}

/*
 * A trigger starts anew (1, 2, 3, 5); a switch goes on where it stood (0, 4).
 */
void pit_counter_gate(struct pit_counter *counter, bool gate, u64 tick)
{
	bool rises = gate && !counter->gate;
	bool falls = !gate && counter->gate;

	settle(counter, tick);
	counter->gate = gate;
	if (rises && counter->loaded &&
	    (triggered(counter) || repeats(counter))) {
		start(counter, tick);
	} else if (rises && counter->held) {
		counter->held = false;
		counter->start = tick - counter->elapsed;
	} else if (falls && counter->running && !triggered(counter)) {
		counter->elapsed = elapsed(counter, tick);
		counter->held = true;
	}
}

bool pit_counter_output(struct pit_counter *counter, u64 tick)
{
	u64 t, n;

	settle(counter, tick);
	t = elapsed(counter, tick);
	n = counter->length;
	if (!counter->running) {
		return counter->mode != 0;
	}
	if (!counter->held && tick < counter->start) {
		return counter->before;
	}
	switch (counter->mode) {
	case 0:
	case 1:
		return t >= n;
	case 2:
		return counter->held || t % n != n - 1;
	case 3:
		return counter->held || t % n < high_half((u32)n);
	default:
		return t != n;
	}
}

/** ... when a new length is still to take over. */
static u64 rises_next(const struct pit_counter *counter)
{
	u32 n = counter->next;

	return counter->next_tick + (is_middle(counter) ? n - high_half(n) : 0);
}

/*
 * The one question that makes deadlines: the board sets a timer for this tick
 * and is idle until then.  Only counter 0 is asked it, whose output is the
 * machine's timer interrupt.
 */
u64 pit_counter_rises(struct pit_counter *counter, u64 tick)
{
	u64 t, n;

	settle(counter, tick);
	if (!counter->running || counter->held) {
		return CLOCK_NEVER;
	}
	t = elapsed(counter, tick);
	n = counter->length;
	if (repeats(counter)) {
		return counter->next ? rises_next(counter)
				     : counter->start + (t / n + 1) * n;
	}
	if (counter->mode >= 4) {
		if (tick < counter->start && !counter->before) {
			return counter->start;
		}
		n++; /* a pulse of one tick */
	}
	return t < n ? counter->start + n : CLOCK_NEVER;
}
