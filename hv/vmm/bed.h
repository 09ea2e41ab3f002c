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
#include "hv/vmm/made_doorbell.h"
#include "hv/vmm/neighbour.h"
#include "hv/vmm/verdict.h"

struct bus_devices;

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

/** Slots changed by another CPU while the guest runs: calls_storm.c. */
struct bed_storm {
	struct vm_region region; /* to add and delete; size 0: never begun */
	u64 left;		 /* rounds; written by the other CPU */
	int error;		 /* why it has ended early, or 0 */
	bool running;
	bool stop; /* asked of the other CPU */
};

/** What becomes of a vCPU that the test has started (bed_vcpus.h). */
enum bed_vcpu_state {
	BED_VCPU_NONE,
	BED_VCPU_RUNS,
	BED_VCPU_LEAVES, /* has said that it ends */
	BED_VCPU_ENDED,
};

/** One of them; its number is its place among them. */
struct bed_vcpu {
	struct bed *bed;
	struct vcpu *vcpu;
	struct hypercall_vcpu begin;
	struct vcpu_sregs system; /* to begin with */
	int error;		  /* it could not be made */
	u32 state;		  /* enum bed_vcpu_state */
	u64 value;		  /* it has ended with this */
	u64 interrupts;		  /* how often vcpu_run() has said -EINTR */
	struct crash crash;
};

/** A vCPU that is in real mode: where it was before. */
struct bed_real {
	u64 at; /* of the guest's struct hypercall_real; 0: it is not */
	struct vcpu_regs regs;
	struct vcpu_sregs system;
	u64 emulations; /* counted until then */
	bool forced;
};

struct bed {
	/* Fixed for the test. */
	struct bed_plan plan;

	/* Exits are answered one at a time, by whoever holds this: 0, or 1 +
	 * the number of the vCPU.  All else below is under it. */
	u32 lock;
	bool crashed; /* on some CPU; who sets it says so in the verdict */

	/* Made by bed_prepare(); NULL before. */
	struct vm *vm;
	struct vcpu *vcpu; /* the one whose exit is answered, else any */
	u8 *ram;
	u8 *backing;
	struct vm *other; /* while the vCPU moves: the VM that it leaves */

	/* Written by devices and hypercalls. */
	struct devices devices;
	struct bus_device core[2]; /* how the core sees two of them */
	struct made_devices made;
	struct bus_devices *numbered; /* made at their first use, or NULL */
	struct made_doorbells doorbells;
	struct hypercall_io io_log[BED_IO_LOG];
	struct hypercall_io_state io_state[BED_IO_LOG]; /* at the same exits */
	struct hypercall_io_hook io_hook[BED_IO_HOOKS]; /* nth 0: none */
	u64 io_count; /* exits since the log was cleared */
	u64 exit_lines; /* printed so far, see exit_lines.c */

	/* The other CPU that there is not; see calls_ept.c. */
	struct hypercall_hook hook;
	bool hook_set;
	u64 hooks_run;

	/* Between two calls of vcpu_run(); see middle.c. */
	bool coalesces;	 /* there may be stores in the ring */
	bool awaited;	 /* vcpu_run() will say -EINTR */
	bool move_later; /* and the vCPU shall move then */
	u64 asked_at;	 /* io_count at the exit where it was asked back */
	struct hypercall_middle middle;
	u64 events_seen; /* of this CPU's trace ring */

	/* The other CPUs that there are. */
	struct bed_storm storm;
	struct bed_vcpu more[VM_VCPUS]; /* but for 0 */
	struct bed_real real[VM_VCPUS];
	struct neighbour neighbour; /* of a hostile test */

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
 * Run vCPU 0 until the verdict is there.
 * @param bed prepared
 */
void bed_run(struct bed *bed);

/** Run any vCPU, on its CPU, until the verdict is there or it has ended. */
void bed_run_vcpu(struct bed *bed, struct vcpu *vcpu);

/**
 * The two stages of making a VM which moving needs as well: the VM with memory
 * in no slot, and its devices in the core.
 * @return 0, or an errno
 */
int bed_make_vm(struct bed *bed) __must_check;
int bed_add_core_devices(struct bed *bed) __must_check;

/**
 * Save the vCPU, make a VM like this one with a copy of its memory, restore
 * the vCPU there, and destroy the first one: what moving a guest to another
 * machine does.  The VMM's devices are those of before, like its memory of the
 * test.
 * @return 0; -EBUSY: the slots are in the middle of a change, or there are
 *	zones of coalesced stores or further vCPUs; or another errno.  The test
 *	goes on in the VM that it had then.
 */
int bed_move(struct bed *bed) __must_check;

/** Let a device have a store that had been coalesced; no exit, not logged. */
void bed_store(struct bed *bed, struct bus_access *a);

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

/** How often the guest met our tables' entries, whichever tables they are. */
struct bed_faults {
	u64 absent; /* EPT violations; without EPT, #PFs not the guest's own */
	u64 marked; /* EPT misconfigurations; #PFs by a reserved bit */
	u64 spurious;	   /* of those, the ones that were none any more */
	u64 slow_paths;	   /* ... and that had to ask the slots */
	u64 invalidations; /* asked for */
};

/** Count them so far. */
void bed_read_faults(const struct bed *bed, struct bed_faults *out);

/** @return those of them that have exited */
u64 bed_ept_exits(const struct bed *bed);

#endif
