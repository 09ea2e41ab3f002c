/** @file
 * The table by which coreboot tells its payloads about the machine.
 *
 * GRUB's build for coreboot is a multiboot kernel as well, but it asks nobody
 * else for the memory than this table, which it looks for from 0xf0000 on, in
 * steps of a header's size.
 */
#ifndef HV_PLATFORM_COREBOOT_H
#define HV_PLATFORM_COREBOOT_H

#include "bus/types.h"

/** Where it is; 256 bytes at most. */
#define COREBOOT_TABLE 0xf0000u
#define COREBOOT_RANGES 8

/** A range of memory; the types are ACPI's. */
struct coreboot_range {
	u64 start, size;
	u32 type;
};

/**
 * Write the table.
 * @param out   where; 256 bytes
 * @param range ascending
 * @param count how many, up to COREBOOT_RANGES
 */
void coreboot_write(u8 *out, const struct coreboot_range *range,
		    unsigned int count);

#endif
