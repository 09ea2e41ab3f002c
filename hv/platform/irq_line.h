/** @file
 * One interrupt line, as a chip sees it: something to pull high and low.
 *
 * A chip does not know what its line leads to.  In the machine that is the
 * router (irq_lines.h); in a host test it is a function that remembers what it
 * was told.  Setting a line to the level that it has changes nothing, so that
 * a chip may say after each access what its line shall be.
 */
#ifndef HV_PLATFORM_IRQ_LINE_H
#define HV_PLATFORM_IRQ_LINE_H

#include "bus/types.h"

struct irq_line {
	/**
	 * The line is high, or low.  Called with the chip's lock held: it must
	 * not call back into the chip.
	 */
	void (*set)(void *data, unsigned int number, bool high);
	void *data;
	unsigned int number; /* which line of data's it is */
	/** It goes low and high again at once, so that there is an edge; may
	 * be NULL, then set() is called twice. */
	void (*pulse)(void *data, unsigned int number);
};

static inline void irq_line_set(const struct irq_line *line, bool high)
{
	if (line->set) {
		line->set(line->data, line->number, high);
	}
}

static inline void irq_line_pulse(const struct irq_line *line)
{
	if (line->pulse) {
		line->pulse(line->data, line->number);
	} else {
		irq_line_set(line, false);
		irq_line_set(line, true);
	}
}

#endif
