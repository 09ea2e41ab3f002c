/** @file
 * Simple devices that a command line asks for.
 *
 *	DEV="mirror@mmio:0xff000000,0x10000 irq@pio:0x2000,24"
 *
 *	mirror@mmio:BASE,SIZE	storage: what was written comes back
 *	fifo@mmio:BASE		a page: a write appends its value to a queue, a
 *				read takes the oldest; 0 when there is none
 *	log@mmio:BASE		a page: each access becomes a line; a read gives
 *				how many accesses there have been before
 *	latch@pio:PORT,WIDTH	a register of WIDTH bytes that keeps its value
 *	zap@pio:PORT		a 32-bit write of a GPA drops that page's
 *				mapping: the next access faults anew
 *	irq@pio:PORT,N		a byte written to PORT+n sets line n high, or
 *				low when it is 0; line 0 is the timer's, pin 2
 *				of the IOAPIC, and there is no line 2
 *	exit@pio:PORT		what is written ends the machine, as the code
 *
 * These are what the kernels of a test suite for hypervisors want: with mirror
 * at 0xff000000, latch at 0xe0, zap at 0xe4, irq at 0x2000 and exit at 0xf4
 * they find the test devices that they were written for.
 */
#ifndef HV_PLATFORM_DEV_H
#define HV_PLATFORM_DEV_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/irq_lines.h"

#define DEV_MAX 16
#define DEV_WHY 160
#define DEV_MIRROR_MAX 0x1000000ull /* bytes */
#define DEV_FIFO_SIZE 64
#define DEV_LINE 96

enum dev_kind {
	DEV_MIRROR,
	DEV_FIFO,
	DEV_LOG,
	DEV_LATCH,
	DEV_ZAP,
	DEV_IRQ,
	DEV_EXIT,
	DEV_KINDS,
};

/** One device as it was asked for. */
struct dev_spec {
	enum dev_kind kind;
	bool is_memory; /* else ports */
	u64 base;
	u64 length; /* bytes or ports */
};

struct dev_list {
	unsigned int count;
	struct dev_spec spec[DEV_MAX];
	char why[DEV_WHY]; /* a sentence without a full stop */
};

/**
 * Understand a DEV= word.
 * @param text devices with blanks between them; none is fine
 * @param out  the list, or why not
 * @return whether it is understood
 */
bool dev_parse(const char *text, struct dev_list *out) __must_check;

/** What the devices ask of their surroundings; called with a lock held. */
struct dev_host {
	void *data;
	struct irq_lines *lines;
	/** Interrupts are on. */
	void (*zap)(void *data, gpa_t page);
	void (*end)(void *data, u32 code);
	void (*log)(void *data, const char *line);
};

struct dev {
	struct spinlock lock;
	/* Under lock. */
	u8 *bytes;    /* of a mirror */
	u64 value;    /* of a latch */
	u64 accesses; /* to a log */
	u64 fifo[DEV_FIFO_SIZE];
	unsigned int head, count;
	/* Fixed. */
	struct dev_spec spec;
	const struct dev_host *host;
	struct bus_device bus; /* to be registered */
};

/**
 * Make a device.
 * @param bytes a mirror's storage, spec->length bytes; else NULL
 * @param host  must live as long
 */
void dev_make(struct dev *dev, const struct dev_spec *spec, u8 *bytes,
	      const struct dev_host *host);

/** An access by offset; fits bus_device. Takes the lock. @return 0 */
int dev_access(void *dev, struct bus_access *access);

#endif
