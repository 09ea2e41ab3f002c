/** @file
 * The interrupt dispatch table: who handles which vector.
 *
 * Handlers run with interrupts off, on the stack of whatever they interrupted.
 * A vector from 32 up is acknowledged at the local APIC before its handler is
 * called, so that a handler may leave by a recovery and never return.
 */
#ifndef HV_X86_IRQ_H
#define HV_X86_IRQ_H

#include "bus/types.h"

struct trap_frame;

/* Fixed vectors of ours. */
#define IRQ_VECTOR_TIMER 0xe0	 /* the local APIC's timer */
#define IRQ_VECTOR_WAKEUP 0xe1	 /* cpu_run_on() to a halted CPU */
#define IRQ_VECTOR_SPURIOUS 0xff

typedef void (*irq_handler_t)(struct trap_frame *frame);

/**
 * Set the handler of a vector, for all CPUs.
 * @param vector 0 to 255; exceptions may have one too (an NMI's, say)
 * @param handler NULL for the default: exceptions are reported, interrupts
 *	are acknowledged and ignored
 */
void irq_set_handler(unsigned int vector, irq_handler_t handler);

/**
 * Run the handler of a vector.
 * Also for a VM exit which acknowledged the interrupt on its way
 * ("acknowledge interrupt on exit"), with a frame made up by the caller.
 * @return false when it is an exception without a handler
 */
bool irq_dispatch(unsigned int vector, struct trap_frame *frame);

/** Mask both 8259 controllers for good: only the local APIC interrupts us. */
void irq_init(void);

#endif
