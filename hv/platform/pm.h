/** @file
 * ACPI's fixed hardware: sleeping, its status, and the PM timer.
 *
 *	0x600 PM1a_STS   0x602 PM1a_EN    events; each set and enabled one
 *	                                  holds the SCI high
 *	0x604 PM1a_CNT   SLP_TYP, SLP_EN  sleep state 5 is the power switch
 *	0x608 PM_TMR     32 bits at 3.579545 MHz
 *
 * The machine is always in ACPI mode (SCI_EN reads as 1), as the FADT says by
 * having no SMI command port.  The only event that happens is the timer's: its
 * bit 31 has changed.  ACPI specification 4.8.3.
 */
#ifndef HV_PLATFORM_PM_H
#define HV_PLATFORM_PM_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/clock.h"
#include "hv/platform/irq_line.h"

#define PM_HZ 3579545
#define PM_PORT 0x600
#define PM_PORTS 12
#define PM_EVENT_PORT (PM_PORT + 0)
#define PM_CONTROL_PORT (PM_PORT + 4)
#define PM_TIMER_PORT (PM_PORT + 8)
#define PM_SLEEP_OFF 5 /* SLP_TYP of S5: \_S5 in the DSDT says so */

struct pm {
	struct spinlock lock;
	/* Under lock. */
	u16 status, enable, control;
	u64 ticks; /* status is known up to here */
	/* Fixed. */
	struct clock clock;
	struct irq_line line; /* the SCI */
	void (*power_off)(void *data);
	void *data;
};

/**
 * Timer at 0, nothing enabled; the caller sets power_off and data afterwards.
 * @param tsc_hz frequency of now's unit: 4 MHz to 5 THz
 */
void pm_init(struct pm *pm, u64 tsc_hz, u64 now, struct irq_line line);

/**
 * An access of any width, by access->offset from PM_PORT.  Takes the lock.
 * A write that sets SLP_EN with PM_SLEEP_OFF calls power_off, lock held.
 * @param now the guest's TSC
 */
void pm_access(struct pm *pm, struct bus_access *access, u64 now);

/** @return the TSC at which pm_advance() has something to do, or
 * CLOCK_NEVER; takes the lock */
u64 pm_deadline(struct pm *pm);

/** Time has come to now.  Takes the lock.
 * @return pm_deadline() from now on */
u64 pm_advance(struct pm *pm, u64 now);

#endif
