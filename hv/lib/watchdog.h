/** @file
 * The watchdog: an endless loop ends in a sentence that names the place.
 *
 * A periodic interrupt looks at cpu->progress.  When it has not moved for the
 * allowed number of ticks, the run is stopped by recovery_stop():
 *
 *	the hypervisor was interrupted   HANG, with its function and line
 *	the guest was, with no exits     HANG, with the guest's RIP
 *	the guest was, exiting on and on LIVELOCK, with the guest's RIP
 *
 * Ticks are counted as they are delivered, never by a clock: a machine which
 * is starved of time gets fewer of them, and the verdict stays the same.
 */
#ifndef HV_LIB_WATCHDOG_H
#define HV_LIB_WATCHDOG_H

#include "bus/types.h"

struct trap_frame;

/** Ticks without progress that are allowed: 60 are 3 s at 20 Hz.  Of those
 * that find the hypervisor within one and the same exit a third is enough. */
#define WATCHDOG_TICKS_DEFAULT 60u

/** How patient it shall be.  @param ticks allowed without progress, >= 2 */
void watchdog_init(unsigned int ticks);

/** Let this CPU's timer tick, and stop it.  Ticks outside of a recovery are
 * counted but never stop anything. */
void watchdog_start(void);
void watchdog_stop(void);

/** The tick's handler. */
void watchdog_tick(struct trap_frame *frame);

/**
 * Take the interrupts which are pending after an external-interrupt exit.
 *
 * Call it for each such exit, interrupts off, when the VMX unit does not
 * acknowledge interrupts on exit: it opens the interrupt flag for a moment,
 * and a tick taken there counts as the guest's.  Does not return (but to
 * recovery_run()) when the guest has made no progress for too long.
 * @param rip where the guest is
 */
void watchdog_guest_tick(gva_t rip);

/**
 * Sleep until an interrupt comes, in place of a guest that is halted; a tick
 * counts as the guest's, with twice the patience: another CPU may be about to
 * wake it.  Called with interrupts off, and returns so; or as above.
 * @param rip where the guest is
 */
void watchdog_guest_sleep(gva_t rip);

#endif
