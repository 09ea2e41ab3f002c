/** @file
 * Where an interrupt line goes: to the 8259 pair and to the IOAPIC.
 *
 * A PC has both controllers on the same wires, and the kernel masks the one
 * that it does not use.  Lines 0 to 15 are those of the ISA bus; 16 to 23 lead
 * to the IOAPIC only.  The timer's line 0 is wired to the IOAPIC's pin 2, as
 * the MADT says (acpi.h).
 *
 *	line 0 -------> 8259 line 0,  IOAPIC pin 2
 *	line 1, 3..15 > 8259 line n,  IOAPIC pin n
 *	line 16..23 --> IOAPIC pin n
 *	8259s' INTR --> LINT0, IOAPIC pin 0 (board.c)
 */
#ifndef HV_PLATFORM_IRQ_LINES_H
#define HV_PLATFORM_IRQ_LINES_H

#include "hv/platform/ioapic.h"
#include "hv/platform/irq_line.h"
#include "hv/platform/pic.h"

#define IRQ_LINES_EXTINT_PIN 0

struct irq_lines {
	/* Fixed; each has its own lock, and there is nothing else to guard. */
	struct pic *pic;
	struct ioapic *ioapic;
};

/**
 * A line goes high or low; fits struct irq_line.  The locks of both
 * controllers are taken, one after the other.
 * @param lines  a struct irq_lines
 * @param number 0 to 23 without 2; others are ignored
 */
void irq_lines_set(void *lines, unsigned int number, bool high);

/** The line goes low and high again; likewise. */
void irq_lines_pulse(void *lines, unsigned int number);

/** @return that line, for a chip to hold */
struct irq_line irq_lines_get(struct irq_lines *lines, unsigned int number);

#endif
