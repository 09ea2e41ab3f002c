/** @file
 * The bench: what an access costs, in time stamps of the guest.
 *
 * A row's guest reads the time stamp counter before each repetition of its
 * body.  The difference of two neighbours is what the body cost, the exit and
 * all the hypervisor's work included.  The figure is the *mode*, the difference
 * that occurs most often: it is the cost of the path that is always taken, and
 * no timer interrupt that strays in changes it.
 */
#ifndef HV_VMM_BENCH_H
#define HV_VMM_BENCH_H

/** Measured iterations, and as many before them to warm up. */
#define BENCH_ITERATIONS 4000

/* The hypercall that hands the stamps over is declared in calls_groups.h. */

#endif
