/** @file
 * A kernel that somebody else has written: what its file says of it.
 *
 * What a file is decides how it is started; nobody has to say so.  Two kinds
 * are known, and each has a parser of its own:
 *
 *	multiboot 1	a header in the first 8 KiB; ELF, or a flat file whose
 *			header has address fields	(kernel_multiboot.c)
 *	Linux bzImage	"HdrS" at 0x202, boot protocol 2.10 or later
 *							(kernel_linux.c)
 *
 * A parser looks at the file alone and either says in one sentence why it
 * cannot be started, or gives back pieces to copy and where to begin.
 */
#ifndef HV_MACHINE_KERNEL_H
#define HV_MACHINE_KERNEL_H

#include "bus/types.h"

#define KERNEL_PIECES_MAX 16

/** Below this lies what a loader writes (start.h); no kernel is put there. */
#define KERNEL_LOWEST 0x8000ull

enum kernel_kind {
	KERNEL_MULTIBOOT,
	KERNEL_LINUX,
};

/** A piece of the file, and where it goes. */
struct kernel_piece {
	u64 offset; /* in the file */
	u64 filesz; /* bytes there */
	u64 memsz;  /* bytes in memory; what the file lacks is zero */
	gpa_t address;
};

/** What a parser has found; points into the file. */
struct kernel {
	const u8 *file;
	u64 size;
	enum kernel_kind kind;
	unsigned int npieces;
	struct kernel_piece pieces[KERNEL_PIECES_MAX];
	gpa_t entry;
	gpa_t end; /* behind all that it needs at its place */
	bool entry_64; /* begins in 64-bit mode; else 32-bit, no paging */

	/* Linux only */
	u64 header_end;	      /* of the setup header, in the file */
	u64 initrd_last;      /* an initrd ends here at the latest */
	u64 command_line_max; /* characters, without the final 0 */
};

/**
 * Find out what a file is and where its parts go.
 * @param file   the file's bytes; anything
 * @param size   how many
 * @param memory the guest's RAM, bytes from GPA 0
 * @param out    filled on success
 * @return NULL, or why it cannot be started: a sentence's predicate ("is
 *	truncated: ...")
 */
const char *kernel_parse(const void *file, u64 size, u64 memory,
			 struct kernel *out) __must_check;

/**
 * Copy it into the guest's memory.
 * @param kernel from kernel_parse()
 * @param ram    guest-physical 0, as large as the parser was told
 */
void kernel_load(const struct kernel *kernel, u8 *ram);

/**
 * One kind's parser, for kernel_parse().
 * @param out file and size are filled, the rest is 0
 * @param memory as above
 * @param why as kernel_parse()'s result
 * @return whether it is a file of that kind, with or without faults
 */
bool kernel_multiboot_parse(struct kernel *out, u64 memory, const char **why);
bool kernel_linux_parse(struct kernel *out, u64 memory, const char **why);

/**
 * Add a piece, for the parsers; what is empty is left out.
 * @return NULL, or why not
 */
const char *kernel_add(struct kernel *out, const struct kernel_piece *piece,
		       u64 memory) __must_check;

#endif
