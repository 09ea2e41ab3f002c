/** @file
 * The loader against files that are wrong, each in one way, and in random ones.
 *
 * A good file is built in memory; each test spoils one thing and looks for the
 * sentence.  The fuzzer then changes random bytes of it many thousand times,
 * under the address sanitizer: whatever the loader accepts must load.
 *
 * links: hv/vmm/loader.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/vmm/elf.h"
#include "hv/vmm/loader.h"

#define MEMORY (4ull << 20)
#define FUZZ_ROUNDS 200000

/** A file with one segment and two tests, as the linker would make it. */
struct image {
	struct elf64_header header;
	struct elf64_phdr phdr[3];
	u8 code[256];
	struct test_record test[2];
};

static void make_good(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->header = (struct elf64_header){
		.magic = ELF_MAGIC,
		.class = ELFCLASS64,
		.data = ELFDATA2LSB,
		.type = ET_EXEC,
		.machine = EM_X86_64,
		.entry = GUEST_LINK_MIN + 16,
		.phoff = offsetof(struct image, phdr),
		.phentsize = sizeof(struct elf64_phdr),
		.phnum = 3,
	};
	image->phdr[0] = (struct elf64_phdr){
		.type = PT_LOAD,
		.offset = offsetof(struct image, code),
		.vaddr = GUEST_LINK_MIN,
		.paddr = GUEST_LINK_MIN,
		.filesz = sizeof(image->code),
		.memsz = 4096,
	};
	image->phdr[1] = image->phdr[0];
	image->phdr[1].vaddr = image->phdr[1].paddr = GUEST_LINK_MIN + 8192;
	image->phdr[2] = (struct elf64_phdr){
		.type = PT_TEST_RECORDS,
		.offset = offsetof(struct image, test),
		.filesz = sizeof(image->test),
	};
	for (int i = 0; i < 2; i++) {
		memcpy(image->test[i].name, i ? "second" : "first", 6);
		image->test[i].function = GUEST_LINK_MIN + 32;
	}
	memset(image->code, 0x90, sizeof(image->code));
}

static const char *parse(const void *file, size_t size)
{
	struct loader_program program;

	return loader_parse(file, size, MEMORY, &program);
}

/** Spoiled as it is now, the image is refused with these words. */
static void expect(const struct image *image, const char *words)
{
	const char *why = parse(image, sizeof(*image));

	assert_non_null(why);
	if (!strstr(why, words)) {
		fail_msg("\"%s\" does not say \"%s\"", why, words);
	}
}

static void a_good_file_is_loaded(void **state)
{
	struct loader_program program;
	struct test_record record;
	struct image image;
	u8 *memory = calloc(1, MEMORY);

	(void)state;
	make_good(&image);
	assert_null(loader_parse(&image, sizeof(image), MEMORY, &program));
	assert_int_equal(program.ntests, 2);
	assert_int_equal(program.entry.v, GUEST_LINK_MIN + 16);
	loader_test(&program, 1, &record);
	assert_string_equal(record.name, "second");
	loader_load(&program, memory);
	assert_int_equal(memory[GUEST_LINK_MIN], 0x90);
	assert_int_equal(memory[GUEST_LINK_MIN + 8192 + 255], 0x90);
	assert_int_equal(memory[GUEST_LINK_MIN + 256], 0);
	free(memory);
}

static void what_is_no_guest_program_is_named(void **state)
{
	struct image image;

	(void)state;
#define SPOIL(change, words) \
	do { make_good(&image); change; expect(&image, words); } while (0)
	SPOIL(image.header.magic = 0x464c457e, "not an ELF file");
	SPOIL(image.header.class = 1, "32-bit");
	SPOIL(image.header.data = 2, "big-endian");
	SPOIL(image.header.machine = 183, "another processor");
	SPOIL(image.header.type = 3, "statically linked");
	SPOIL(image.header.phentsize = 32, "unknown size");
	SPOIL(image.header.phoff = ~0ull, "program headers lie behind");
	SPOIL(image.header.phnum = 0xffff, "program headers lie behind");
	SPOIL(image.header.entry = 0, "entry point");
	SPOIL(image.header.entry = GUEST_LINK_MIN + 4096, "entry point");
	SPOIL(image.phdr[0].filesz = 8192, "more bytes in the file");
	SPOIL(image.phdr[0].offset = ~0ull, "truncated");
	SPOIL(image.phdr[0].offset = sizeof(image) - 8, "truncated");
	SPOIL(image.phdr[0].vaddr = 0, "differ");
	SPOIL(image.phdr[0].memsz = MEMORY, "outside of the guest's memory");
	SPOIL(image.phdr[0].memsz = ~0ull, "outside of the guest's memory");
	SPOIL(image.phdr[0].paddr = image.phdr[0].vaddr = 0x1000, "below 2 MiB");
	SPOIL(image.phdr[0].paddr = image.phdr[0].vaddr = ~0xfffull, "outside");
	SPOIL(image.phdr[0].memsz = 8193, "overlap");
	SPOIL(image.phdr[2].filesz = 7, "test records");
	SPOIL(image.phdr[2].offset = sizeof(image), "truncated");
	SPOIL(image.test[1].function = 0, "test record");
	SPOIL(image.test[0].name[0] = 0, "test record");
#undef SPOIL
}

static void truncated_files_are_named(void **state)
{
	struct image image;

	(void)state;
	make_good(&image);
	assert_non_null(parse(NULL, 0));
	assert_non_null(strstr(parse("GIF8", 4), "not an ELF file"));
	for (size_t size = 4; size < sizeof(image); size++) {
		/* On the heap, so that a read behind its end is found. */
		u8 *cut = malloc(size);

		memcpy(cut, &image, size);
		assert_non_null(strstr(parse(cut, size), "truncated"));
		free(cut);
	}
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	struct image image;
	struct loader_program program;

	(void)state;
	make_good(&image);
	assert_non_null(strstr(loader_parse(&image, LOADER_FILE_MAX + 1, MEMORY,
					    &program),
			       "too large"));
}

static void whatever_is_accepted_can_be_loaded(void **state)
{
	struct image *image = malloc(sizeof(*image));
	u8 *memory = malloc(MEMORY);
	unsigned int accepted = 0;

	(void)state;
	srand(49);
	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct loader_program program;
		size_t headers = offsetof(struct image, code);

		make_good(image);
		for (int n = rand() % 4; n >= 0; n--) {
			((u8 *)image)[(size_t)rand() % headers] = (u8)rand();
		}
		if (!loader_parse(image, sizeof(*image), MEMORY, &program)) {
			accepted++;
			loader_load(&program, memory);
		}
	}
	assert_true(accepted > 0);
	free(memory);
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_loaded),
		cmocka_unit_test(what_is_no_guest_program_is_named),
		cmocka_unit_test(truncated_files_are_named),
		cmocka_unit_test(a_file_that_is_too_large_is_refused),
		cmocka_unit_test(whatever_is_accepted_can_be_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
