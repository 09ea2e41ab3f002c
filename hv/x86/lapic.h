/** @file
 * The local APIC in xAPIC mode: CPU numbers, wake-ups, the timer - SDM 3A 10.
 *
 * Its registers are memory at 0xfee00000, reached through the direct map.
 */
#ifndef HV_X86_LAPIC_H
#define HV_X86_LAPIC_H

#include "bus/types.h"

/** Ask for this rate of the watchdog's timer, in Hz. */
#define LAPIC_TICK_HZ 20

/**
 * Enable this CPU's local APIC.
 * @return 0, or -ENODEV without one (or when firmware chose x2APIC mode)
 */
int lapic_init(void) __must_check;

/** Measure timer and TSC against the 8254; once, on CPU 0, takes some ms. */
void lapic_calibrate(void);

/** @return this CPU's APIC ID, 0 to 255 */
u32 lapic_id(void);

/** Acknowledge the interrupt in service - SDM 3A 11.8.5. */
void lapic_eoi(void);

/** Send a fixed interrupt to the CPU with this APIC ID. */
void lapic_send_ipi(u32 apic_id, u8 vector);

/** Send an NMI to the CPU with this APIC ID. */
void lapic_send_nmi(u32 apic_id);

/** Send INIT, then twice SIPI, to all other CPUs - SDM 3A 9.4.4.
 * @param start physical address below 1 MiB, page-aligned */
void lapic_start_others(hpa_t start);

/** @return how often the TSC counts in a second */
u64 lapic_tsc_hz(void);

/** Interrupt this CPU once, after about this many ticks of the TSC. */
void lapic_timer_after(u8 vector, u64 ticks);

/** Interrupt this CPU once, after this many microseconds (of the machine). */
void lapic_timer_oneshot(u8 vector, u32 microseconds);

/** No further timer interrupt on this CPU, whichever kind was asked for. */
void lapic_timer_stop(void);

/** Busy-wait by the 8254, in the machine's time; up to 50,000 us. */
void lapic_delay_us(u32 microseconds);

#endif
