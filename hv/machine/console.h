/** @file
 * The guest's first serial port: the terminal.
 *
 * What the guest sends goes out at the machine's own COM1; what comes in there
 * is the guest's.
 */
#ifndef HV_MACHINE_CONSOLE_H
#define HV_MACHINE_CONSOLE_H

#include "bus/bus.h"

#define CONSOLE_PORT 0x3f8
#define CONSOLE_PORTS 8

/** As little of a 16550 as a polling driver needs. */
struct console {
	u8 registers[CONSOLE_PORTS];
	u8 divisor[2];
	int waiting; /* a byte that has come, or -1 */
};

/** Nothing is waiting. */
void console_init(struct console *console);

/**
 * An access to one of the eight ports; fits bus_device.
 * @param console a struct console
 */
int console_access(void *console, struct bus_access *access);

#endif
