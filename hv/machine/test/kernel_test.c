/** @file
 * What a file is and where its parts go; every way in which it can be wrong.
 *
 * links: hv/machine/kernel.c hv/machine/kernel_linux.c
 * links: hv/machine/kernel_multiboot.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/machine/kernel.h"
#include "hv/machine/linux.h"
#include "hv/machine/multiboot_format.h"
#include "hv/vmm/elf.h"

#define MIB (1ull << 20)
#define MEMORY (64 * MIB)
#define FILE_SIZE 0x4000

static struct kernel kernel;
/** Of its own size, so that the sanitizer sees a byte too many. */
static u8 *file;
static u64 file_size;

static void new_file(u64 size)
{
	free(file);
	file = calloc(1, size ? size : 1);
	file_size = size;
}

static void put(u64 offset, const void *bytes, u64 size)
{
	assert_true(offset + size <= file_size);
	memcpy(file + offset, bytes, size);
}

/** Parse a copy that is as long as it says. @return the sentence, or NULL */
static const char *parse_part(u64 size)
{
	u8 *copy = malloc(size ? size : 1);
	const char *why;

	memcpy(copy, file, size);
	why = kernel_parse(copy, size, MEMORY, &kernel);
	free(copy);
	return why;
}

static const char *parse(void)
{
	return parse_part(file_size);
}

static void says(const char *words)
{
	const char *why = parse();

	assert_non_null(why);
	if (!strstr(why, words)) {
		fail_msg("\"%s\" lacks \"%s\"", why, words);
	}
}

/* Multiboot ---------------------------------------------------------------- */

static struct multiboot_header header;
static struct elf32_header elf;
static struct elf32_phdr phdr[3];

static void write_multiboot(void)
{
	header.checksum = -(header.magic + header.flags);
	put(0x1000, &header, sizeof(header));
	put(0, &elf, sizeof(elf));
	put(52, phdr, sizeof(phdr));
}

/** An ELF32 kernel of two segments that is right. */
static int begin_elf(void **state)
{
	(void)state;
	new_file(FILE_SIZE);
	header = (struct multiboot_header){.magic = MULTIBOOT_HEADER_MAGIC};
	elf = (struct elf32_header){
		.ident = {0x7f, 'E', 'L', 'F', 1, ELFDATA2LSB},
		.type = ET_EXEC,
		.machine = EM_386,
		.entry = 0xc0100010,
		.phoff = 52,
		.phentsize = 32,
		.phnum = 2,
	};
	phdr[0] = (struct elf32_phdr){PT_LOAD, 0x1000, 0xc0100000, 0x100000,
				      0x1000, 0x1000};
	phdr[1] = (struct elf32_phdr){PT_LOAD, 0x2000, 0xc0200000, 0x200000,
				      0x100, 0x3000};
	write_multiboot();
	return 0;
}

static void elf_is_taken_by_its_physical_addresses(void **state)
{
	(void)state;
	assert_null(parse());
	assert_int_equal(kernel.kind, KERNEL_MULTIBOOT);
	assert_int_equal(kernel.npieces, 2);
	assert_int_equal(kernel.entry.v, 0x100010);
	assert_int_equal(kernel.end.v, 0x203000);
	assert_false(kernel.entry_64);
}

static void loading_copies_and_clears(void **state)
{
	u8 *ram = malloc(MEMORY);

	(void)state;
	memset(ram, 0xaa, MEMORY);
	file[0x20ff] = 0x49;
	assert_null(kernel_parse(file, file_size, MEMORY, &kernel));
	kernel_load(&kernel, ram);
	assert_int_equal(ram[0x1fffff], 0xaa);
	assert_int_equal(ram[0x2000ff], 0x49);
	assert_int_equal(ram[0x200100], 0);
	assert_int_equal(ram[0x202fff], 0);
	assert_int_equal(ram[0x203000], 0xaa);
	free(ram);
}

static void bad_elf_gets_its_sentence(void **state)
{
	begin_elf(state);
	phdr[1].paddr = 0x100800;
	write_multiboot();
	says("overlap");
	begin_elf(state);
	phdr[0].paddr = 0x7000;
	write_multiboot();
	says("below 32 KiB");
	begin_elf(state);
	phdr[0].paddr = 0x9f800;
	write_multiboot();
	says("0xa0000");
	begin_elf(state);
	phdr[1].paddr = MEMORY - 0x1000;
	write_multiboot();
	says("does not fit");
	begin_elf(state);
	phdr[1].memsz = 0xffffffff;
	write_multiboot();
	says("does not fit");
	begin_elf(state);
	phdr[1].offset = 0xfffffff0;
	write_multiboot();
	says("truncated");
	begin_elf(state);
	phdr[1].filesz = 0x4000;
	write_multiboot();
	says("more bytes in the file");
}

static void bad_elf_headers_get_theirs(void **state)
{
	begin_elf(state);
	elf.machine = 40;
	write_multiboot();
	says("another processor");
	begin_elf(state);
	elf.type = 3;
	write_multiboot();
	says("statically linked");
	begin_elf(state);
	elf.phentsize = 56;
	write_multiboot();
	says("unknown size");
	begin_elf(state);
	elf.phoff = 0xffffffe0;
	write_multiboot();
	says("truncated");
	begin_elf(state);
	elf.entry = 0xc0200100;
	write_multiboot();
	says("entry point");
	begin_elf(state);
	elf.phnum = 0;
	write_multiboot();
	says("entry point");
	begin_elf(state);
	header.flags = BIT(4);
	write_multiboot();
	says("not known here");
	begin_elf(state);
	file[0] = 0;
	says("neither address fields nor");
}

static void no_header_is_no_kernel(void **state)
{
	begin_elf(state);
	header.magic++;
	write_multiboot();
	says("is not a kernel");
	begin_elf(state);
	put(0x2000 - 8, &header, 8); /* not whole in the first 8 KiB */
	memset(file + 0x1000, 0, 32);
	says("is not a kernel");
	new_file(0);
	says("is not a kernel");
}

/** Whatever is cut off, it is told, and nothing behind the end is read. */
static void a_truncated_kernel_is_refused(void **state)
{
	(void)state;
	for (u64 size = 0; size < 0x2100; size += 7) {
		assert_non_null(parse_part(size));
	}
}

static void elf64_is_taken_as_well(void **state)
{
	struct elf64_header wide = {
		.magic = ELF_MAGIC,
		.class = ELFCLASS64,
		.data = ELFDATA2LSB,
		.type = ET_EXEC,
		.machine = EM_X86_64,
		.entry = 0xffffffff80100010,
		.phoff = 64,
		.phentsize = 56,
		.phnum = 1,
	};
	struct elf64_phdr ph = {PT_LOAD, 5, 0x1000, 0xffffffff80100000,
				0x100000, 0x1000, 0x2000, 0};

	begin_elf(state);
	put(0, &wide, sizeof(wide));
	put(64, &ph, sizeof(ph));
	assert_null(parse());
	assert_int_equal(kernel.entry.v, 0x100010);
	assert_int_equal(kernel.end.v, 0x102000);
}

static void address_fields_come_first(void **state)
{
	begin_elf(state);
	header.flags = MULTIBOOT_ADDRESSES | MULTIBOOT_PAGE_ALIGN;
	header.header_addr = 0x101000;
	header.load_addr = 0x100000;
	header.entry_addr = 0x100020;
	header.bss_end_addr = 0x108000;
	write_multiboot();
	assert_null(parse());
	assert_int_equal(kernel.npieces, 1);
	assert_int_equal(kernel.pieces[0].offset, 0);
	assert_int_equal(kernel.pieces[0].filesz, FILE_SIZE);
	assert_int_equal(kernel.end.v, 0x108000);
	assert_int_equal(kernel.entry.v, 0x100020);
	header.load_end_addr = 0x102000;
	write_multiboot();
	assert_null(parse());
	assert_int_equal(kernel.pieces[0].filesz, 0x2000);
}

static void address_fields_that_lie_are_refused(void **state)
{
	begin_elf(state);
	header.flags = MULTIBOOT_ADDRESSES;
	header.header_addr = 0x102000;
	header.load_addr = 0x100000;
	write_multiboot();
	says("contradict its file");
	header.header_addr = 0x101000;
	header.load_end_addr = 0x80000;
	write_multiboot();
	says("contradict each other");
	header.load_end_addr = 0x110000;
	write_multiboot();
	says("truncated");
	header.load_end_addr = 0x102000;
	header.bss_end_addr = 0x101000;
	write_multiboot();
	says("contradict each other");
	header.bss_end_addr = 0;
	header.entry_addr = 0x200000;
	write_multiboot();
	says("entry point");
}

/* Linux -------------------------------------------------------------------- */

static struct linux_header linux_header;

static void write_linux(void)
{
	put(LINUX_HEADER, &linux_header, sizeof(linux_header));
}

static int begin_linux(void **state)
{
	(void)state;
	new_file(FILE_SIZE);
	linux_header = (struct linux_header){
		.setup_sects = 3,
		.syssize = (FILE_SIZE - 0x800) / 16,
		.boot_flag = LINUX_BOOT_FLAG,
		.jump = 0x6aeb,
		.magic = LINUX_MAGIC,
		.version = 0x020f,
		.loadflags = LINUX_LOADED_HIGH,
		.code32_start = 0x100000,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 2 * MIB,
		.relocatable_kernel = 1,
		.xloadflags = LINUX_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = 16 * MIB,
		.init_size = 20 * MIB,
	};
	write_linux();
	return 0;
}

static void linux_goes_where_it_likes_to_be(void **state)
{
	(void)state;
	assert_null(parse());
	assert_int_equal(kernel.kind, KERNEL_LINUX);
	assert_true(kernel.entry_64);
	assert_int_equal(kernel.entry.v, 16 * MIB + 0x200);
	assert_int_equal(kernel.end.v, 36 * MIB);
	assert_int_equal(kernel.pieces[0].offset, 0x800);
	assert_int_equal(kernel.header_end, 0x202 + 0x6a);
	assert_int_equal(kernel.command_line_max, 2047);
}

static void linux_is_moved_where_memory_is_short(void **state)
{
	begin_linux(state);
	linux_header.init_size = 50 * MIB;
	write_linux();
	assert_null(parse());
	assert_int_equal(kernel.entry.v, 2 * MIB + 0x200);
	linux_header.xloadflags = 0;
	write_linux();
	assert_null(parse());
	assert_false(kernel.entry_64);
	assert_int_equal(kernel.entry.v, 2 * MIB);
	linux_header.relocatable_kernel = 0;
	write_linux();
	assert_null(parse());
	assert_int_equal(kernel.entry.v, MIB);
	linux_header.init_size = 64 * MIB;
	write_linux();
	says("does not fit");
	linux_header.relocatable_kernel = 1;
	write_linux();
	says("does not fit");
}

static void bad_linux_gets_its_sentence(void **state)
{
	begin_linux(state);
	linux_header.version = 0x0209;
	write_linux();
	says("older than 2.10");
	begin_linux(state);
	linux_header.loadflags = 0;
	write_linux();
	says("zImage");
	begin_linux(state);
	linux_header.boot_flag = 0;
	write_linux();
	says("0xaa55");
	begin_linux(state);
	linux_header.syssize++;
	write_linux();
	says("truncated");
	begin_linux(state);
	linux_header.syssize = 0;
	write_linux();
	says("truncated");
}

/** Its size is told in pieces of 16 bytes: the last may be cut. */
static void a_truncated_linux_is_refused(void **state)
{
	(void)state;
	for (u64 size = 0; size <= FILE_SIZE - 16; size += 13) {
		assert_non_null(parse_part(size));
	}
	assert_non_null(parse_part(FILE_SIZE - 16));
	assert_null(parse_part(FILE_SIZE - 15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(elf_is_taken_by_its_physical_addresses,
				       begin_elf),
		cmocka_unit_test_setup(loading_copies_and_clears, begin_elf),
		cmocka_unit_test(bad_elf_gets_its_sentence),
		cmocka_unit_test(bad_elf_headers_get_theirs),
		cmocka_unit_test(no_header_is_no_kernel),
		cmocka_unit_test_setup(a_truncated_kernel_is_refused,
				       begin_elf),
		cmocka_unit_test(elf64_is_taken_as_well),
		cmocka_unit_test(address_fields_come_first),
		cmocka_unit_test(address_fields_that_lie_are_refused),
		cmocka_unit_test_setup(linux_goes_where_it_likes_to_be,
				       begin_linux),
		cmocka_unit_test(linux_is_moved_where_memory_is_short),
		cmocka_unit_test(bad_linux_gets_its_sentence),
		cmocka_unit_test_setup(a_truncated_linux_is_refused,
				       begin_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
