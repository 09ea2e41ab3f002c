/** @file
 * The wiring of the interrupt lines, all of it.
 *
 * Each change goes to both controllers, which is what the copper of a PC does;
 * the kernel masks one of them.  The 8259s are told first.  Nobody can rely on
 * it, since the two have locks of their own, but it keeps traces readable.
 *
 * The one exception is the timer: its line 0 is the IOAPIC's pin 2, where the
 * 8259s' cascade would be.  So nothing else may be on line 2.
 */
#include "hv/platform/irq_lines.h"

#define TIMER_LINE 0
#define TIMER_PIN 2

static unsigned int pin_of(unsigned int line)
{
	return line == TIMER_LINE ? TIMER_PIN : line;
}

void irq_lines_set(void *opaque, unsigned int number, bool high)
{
	struct irq_lines *lines = opaque;

	if (number != TIMER_PIN) {
		pic_set_line(lines->pic, number, high);
		ioapic_set_line(lines->ioapic, pin_of(number), high);
	}
}

void irq_lines_pulse(void *opaque, unsigned int number)
{
	struct irq_lines *lines = opaque;

	if (number != TIMER_PIN) {
		pic_pulse_line(lines->pic, number);
		ioapic_pulse_line(lines->ioapic, pin_of(number));
	}
}

struct irq_line irq_lines_get(struct irq_lines *lines, unsigned int number)
{
	return (struct irq_line){ .set = irq_lines_set,
				  .pulse = irq_lines_pulse,
				  .data = lines,
				  .number = number };
}
