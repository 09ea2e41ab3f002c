/** @file
 * The loader: an ELF64 file becomes the contents of a guest's memory.
 *
 * In two steps.  loader_parse() looks at the file alone and either says in one
 * sentence why it is no guest program, or gives back the few facts that
 * matter.  loader_load() then copies; it cannot fail any more.  Both are pure
 * functions of their arguments, and the file may hold anything: each number
 * in it is checked before it is used.
 */
#ifndef HV_VMM_LOADER_H
#define HV_VMM_LOADER_H

#include "bus/types.h"
#include "hv/vmm/hypercall.h"

#define LOADER_SEGMENTS_MAX 16
#define LOADER_TESTS_MAX 256

/** Files larger than this are refused. */
#define LOADER_FILE_MAX (16ull << 20)

/** A piece of the file, and where it goes. */
struct loader_segment {
	u64 offset;   /* in the file */
	u64 filesz;   /* bytes there */
	u64 memsz;    /* bytes in memory; what the file lacks is zero */
	gpa_t address;
};

/** What loader_parse() found out; points into the file. */
struct loader_program {
	const u8 *file;
	gva_t entry;
	unsigned int nsegments;
	struct loader_segment segments[LOADER_SEGMENTS_MAX];
	u64 tests_offset; /* of the test records in the file */
	unsigned int ntests; /* 0: a program without tests */
};

/**
 * Check a file and find its parts.
 * @param file the file's bytes; may be NULL when size is 0
 * @param size how many
 * @param memory_size of the VM that it is for, bytes from GPA 0
 * @param out filled on success
 * @return NULL, or why this is no program for that VM: a sentence's
 *	predicate without a full stop ("is not an ELF file")
 */
const char *loader_parse(const void *file, size_t size, u64 memory_size,
			 struct loader_program *out) __must_check;

/**
 * Copy the program into guest memory, which is zero before.
 * @param program from loader_parse()
 * @param memory guest-physical 0; memory_size bytes as given to the parser
 */
void loader_load(const struct loader_program *program, u8 *memory);

/**
 * One of the program's test records.
 * @param i below program->ntests
 * @param out a copy; its name is terminated
 */
void loader_test(const struct loader_program *program, unsigned int i,
		 struct test_record *out);

#endif
