/** @file
 * Which kind of kernel a file is, and copying what the parsers have found.
 *
 * A Linux image is asked for first: its mark is at a fixed place, while the
 * multiboot header may be anywhere in 8 KiB.
 *
 * The file is the user's, and anything: each number in it is checked before it
 * is used, here and in one place for both parsers (check_piece()).  Sums of two
 * such numbers may wrap, so "lies inside" is written with a subtraction.  A
 * kernel that passes can be copied without another look, which is what
 * kernel_load() does.
 *
 *	file --> kernel_parse() --> pieces, entry --> kernel_load() --> RAM
 *	          |   one of two parsers
 *	          `-> kernel_add() for each piece: checked, then noted
 */
#include "hv/machine/kernel.h"

/* What the file may not fill, though the guest's memory goes on above it. */
#define HOLE_START 0xa0000ull /* the display's memory and firmware's */
#define HOLE_END 0x100000ull

/** Are [offset, offset + length) within a thing of that size? */
static bool inside(u64 offset, u64 length, u64 size)
{
	return offset <= size && length <= size - offset;
}

/**
 * These sums do not wrap: both ranges were found inside of the guest's memory
 * before (or are constants).
 */
static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a < b + b_size && b < a + a_size;
}

/**
 * The order matters: what is not inside of the file or of memory is refused
 * before it is compared with anything else.
 * @return NULL, or a predicate for the sentence that begins with the file
 */
static const char *check_piece(const struct kernel *kernel,
			       const struct kernel_piece *piece, u64 memory)
{
	u64 address = piece->address.v;

	if (piece->filesz > piece->memsz) {
		return "has a segment with more bytes in the file than in "
		       "memory";
	}
	if (!inside(piece->offset, piece->filesz, kernel->size)) {
		return "is truncated: a part of it lies behind the file's end";
	}
	if (address < KERNEL_LOWEST) {
		return "has a segment below 32 KiB, where the boot "
		       "information is";
	}
	if (!inside(address, piece->memsz, memory)) {
		return "does not fit into the guest's memory: give it more "
		       "(MEM=)";
	}
	if (overlap(address, piece->memsz, HOLE_START,
		    HOLE_END - HOLE_START)) {
		return "has a segment in 0xa0000 to 0xfffff, where a PC has "
		       "no memory";
	}
	return NULL;
}

/*
 * Overlaps are refused, as the result would depend on the order of copying; no
 * linker makes them.  `end` is behind the last piece with its bss: from there
 * on is room for modules.
 */
const char *kernel_add(struct kernel *out, const struct kernel_piece *piece,
		       u64 memory)
{
	const char *why;

	if (!piece->memsz) {
		return NULL;
	}
	why = check_piece(out, piece, memory);
	if (why) {
		return why;
	}
	for (unsigned int i = 0; i < out->npieces; i++) {
		const struct kernel_piece *other = &out->pieces[i];

		if (overlap(piece->address.v, piece->memsz, other->address.v,
			    other->memsz)) {
			return "has segments that overlap in memory";
		}
	}
	if (out->npieces == KERNEL_PIECES_MAX) {
		return "has more than 16 segments";
	}
	out->pieces[out->npieces++] = *piece;
	if (piece->address.v + piece->memsz > out->end.v) {
		out->end = gpa_add(piece->address, piece->memsz);
	}
	return NULL;
}

/*
 * A parser says two things: whether the file is of its kind at all (then nobody
 * else is asked), and what is wrong with it.  So the user reads "is truncated"
 * of a Linux image that is, and not "is not a kernel".
 */
const char *kernel_parse(const void *file, u64 size, u64 memory,
			 struct kernel *out)
{
	const char *why = NULL;

	memset(out, 0, sizeof(*out));
	out->file = file;
	out->size = size;
	if (kernel_linux_parse(out, memory, &why) ||
	    kernel_multiboot_parse(out, memory, &why)) {
		return why;
	}
	return "is not a kernel: it has neither a multiboot header nor a "
	       "Linux one";
}

/* memsz beyond filesz is the bss, which the kernel takes to be zero. */
void kernel_load(const struct kernel *kernel, u8 *ram)
{
	for (unsigned int i = 0; i < kernel->npieces; i++) {
		const struct kernel_piece *piece = &kernel->pieces[i];
		u8 *to = ram + piece->address.v;

		memcpy(to, kernel->file + piece->offset, piece->filesz);
		memset(to + piece->filesz, 0, piece->memsz - piece->filesz);
	}
}
