/** @file
 * Starting the other CPUs.
 */
#ifndef HV_BOOT_SMP_H
#define HV_BOOT_SMP_H

/** Start all other CPUs, one at a time; returns when each is parked. */
void smp_start(void);

#endif
