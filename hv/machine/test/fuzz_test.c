/** @file
 * Kernels whose headers lie, thousands of them, always the same ones.
 *
 * Each begins as one that is right: an ELF32, an ELF64, a flat one with address
 * fields, a Linux.  A few of its header's bytes are then changed, mostly to
 * numbers at which sums wrap.  Whatever comes of it, the parser either gives a
 * sentence, or pieces that are within the file and the memory and do not
 * overlap; then it is loaded, with modules, under the sanitizers.
 *
 * links: hv/machine/kernel.c hv/machine/kernel_linux.c
 * links: hv/machine/kernel_multiboot.c
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
#include "hv/vmm/elf.h"

#define MIB (1ull << 20)
#define MEMORY (8 * MIB)
#define FILE_SIZE 0x3000u
#define ROUNDS 60000
#define MULTIBOOT_AT 0x1000
#define HOLE 0xa0000ull
#define MODULE_STEP 0x800

static u8 good[FILE_SIZE];
static u8 *ram;
static u64 random_state;
static unsigned int taken;

/** Stands in for hv/lib/string.c. */
bool string_copy(char *dst, const char *src, size_t size);

bool string_copy(char *dst, const char *src, size_t size)
{
	assert_true(strlen(src) < size);
	strcpy(dst, src);
	return true;
}

static u32 random_below(u32 limit)
{
	random_state = random_state * 6364136223846793005ull +
		       1442695040888963407;
	return (u32)(random_state >> 33) % limit;
}

/** Numbers that are near an edge of something. */
static u64 odd_number(void)
{
	static const u64 edges[] = {
		0, 1, 0x10000, 0x9fc00, HOLE, MIB, MEMORY, FILE_SIZE,
		MULTIBOOT_AT, 1ull << 31, 1ull << 32, 1ull << 63,
		0xffffffffull,
	};
	u64 value = edges[random_below(ARRAY_SIZE(edges))];

	switch (random_below(4)) {
	case 0:
		return value - random_below(64);
	case 1:
		return value + random_below(64);
	case 2:
		return ~value + 1 - random_below(0x4000);
	default:
		return random_below(8) ? value : random_state;
	}
}

/* The four that are right -------------------------------------------------- */

static void put_multiboot(u32 flags)
{
	struct multiboot_header header = {
		.magic = MULTIBOOT_HEADER_MAGIC,
		.flags = flags,
		.checksum = -(MULTIBOOT_HEADER_MAGIC + flags),
		.header_addr = MIB + MULTIBOOT_AT,
		.load_addr = MIB,
		.load_end_addr = MIB + FILE_SIZE,
		.bss_end_addr = MIB + 0x8000,
		.entry_addr = MIB + 0x20,
	};

	memcpy(good + MULTIBOOT_AT, &header, sizeof(header));
}

static void make_elf32(void)
{
	struct elf32_header h = {
		.ident = {0x7f, 'E', 'L', 'F', 1, ELFDATA2LSB},
		.type = ET_EXEC,
		.machine = EM_386,
		.entry = MIB + 0x10,
		.phoff = 52,
		.phentsize = sizeof(struct elf32_phdr),
		.phnum = 3,
	};
	struct elf32_phdr ph[] = {
		{PT_LOAD, 0x1000, MIB, MIB, 0x1000, 0x1000},
		{PT_LOAD, 0x2000, 2 * MIB, 2 * MIB, 0x100, 0x3000},
		{PT_LOAD, 0x2100, 0x20000, 0x20000, 0x100, 0x100},
	};

	memcpy(good, &h, sizeof(h));
	memcpy(good + 52, ph, sizeof(ph));
	put_multiboot(0);
}

static void make_elf64(void)
{
	struct elf64_header h = {
		.magic = ELF_MAGIC,
		.class = ELFCLASS64,
		.data = ELFDATA2LSB,
		.type = ET_EXEC,
		.machine = EM_X86_64,
		.entry = MIB + 0x10,
		.phoff = 64,
		.phentsize = sizeof(struct elf64_phdr),
		.phnum = 2,
	};
	struct elf64_phdr ph[] = {
		{PT_LOAD, 5, 0x1000, MIB, MIB, 0x1000, 0x2000, 0},
		{PT_LOAD, 6, 0x2000, 2 * MIB, 2 * MIB, 0x100, 0x3000, 0},
	};

	memcpy(good, &h, sizeof(h));
	memcpy(good + 64, ph, sizeof(ph));
	put_multiboot(0);
}

static void make_flat(void)
{
	put_multiboot(MULTIBOOT_ADDRESSES);
}

static void make_linux(void)
{
	struct linux_header h = {
		.setup_sects = 3,
		.syssize = (FILE_SIZE - 0x800) / 16,
		.boot_flag = LINUX_BOOT_FLAG,
		.jump = 0x6aeb,
		.magic = LINUX_MAGIC,
		.version = 0x020f,
		.loadflags = LINUX_LOADED_HIGH,
		.code32_start = MIB,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = MIB,
		.relocatable_kernel = 1,
		.xloadflags = LINUX_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = 2 * MIB,
		.init_size = 3 * MIB,
	};

	memcpy(good + LINUX_HEADER, &h, sizeof(h));
}

/** What it is, and where the bytes are that its parser believes. */
static const struct kind {
	void (*make)(void);
	struct {
		u32 start, length;
	} header[2];
} kinds[] = {
	{make_elf32, {{16, 52 + 96 - 16}, {MULTIBOOT_AT, 32}}},
	{make_elf64, {{16, 64 + 112 - 16}, {MULTIBOOT_AT, 32}}},
	{make_flat, {{MULTIBOOT_AT, 32}, {MULTIBOOT_AT, 32}}},
	{make_linux, {{LINUX_HEADER, 0x78}, {LINUX_HEADER, 0x78}}},
};

/* What must hold ----------------------------------------------------------- */

static void check_pieces(const struct kernel *kernel)
{
	bool entry = kernel->kind == KERNEL_LINUX;

	for (unsigned int i = 0; i < kernel->npieces; i++) {
		const struct kernel_piece *p = &kernel->pieces[i];
		u64 at = p->address.v;

		assert_true(p->offset <= kernel->size &&
			    p->filesz <= kernel->size - p->offset);
		assert_true(p->filesz <= p->memsz && at >= KERNEL_LOWEST &&
			    at < MEMORY && p->memsz <= MEMORY - at);
		assert_true(at >= MIB || at + p->memsz <= HOLE);
		assert_true(at + p->memsz <= kernel->end.v);
		entry |= kernel->entry.v - at < p->filesz;
		for (unsigned int j = 0; j < i; j++) {
			const struct kernel_piece *q = &kernel->pieces[j];

			assert_true(at >= q->address.v + q->memsz ||
				    q->address.v >= at + p->memsz);
		}
	}
	assert_true(kernel->npieces && entry);
}

/** Modules lie behind the kernel, within memory. */
static void check_modules(const struct kernel *kernel)
{
	const struct linux_header *h = (void *)(ram + LAYOUT_INFO +
						LINUX_HEADER);
	const struct multiboot_information *info = (void *)(ram + LAYOUT_INFO);
	const struct multiboot_module_range *m;

	if (kernel->kind == KERNEL_LINUX) {
		assert_true(h->ramdisk_image >= kernel->end.v &&
			    h->ramdisk_image + h->ramdisk_size <= MEMORY);
		return;
	}
	m = (void *)(ram + info->mods_addr);
	assert_true(m[0].start >= kernel->end.v && m[0].start >= MIB &&
		    m[1].start >= m[0].end && m[1].end <= MEMORY);
}

static void load(const struct kernel *kernel)
{
	static const u8 module[8 * MODULE_STEP];
	struct vcpu_regs regs = {.rip = 0};
	struct boot boot = {
		.kernel = kernel,
		.name = "kernel",
		.command_line = "words",
		.nmodules = 2,
		.modules = {{module, sizeof(module), "one", "of words"},
			    {module, 1 + random_below(8) * MODULE_STEP, "two",
			     NULL}},
		.memory = MEMORY,
	};
	const char *why;

	kernel_load(kernel, ram);
	why = kernel->kind == KERNEL_LINUX ? boot_linux(&boot, ram, &regs)
					   : boot_multiboot(&boot, ram, &regs);
	if (!why) {
		taken++;
		check_modules(kernel);
	}
}

/** A copy of its own size, so that the sanitizer sees a byte too many. */
static void try(u64 size)
{
	u8 *file = malloc(size ? size : 1);
	struct kernel kernel;
	const char *why;

	memcpy(file, good, size);
	why = kernel_parse(file, size, MEMORY, &kernel);
	if (why) {
		assert_true(strlen(why) > 10 && strlen(why) < 120);
	} else {
		check_pieces(&kernel);
		load(&kernel);
	}
	free(file);
}

static void lie(const struct kind *kind)
{
	unsigned int which = random_below(2), width = 1u << random_below(4);
	u32 length = kind->header[which].length;
	u32 at = kind->header[which].start +
		 random_below(length / width) * width;
	u64 value = odd_number();

	memcpy(good + at, &value, width);
	if (which == 1 && kind->make != make_linux) {
		u32 h[3];

		/* Else most would be no kernel at all. */
		memcpy(h, good + MULTIBOOT_AT, sizeof(h));
		h[2] = -(h[0] + h[1]);
		memcpy(good + MULTIBOOT_AT, h, sizeof(h));
	}
}

static void headers_that_lie_harm_nobody(void **state)
{
	(void)state;
	ram = malloc(MEMORY);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const struct kind *kind = &kinds[i % ARRAY_SIZE(kinds)];

		memset(good, 0, sizeof(good));
		kind->make();
		for (u32 n = random_below(4); n > 0; n--) {
			lie(kind);
		}
		try(random_below(8) ? FILE_SIZE : random_below(FILE_SIZE));
	}
	free(ram);
	/* It must not be that none gets as far as being loaded. */
	assert_in_range(taken, ROUNDS / 8, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_that_lie_harm_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
