/** @file
 * The wiring of the interrupt lines, all of it.
 */
#include "hv/platform/irq_lines.h"

#define TIMER_LINE 0
#define TIMER_PIN 2

void irq_lines_set(void *opaque, unsigned int number, bool high)
{
	struct irq_lines *lines = opaque;

	if (number == TIMER_PIN) {
		return;
	}
	pic_set_line(lines->pic, number, high);
	ioapic_set_line(lines->ioapic,
			number == TIMER_LINE ? TIMER_PIN : number, high);
}

struct irq_line irq_lines_get(struct irq_lines *lines, unsigned int number)
{
	return (struct irq_line){ .set = irq_lines_set,
				  .data = lines,
				  .number = number };
}
