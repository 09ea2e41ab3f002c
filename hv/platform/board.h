/** @file
 * The mainboard: all chips, wired, in one struct.
 *
 * Who makes a machine fills in what it has and what the board may ask of its
 * surroundings, registers the board's devices on two buses, and lets time in:
 *
 *	board_init() --> board->device[] --> bus_register() each
 *
 *	access --> chip --> its deadline may be another: arm(when)
 *	at that moment: board_advance() --> chips --> interrupt lines
 *
 * Locks: `arming` is taken first, then a chip's, then the 8259s', then the
 * IOAPIC's, and then what the callbacks take.  arm() is called with `arming`
 * held, and board_advance() takes it: arm() must not wait for a
 * board_advance() that is under way.
 */
#ifndef HV_PLATFORM_BOARD_H
#define HV_PLATFORM_BOARD_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/fw_cfg.h"
#include "hv/platform/i8042.h"
#include "hv/platform/ioapic.h"
#include "hv/platform/irq_lines.h"
#include "hv/platform/pic.h"
#include "hv/platform/pit.h"
#include "hv/platform/pm.h"
#include "hv/platform/rtc.h"
#include "hv/platform/serial.h"
#include "hv/platform/vlapic.h"

#define BOARD_SERIALS 2 /* the first by port, the second by memory */
#define BOARD_SERIAL_PORT 0x3f8
#define BOARD_SERIAL_LINE 4
#define BOARD_SERIAL_GPA 0xfe030000ull	     /* registers a byte apart */
#define BOARD_SERIAL_WIDE_GPA 0xfe031000ull  /* the same, four bytes apart */
#define BOARD_SERIAL_GPA_LINE 3
#define BOARD_RTC_LINE 8
#define BOARD_EXIT_PORT 0xf4
#define BOARD_FAST_PORT 0x92
#define BOARD_RESET_PORT 0xcf9

/** How a guest ends its machine. */
enum board_end {
	BOARD_POWERED_OFF, /* ACPI's S5 */
	BOARD_RESET,	   /* by a port: 0x64 (the 8042), 0x92, 0xcf9 */
	BOARD_EXITED,	   /* the exit device, with a code */
};

/** What a board asks of its surroundings; none of these may call back. */
struct board_host {
	void *data;
	/** The guest's TSC.  Any CPU. */
	u64 (*now)(void *data);
	/** Call board_advance() at that TSC, or before; in place of the moment
	 * that was asked for last. */
	void (*arm)(void *data, u64 when);
	/** A byte from one of the serial ports. @param port 0 or 1 */
	void (*output)(void *data, unsigned int port, u8 byte);
	/** INTR of the 8259s, the LINT0 of all local APICs, changes. */
	void (*intr)(void *data, bool high);
	/** To the local APICs; see ioapic_init(). */
	bool (*deliver)(void *data, const struct vlapic_message *message);
	/** It is at its end; accesses may still come.
	 * @param code 0 to 2^32 - 1, of BOARD_EXITED; of BOARD_RESET the port
	 */
	void (*end)(void *data, enum board_end end, u32 code);
};

/** What a board shall have. */
struct board_plan {
	u64 tsc_hz; /* 4 MHz to 100 GHz */
	u64 time;   /* seconds since 1970 */
	struct fw_cfg_plan about; /* memory, processors, memory map */
	struct board_host host;
};

struct board;

/** One serial port's place on the board, for its output. */
struct board_serial {
	struct serial serial;
	struct board *board;
};

#define BOARD_DEVICES 24

/** The chips that know time. */
enum board_clock { BOARD_PIT, BOARD_RTC, BOARD_PM, BOARD_CLOCKS };

/** A device and the bus that it belongs on. */
struct board_device {
	bool is_memory; /* the MMIO bus, else the port bus */
	struct bus_device bus;
};

struct board {
	/* Fixed by board_init(). */
	struct board_host host;
	struct irq_lines lines;
	unsigned int ndevices;
	struct board_device device[BOARD_DEVICES];
	/* Each with its own lock. */
	struct pic pic;
	struct ioapic ioapic;
	struct pit pit;
	struct rtc rtc;
	struct pm pm;
	struct i8042 i8042;
	struct fw_cfg fw_cfg;
	struct board_serial serial[BOARD_SERIALS];
	/* Under arming. */
	struct spinlock arming;
	u64 due[BOARD_CLOCKS]; /* when each has something to do */
	u64 armed;	       /* what arm() was last told */
};

/**
 * Make a board as firmware leaves it; board->ndevices of board->device are to
 * be registered.
 * @param board must stay where it is
 */
void board_init(struct board *board, const struct board_plan *plan);

/**
 * Time has come to what arm() was told, or anywhere near.  Any CPU, also from
 * an interrupt.
 */
void board_advance(struct board *board);

/**
 * The ports that are no chip's: resets, delays, the lack of PCI; fits
 * bus_device.
 * @param board the board
 * @return 0
 */
int board_ports_access(void *board, struct bus_access *access);

/** What is written ends the machine; fits bus_device. @param board the board */
int board_ports_exit(void *board, struct bus_access *access);

#endif
