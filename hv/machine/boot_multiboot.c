/** @file
 * The multiboot information - the specification's 3.2 and 3.3.
 *
 *	EBX --> information --+-- command line, loader's name
 *			      +-- memory map
 *			      +-- modules --> name of each
 *					  --> its bytes, behind the kernel
 *
 * The modules go behind the kernel, each on a page of its own, as GRUB puts
 * them; never into the hole below 1 MiB.  Tables and strings go into low
 * memory, one behind the other: put() is the only one who writes there.  It
 * goes on without writing once something has not fitted, and the caller looks
 * once, at the end, so that no caller in between has an error to pass on.
 */
#include "hv/machine/boot.h"

#include "hv/lib/string.h"
#include "hv/machine/layout.h"
#include "hv/machine/multiboot_format.h"

/** Where the next string or table goes. */
struct cursor {
	u8 *ram;
	u64 at;
	bool full;
};

/** @return its address, 0 when there is no room any more */
/*
 * Aligned to 8, which is enough for all that is put here.
 */
static u32 put(struct cursor *c, const void *bytes, u64 size)
{
	u64 at = (c->at + 7) & ~7ull;

	if (size > LAYOUT_TEXTS_END || at > LAYOUT_TEXTS_END - size) {
		c->full = true;
		return 0;
	}
	memcpy(c->ram + at, bytes, size);
	c->at = at + size;
	return at;
}

static u32 put_string(struct cursor *c, const char *text)
{
	return put(c, text, strlen(text) + 1);
}

/**
 * As QEMU and GRUB Legacy do: the file's name, then the words.  Kernels skip
 * the first word, so it must be there.  The 0 behind the name, which
 * put_string() has just written, becomes the blank between the two.
 */
static u32 put_line(struct cursor *c, const char *name, const char *words)
{
	u32 line = put_string(c, name);

	if (words && *words && !c->full) {
		c->ram[c->at - 1] = ' ';
		c->full |= c->at + strlen(words) >= LAYOUT_TEXTS_END;
		if (!c->full) {
			string_copy((char *)c->ram + c->at, words,
				    LAYOUT_TEXTS_END - c->at);
			c->at += strlen(words) + 1;
		}
	}
	return line;
}

/**
 * An entry's `size` does not count itself: a kernel goes on by size + 4.  It is
 * there so that entries may grow.
 */
static void put_map(struct cursor *c, const struct boot *boot,
		    struct multiboot_information *info)
{
	struct multiboot_map_entry entries[LAYOUT_RANGES];
	struct layout_range map[LAYOUT_RANGES];

	layout_map(boot->memory, map);
	for (unsigned int i = 0; i < LAYOUT_RANGES; i++) {
		entries[i] = (struct multiboot_map_entry){
			.size = sizeof(entries[i]) - sizeof(u32),
			.base = map[i].start,
			.length = map[i].size,
			.type = map[i].type,
		};
	}
	info->mmap_length = sizeof(entries);
	info->mmap_addr = put(c, entries, sizeof(entries));
}

/**
 * Each module at a page, in the order of the command line, without gaps beyond
 * that.  There is no promise about where; a kernel reads the table before it
 * uses memory behind its own end.
 */
static const char *put_modules(struct cursor *c, const struct boot *boot,
			       struct multiboot_information *info)
{
	struct multiboot_module_range ranges[BOOT_MODULES_MAX];
	u64 at = (boot->kernel->end.v + PAGE_SIZE - 1) & PAGE_MASK;

	for (unsigned int i = 0; i < boot->nmodules; i++) {
		const struct boot_module *module = &boot->modules[i];

		if (at < LAYOUT_HIGH) {
			at = LAYOUT_HIGH; /* the hole is no memory */
		}
		if (at > boot->memory || module->size > boot->memory - at) {
			return "the modules (INITRD=) are too large: they do "
			       "not fit behind the kernel into the guest's "
			       "memory (MEM=)";
		}
		memcpy(c->ram + at, module->data, module->size);
		ranges[i] = (struct multiboot_module_range){
			.start = at,
			.end = at + module->size,
			.string = put_line(c, module->name, module->words),
		};
		at = (at + module->size + PAGE_SIZE - 1) & PAGE_MASK;
	}
	info->mods_count = boot->nmodules;
	info->mods_addr = put(c, ranges, boot->nmodules * sizeof(ranges[0]));
	return NULL;
}

/*
 * The kernel begins with EAX = the loader's magic number, by which it knows who
 * has started it, and EBX = the information.  Which of its fields are filled is
 * told by a bit each in `flags`.  mem_upper ends at the first hole above 1 MiB,
 * and there is none below the end of our memory.
 */
const char *boot_multiboot(const struct boot *boot, u8 *ram,
			   struct vcpu_regs *regs)
{
	struct cursor c = {ram, LAYOUT_TEXTS, false};
	struct multiboot_information info = {
		.flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_COMMAND_LINE |
			 MULTIBOOT_INFO_MODULES | MULTIBOOT_INFO_MAP |
			 MULTIBOOT_INFO_LOADER,
		.mem_lower = LAYOUT_LOW_END >> 10,
		.mem_upper = (boot->memory - LAYOUT_HIGH) >> 10,
	};
	const char *why = put_modules(&c, boot, &info);

	info.cmdline = put_line(&c, boot->name, boot->command_line);
	info.boot_loader_name = put_string(&c, "exit49");
	put_map(&c, boot, &info);
	memcpy(ram + LAYOUT_INFO, &info, sizeof(info));
	regs->gpr[GPR_RAX] = MULTIBOOT_LOADER_MAGIC;
	regs->gpr[GPR_RBX] = LAYOUT_INFO;
	if (!why && c.full) {
		why = "the command line (APPEND=) and the modules' names are "
		      "too long for the guest's boot information";
	}
	return why;
}
