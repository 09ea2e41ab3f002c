/** @file
 * The 8254's ports, and its one interrupt.
 *
 * Nothing counts down while nobody looks.  A counter is a start and a length
 * (pit_counter.c); begin() says what tick it is now, and advance() what has
 * happened to counter 0's output since the last look.  If it has risen several
 * times, the line shows one edge: an interrupt controller would have merged
 * them.
 *
 * Port 0x61 is on the board, not in the chip, but belongs to counter 2: its
 * gate, its output, and the refresh bit by which old kernels measure 15
 * microseconds.
 *
 * Ticks begin at FIRST_TICK and not at 0, so that a counter may have begun
 * "before" the machine without a tick being negative.
 */
#include "hv/platform/pit.h"

#define CONTROL 3 /* the port behind the counters' */
#define READ_BACK 3
#define READ_BACK_NO_COUNT BIT(5)
#define READ_BACK_NO_STATUS BIT(4)

#define SYSTEM_GATE BIT(0)
#define SYSTEM_WRITABLE BITS(1, 0)
#define SYSTEM_REFRESH BIT(4)
#define SYSTEM_OUTPUT BIT(5)
#define REFRESH_TICKS 18

/** Ticks begin here, so that a start may lie before the machine's. */
#define FIRST_TICK 0x100000

/** The line is counter 0's output itself, at each look. */
static void set_line(struct pit *pit, bool high)
{
	if (pit->high != high) {
		pit->high = high;
		irq_line_set(&pit->line, high);
	}
}

/**
 * The line shows every rise since it was last looked at, as one.  A pulse, not
 * a set: the line may have been high before and be high now, with a fall and a
 * rise in between that somebody has to see.
 */
static void advance(struct pit *pit, u64 tick)
{
	struct pit_counter *counter = &pit->counter[0];
	bool rose = pit_counter_rises(counter, pit->tick) <= tick;
	bool output = pit_counter_output(counter, tick);

	if (rose) {
		irq_line_pulse(&pit->line);
		pit->high = true;
	}
	set_line(pit, output);
	pit->tick = tick;
}

/**
 * Two vCPUs read the TSC before they get the lock; who comes second may have
 * read it first.  Time does not go back for that: it then stays.
 * @return the tick, at which everything known is up to date
 */
static u64 begin(struct pit *pit, u64 now)
{
	u64 tick = FIRST_TICK + clock_ticks(&pit->clock, now);

	if (tick < pit->tick) {
		tick = pit->tick;
	}
	advance(pit, tick);
	return tick;
}

/**
 * Latch several counters by one command.  Bits 3..1 name counters; the other
 * two are active low: a 0 asks for it.
 */
static void read_back(struct pit *pit, u8 word, u64 tick)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(pit->counter); i++) {
		if (!(word & BIT(i + 1))) {
			continue;
		}
		if (!(word & READ_BACK_NO_COUNT)) {
			pit_counter_latch(&pit->counter[i], tick);
		}
		if (!(word & READ_BACK_NO_STATUS)) {
			pit_counter_latch_status(&pit->counter[i], tick);
		}
	}
}

/** Bits 7, 6: the counter, or 3 for read-back; 5, 4: 0 is a latch command. */
static void control(struct pit *pit, u8 word, u64 tick)
{
	unsigned int which = word >> 6;

	if (which == READ_BACK) {
		read_back(pit, word, tick);
	} else if (bits(word, 5, 4) == PIT_LATCH) {
		pit_counter_latch(&pit->counter[which], tick);
	} else {
		pit_counter_control(&pit->counter[which], word & 0x3f, tick);
	}
}

/**
 * Counter 2's gate is the only one with a switch; those of 0 and 1 are tied
 * high.  Kernels count with it how fast the TSC runs: bit 1, the speaker, off,
 * gate up, and bit 5 polled until the output rises.
 */
static void write_system(struct pit *pit, u8 value, u64 tick)
{
	pit->system = value & SYSTEM_WRITABLE;
	pit_counter_gate(&pit->counter[2], value & SYSTEM_GATE, tick);
}

/** The refresh bit changes each 18 ticks, that is 15 microseconds. */
static u8 read_system(struct pit *pit, u64 tick)
{
	u8 value = pit->system;

	if (tick / REFRESH_TICKS & 1) {
		value |= SYSTEM_REFRESH;
	}
	if (pit_counter_output(&pit->counter[2], tick)) {
		value |= SYSTEM_OUTPUT;
	}
	return value;
}

static void write(struct pit *pit, u64 port, u8 value, u64 tick)
{
	if (port == PIT_SYSTEM_PORT) {
		write_system(pit, value, tick);
	} else if (port == PIT_PORT + CONTROL) {
		control(pit, value, tick);
	} else {
		pit_counter_write(&pit->counter[port - PIT_PORT], value, tick);
	}
}

static u8 read(struct pit *pit, u64 port, u64 tick)
{
	if (port == PIT_SYSTEM_PORT) {
		return read_system(pit, tick);
	}
	if (port == PIT_PORT + CONTROL) {
		return 0xff; /* it cannot be read */
	}
	return pit_counter_read(&pit->counter[port - PIT_PORT], tick);
}

/*
 * Caught up before the access, by the old counters; and afterwards once more,
 * as a count of mode 0 lets the line fall, and a control word may let it rise.
 */
void pit_access(struct pit *pit, struct bus_access *access, u64 now)
{
	u64 port = access->address.v;
	u64 tick;

	spinlock_lock(&pit->lock);
	tick = begin(pit, now);
	if (access->is_write) {
		write(pit, port, (u8)access->value, tick);
	} else {
		access->value = read(pit, port, tick);
	}
	advance(pit, tick); /* the output may have changed at once */
	spinlock_unlock(&pit->lock);
}

static u64 deadline(struct pit *pit)
{
	u64 tick = pit_counter_rises(&pit->counter[0], pit->tick);

	return tick == CLOCK_NEVER
		       ? tick
		       : clock_when(&pit->clock, tick - FIRST_TICK);
}

u64 pit_deadline(struct pit *pit)
{
	u64 when;

	spinlock_lock(&pit->lock);
	when = deadline(pit);
	spinlock_unlock(&pit->lock);
	return when;
}

u64 pit_advance(struct pit *pit, u64 now)
{
	u64 when;

	spinlock_lock(&pit->lock);
	begin(pit, now);
	when = deadline(pit);
	spinlock_unlock(&pit->lock);
	return when;
}

/* Nothing is loaded: there is no tick until a kernel asks for one. */
void pit_init(struct pit *pit, u64 tsc_hz, u64 now, struct irq_line line)
{
	*pit = (struct pit){
		.clock = { .origin = now, .tsc_hz = tsc_hz, .hz = PIT_HZ },
		.line = line,
		.tick = FIRST_TICK,
	};
	for (unsigned int i = 0; i < ARRAY_SIZE(pit->counter); i++) {
		/* As if each had had a control word: mode 0, nothing loaded. */
		pit_counter_control(&pit->counter[i], PIT_BOTH << 4, 0);
		pit->counter[i].gate = i != 2;
	}
}
