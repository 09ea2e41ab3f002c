/** @file
 * The keyboard controller of a PC that has no keyboard.
 *
 * Kernels use its ports for more than keys: command 0xfe resets the machine,
 * and the A20 gate was switched here.  This one answers what a driver asks of
 * the controller itself (self test, command byte, output port) and lets every
 * byte for a keyboard or mouse go unanswered, so that a driver finds neither
 * and goes on.  Its answers are polled: it never interrupts.
 *
 *	0x60 data   0x64 status (read), command (write)
 *
 * IBM PS/2 Technical Reference, "Keyboard and Auxiliary Device Controller".
 */
#ifndef HV_PLATFORM_I8042_H
#define HV_PLATFORM_I8042_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"

#define I8042_DATA 0x60
#define I8042_STATUS 0x64

struct i8042 {
	struct spinlock lock;
	/* Under lock. */
	u8 mode;     /* the command byte */
	u8 command;  /* one that waits for its data byte, or 0 */
	u8 output;   /* the answer ... */
	bool full;   /* ... that waits to be read */
	bool tested; /* status bit 2: the self test has passed */
	bool was_command; /* status bit 3 */
	/* Fixed. */
	void (*reset)(void *data);
	void *data;
};

/**
 * As after power-up.
 * @param reset the guest wants the machine reset; with the lock held
 */
void i8042_init(struct i8042 *i8042, void (*reset)(void *data), void *data);

/**
 * An access to either port, by access->address; fits bus_device.  Takes the
 * lock.
 * @param i8042 a struct i8042
 * @return 0
 */
int i8042_access(void *i8042, struct bus_access *access);

#endif
