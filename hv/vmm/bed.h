/** @file
 * The test bed: a VM, the devices around it, and what a test needs to remember.
 *
 * Everything of one test is in one struct bed.  A fresh bed is made for each
 * test and all of it is thrown away after, whatever has happened in between:
 *
 *	guest --- vcpu_run() --- bed_run.c ---+--- devices   answer MMIO
 *	                                      +--- calls_*   do hypercalls
 *	                                      +--- verdict   stop
 */
#ifndef HV_VMM_BED_H
#define HV_VMM_BED_H

#include "bus/bus.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmm/devices.h"
#include "hv/vmm/hypercall.h"
#include "hv/vmm/loader.h"
#include "hv/vmm/made_device.h"
#include "hv/vmm/verdict.h"

/** How many exits to the VMM are remembered. */
#define BED_IO_LOG 64

/** Hooks at exits to the VMM that may be set at the same time. */
#define BED_IO_HOOKS 4

/** What bed_prepare() is asked for. */
struct bed_plan {
	const char *module; /* "lab1", for the exit list */
	const struct loader_program *program;
	const struct test_record *test;
	u64 memory_size; /* bytes of RAM, whole 2 MiB */
	u64 iterations;	 /* bench: measured, and before that */
	u64 warm_up;
	bool log_exits;	 /* print each exit on COM2 */
	bool poison;	 /* the stack, between calls of vcpu_run() */
};

/** The exit that the guest has announced as its VM's end. */
struct bed_expect {
	bool set;
	enum hypercall_stop stop;
	gpa_t gpa;	  /* ~0: any */
	u64 ept_exits;	  /* from then on, exactly; ~0: any */
	u64 exits_before; /* EPT exits when it was announced */
};

struct bed {
	/* Fixed for the test. */
	struct bed_plan plan;

	/* Made by bed_prepare(); NULL before. */
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *ram;
	u8 *backing;

	/* Written by devices and hypercalls. */
	struct devices devices;
	struct bus_device core[2]; /* how the core sees two of them */
	struct made_devices made;
	struct hypercall_io io_log[BED_IO_LOG];
	struct hypercall_io_state io_state[BED_IO_LOG]; /* at the same exits */
	struct hypercall_io_hook io_hook[BED_IO_HOOKS]; /* nth 0: none */
	u64 io_count; /* exits since the log was cleared */
	u64 exit_lines; /* printed so far, see exit_lines.c */

	/* The other CPU that there is not; see calls_ept.c. */
	struct hypercall_hook hook;
	bool hook_set;
	u64 hooks_run;

	/* The end. */
	struct bed_expect expect;
	struct verdict verdict;
};

/**
 * Make the VM, load the program, put the vCPU at its beginning.
 * @param bed zeroed, but for its plan
 * On failure the verdict says why.
 */
void bed_prepare(struct bed *bed);

/**
 * Run until the verdict is there.
 * @param bed prepared
 */
void bed_run(struct bed *bed);

/** Fill the verdict's counts; also after a crash. */
void bed_fill_counts(struct bed *bed);

/** Take all of it away again; also after a crash. */
void bed_destroy(struct bed *bed);

/**
 * The host's pointer to guest RAM that a hypercall names.
 * @param address from the guest, anything
 * @param size bytes
 * @return NULL when not all of it is in the guest's RAM at 0
 */
void *bed_memory(struct bed *bed, u64 address, u64 size);

/**
 * Copy a string of the guest.
 * @param address from the guest, anything
 * @param to HYPERCALL_TEXT_SIZE bytes; "?" when the address is bad
 */
void bed_text(struct bed *bed, u64 address, char *to);

/** @return EPT violations and misconfigurations so far */
u64 bed_ept_exits(const struct bed *bed);

#endif
