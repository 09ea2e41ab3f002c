/** @file
 * A whole PC for a kernel that we have not written.
 *
 * A test bed (hv/vmm/bed.h) is a VM in which everything is known; this is one
 * that looks like the PC that a kernel expects.  Its devices are on the buses
 * of the core (hv/platform), and what nobody answers comes back here:
 *
 *	kernel --- vcpu_run() --- pc_run.c --- unknown: all ones
 *	   |                                   +--- how it ended
 *	   +--- buses of the core --- hv/platform (pc_board.c)
 *
 * One of it exists, and the hypervisor ends with it.
 */
#ifndef HV_MACHINE_PC_H
#define HV_MACHINE_PC_H

#include "bus/bus.h"
#include "bus/types.h"
#include "hv/lib/recovery.h"
#include "hv/lib/timer.h"
#include "hv/machine/boot.h"
#include "hv/machine/extra.h"
#include "hv/platform/board.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/** How a guest ends. */
enum pc_end {
	PC_RUNS,
	PC_POWERED_OFF, /* as it wished */
	PC_RESET,	/* as it wished, too: it does not begin anew */
	PC_HALTED,	/* HLT with interrupts off, on all processors */
	PC_EXITED,	/* by the exit device, with a code */
	PC_CRASHED,	/* triple fault, hang, what we cannot emulate */
	PC_UNWRITTEN,	/* it needs a step of a lab that is not written yet */
};

#define PC_TEXT 320
#define PC_VIRTIO_CONSOLE BOARD_SERIALS

struct pc;

/** One of the processors but the first. */
struct pc_cpu {
	struct pc *pc;
	unsigned int number; /* of the vCPU and of its CPU */
	struct vcpu *vcpu;
	int error;
	bool running;
};

struct pc {
	/* --- fixed before it runs --- */
	struct boot boot;
	struct kernel kernel;
	unsigned int cpus;
	struct vm *vm;
	u8 *ram;
	bool log; /* tell each access that nobody answers */
	struct extra extra; /* what was asked for; and with locks of its own */

	/* --- the chips have locks of their own --- */
	struct board board;
	struct timer board_timer;
	/* ... the terminal: CPU 0's timer, and any CPU's word where to */
	struct timer input_timer;
	int typed; /* a byte that has no room yet, or -1 */
	unsigned int spoke_last; /* which serial port the guest has used, or
				  * PC_VIRTIO_CONSOLE */

	/* --- the processors but the first: pc_cpus.c --- */
	struct pc_cpu more[VM_VCPUS];

	/* --- the end: whoever is first writes it --- */
	u32 over; /* 1: somebody writes it, or has */
	u32 end;  /* enum pc_end; set last */
	u8 code;  /* PC_EXITED */
	unsigned int vcpu; /* whose end it was */
	char text[PC_TEXT]; /* a sentence without a full stop */
	u64 unanswered; /* accesses */
};

/**
 * Make the VM with memory, devices and vCPU 0, the kernel loaded.
 * @param pc boot, kernel, cpus and log are filled, the rest is 0
 * @return NULL, or why it cannot be: a sentence without a full stop
 * VMX is on.
 */
const char *pc_create(struct pc *pc) __must_check;

/** Run it to its end; called on CPU 0. */
void pc_run(struct pc *pc);

/**
 * It is at its end, unless it is already; all vCPUs will leave.
 * From any CPU, also from inside of a device.
 * @param format a sentence without a full stop
 */
void pc_stop(struct pc *pc, enum pc_end end, const char *format, ...)
	__format(printf, 3, 4);

/** The same for a guest that says itself with what code it ends. */
void pc_exit(struct pc *pc, u8 code);

/** The same after a crash of the hypervisor, or a lab's step that is missing,
 * below vcpu_run(); the vCPU is not to be run again. */
void pc_abandon(struct pc *pc, struct vcpu *vcpu, const struct crash *crash);

/**
 * All devices of the PC, on the buses, and the tables that tell of them.
 * Before there are vCPUs.
 * @return 0, or an errno
 */
int pc_board_create(struct pc *pc) __must_check;

/** What the guest says on its virtio console. @param pc the PC */
void pc_board_virtio_output(void *pc, u8 byte);

/** The terminal is looked at from now on, on this CPU; and not any more. */
void pc_board_start(struct pc *pc);
void pc_board_stop(struct pc *pc);

/** Run a vCPU on its CPU until the PC is at its end. */
void pc_run_vcpu(struct pc *pc, struct vcpu *vcpu);

/**
 * The processors but the first, each on its CPU, waiting to be started.
 * @return 0, or an errno
 */
int pc_cpus_create(struct pc *pc) __must_check;

/** Let them run; and wait until each has left. */
void pc_cpus_start(struct pc *pc);
void pc_cpus_wait(struct pc *pc);

#endif
