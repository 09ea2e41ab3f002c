/** @file
 * The wiring of the interrupt lines, all of it.
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
