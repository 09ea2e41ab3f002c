/** @file
 * The VMX-preemption timer (SDM 3C 25.5.1).
 *
 * It counts down with the TSC while the guest runs and makes it exit at zero.
 * Interrupts of the host do the same on most machines; Bochs keeps them waiting
 * while the guest has its own interrupts off, and then a spinning guest would
 * never be stopped.  How fast the TSC counts is measured once.
 */
#include "hv/vcpu/preempt.h"

#include "hv/lib/watchdog.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "hv/x86/lapic.h"

/*
 * Shorter than the watchdog's tick of 50 ms (LAPIC_TICK_HZ), so that each tick
 * is let in before the next is due; fifty exits in a second are no burden. The
 * rate is measured over a millisecond: it need not be exact.
 */
#define PERIOD_MS 20
#define MEASURE_US 1000

static u32 period;

u32 preempt_period(void)
{
	u64 start;

	if (vmx_caps.preemption_timer && !period) {
		start = rdtsc();
		lapic_delay_us(MEASURE_US);
		period = ((rdtsc() - start) * PERIOD_MS >>
			  vmx_caps.timer_shift) +
			 1;
	}
	return period;
}

/** The interrupt that the watchdog waits for, if one is due, is pending now. */
void preempt_expired(gva_t rip)
{
	vmwrite(VMX_PREEMPTION_TIMER_VALUE, period);
	watchdog_guest_tick(rip);
}
