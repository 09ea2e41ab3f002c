/** @file
 * Putting the board together.
 *
 * One table says which device stands where.  Chips that know time are reached
 * through a function that reads the clock first and arms it again afterwards.
 *
 * Time is asked for rarely and late.  Each of the three clocks says when it has
 * something to do next (its deadline); `due` keeps the three answers, and only
 * the earliest is passed on to arm(). One that waits for nothing answers
 * "never", so an idle board costs no timer at all.  An access may change one
 * answer: then that chip is asked again, and the surroundings are told only if
 * the earliest moment has moved.  Both happen under `arming`, or of two CPUs
 * that access two chips at once the one with the older answer could have the
 * last word.
 *
 * Locks, from the outside in; nobody takes one further out than he holds:
 *
 *	arming --> a clock's --> 8259s --> IOAPIC --> (IRR: none)
 *	           UART, virtio, DEV= --^
 *
 * A chip calls its line with its own lock held, the line calls the controllers,
 * and none of them calls back.
 */
#include "hv/platform/board.h"

#include "hv/platform/acpi.h"

/* Time --------------------------------------------------------------------- */

/*
 * Three chips with the same three questions.  Two switches instead of a table
 * of functions: the compiler then sees every call, and asks about a new clock.
 */
static u64 deadline(struct board *board, enum board_clock clock)
{
	switch (clock) {
	case BOARD_PIT:
		return pit_deadline(&board->pit);
	case BOARD_RTC:
		return rtc_deadline(&board->rtc);
	case BOARD_PM:
		return pm_deadline(&board->pm);
	case BOARD_CLOCKS:
		break;
	}
	return CLOCK_NEVER;
}

/** @return the deadline from then on */
static u64 advance(struct board *board, enum board_clock clock, u64 now)
{
	switch (clock) {
	case BOARD_PIT:
		return pit_advance(&board->pit, now);
	case BOARD_RTC:
		return rtc_advance(&board->rtc, now);
	case BOARD_PM:
		return pm_advance(&board->pm, now);
	case BOARD_CLOCKS:
		break;
	}
	return CLOCK_NEVER;
}

/**
 * Tell the earliest deadline if it is another than before; arming is held.
 *
 * A timer that is set for a moment which nobody waits for any more is left to
 * ring: it finds nobody due, and to take it back would cost as much.
 */
static void arm_earliest(struct board *board)
{
	u64 when = CLOCK_NEVER;

	for (unsigned int i = 0; i < BOARD_CLOCKS; i++) {
		when = board->due[i] < when ? board->due[i] : when;
	}
	/* A moment that nobody waits for any more may come. */
	if (when != board->armed && when != CLOCK_NEVER) {
		board->host.arm(board->host.data, when);
	}
	board->armed = when;
}

/** A chip was accessed.  Its deadline is asked for with arming held, so that
 * of two who ask, the one that is last has the newer answer. */
static void arm(struct board *board, enum board_clock clock)
{
	spinlock_lock(&board->arming);
	board->due[clock] = deadline(board, clock);
	arm_earliest(board);
	spinlock_unlock(&board->arming);
}

/* A tick of the 8254 comes through here: only who is due is asked. */
void board_advance(struct board *board)
{
	u64 now;

	spinlock_lock(&board->arming);
	now = board->host.now(board->host.data);
	for (unsigned int i = 0; i < BOARD_CLOCKS; i++) {
		if (board->due[i] <= now) {
			board->due[i] = advance(board, i, now);
		}
	}
	/* The timer has struck: it has to be set even to the same moment. */
	board->armed = CLOCK_NEVER;
	arm_earliest(board);
	spinlock_unlock(&board->arming);
}

/*
 * A read of the 8254 or of the PM timer cannot change when they strike, and
 * guests poll both in tight loops: so they arm after writes only.
 */
static int access_pit(void *opaque, struct bus_access *access)
{
	struct board *board = opaque;

	pit_access(&board->pit, access, board->host.now(board->host.data));
	if (access->is_write) {
		arm(board, BOARD_PIT);
	}
	return 0;
}

static int access_rtc(void *opaque, struct bus_access *access)
{
	struct board *board = opaque;

	/* Also a read of what has happened makes a new deadline. */
	rtc_access(&board->rtc, access, board->host.now(board->host.data));
	arm(board, BOARD_RTC);
	return 0;
}

static int access_pm(void *opaque, struct bus_access *access)
{
	struct board *board = opaque;

	pm_access(&board->pm, access, board->host.now(board->host.data));
	if (access->is_write) {
		arm(board, BOARD_PM);
	}
	return 0;
}

/* Wires -------------------------------------------------------------------- */

/** Which of the two ports it is follows from its place in the array. */
static void output(void *opaque, u8 byte)
{
	struct board_serial *serial = opaque;
	struct board *board = serial->board;

	board->host.output(board->host.data,
			   (unsigned int)(serial - board->serial), byte);
}

/** INTR leads to LINT0, and to the IOAPIC's pin 0 for a kernel that wants to
 * have it as an ExtINT message: by its edge, and hardly anybody does. */
static void intr(void *opaque, bool high)
{
	struct board *board = opaque;

	board->host.intr(board->host.data, high);
	if (high &&
	    !ioapic_is_masked(&board->ioapic, IRQ_LINES_EXTINT_PIN)) {
		ioapic_pulse_line(&board->ioapic, IRQ_LINES_EXTINT_PIN);
	}
}

/*
 * These two come from inside of a chip, with its lock held.  The host only
 * notes that it is over; the access that has caused it is finished normally.
 */
static void power_off(void *opaque)
{
	struct board *board = opaque;

	board->host.end(board->host.data, BOARD_POWERED_OFF, 0);
}

static void reset(void *opaque)
{
	struct board *board = opaque;

	board->host.end(board->host.data, BOARD_RESET, I8042_STATUS);
}

/* What stands where -------------------------------------------------------- */

/** A place; which chip answers there is said by its offset in the board. */
struct place {
	const char *name;
	u64 base, length;
	u8 widths;
	bool is_memory;
	u32 opaque; /* offset of what access() gets */
	int (*access)(void *opaque, struct bus_access *access);
};

#define BYTES BUS_WIDTH_1
#define ANY BUS_WIDTH_ANY
#define AT(member) offsetof(struct board, member)
#define SECOND AT(serial[1].serial)

/* table */
static const struct place places[] = {
	{ "8259 master", PIC_MASTER_PORT, 2, BYTES, false, AT(pic), pic_access },
	{ "8259 slave", PIC_SLAVE_PORT, 2, BYTES, false, AT(pic), pic_access },
	{ "ELCR", PIC_ELCR_PORT, 2, BYTES, false, AT(pic), pic_access },
	{ "IOAPIC", IOAPIC_GPA, IOAPIC_LENGTH, ANY, true, AT(ioapic), ioapic_access },
	{ "8254", PIT_PORT, 4, BYTES, false, 0, access_pit },
	{ "port 0x61", PIT_SYSTEM_PORT, 1, BYTES, false, 0, access_pit },
	{ "RTC", RTC_PORT, 2, BYTES, false, 0, access_rtc },
	{ "PM", PM_PORT, PM_PORTS, ANY, false, 0, access_pm },
	{ "8042 data", I8042_DATA, 1, BYTES, false, AT(i8042), i8042_access },
	{ "8042 status", I8042_STATUS, 1, BYTES, false, AT(i8042), i8042_access },
	{ "fw_cfg", FW_CFG_PORT, 2, ANY, false, AT(fw_cfg), fw_cfg_access },
	{ "port 0x80", 0x80, 1, ANY, false, 0, board_ports_access },
	{ "port 0x92", 0x92, 1, BYTES, false, 0, board_ports_access },
	{ "port 0xed", 0xed, 1, ANY, false, 0, board_ports_access },
	{ "PCI", 0xcf8, 8, ANY, false, 0, board_ports_access },
	{ "exit", BOARD_EXIT_PORT, 4, ANY, false, 0, board_ports_exit },
	{ "COM1", BOARD_SERIAL_PORT, 8, BYTES, false, AT(serial[0].serial), serial_access },
	{ "COM2", BOARD_SERIAL_GPA, 8, ANY, true, SECOND, serial_access },
	{ "COM2 wide", BOARD_SERIAL_WIDE_GPA, 32, ANY, true, SECOND, serial_access_wide },
};
/* end of table */

_Static_assert(ARRAY_SIZE(places) <= BOARD_DEVICES, "there is room for all");

/**
 * The table is constant and the same for every board; a bus_device points into
 * one board and is what the bus keeps.  An opaque of offset 0 is the board
 * itself, for those that need more of it than one chip.
 */
static void fill_devices(struct board *board)
{
	board->ndevices = ARRAY_SIZE(places);
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		const struct place *place = &places[i];

		board->device[i] = (struct board_device){
			.is_memory = place->is_memory,
			.bus = { .name = place->name,
				 .base = bus_addr(place->base),
				 .length = place->length,
				 .widths = place->widths,
				 .opaque = (u8 *)board + place->opaque,
				 .access = place->access },
		};
	}
}

/** The first one by ports, the second one by memory, in two spacings. */
static void init_serial(struct board *board, unsigned int i, unsigned int line)
{
	struct board_serial *serial = &board->serial[i];

	serial->board = board;
	serial_init(&serial->serial, irq_lines_get(&board->lines, line),
		    output, serial);
}

/**
 * All clocks begin at the same moment, so that their ticks agree with each
 * other from the start.
 */
static void init_timers(struct board *board, const struct board_plan *plan)
{
	u64 now = plan->host.now(plan->host.data);
	struct rtc_plan rtc = {
		.tsc_hz = plan->tsc_hz,
		.now = now,
		.time = plan->time,
		.memory = plan->about.memory,
		.cpus = (u8)plan->about.cpus,
	};

	pit_init(&board->pit, plan->tsc_hz, now,
		 irq_lines_get(&board->lines, 0));
	rtc_init(&board->rtc, &rtc,
		 irq_lines_get(&board->lines, BOARD_RTC_LINE));
	pm_init(&board->pm, plan->tsc_hz, now,
		irq_lines_get(&board->lines, ACPI_SCI));
	board->pm.power_off = power_off;
	board->pm.data = board;
	for (unsigned int i = 0; i < BOARD_CLOCKS; i++) {
		board->due[i] = CLOCK_NEVER;
	}
	board->armed = CLOCK_NEVER;
	board->arming = (struct spinlock)SPINLOCK_INIT;
}

/* Controllers before chips: a chip may move its line as soon as it exists. */
void board_init(struct board *board, const struct board_plan *plan)
{
	board->host = plan->host;
	board->lines = (struct irq_lines){ &board->pic, &board->ioapic };
	pic_init(&board->pic, intr, board);
	ioapic_init(&board->ioapic, plan->host.deliver, plan->host.data);
	init_serial(board, 0, BOARD_SERIAL_LINE);
	init_serial(board, 1, BOARD_SERIAL_GPA_LINE);
	init_timers(board, plan);
	i8042_init(&board->i8042, reset, board);
	fw_cfg_init(&board->fw_cfg, &plan->about);
	fill_devices(board);
}
