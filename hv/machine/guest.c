/** @file
 * From modules and options to a running PC.
 *
 *	modules --> sort_module() --> struct pc --> pc_create() --> pc_run()
 *	options ------------------------^                             |
 *	           guest_end_tell(): COM1 for people, COM2 for tools
 *
 * Whatever is wrong before the guest runs is the user's, not the guest's: it
 * ends in machine_bail_out(), one sentence and status 2. From pc_run() on an
 * end is the guest's, and goes into the line on COM2 that tools/exit49/guest.py
 * reads.
 *
 * The boot loader has brought the modules into memory that is not the page
 * allocator's.  The kernel, the initrds and the words are copied into the
 * guest; the disk is served where it lies, which is why its changes are gone at
 * the end.
 */
#include "hv/machine/guest.h"

#include "hv/boot/multiboot.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/machine/guest_end.h"
#include "hv/machine/pc.h"
#include "hv/vmm/driver.h"
#include "hv/x86/cpu.h"
#include "hv/x86/machine.h"
#include "hv/x86/uart.h"

/*
 * A multiboot loader hands over files and their names, nothing else.  So what
 * is to be said to the guest, and may be longer than the hypervisor's own
 * command line, comes as modules with these names.
 */
#define APPEND_MODULE "exit49-append"
#define DEV_MODULE "exit49-dev"
#define DISK_MODULE "exit49-disk"
#define WORDS_MODULE "exit49-words"
#define APPEND_MAX 4096
#define DEV_TEXT_MAX 1024
#define MIB (1ull << 20)

/** The one PC; too large for a stack. */
static struct pc pc;
static char append[APPEND_MAX];
static char devices[DEV_TEXT_MAX];
static char words[APPEND_MAX]; /* of the modules, a line each */

/**
 * A module that is a text, without a final 0.  The buffers are zero and one
 * byte longer than what is let in, so that there is always one.
 * @param what of the user's it is
 */
static void take_text(const struct module *module, const char *what, char *to,
		      size_t size)
{
	if (module->size >= size) {
		machine_bail_out("%s is longer than %zu characters", what,
				 size - 1);
	}
	memcpy(to, module->data, module->size);
}

/** The disk's sectors stay where the boot loader has put them. */
static void take_disk(const struct module *module)
{
	pc.extra.disk = (u8 *)(uintptr_t)module->data;
	pc.extra.disk_size = module->size;
}

/** All others are the guest's own: initrds or multiboot modules, in order. */
static void take_module(const struct module *module)
{
	struct boot *boot = &pc.boot;

	if (boot->nmodules == BOOT_MODULES_MAX) {
		machine_bail_out("the guest has more than %d modules",
				 BOOT_MODULES_MAX);
	}
	boot->modules[boot->nmodules++] = (struct boot_module){
		module->data, module->size, module->name, NULL};
}

/** By its whole name; a user's own file of such a name is taken for it. */
static void sort_module(const struct module *module)
{
	if (strcmp(module->name, APPEND_MODULE) == 0) {
		take_text(module, "the guest's command line (APPEND=)", append,
			  sizeof(append));
	} else if (strcmp(module->name, DEV_MODULE) == 0) {
		take_text(module, "the list of devices (DEV=)", devices,
			  sizeof(devices));
		pc.extra.dev_text = devices;
	} else if (strcmp(module->name, WORDS_MODULE) == 0) {
		take_text(module, "the modules' words (INITRD=)", words,
			  sizeof(words));
	} else if (strcmp(module->name, DISK_MODULE) == 0) {
		take_disk(module);
	} else {
		take_module(module);
	}
}

/**
 * Line n is what module n is told behind its name.  The text is cut into
 * strings where it lies.
 */
static void give_words(struct boot *boot)
{
	char *line = words;

	for (unsigned int i = 0; i < boot->nmodules; i++) {
		char *end = strchr(line, '\n');

		boot->modules[i].words = line;
		if (!end) {
			return;
		}
		*end = 0;
		line = end + 1;
	}
}

/**
 * Module 0 is the kernel by its place; all others are sorted by their names.
 * Words are given out last, when it is known how many modules there are.
 */
static void read_modules(void)
{
	const struct module *kernel = multiboot_module(0);
	struct boot *boot = &pc.boot;
	const char *why;

	if (!multiboot_module_count()) {
		machine_bail_out("no kernel was handed over: give one as the "
				 "first multiboot module");
	}
	for (unsigned int i = 1; i < multiboot_module_count(); i++) {
		sort_module(multiboot_module(i));
	}
	give_words(boot);
	boot->memory = options.mem * MIB;
	boot->command_line = append;
	boot->name = kernel->name;
	boot->kernel = &pc.kernel;
	why = kernel_parse(kernel->data, kernel->size, boot->memory,
			   &pc.kernel);
	if (why) {
		machine_bail_out("%s %s", kernel->name, why);
	}
}

/** A vCPU needs a CPU of its own: two of them never take turns on one. */
static void make(void)
{
	const char *why;

	if (options.cpus > cpu_count()) {
		machine_bail_out("the guest shall have %u CPUs, but the "
				 "machine has only %u", options.cpus,
				 cpu_count());
	}
	pc.cpus = options.cpus;
	pc.log = options.guestlog;
	read_modules();
	why = pc_create(&pc);
	if (why) {
		machine_bail_out("%s", why);
	}
}

/* VMX is on from before the first VMCS to after the last dump of one. */
void guest_main(void)
{
	uart_serve_terminal();
	driver_vmx_on_all();
	make();
	printf("exit49: %s begins, %u MiB, %u CPU%s\n", pc.boot.name,
	       options.mem, pc.cpus, pc.cpus == 1 ? "" : "s");
	pc_run(&pc);
	guest_end_tell(&pc);
	driver_vmx_off_all();
}
