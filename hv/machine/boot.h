/** @file
 * What a boot loader does for a kernel: its modules, its command line, the
 * memory map, and the registers that it begins with.
 *
 * Pure functions of the guest's memory: each kind of kernel has one, and the
 * rest of the machine is not looked at.
 */
#ifndef HV_MACHINE_BOOT_H
#define HV_MACHINE_BOOT_H

#include "bus/types.h"
#include "hv/machine/kernel.h"
#include "hv/vcpu/vcpu_regs.h"

#define BOOT_MODULES_MAX 16

/** An initrd, or a multiboot module. */
struct boot_module {
	const void *data;
	u64 size;
	const char *name;
	const char *words; /* behind the name; NULL: none */
};

/** What a kernel is to be given. */
struct boot {
	const struct kernel *kernel;
	const char *name; /* the kernel's file */
	const char *command_line; /* with a final 0 */
	unsigned int nmodules;
	struct boot_module modules[BOOT_MODULES_MAX];
	u64 memory; /* bytes of RAM */
	gpa_t rsdp; /* ACPI's root pointer, 0: there is none */
};

/**
 * Load the kernel with all that it is given.
 * @param boot what
 * @param ram  guest-physical 0, boot->memory bytes, zero
 * @param regs what the first vCPU begins with
 * @return NULL, or why not: a whole sentence without a full stop
 */
const char *boot_load(const struct boot *boot, u8 *ram,
		      struct vcpu_regs *regs) __must_check;

/**
 * boot_load()'s second half for each kind of kernel, which is in memory
 * already.
 */
const char *boot_linux(const struct boot *boot, u8 *ram,
		       struct vcpu_regs *regs);
const char *boot_multiboot(const struct boot *boot, u8 *ram,
			   struct vcpu_regs *regs);

/**
 * The system registers to begin with: 64-bit mode with identity page tables,
 * or 32-bit protected mode without paging, flat segments, interrupts off.
 */
void boot_system(const struct kernel *kernel, struct vcpu_sregs *out);

#endif
