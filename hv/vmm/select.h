/** @file
 * Which guests there are, and which of their tests are wanted.
 */
#ifndef HV_VMM_SELECT_H
#define HV_VMM_SELECT_H

#include "bus/types.h"
#include "hv/vmm/loader.h"

#define SELECT_GUESTS_MAX 16
#define SELECT_NAME_SIZE 32

/** A guest program that was handed over. */
struct select_guest {
	char name[SELECT_NAME_SIZE]; /* "lab1", from "lab1.elf" */
	struct loader_program program;
};

/**
 * Read all modules.  Ends the machine, status 2, when there is none or when
 * one of them is no guest program.
 * @param memory_size bytes of RAM that their VMs will have
 */
void select_read_guests(u64 memory_size);

/**
 * How many tests are wanted.  Ends the machine, status 2, when it is none.
 * @param globs names with `*` and `?`, separated by commas
 */
unsigned int select_count(const char *globs);

/** Call fn for each test that is wanted, in the order of the modules. */
void select_for_each(const char *globs,
		     void (*fn)(const struct select_guest *guest,
				const struct test_record *test));

/**
 * Does a name match one of several globs?
 * @param globs separated by commas; an empty one matches nothing
 */
bool select_matches(const char *globs, const char *name);

#endif
