/** @file
 * Reading ELF64, as if its author wished us ill.
 *
 * A guest program is a statically linked executable whose physical and
 * virtual addresses are equal.  The header is checked first, then each program
 * header; a sum of two numbers from the file is never formed before one of
 * them is known to be small.
 *
 *	file:    | header | program headers | ..... segment ..... |
 *	                                        |
 *	memory:  0 | boot pages | 2 MiB | ... | segment | zero | ... | size
 *
 * Two kinds of program headers matter: PT_LOAD, a piece of the program, and
 * PT_TEST_RECORDS, our own, which says where in the file the list of its tests
 * stands. All others (notes, the stack's rights) are passed over.
 *
 * Nothing is done to the guest's memory while the file is looked at: it is
 * known to be good before the first VM is made. Each refusal is the predicate
 * of a sentence, "the guest program X ...", and names what a reader can see in
 * the file.
 */
#include "hv/vmm/loader.h"

#include "hv/vmm/elf.h"

/** What the stages of the parser share. */
struct parser {
	const u8 *file;
	u64 size;
	u64 memory_size;
	struct loader_program *out;
};

/**
 * Are [offset, offset + length) within a thing of that size? offset + length
 * could wrap around 2^64; size - offset cannot, once offset is known to be no
 * larger.
 */
static bool inside(u64 offset, u64 length, u64 size)
{
	return offset <= size && length <= size - offset;
}

/**
 * From the general to the particular: "is not an ELF file" about a text file is
 * of more use than "is big-endian". The product at the end cannot overflow:
 * phnum has 16 bits in the file.
 */
static const char *check_header(const struct parser *p,
				const struct elf64_header *h)
{
	if (h->magic != ELF_MAGIC) {
		return "is not an ELF file: its first bytes are not \\x7fELF";
	}
	if (h->class != ELFCLASS64) {
		return "is a 32-bit ELF file; a guest program is a 64-bit one";
	}
	if (h->data != ELFDATA2LSB) {
		return "is big-endian; a guest program is little-endian";
	}
	if (h->machine != EM_X86_64) {
		return "is built for another processor than x86-64";
	}
	if (h->type != ET_EXEC) {
		return "is not a statically linked executable";
	}
	if (h->phentsize != sizeof(struct elf64_phdr)) {
		return "has program headers of an unknown size";
	}
	if (!inside(h->phoff, (u64)h->phnum * sizeof(struct elf64_phdr),
		    p->size)) {
		return "is truncated: its program headers lie behind its end";
	}
	return NULL;
}

/**
 * filesz < memsz is how ELF says .bss: the rest is zero, which fresh guest
 * memory is. The page tables of the start map each address to itself, so a
 * program that was linked for two different addresses would not find its own
 * data.
 */
static const char *check_memory(const struct parser *p,
				const struct elf64_phdr *ph)
{
	if (ph->filesz > ph->memsz) {
		return "has a segment with more bytes in the file than in "
		       "memory";
	}
	if (!inside(ph->offset, ph->filesz, p->size)) {
		return "is truncated: a segment lies behind the file's end";
	}
	if (ph->paddr != ph->vaddr) {
		return "has a segment whose virtual and physical addresses "
		       "differ";
	}
	if (ph->paddr < GUEST_LINK_MIN) {
		return "has a segment below 2 MiB, where the boot pages are";
	}
	if (!inside(ph->paddr, ph->memsz, p->memory_size)) {
		return "has a segment outside of the guest's memory";
	}
	return NULL;
}

/** Do two pieces of memory share a byte? Both are known to be small. */
static bool overlap(const struct loader_segment *s,
		    const struct elf64_phdr *ph)
{
	return s->address.v < ph->paddr + ph->memsz &&
	       ph->paddr < s->address.v + s->memsz;
}

/**
 * If two of them overlapped, the order of the headers would decide which bytes
 * the guest gets.
 */
static const char *add_segment(const struct parser *p,
			       const struct elf64_phdr *ph)
{
	struct loader_program *out = p->out;
	const char *why = check_memory(p, ph);

	if (why) {
		return why;
	}
	for (unsigned int i = 0; i < out->nsegments; i++) {
		if (overlap(&out->segments[i], ph)) {
			return "has segments that overlap in memory";
		}
	}
	if (out->nsegments == LOADER_SEGMENTS_MAX) {
		return "has more than 16 segments";
	}
	out->segments[out->nsegments++] = (struct loader_segment){
		.offset = ph->offset,
		.filesz = ph->filesz,
		.memsz = ph->memsz,
		.address = gpa(ph->paddr),
	};
	return NULL;
}

/**
 * The section is an array of struct test_record, so its size must be a whole
 * number of them. It is read from the file and not from the guest's memory,
 * where a test could change the list.
 */
static const char *add_tests(const struct parser *p,
			     const struct elf64_phdr *ph)
{
	u64 size = sizeof(struct test_record);

	if (!inside(ph->offset, ph->filesz, p->size)) {
		return "is truncated: its test records lie behind its end";
	}
	if (ph->filesz % size || ph->filesz / size > LOADER_TESTS_MAX) {
		return "has test records of a wrong size or number";
	}
	p->out->tests_offset = ph->offset;
	p->out->ntests = (unsigned int)(ph->filesz / size);
	return NULL;
}

/**
 * Each header is copied out: `phoff` may be anything, and so may its alignment.
 */
static const char *read_phdrs(const struct parser *p,
			      const struct elf64_header *h)
{
	for (unsigned int i = 0; i < h->phnum; i++) {
		struct elf64_phdr ph;
		const char *why = NULL;

		memcpy(&ph, p->file + h->phoff + i * sizeof(ph), sizeof(ph));
		if (ph.type == PT_LOAD && ph.memsz) {
			why = add_segment(p, &ph);
		} else if (ph.type == PT_TEST_RECORDS) {
			why = add_tests(p, &ph);
		}
		if (why) {
			return why;
		}
	}
	return NULL;
}

/**
 * Is there loaded code at an address? One comparison does both bounds: for an
 * address below the segment the difference wraps and is huge. Only bytes from
 * the file count, since no code stands in .bss.
 */
static bool is_loaded(const struct loader_program *program, u64 address)
{
	for (unsigned int i = 0; i < program->nsegments; i++) {
		const struct loader_segment *s = &program->segments[i];

		if (address - s->address.v < s->filesz) {
			return true;
		}
	}
	return false;
}

static const char *check_tests(const struct loader_program *program)
{
	for (unsigned int i = 0; i < program->ntests; i++) {
		struct test_record record;

		loader_test(program, i, &record);
		if (!record.name[0] || !is_loaded(program, record.function)) {
			return "has a test record without a name or with a "
			       "function outside of its segments";
		}
	}
	return NULL;
}

/**
 * A file of less than a header's size gets one of two sentences: a truncated
 * ELF file wants to be built again, another file is just the wrong one.
 */
const char *loader_parse(const void *file, size_t size, u64 memory_size,
			 struct loader_program *out)
{
	struct parser p = { file, size, memory_size, out };
	struct elf64_header h;
	const char *why;

	memset(out, 0, sizeof(*out));
	out->file = file;
	if (size > LOADER_FILE_MAX) {
		return "is too large: more than 16 MiB";
	}
	if (size < sizeof(h)) {
		return size < 4 || memcmp(file, "\x7f" "ELF", 4)
			       ? "is not an ELF file: its first bytes are not "
				 "\\x7fELF"
			       : "is truncated within its ELF header";
	}
	memcpy(&h, file, sizeof(h));
	why = check_header(&p, &h);
	if (!why) {
		why = read_phdrs(&p, &h);
	}
	if (!why && !is_loaded(out, h.entry)) {
		why = "has its entry point outside of its segments";
	}
	out->entry = gva(h.entry);
	return why ? why : check_tests(out);
}

void loader_load(const struct loader_program *program, u8 *memory)
{
	for (unsigned int i = 0; i < program->nsegments; i++) {
		const struct loader_segment *s = &program->segments[i];

		memcpy(memory + s->address.v, program->file + s->offset,
		       s->filesz);
	}
}

void loader_test(const struct loader_program *program, unsigned int i,
		 struct test_record *out)
{
	memcpy(out, program->file + program->tests_offset + i * sizeof(*out),
	       sizeof(*out));
	out->name[TEST_NAME_SIZE - 1] = 0;
}
