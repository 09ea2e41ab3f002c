/** @file
 * A 16550A UART, by port or by memory.
 *
 * The console of every kernel in this machine.  What the guest sends comes out
 * by a callback, byte for byte and at once; what the person types waits in a
 * queue, from which the chip's FIFO of 16 bytes is kept full.  So the line
 * status is always "ready to send", and no byte from the terminal is ever
 * lost to an overrun.
 *
 *	serial_input() -> queue -> FIFO -> RBR      guest reads
 *	output()       <------------------ THR      guest writes
 *	                    `-> loopback -> FIFO    MCR bit 4
 *
 * Four things can interrupt, by priority: an error on the line, received data,
 * the transmitter's readiness, a change of the modem lines (data sheet table
 * 8).  The FIFO's time-out has no time here: data below the trigger level
 * counts as timed out at once.  OUT2 does not gate the interrupt, as on the
 * virtual machines that small kernels are written for.
 *
 * National Semiconductor PC16550D data sheet.
 */
#ifndef HV_PLATFORM_SERIAL_H
#define HV_PLATFORM_SERIAL_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/irq_line.h"

#define SERIAL_REGISTERS 8
#define SERIAL_FIFO 16
#define SERIAL_QUEUE 256

/** A ring of bytes; head is the next to be taken. */
struct serial_ring {
	u16 head, count;
	u8 byte[SERIAL_QUEUE];
};

struct serial {
	struct spinlock lock;
	/* Under lock. */
	u8 ier, fcr, lcr, mcr, scratch;
	u8 lsr;	      /* the error bits, until they are read */
	u8 msr;	      /* the delta bits, until they are read */
	u16 divisor;
	bool sent;    /* the transmitter has become ready: an interrupt */
	bool high;    /* the interrupt line */
	struct serial_ring fifo;  /* at most SERIAL_FIFO, or 1 without FIFO */
	struct serial_ring queue; /* from the person */
	u64 written;  /* bytes that the guest sent */
	/* Fixed. */
	struct irq_line line;
	void (*output)(void *data, u8 byte);
	void *data;
};

/**
 * As after reset.
 * @param line   its interrupt
 * @param output takes each byte sent, with the lock held: it must not call
 *	back; may be NULL
 */
void serial_init(struct serial *serial, struct irq_line line,
		 void (*output)(void *data, u8 byte), void *data);

/**
 * An access by port, or to registers that lie a byte apart ("mmio" for
 * Linux); fits bus_device.  Takes the lock.
 * @param serial a struct serial
 * @return 0; of wider accesses the register at their offset counts
 */
int serial_access(void *serial, struct bus_access *access);

/** The same for registers that lie four bytes apart ("mmio32"). */
int serial_access_wide(void *serial, struct bus_access *access);

/**
 * Something was typed.  Takes the lock; from any CPU.
 * @return how many bytes were taken; the queue is full when fewer than count
 */
size_t serial_input(struct serial *serial, const u8 *bytes, size_t count);

#endif
