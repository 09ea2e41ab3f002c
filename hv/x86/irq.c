/** @file
 * The interrupt dispatch table.
 *
 * The end-of-interrupt goes out before the handler runs, not after: the
 * watchdog's handler may end in recovery_stop() and never return, and an
 * interrupt left in service would block all later ones of its priority.  With
 * interrupts off until the handler is done, nothing nests for that.
 */
#include "hv/x86/irq.h"

#include "hv/x86/io.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

#define FIRST_INTERRUPT 32

/* The two 8259 controllers */
#define PIC1_COMMAND 0x20
#define PIC1_DATA 0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA 0xa1
#define PIC_INIT 0x11	 /* ICW1: edge triggered, cascaded, ICW4 follows */
#define PIC_8086 0x01	 /* ICW4 */
#define PIC_VECTOR 0xf0	 /* spurious ones land here and are ignored */

static irq_handler_t handlers[256];

void irq_set_handler(unsigned int vector, irq_handler_t handler)
{
	handlers[vector] = handler;
}

bool irq_dispatch(unsigned int vector, struct trap_frame *frame)
{
	irq_handler_t handler = handlers[vector];

	if (vector >= FIRST_INTERRUPT && vector != IRQ_VECTOR_SPURIOUS) {
		lapic_eoi();
	}
	if (handler) {
		handler(frame);
	}
	return handler || vector >= FIRST_INTERRUPT;
}

void irq_init(void)
{
	outb(PIC1_COMMAND, PIC_INIT);
	outb(PIC2_COMMAND, PIC_INIT);
	outb(PIC1_DATA, PIC_VECTOR);
	outb(PIC2_DATA, PIC_VECTOR + 8);
	outb(PIC1_DATA, BIT(2)); /* the second hangs on line 2 */
	outb(PIC2_DATA, 2);
	outb(PIC1_DATA, PIC_8086);
	outb(PIC2_DATA, PIC_8086);
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
}
