/** @file
 * What lies where in the guest's physical memory.
 *
 *	0x00001000  GDT: null, null, code (0x10), data (0x18)
 *	0x00002000  Linux' zero page, or the multiboot information
 *	0x00003000  page tables of a 64-bit entry (hv/vmm/start.h); or, of
 *		    multiboot, strings and tables that the page before points to
 *	0x00008000  KERNEL_LOWEST: from here on a multiboot kernel's
 *	0x00009000  Linux' command line
 *	0x0009fc00  reserved, as if firmware kept its data there
 *	0x000a0000  nothing: the display's memory of a PC
 *	0x000c0000  ones, read-only: where no card has put its ROM
 *	0x000e0000  reserved: tables of firmware
 *	0x00100000  RAM, to the end of the guest's memory
 *	0xc0000000  devices at the earliest
 */
#ifndef HV_MACHINE_LAYOUT_H
#define HV_MACHINE_LAYOUT_H

#include "bus/types.h"

#define LAYOUT_GDT 0x1000ull
#define LAYOUT_INFO 0x2000ull
#define LAYOUT_TEXTS 0x3000ull /* multiboot's */
#define LAYOUT_TEXTS_END 0x8000ull
#define LAYOUT_LINE 0x9000ull /* Linux' */
#define LAYOUT_LINE_END 0x10000ull
#define LAYOUT_LOW_END 0x9fc00ull
#define LAYOUT_HOLE 0xa0000ull
#define LAYOUT_ROMS 0xc0000ull
#define LAYOUT_TABLES 0xe0000ull /* ACPI's, and what else firmware leaves */
#define LAYOUT_HIGH 0x100000ull
#define LAYOUT_MEMORY_MAX 0xc0000000ull

/** Selectors in the GDT, those that Linux wants. */
#define LAYOUT_CODE 0x10
#define LAYOUT_DATA 0x18

/** What a range of the memory map is; the numbers are ACPI's. */
enum layout_type {
	LAYOUT_RAM = 1,
	LAYOUT_RESERVED = 2,
};

/** A range of the memory map that the guest is told. */
struct layout_range {
	u64 start;
	u64 size;
	enum layout_type type;
};

#define LAYOUT_RANGES 4

/**
 * The memory map.
 * @param memory bytes of RAM from 0, above 1 MiB
 * @param out    in ascending order
 */
static inline void layout_map(u64 memory,
			      struct layout_range out[LAYOUT_RANGES])
{
	out[0] = (struct layout_range){0, LAYOUT_LOW_END, LAYOUT_RAM};
	out[1] = (struct layout_range){
		LAYOUT_LOW_END, LAYOUT_HOLE - LAYOUT_LOW_END, LAYOUT_RESERVED};
	out[2] = (struct layout_range){
		LAYOUT_TABLES, LAYOUT_HIGH - LAYOUT_TABLES, LAYOUT_RESERVED};
	out[3] = (struct layout_range){LAYOUT_HIGH, memory - LAYOUT_HIGH,
				       LAYOUT_RAM};
}

#endif
