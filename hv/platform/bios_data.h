/** @file
 * What a PC's firmware leaves in low memory.
 *
 * Kernels that know PCs look at 0x400 without asking anybody whether firmware
 * has ever run: for the size of low memory, for serial ports, for the extended
 * area behind low memory.  Zeroes there lead them astray: one puts its
 * start-up code 64 KiB below what it takes for the end of memory.
 *
 * Some go back to real mode and call the BIOS: for a video mode, for disks.
 * There is none, but the interrupt vectors must not be zeroes for that: they
 * would lead into memory that is no code, which may go well for a while, each
 * byte of it changing another.  So each call comes back: "no such function".
 */
#ifndef HV_PLATFORM_BIOS_DATA_H
#define HV_PLATFORM_BIOS_DATA_H

#include "bus/types.h"

/** Where the answers are; 64 bytes. */
#define BIOS_DATA_CODE 0xfff00u

/**
 * Write both areas, the interrupt vectors and the code behind them.
 * @param ram guest-physical 0, 1 MiB at least
 * @param low_end where the extended area begins: its first KiB is reserved;
 *	below 1 MiB, and a multiple of 1 KiB
 */
void bios_data_write(u8 *ram, gpa_t low_end);

#endif
