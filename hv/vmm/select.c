/** @file
 * Modules become guests, guests have tests, and some of these are wanted.
 *
 * A guest program lists its own tests in a section of its ELF file (loader.h),
 * so the hypervisor needs no table of them, and a new test is one function in
 * one file.  All modules are read before the first test runs: a file that is
 * none ends the machine with a sentence, instead of half of the results.
 */
#include "hv/vmm/select.h"

#include "hv/boot/multiboot.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/x86/machine.h"

static struct select_guest guests[SELECT_GUESTS_MAX];
static unsigned int nguests;

/**
 * The module's name up to its first dot. "lab1.elf" is the guest lab1. A dot at
 * the very beginning is part of the name: an empty one could not be printed.
 */
static void set_name(struct select_guest *guest, const char *module)
{
	char *dot;

	string_copy(guest->name, module, sizeof(guest->name));
	dot = strchr(guest->name, '.');
	if (dot && dot != guest->name) {
		*dot = 0;
	}
}

/**
 * The program is parsed for a VM of a given size, as a segment must fit into
 * its RAM; the bench's VMs are smaller than the tests'.
 */
static void read_guest(const struct module *module, u64 memory_size)
{
	struct select_guest *guest = &guests[nguests];
	const char *why;

	if (nguests == SELECT_GUESTS_MAX) {
		machine_bail_out("there are more than %d guest programs",
				 SELECT_GUESTS_MAX);
	}
	why = loader_parse(module->data, module->size, memory_size,
			   &guest->program);
	if (why) {
		machine_bail_out("the guest program %s %s (`make guests` "
				 "builds good ones)", module->name, why);
	}
	set_name(guest, module->name);
	printf("guest %s: %u tests\n", guest->name, guest->program.ntests);
	nguests++;
}

void select_read_guests(u64 memory_size)
{
	if (!multiboot_module_count()) {
		machine_bail_out("no guest program was handed over: give at "
				 "least one as a multiboot module "
				 "(build/guest-tests/lab1.elf, say)");
	}
	for (unsigned int i = 0; i < multiboot_module_count(); i++) {
		read_guest(multiboot_module(i), memory_size);
	}
}

/**
 * `test=a*,b` is a list. A piece that is longer than any name can be matches
 * nothing, in place of matching when cut off.
 */
bool select_matches(const char *globs, const char *name)
{
	char glob[TEST_NAME_SIZE];

	while (*globs) {
		const char *comma = strchr(globs, ',');
		size_t length = comma ? (size_t)(comma - globs)
				      : strlen(globs);

		snprintf(glob, sizeof(glob), "%.*s", (int)length, globs);
		if (length < sizeof(glob) && string_glob(glob, name)) {
			return true;
		}
		globs += length + (comma != NULL);
	}
	return false;
}

/** select_for_each() hands its function no argument, so the counter is here. */
static unsigned int count;

static void count_test(const struct select_guest *guest,
		       const struct test_record *test)
{
	(void)guest;
	(void)test;
	count++;
}

unsigned int select_count(const char *globs)
{
	count = 0;
	select_for_each(globs, count_test);
	return count;
}

/**
 * In the order of the modules, then of the records. Nothing found is an error
 * and not an empty success: most likely the name is misspelt.
 */
void select_for_each(const char *globs,
		     void (*fn)(const struct select_guest *guest,
				const struct test_record *test))
{
	unsigned int found = 0;

	for (unsigned int g = 0; g < nguests; g++) {
		const struct loader_program *program = &guests[g].program;

		for (unsigned int i = 0; i < program->ntests; i++) {
			struct test_record test;

			loader_test(program, i, &test);
			if (select_matches(globs, test.name)) {
				fn(&guests[g], &test);
				found++;
			}
		}
	}
	if (!found) {
		machine_bail_out("no guest program has a test or bench row "
				 "that matches %s", globs);
	}
}
