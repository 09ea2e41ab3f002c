/** @file
 * The zero page: what Linux is told - boot.rst, "32-bit" and "64-bit boot
 * protocol".
 *
 *	RSI --> zero page --+-- setup header, as in the file, completed
 *			    +-- memory map	--> command line
 *			    +-- ACPI's root	--> initrd, as high as may be
 *
 * The real-mode part of the file, which would ask the BIOS all this, is not
 * run: the loader answers in its place and enters behind it.  What we leave at
 * 0 in the page (screen, disks, APM) a kernel takes for "not there".
 */
#include "hv/machine/boot.h"

#include "hv/lib/string.h"
#include "hv/machine/layout.h"
#include "hv/machine/linux.h"

/** The "e820" table, called so after the BIOS call that it stands for. */
static void write_map(const struct boot *boot, u8 *page)
{
	struct layout_range map[LAYOUT_RANGES];

	layout_map(boot->memory, map);
	page[LINUX_E820_ENTRIES] = LAYOUT_RANGES;
	for (unsigned int i = 0; i < LAYOUT_RANGES; i++) {
		struct linux_e820 entry = {
			.address = map[i].start,
			.size = map[i].size,
			.type = map[i].type,
		};

		memcpy(page + LINUX_E820_TABLE + i * sizeof(entry), &entry,
		       sizeof(entry));
	}
}

/**
 * All initrds one behind the other, as the kernel wants them: each at a
 * multiple of 4, so that an archive may follow an archive.
 *
 * As high as may be: the kernel unpacks itself and allocates from below, and
 * must not run into them.  "May" has two bounds: the end of memory, and the
 * highest address that the kernel says it can reach (initrd_addr_max).
 */
static const char *put_initrd(const struct boot *boot, u8 *ram,
			      struct linux_header *h)
{
	u64 size = 0;
	u64 top = boot->kernel->initrd_last + 1;
	u64 start;

	for (unsigned int i = 0; i < boot->nmodules; i++) {
		size += (boot->modules[i].size + 3) & ~3ull;
	}
	top = top < boot->memory ? top : boot->memory;
	start = size < top ? (top - size) & PAGE_MASK : 0;
	if (start < boot->kernel->end.v) {
		return "the initrd is too large: it does not fit behind the "
		       "kernel into the guest's memory (MEM=)";
	}
	h->ramdisk_image = size ? start : 0;
	h->ramdisk_size = size;
	for (unsigned int i = 0; i < boot->nmodules; i++) {
		memcpy(ram + start, boot->modules[i].data,
		       boot->modules[i].size);
		start += (boot->modules[i].size + 3) & ~3ull;
	}
	return NULL;
}

/*
 * The header is taken from the file as it is and completed: what the loader
 * must say is its own type (0xff: none of the known), where the command line
 * is, and where the initrd.  RSI leads to the page, in both protocols.
 */
const char *boot_linux(const struct boot *boot, u8 *ram,
		       struct vcpu_regs *regs)
{
	u64 room = LAYOUT_LINE_END - LAYOUT_LINE;
	const struct kernel *kernel = boot->kernel;
	u64 end = kernel->header_end;
	u8 *page = ram + LAYOUT_INFO;
	struct linux_header *h = (void *)(page + LINUX_HEADER);
	const char *why;

	/* What is longer than what we know of is for the kernel itself. */
	end = end < LINUX_HEADER_MAX ? end : LINUX_HEADER_MAX;
	memcpy(h, kernel->file + LINUX_HEADER, end - LINUX_HEADER);
	if (strlen(boot->command_line) > kernel->command_line_max ||
	    strlen(boot->command_line) >= room) {
		return "the command line (APPEND=) is longer than this kernel "
		       "can take";
	}
	string_copy((char *)ram + LAYOUT_LINE, boot->command_line, room);
	h->type_of_loader = LINUX_LOADER_UNDEFINED;
	h->cmd_line_ptr = LAYOUT_LINE;
	why = put_initrd(boot, ram, h);
	write_map(boot, page);
	memcpy(page + LINUX_ACPI_RSDP, &boot->rsdp.v, sizeof(u64));
	regs->gpr[GPR_RSI] = LAYOUT_INFO;
	return why;
}
