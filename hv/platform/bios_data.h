/** @file
 * What a PC's firmware leaves in low memory.
 *
 * Kernels that know PCs look at 0x400 without asking anybody whether firmware
 * has ever run: for the size of low memory, for serial ports, for the extended
 * area behind low memory.  Zeroes there lead them astray: one puts its
 * start-up code 64 KiB below what it takes for the end of memory.
 */
#ifndef HV_PLATFORM_BIOS_DATA_H
#define HV_PLATFORM_BIOS_DATA_H

#include "bus/types.h"

/**
 * Write both areas.
 * @param ram guest-physical 0
 * @param low_end where the extended area begins: its first KiB is reserved;
 *	below 1 MiB, and a multiple of 1 KiB
 */
void bios_data_write(u8 *ram, gpa_t low_end);

#endif
