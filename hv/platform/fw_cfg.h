/** @file
 * QEMU's fw_cfg: questions about the machine, asked through two ports.
 *
 * Kernels and firmware written for QEMU ask here how much memory and how many
 * processors there are.  The guest writes a key to the selector and reads the
 * item's bytes one by one from the data port; behind its end there are zeroes.
 *
 *	0x510 selector (16 bits, written)   0x511 data (8 bits, read)
 *
 *	0x00 "QEMU"    0x03 RAM, 8 bytes    0x19 directory of files
 *	0x01 1         0x05 processors      0x20 the file "etc/e820"
 *	               0x0f processors at most
 *
 * Item 1 has bit 1 clear: there is no DMA.  Numbers are little-endian, those
 * of the directory big-endian.  QEMU's docs/specs/fw_cfg.txt.
 */
#ifndef HV_PLATFORM_FW_CFG_H
#define HV_PLATFORM_FW_CFG_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"

#define FW_CFG_PORT 0x510 /* and 0x511 */
#define FW_CFG_RANGES 8

/** A range of the memory map, as in the file. */
struct fw_cfg_range {
	u64 base, length;
	u32 type; /* 1: RAM, 2: reserved */
} __packed;

#define FW_CFG_DIRECTORY_SIZE (4 + 64)

struct fw_cfg {
	struct spinlock lock;
	/* Under lock. */
	u16 key;
	u32 offset; /* of the next byte */
	/* Fixed. */
	u8 memory[8];
	u8 cpus[2];
	u8 directory[FW_CFG_DIRECTORY_SIZE];
	unsigned int nranges;
	struct fw_cfg_range range[FW_CFG_RANGES];
};

/** What it shall tell. */
struct fw_cfg_plan {
	u64 memory; /* bytes of RAM */
	u16 cpus;
	unsigned int nranges; /* up to FW_CFG_RANGES */
	struct fw_cfg_range range[FW_CFG_RANGES];
};

/** Key 0 is selected. */
void fw_cfg_init(struct fw_cfg *fw_cfg, const struct fw_cfg_plan *plan);

/**
 * An access to the ports, by access->address; fits bus_device.  Takes the
 * lock.
 * @param fw_cfg a struct fw_cfg
 * @return 0
 */
int fw_cfg_access(void *fw_cfg, struct bus_access *access);

#endif
