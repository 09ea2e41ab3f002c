/** @file
 * What the boot loader handed over: memory, command line, modules.
 *
 * Multiboot 1 (the specification's 3.3).  All of the loader's tables are
 * copied when hv_main() begins, because they lie in memory that is about to
 * be given out; only the modules' contents stay where they are, reserved.
 */
#ifndef HV_BOOT_MULTIBOOT_H
#define HV_BOOT_MULTIBOOT_H

#include "bus/types.h"

#define MULTIBOOT_MODULES_MAX 64
#define MULTIBOOT_RANGES_MAX 64
#define MULTIBOOT_NAME_SIZE 64

/** A module: a guest program, usually. */
struct module {
	char name[MULTIBOOT_NAME_SIZE]; /* file name without folders */
	const void *data; /* in the direct map; not to be written */
	size_t size;	  /* bytes, may be 0 */
};

/** A piece of the machine's memory map, below 4 GiB. */
struct memory_range {
	hpa_t start;
	u64 size;
	bool is_ram;
};

/**
 * Copy everything away; ends the machine when something is amiss.
 * @param magic EAX as the loader left it
 * @param info EBX: the information structure
 */
void multiboot_init(u32 magic, hpa_t info);

/** @return the command line without the image's name, at most 1 KiB */
const char *multiboot_command_line(void);

/** @return how many modules there are, up to MULTIBOOT_MODULES_MAX */
unsigned int multiboot_module_count(void);

/** @return module i, i below the count */
const struct module *multiboot_module(unsigned int i);

/** @return how many ranges the memory map has */
unsigned int multiboot_range_count(void);
const struct memory_range *multiboot_range(unsigned int i);

#endif
