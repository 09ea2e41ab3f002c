/** @file
 * What a kernel finds in its memory, and what is too much for it.
 *
 * links: hv/machine/boot_linux.c hv/machine/boot_multiboot.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hv/machine/boot.h"
#include "hv/machine/layout.h"
#include "hv/machine/linux.h"
#include "hv/machine/multiboot_format.h"

#define MIB (1ull << 20)
#define MEMORY (16 * MIB)

static u8 image[0x400];
static char line[4096];
static struct kernel kernel;
static struct boot boot;
static struct vcpu_regs regs;
static u8 *ram;

/** Stands in for hv/lib/string.c. */
bool string_copy(char *dst, const char *src, size_t size);

bool string_copy(char *dst, const char *src, size_t size)
{
	assert_true(strlen(src) < size);
	strcpy(dst, src);
	return true;
}

static int begin(void **state)
{
	(void)state;
	free(ram);
	ram = calloc(1, MEMORY);
	kernel = (struct kernel){
		.file = image,
		.size = sizeof(image),
		.end = gpa(4 * MIB + 1),
		.header_end = 0x268,
		.initrd_last = 0x7fffffff,
		.command_line_max = 2047,
	};
	strcpy(line, "one two=\"three four\"");
	boot = (struct boot){
		.kernel = &kernel,
		.name = "kernel.elf",
		.command_line = line,
		.memory = MEMORY,
		.rsdp = gpa(0xe0000),
	};
	memset(&regs, 0, sizeof(regs));
	return 0;
}

static void add_module(const char *name, const void *data, u64 size)
{
	boot.modules[boot.nmodules++] = (struct boot_module){data, size, name,
								NULL};
}

/** A string of 'x'. */
static void long_line(size_t length)
{
	memset(line, 'x', length);
	line[length] = 0;
}

/* Linux -------------------------------------------------------------------- */

static struct linux_header *zero_page(void)
{
	assert_int_equal(regs.gpr[GPR_RSI], LAYOUT_INFO);
	return (void *)(ram + LAYOUT_INFO + LINUX_HEADER);
}

static void linux_finds_its_header_completed(void **state)
{
	struct linux_header *h;
	u64 rsdp;

	(void)state;
	image[0x206] = 0x0f;
	image[0x207] = 0x02;
	assert_null(boot_linux(&boot, ram, &regs));
	h = zero_page();
	assert_int_equal(h->version, 0x20f);
	assert_int_equal(h->type_of_loader, 0xff);
	assert_string_equal(ram + h->cmd_line_ptr, line);
	assert_int_equal(h->ramdisk_image, 0);
	assert_int_equal(h->ramdisk_size, 0);
	memcpy(&rsdp, ram + LAYOUT_INFO + LINUX_ACPI_RSDP, 8);
	assert_int_equal(rsdp, 0xe0000);
}

static void linux_finds_the_memory_map(void **state)
{
	const struct linux_e820 *map;

	(void)state;
	assert_null(boot_linux(&boot, ram, &regs));
	map = (void *)(ram + LAYOUT_INFO + LINUX_E820_TABLE);
	assert_int_equal(ram[LAYOUT_INFO + LINUX_E820_ENTRIES],
			 LAYOUT_RANGES);
	assert_int_equal(map[3].address, MIB);
	assert_int_equal(map[3].size, MEMORY - MIB);
	assert_int_equal(map[3].type, 1);
	for (unsigned int i = 1; i < LAYOUT_RANGES; i++) {
		assert_true(map[i].address >=
			    map[i - 1].address + map[i - 1].size);
	}
}

static void initrds_lie_high_one_behind_the_other(void **state)
{
	struct linux_header *h;

	(void)state;
	add_module("a", "abcde", 5);
	add_module("b", "fgh", 3);
	assert_null(boot_linux(&boot, ram, &regs));
	h = zero_page();
	assert_int_equal(h->ramdisk_size, 12);
	assert_int_equal(h->ramdisk_image, MEMORY - PAGE_SIZE);
	assert_memory_equal(ram + h->ramdisk_image, "abcde\0\0\0fgh", 12);
	kernel.initrd_last = 8 * MIB - 1;
	assert_null(boot_linux(&boot, ram, &regs));
	assert_int_equal(zero_page()->ramdisk_image, 8 * MIB - PAGE_SIZE);
}

static void an_initrd_that_does_not_fit_is_refused(void **state)
{
	u8 *large = calloc(1, 12 * MIB);

	(void)state;
	add_module("large", large, 12 * MIB);
	assert_non_null(strstr(boot_linux(&boot, ram, &regs), "too large"));
	boot.modules[0].size = 12 * MIB - PAGE_SIZE;
	assert_null(boot_linux(&boot, ram, &regs));
	boot.modules[0].size = ~0ull - 8;
	assert_non_null(strstr(boot_linux(&boot, ram, &regs), "too large"));
	free(large);
}

static void a_line_too_long_is_refused(void **state)
{
	(void)state;
	long_line(2047);
	assert_null(boot_linux(&boot, ram, &regs));
	long_line(2048);
	assert_non_null(strstr(boot_linux(&boot, ram, &regs), "longer"));
}

static void what_is_behind_the_modules_is_not_looked_at(void **state)
{
	(void)state;
	add_module("a", "abcde", 5);
	boot.modules[1] = (struct boot_module){NULL, 100, NULL, NULL};
	assert_null(boot_linux(&boot, ram, &regs));
	assert_int_equal(zero_page()->ramdisk_size, 8);
	assert_null(boot_multiboot(&boot, ram, &regs));
}

static void a_header_too_long_is_cut_before_the_map(void **state)
{
	const u8 *page = ram + LAYOUT_INFO;

	(void)state;
	memset(image + 0x268, 0xee, sizeof(image) - 0x268);
	kernel.header_end = 0x302;
	assert_null(boot_linux(&boot, ram, &regs));
	assert_int_equal(page[LINUX_HEADER_MAX - 1], 0xee);
	for (u32 i = LINUX_HEADER_MAX; i < LINUX_E820_TABLE; i++) {
		assert_int_equal(page[i], 0);
	}
	memset(image, 0, sizeof(image));
}

/* Multiboot ---------------------------------------------------------------- */

static const struct multiboot_information *information(void)
{
	assert_int_equal(regs.gpr[GPR_RAX], MULTIBOOT_LOADER_MAGIC);
	assert_int_equal(regs.gpr[GPR_RBX], LAYOUT_INFO);
	return (void *)(ram + LAYOUT_INFO);
}

static void multiboot_finds_line_and_map(void **state)
{
	const struct multiboot_information *info;
	const struct multiboot_map_entry *map;

	(void)state;
	assert_null(boot_multiboot(&boot, ram, &regs));
	info = information();
	assert_string_equal(ram + info->cmdline,
			    "kernel.elf one two=\"three four\"");
	assert_string_equal(ram + info->boot_loader_name, "exit49");
	assert_int_equal(info->mem_upper, 15 * 1024);
	assert_int_equal(info->mmap_length, LAYOUT_RANGES * 24);
	map = (void *)(ram + info->mmap_addr);
	assert_int_equal(map[0].size, 20);
	assert_int_equal(map[3].base, MIB);
	*line = 0;
	assert_null(boot_multiboot(&boot, ram, &regs));
	assert_string_equal(ram + information()->cmdline, "kernel.elf");
}

static void modules_lie_on_pages_behind_the_kernel(void **state)
{
	const struct multiboot_module_range *range;

	(void)state;
	add_module("one", "1", 1);
	add_module("two", "22", 2);
	assert_null(boot_multiboot(&boot, ram, &regs));
	assert_int_equal(information()->mods_count, 2);
	range = (void *)(ram + information()->mods_addr);
	assert_int_equal(range[0].start, 4 * MIB + PAGE_SIZE);
	assert_int_equal(range[0].end, range[0].start + 1);
	assert_int_equal(range[1].start, range[0].start + PAGE_SIZE);
	assert_memory_equal(ram + range[1].start, "22", 2);
	assert_string_equal(ram + range[1].string, "two");
}

static void a_kernel_that_ends_at_a_page_is_followed_at_once(void **state)
{
	const struct multiboot_module_range *range;

	(void)state;
	kernel.end = gpa(4 * MIB);
	add_module("one", "1", PAGE_SIZE);
	add_module("two", "2", 1);
	boot.modules[0].data = ram + 8 * MIB;
	assert_null(boot_multiboot(&boot, ram, &regs));
	range = (void *)(ram + information()->mods_addr);
	assert_int_equal(range[0].start, 4 * MIB);
	assert_int_equal(range[1].start, 4 * MIB + PAGE_SIZE);
}

static void a_module_is_told_its_words_behind_its_name(void **state)
{
	const struct multiboot_module_range *range;

	(void)state;
	add_module("linux", "1", 1);
	add_module("initrd", "2", 1);
	boot.modules[0].words = "console=hvc0 ro";
	boot.modules[1].words = "";
	assert_null(boot_multiboot(&boot, ram, &regs));
	range = (void *)(ram + information()->mods_addr);
	assert_string_equal(ram + range[0].string, "linux console=hvc0 ro");
	assert_string_equal(ram + range[1].string, "initrd");
	long_line(4095);
	for (int i = 0; i < 7; i++) {
		add_module("more", "3", 1);
		boot.modules[2 + i].words = line;
	}
	assert_non_null(strstr(boot_multiboot(&boot, ram, &regs),
			       "too long"));
}

static void modules_that_do_not_fit_are_refused(void **state)
{
	u8 *large = calloc(1, 12 * MIB);

	(void)state;
	add_module("large", large, 12 * MIB);
	assert_non_null(strstr(boot_multiboot(&boot, ram, &regs),
			       "too large"));
	boot.modules[0].size = ~0ull;
	assert_non_null(strstr(boot_multiboot(&boot, ram, &regs),
			       "too large"));
	free(large);
}

static void too_much_text_is_refused(void **state)
{
	char name[4000];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = 0;
	long_line(4000);
	assert_null(boot_multiboot(&boot, ram, &regs));
	for (int i = 0; i < 8; i++) {
		add_module(name, "", 0);
	}
	assert_non_null(strstr(boot_multiboot(&boot, ram, &regs),
			       "too long"));
	*line = 0; /* and the modules' names alone */
	assert_non_null(strstr(boot_multiboot(&boot, ram, &regs),
			       "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(linux_finds_its_header_completed, begin),
		cmocka_unit_test_setup(linux_finds_the_memory_map, begin),
		cmocka_unit_test_setup(initrds_lie_high_one_behind_the_other,
				       begin),
		cmocka_unit_test_setup(an_initrd_that_does_not_fit_is_refused,
				       begin),
		cmocka_unit_test_setup(a_line_too_long_is_refused, begin),
		cmocka_unit_test_setup(
			what_is_behind_the_modules_is_not_looked_at, begin),
		cmocka_unit_test_setup(a_header_too_long_is_cut_before_the_map,
				       begin),
		cmocka_unit_test_setup(multiboot_finds_line_and_map, begin),
		cmocka_unit_test_setup(modules_lie_on_pages_behind_the_kernel,
				       begin),
		cmocka_unit_test_setup(
			a_kernel_that_ends_at_a_page_is_followed_at_once,
			begin),
		cmocka_unit_test_setup(
			a_module_is_told_its_words_behind_its_name, begin),
		cmocka_unit_test_setup(modules_that_do_not_fit_are_refused,
				       begin),
		cmocka_unit_test_setup(too_much_text_is_refused, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
