/** @file
 * Reading a Linux bzImage - Linux' Documentation/x86/boot.rst.
 *
 *	file:  | boot sector | setup code ... | protected-mode kernel ...... |
 *	         0x1f1: setup header    (setup_sects + 1) * 512
 *
 * The first part is the real-mode code of the days of floppy disks, of which
 * only the setup header counts here: it says what the rest needs.  The rest is
 * put where the kernel likes to be, or, if memory does not reach that far and
 * it can be moved, lower.  It unpacks itself in place, so that init_size
 * bytes are its own, far more than the file has.
 */
#include "hv/machine/kernel.h"

#include "hv/machine/linux.h"

#define SECTOR 512
#define PARAGRAPH 16 /* what the kernel's size is counted in */
#define MIB (1ull << 20)
#define ENTRY_64 0x200 /* from its start, boot.rst "64-bit boot protocol" */

/**
 * Where the kernel goes, or 0 if there is no room.
 *
 *	not relocatable	exactly where it says (code32_start)
 *	relocatable	pref_address, if init_size bytes fit there; else as low
 *			as its alignment lets it, from 1 MiB on
 */
static u64 choose_address(const struct linux_header *h, u64 memory)
{
	u64 align = h->kernel_alignment ? h->kernel_alignment : MIB;

	if (!h->relocatable_kernel) {
		return h->code32_start >= MIB ? h->code32_start : 0;
	}
	if (h->pref_address >= MIB && h->pref_address < memory &&
	    h->init_size <= memory - h->pref_address) {
		return h->pref_address;
	}
	if (align < MIB || align > memory || (align & (align - 1)) ||
	    h->init_size > memory - align) {
		return 0;
	}
	return align;
}

/**
 * 2.10 (2.6.31) is the first version with pref_address and init_size, without
 * which nobody can know how much room the kernel takes when it unpacks.
 */
static const char *check_header(const struct kernel *kernel,
				const struct linux_header *h)
{
	if (kernel->header_end > kernel->size) {
		return "is truncated within its setup header";
	}
	if (h->boot_flag != LINUX_BOOT_FLAG) {
		return "has a Linux header without the mark 0xaa55";
	}
	if (h->version < LINUX_VERSION_MIN) {
		return "speaks a Linux boot protocol older than 2.10";
	}
	if (!(h->loadflags & LINUX_LOADED_HIGH)) {
		return "is a zImage, which loads low; a bzImage is needed";
	}
	return NULL;
}

/**
 * syssize counts paragraphs and is rounded up, so up to 15 bytes of what it
 * promises may be missing in the file.  With XLF_KERNEL_64 there is a second
 * entry, 0x200 behind the first, which begins in 64-bit mode.
 */
static const char *place(struct kernel *out, const struct linux_header *h,
			 u64 memory)
{
	u64 setup = (u64)((h->setup_sects ? h->setup_sects : 4) + 1) * SECTOR;
	u64 code = (u64)h->syssize * PARAGRAPH;
	u64 address = memory > 2 * MIB ? choose_address(h, memory) : 0;
	struct kernel_piece piece = {
		.offset = setup,
		.filesz = code,
		.memsz = code > h->init_size ? code : h->init_size,
		.address = gpa(address),
	};

	if (!code || setup > out->size ||
	    code >= out->size - setup + PARAGRAPH) {
		return "is truncated: its setup header promises more bytes";
	}
	/* Rounded up: the file may end before. */
	if (code > out->size - setup) {
		piece.filesz = out->size - setup;
	}
	if (!address) {
		return "does not fit into the guest's memory: give it more "
		       "(MEM=)";
	}
	out->entry_64 = h->xloadflags & LINUX_KERNEL_64;
	out->entry = gpa(address + (out->entry_64 ? ENTRY_64 : 0));
	return kernel_add(out, &piece, memory);
}

/*
 * The setup header has no length of its own: at 0x200 stands a short jump over
 * it, and what it jumps over is the header.
 */
bool kernel_linux_parse(struct kernel *out, u64 memory, const char **why)
{
	struct linux_header h;

	if (out->size < LINUX_HEADER + sizeof(h)) {
		return false;
	}
	memcpy(&h, out->file + LINUX_HEADER, sizeof(h));
	if (h.magic != LINUX_MAGIC) {
		return false;
	}
	out->kind = KERNEL_LINUX;
	/* The byte behind the short jump is its distance. */
	out->header_end = 0x202 + (h.jump >> 8);
	out->initrd_last = h.initrd_addr_max;
	out->command_line_max = h.cmdline_size;
	*why = check_header(out, &h);
	if (!*why) {
		*why = place(out, &h, memory);
	}
	return true;
}
