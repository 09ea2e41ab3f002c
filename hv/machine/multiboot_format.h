/** @file
 * Multiboot 1, the guest's side of it: the header in a kernel's file, and what
 * the loader hands over (the specification's 3.1.1 and 3.3).
 *
 * The hypervisor is itself started this way (hv/boot/multiboot.h); here it is
 * the loader.
 */
#ifndef HV_MACHINE_MULTIBOOT_FORMAT_H
#define HV_MACHINE_MULTIBOOT_FORMAT_H

#include "bus/types.h"

#define MULTIBOOT_SEARCH 8192 /* the header lies in so many bytes whole */
#define MULTIBOOT_HEADER_MAGIC 0x1badb002u
#define MULTIBOOT_LOADER_MAGIC 0x2badb002u /* in EAX */

/* Flags of the header */
#define MULTIBOOT_PAGE_ALIGN BIT(0)
#define MULTIBOOT_MEMORY_INFO BIT(1)
#define MULTIBOOT_VIDEO BIT(2)
#define MULTIBOOT_REQUIRED BITS(15, 0) /* who does not know it must refuse */
#define MULTIBOOT_ADDRESSES BIT(16)

struct multiboot_header {
	u32 magic;
	u32 flags;
	u32 checksum; /* the three add up to 0 */
	/* with MULTIBOOT_ADDRESSES */
	u32 header_addr;
	u32 load_addr;
	u32 load_end_addr; /* 0: to the file's end */
	u32 bss_end_addr;  /* 0: no bss */
	u32 entry_addr;
};

/* Flags of the information */
#define MULTIBOOT_INFO_MEMORY BIT(0)
#define MULTIBOOT_INFO_COMMAND_LINE BIT(2)
#define MULTIBOOT_INFO_MODULES BIT(3)
#define MULTIBOOT_INFO_MAP BIT(6)
#define MULTIBOOT_INFO_LOADER BIT(9)

struct multiboot_information {
	u32 flags;
	u32 mem_lower; /* KiB from 0 */
	u32 mem_upper; /* KiB from 1 MiB */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count;
	u32 mods_addr;
	u32 syms[4];
	u32 mmap_length;
	u32 mmap_addr;
	u32 drives[2];
	u32 config_table;
	u32 boot_loader_name;
	u32 rest[13];
};

struct multiboot_module_range {
	u32 start;
	u32 end;
	u32 string;
	u32 reserved;
};

struct multiboot_map_entry {
	u32 size; /* of what follows: 20 */
	u64 base;
	u64 length;
	u32 type; /* 1: RAM, 2: reserved */
} __packed;

#endif
