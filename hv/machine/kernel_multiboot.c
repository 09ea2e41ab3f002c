/** @file
 * Reading a multiboot 1 kernel - the specification's 3.1.
 *
 * A header somewhere in the first 8 KiB says that it is one.  Where its bytes
 * go stands there too, in the address fields of a flat file (the "a.out
 * kludge"), or else in the program headers of the ELF file that it is.
 *
 * The specification knows ELF32.  Many kernels today are linked as ELF64 and
 * begin in 32-bit code all the same: they are taken by the physical addresses
 * of their segments, like GRUB takes them.
 *
 * Every number in the file is the user's.  Sums of 32-bit ones are made in 64
 * bits, where they cannot wrap, and a difference counts only after its two
 * numbers have been compared.
 */
#include "hv/machine/kernel.h"

#include "hv/machine/multiboot_format.h"
#include "hv/vmm/elf.h"

/** The state of one parse. */
struct parse {
	struct kernel *out;
	u64 memory;
	struct multiboot_header header;
	u64 header_offset;
};

/**
 * The header has no fixed place: any multiple of 4 below 8 KiB.  Magic number
 * and checksum together make a chance hit unlikely.  It is copied out, as the
 * file need not be aligned; at first only the 12 bytes that always are there,
 * then as much of the rest as the file has.
 */
static bool find_header(struct parse *p)
{
	u64 size = p->out->size;
	u64 end = size < MULTIBOOT_SEARCH ? size : MULTIBOOT_SEARCH;
	struct multiboot_header *h = &p->header;
	u64 room;

	for (u64 at = 0; at + 12 <= end; at += 4) {
		memcpy(h, p->out->file + at, 12);
		if (h->magic == MULTIBOOT_HEADER_MAGIC &&
		    h->magic + h->flags + h->checksum == 0) {
			room = end - at;
			memcpy(h, p->out->file + at,
			       room < sizeof(*h) ? room : sizeof(*h));
			p->header_offset = at;
			return true;
		}
	}
	return false;
}

/* Flat files --------------------------------------------------------------- */

/**
 * The address fields say where in memory the *header* shall be; where in the
 * file it is, we have seen.  From the difference follows everything else:
 *
 *	file     |  skipped  |<- before ->|header|  ...  |  not loaded
 *	                     ^ piece.offset
 *	memory               |load_addr   |header_addr   |load_end  |bss_end
 *
 * A load_end_addr of 0 means the whole file, a bss_end_addr of 0 no bss.
 */
static const char *load_flat(struct parse *p)
{
	const struct multiboot_header *h = &p->header;
	u64 before = (u64)h->header_addr - h->load_addr;
	u64 size = p->out->size;
	struct kernel_piece piece = {.address = gpa(h->load_addr)};

	if (h->load_addr > h->header_addr || before > p->header_offset) {
		return "has address fields that contradict its file: the "
		       "header is not where they say";
	}
	piece.offset = p->header_offset - before;
	piece.filesz = h->load_end_addr ? (u64)h->load_end_addr - h->load_addr
					: size - piece.offset;
	if (h->load_end_addr && h->load_end_addr < h->load_addr) {
		return "has address fields that contradict each other";
	}
	piece.memsz = piece.filesz;
	if (h->bss_end_addr) {
		if (h->bss_end_addr < h->load_addr + piece.filesz) {
			return "has address fields that contradict each other";
		}
		piece.memsz = (u64)h->bss_end_addr - h->load_addr;
	}
	p->out->entry = gpa(h->entry_addr);
	return kernel_add(p->out, &piece, p->memory);
}

/* ELF files ---------------------------------------------------------------- */

/** What both classes say of a file. */
struct elf {
	bool is_64;
	u64 entry;
	u64 phoff;
	u64 phentsize;
	u64 phnum;
};

/**
 * Both classes begin alike, up to the entry, and differ in the width of what
 * follows.  So the header is read as both, and the class says which one counts.
 * The last check lets the loops over program headers do without any.
 */
static const char *read_header(const struct parse *p, struct elf *elf)
{
	const u8 *file = p->out->file;
	struct elf64_header h64;
	struct elf32_header h32;

	if (p->out->size < sizeof(h64)) {
		return "is truncated within its ELF header";
	}
	memcpy(&h64, file, sizeof(h64));
	memcpy(&h32, file, sizeof(h32));
	elf->is_64 = h64.class == ELFCLASS64;
	if (h64.data != ELFDATA2LSB ||
	    h64.machine != (elf->is_64 ? EM_X86_64 : EM_386)) {
		return "is built for another processor than x86";
	}
	if (h64.type != ET_EXEC) {
		return "is not a statically linked executable";
	}
	elf->entry = elf->is_64 ? h64.entry : h32.entry;
	elf->phoff = elf->is_64 ? h64.phoff : h32.phoff;
	elf->phentsize = elf->is_64 ? h64.phentsize : h32.phentsize;
	elf->phnum = elf->is_64 ? h64.phnum : h32.phnum;
	if (elf->phentsize != (elf->is_64 ? sizeof(struct elf64_phdr)
					  : sizeof(struct elf32_phdr))) {
		return "has program headers of an unknown size";
	}
	if (elf->phoff > p->out->size ||
	    elf->phnum * elf->phentsize > p->out->size - elf->phoff) {
		return "is truncated: its program headers lie behind its end";
	}
	return NULL;
}

/** Program header i, as the wider of the two formats. */
static void read_phdr(const struct parse *p, const struct elf *elf, u64 i,
		      struct elf64_phdr *out)
{
	const u8 *at = p->out->file + elf->phoff + i * elf->phentsize;
	struct elf32_phdr narrow;

	if (elf->is_64) {
		memcpy(out, at, sizeof(*out));
		return;
	}
	memcpy(&narrow, at, sizeof(narrow));
	*out = (struct elf64_phdr){
		.type = narrow.type,
		.offset = narrow.offset,
		.vaddr = narrow.vaddr,
		.paddr = narrow.paddr,
		.filesz = narrow.filesz,
		.memsz = narrow.memsz,
	};
}

/**
 * The entry is a linear address; paging is off, so it is a physical one, or
 * one of the high half that stands for the physical one of its segment.
 *
 * A kernel that is linked to 0xc0100000 and loaded at 0x100000 has an entry
 * which does not exist until it has made its page tables.  The subtraction may
 * wrap below a segment's beginning; then it is larger than any memsz.
 */
static gpa_t physical_entry(const struct parse *p, const struct elf *elf)
{
	struct elf64_phdr ph;

	for (u64 i = 0; i < elf->phnum; i++) {
		read_phdr(p, elf, i, &ph);
		if (ph.type == PT_LOAD && elf->entry - ph.vaddr < ph.memsz) {
			return gpa(elf->entry - ph.vaddr + ph.paddr);
		}
	}
	return gpa(elf->entry);
}

/**
 * Segments (program headers), not sections: those are the linker's.  paddr is
 * where it goes; vaddr only serves to find the entry.
 */
static const char *load_elf(struct parse *p)
{
	struct elf elf;
	const char *why = read_header(p, &elf);

	for (u64 i = 0; !why && i < elf.phnum; i++) {
		struct elf64_phdr ph;
		struct kernel_piece piece;

		read_phdr(p, &elf, i, &ph);
		if (ph.type != PT_LOAD) {
			continue;
		}
		piece = (struct kernel_piece){
			.offset = ph.offset,
			.filesz = ph.filesz,
			.memsz = ph.memsz,
			.address = gpa(ph.paddr),
		};
		why = kernel_add(p->out, &piece, p->memory);
	}
	if (!why) {
		p->out->entry = physical_entry(p, &elf);
	}
	return why;
}

/* Both --------------------------------------------------------------------- */

/**
 * Is there something loaded at the entry?  In the file's part of a piece: a
 * kernel that began in its bss would execute zeroes, and the user would see a
 * triple fault instead of a sentence.
 */
static bool entry_is_loaded(const struct kernel *kernel)
{
	for (unsigned int i = 0; i < kernel->npieces; i++) {
		if (kernel->entry.v - kernel->pieces[i].address.v <
		    kernel->pieces[i].filesz) {
			return true;
		}
	}
	return false;
}

/**
 * Bits 15 to 0 of the flags are demands: a loader that does not know one must
 * refuse.  The upper ones are offers.  A video mode is a demand, too; it is
 * known here, but there is no display, and the information's flags say that
 * none was set.  Address fields go before ELF, so that a file which is both is
 * loaded as it wishes.
 */
static const char *parse(struct parse *p)
{
	u64 known = MULTIBOOT_PAGE_ALIGN | MULTIBOOT_MEMORY_INFO |
		    MULTIBOOT_VIDEO;
	u32 magic = 0;
	const char *why;

	memcpy(&magic, p->out->file, sizeof(magic));
	if (p->header.flags & MULTIBOOT_REQUIRED & ~known) {
		return "wants something of its multiboot loader that is not "
		       "known here (flags 15:3 of its header)";
	}
	if (p->header.flags & MULTIBOOT_ADDRESSES) {
		why = load_flat(p);
	} else if (magic == ELF_MAGIC) {
		why = load_elf(p);
	} else {
		why = "has a multiboot header, but neither address fields nor "
		      "an ELF header";
	}
	if (!why && !entry_is_loaded(p->out)) {
		why = "has its entry point outside of its segments";
	}
	return why;
}

bool kernel_multiboot_parse(struct kernel *out, u64 memory, const char **why)
{
	struct parse p = {.out = out, .memory = memory};

	if (!find_header(&p)) {
		return false;
	}
	out->kind = KERNEL_MULTIBOOT;
	*why = parse(&p);
	return true;
}
