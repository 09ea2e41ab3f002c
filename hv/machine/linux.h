/** @file
 * What a loader and a Linux kernel tell each other.
 *
 * The kernel's file carries the setup header; the loader copies it into a page
 * of zeroes at the same offset, fills in what it decides, adds the memory map,
 * and hands that page over ("zero page", struct boot_params).  Field names are
 * Linux': Documentation/x86/boot.rst and zero-page.rst.
 */
#ifndef HV_MACHINE_LINUX_H
#define HV_MACHINE_LINUX_H

#include "bus/types.h"

#define LINUX_HEADER 0x1f1 /* of the setup header, in file and zero page */
#define LINUX_HEADER_MAX 0x290 /* the memory map's place is behind */
#define LINUX_BOOT_FLAG 0xaa55
#define LINUX_MAGIC 0x53726448u /* "HdrS" */
#define LINUX_VERSION_MIN 0x020a

/* loadflags */
#define LINUX_LOADED_HIGH BIT(0)
/* xloadflags */
#define LINUX_KERNEL_64 BIT(0)

/** type_of_loader: no number has been given to us. */
#define LINUX_LOADER_UNDEFINED 0xff

struct linux_header {
	u8 setup_sects; /* of 512 bytes, behind the boot sector; 0 means 4 */
	u16 root_flags;
	u32 syssize; /* of the protected-mode kernel, in 16 bytes */
	u16 ram_size;
	u16 vid_mode;
	u16 root_dev;
	u16 boot_flag;
	u16 jump;
	u32 magic;
	u16 version;
	u32 realmode_swtch;
	u16 start_sys_seg;
	u16 kernel_version;
	u8 type_of_loader;
	u8 loadflags;
	u16 setup_move_size;
	u32 code32_start;
	u32 ramdisk_image;
	u32 ramdisk_size;
	u32 bootsect_kludge;
	u16 heap_end_ptr;
	u8 ext_loader_ver;
	u8 ext_loader_type;
	u32 cmd_line_ptr;
	u32 initrd_addr_max;
	u32 kernel_alignment;
	u8 relocatable_kernel;
	u8 min_alignment;
	u16 xloadflags;
	u32 cmdline_size;
	u32 hardware_subarch;
	u64 hardware_subarch_data;
	u32 payload_offset;
	u32 payload_length;
	u64 setup_data;
	u64 pref_address;
	u32 init_size;
} __packed;

_Static_assert(offsetof(struct linux_header, magic) == 0x202 - LINUX_HEADER &&
		       offsetof(struct linux_header, init_size) ==
			       0x260 - LINUX_HEADER,
	       "boot.rst, \"The Real-Mode Kernel Header\"");

/* Offsets in the zero page */
#define LINUX_ACPI_RSDP 0x070	 /* u64 */
#define LINUX_E820_ENTRIES 0x1e8 /* u8 */
#define LINUX_E820_TABLE 0x2d0

/** An entry of the memory map there. */
struct linux_e820 {
	u64 address;
	u64 size;
	u32 type; /* 1: RAM, 2: reserved */
} __packed;

#endif
