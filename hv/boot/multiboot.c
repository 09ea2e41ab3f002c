/** @file
 * What the boot loader handed over.
 *
 * The loader leaves one structure, whose flags say which of its fields hold
 * something, and which points to tables and strings anywhere in memory below
 * 4 GiB.  That memory is about to be given out, so everything is copied into
 * .bss first.  Each limit and each missing piece ends in a sentence which the
 * user can act on, never in a guess.
 *
 *	info.flags   bit 2: command line   bit 3: modules   bit 6: memory map
 */
#include "hv/boot/multiboot.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/x86/machine.h"

#define LOADER_MAGIC 0x2badb002u
#define INFO_COMMAND_LINE BIT(2)
#define INFO_MODULES BIT(3)
#define INFO_MEMORY_MAP BIT(6)
#define COMMAND_LINE_MAX 1024
/*
 * Image, modules, and the VM of a test with its tables; below this a test would
 * fail for lack of memory, and nobody would know why.
 */
#define RAM_MINIMUM (32ull << 20)
#define MEMORY_AVAILABLE 1

/** Multiboot 1 specification 3.3, the fields we read. */
struct multiboot_info {
	u32 flags;
	u32 mem_lower, mem_upper; /* unused: the map says it better */
	u32 boot_device;
	u32 cmdline;
	u32 mods_count, mods_addr;
	u32 syms[4];
	u32 mmap_length, mmap_addr;
};

struct multiboot_module_entry {
	u32 start, end;
	u32 string;
	u32 reserved;
};

/** `size` does not count itself, and may be more than what we know of. */
struct multiboot_mmap_entry {
	u32 size;
	u64 base, length;
	u32 type;
} __packed;

/**
 * Fixed sizes, since there is no allocator yet: it needs the memory map from
 * here.
 */
static char command_line[COMMAND_LINE_MAX + 1];
static struct module modules[MULTIBOOT_MODULES_MAX];
static unsigned int nmodules;
static struct memory_range ranges[MULTIBOOT_RANGES_MAX];
static unsigned int nranges;

/** The loader's addresses are physical, and low enough for the direct map. */
static const void *at(u32 physical)
{
	return hpa_to_virt(hpa(physical));
}

/**
 * QEMU puts the image's path before the command line, GRUB 2 does not. A word
 * with '=' is an option even if a path stands in it.
 * @return whether the first word is a file name; no option looks like one
 */
static bool starts_with_image(const char *text)
{
	bool is_file = false;

	for (; *text && *text != ' '; text++) {
		if (*text == '=') {
			return false;
		}
		is_file |= *text == '/' || *text == '.';
	}
	return is_file;
}

/** The command line without the image's own name.  Its length is measured
 * before a byte is copied: the loader promises an end, and nothing more. */
static void copy_command_line(const struct multiboot_info *info)
{
	const char *text = "";

	if (info->flags & INFO_COMMAND_LINE && info->cmdline) {
		text = at(info->cmdline);
	}
	if (strnlen(text, COMMAND_LINE_MAX + 1) > COMMAND_LINE_MAX) {
		machine_bail_out("the command line is longer than %d bytes",
				 COMMAND_LINE_MAX);
	}
	if (starts_with_image(text)) {
		text = strchr(text, ' ');
	}
	string_copy(command_line, text ? text : "", sizeof(command_line));
}

/** One entry of the map, cut off at 4 GiB: beyond that we use nothing.  One
 * that is empty or wraps round is dropped, as it says nothing. */
static void copy_range(const struct multiboot_mmap_entry *entry)
{
	u64 end = entry->base + entry->length;

	if (entry->base >= DIRECT_MAP_SIZE || end <= entry->base) {
		return;
	}
	if (nranges == MULTIBOOT_RANGES_MAX) {
		machine_bail_out("the memory map has more than %d ranges",
				 MULTIBOOT_RANGES_MAX);
	}
	if (end > DIRECT_MAP_SIZE) {
		end = DIRECT_MAP_SIZE;
	}
	ranges[nranges].start = hpa(entry->base);
	ranges[nranges].size = end - entry->base;
	ranges[nranges].is_ram = entry->type == MEMORY_AVAILABLE;
	nranges++;
}

/**
 * Entries are `size` + 4 bytes apart. A `size` of 0 would still move on by 4,
 * so the loop ends. The sum of RAM is only for the sentence about too little of
 * it; what is usable is found by the page allocator.
 */
static void copy_memory_map(const struct multiboot_info *info)
{
	const struct multiboot_mmap_entry *entry;
	u64 offset = 0; /* so that no size can make it wrap */
	u64 ram = 0;

	if (!(info->flags & INFO_MEMORY_MAP)) {
		machine_bail_out("the boot loader gave no memory map (QEMU's "
				 "-kernel and GRUB's multiboot give one)");
	}
	/* An entry may be longer than what we know of it; the next one is found
	 * by the size that it gives, which does not count itself. */
	while (offset + sizeof(*entry) <= info->mmap_length) {
		entry = at(info->mmap_addr + (u32)offset);
		copy_range(entry);
		offset += entry->size + sizeof(entry->size);
	}
	for (unsigned int i = 0; i < nranges; i++) {
		ram += ranges[i].is_ram ? ranges[i].size : 0;
	}
	if (ram < RAM_MINIMUM) {
		machine_bail_out("%lu MiB of memory are too little: exit49 "
				 "needs %llu MiB (QEMU: -m 256)",
				 (unsigned long)(ram >> 20), RAM_MINIMUM >> 20);
	}
}

/**
 * A module's name is the file name in the last word of its string: QEMU hands
 * over all that stood in -initrd ("build/lab1.elf lab1.elf"), GRUB what stood
 * behind the path, which may be nothing.
 */
static void copy_name(const char *text, char *name)
{
	const char *start = text;

	for (const char *c = text; *c; c++) {
		if ((*c == ' ' || *c == '/') && c[1]) {
			start = c + 1;
		}
	}
	if (!string_copy(name, start, MULTIBOOT_NAME_SIZE)) {
		machine_bail_out("the module name %s is longer than %d bytes",
				 start, MULTIBOOT_NAME_SIZE - 1);
	}
}

/**
 * Without the flag there are none, whatever the fields say. The contents stay
 * where the loader has put them: page_init() reserves their pages. Only names
 * and places are copied.
 */
static void copy_modules(const struct multiboot_info *info)
{
	const struct multiboot_module_entry *entry = at(info->mods_addr);

	if (!(info->flags & INFO_MODULES)) {
		return;
	}
	if (info->mods_count > MULTIBOOT_MODULES_MAX) {
		machine_bail_out("%u modules are too many: at most %d",
				 info->mods_count, MULTIBOOT_MODULES_MAX);
	}
	for (; nmodules < info->mods_count; nmodules++, entry++) {
		struct module *module = &modules[nmodules];

		if (entry->end < entry->start) {
			machine_bail_out("module %u ends before it starts",
					 nmodules);
		}
		copy_name(entry->string ? at(entry->string) : "",
			  module->name);
		module->data = at(entry->start);
		module->size = entry->end - entry->start;
	}
}

/*
 * The order matters for the sentences: without the magic number in EAX the
 * pointer beside it means nothing.
 */
void multiboot_init(u32 magic, hpa_t info_address)
{
	const struct multiboot_info *info = hpa_to_virt(info_address);

	if (magic != LOADER_MAGIC) {
		machine_bail_out("the image was not started by a multiboot 1 "
				 "loader (EAX is 0x%x): use QEMU's -kernel or "
				 "GRUB's multiboot", magic);
	}
	copy_command_line(info);
	copy_memory_map(info);
	copy_modules(info);
}

const char *multiboot_command_line(void)
{
	return command_line;
}

unsigned int multiboot_module_count(void)
{
	return nmodules;
}

const struct module *multiboot_module(unsigned int i)
{
	return &modules[i];
}

unsigned int multiboot_range_count(void)
{
	return nranges;
}

const struct memory_range *multiboot_range(unsigned int i)
{
	return &ranges[i];
}
