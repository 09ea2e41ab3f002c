/** @file
 * A whole PC for a kernel that we have not written.
 *
 * A test bed (hv/vmm/bed.h) is a VM in which everything is known; this is one
 * that looks like the PC that a kernel expects.  Its devices are on the buses
 * of the core (hv/platform), and what nobody answers comes back here:
 *
 *	kernel --- vcpu_run() --- pc_run.c --- unknown: all ones
 *	   |                                   +--- how it ended
 *	   +--- buses of the core --- hv/platform, console.h
 *
 * One of it exists, and the hypervisor ends with it.
 */
#ifndef HV_MACHINE_PC_H
#define HV_MACHINE_PC_H

#include "bus/bus.h"
#include "bus/types.h"
#include "hv/lib/recovery.h"
#include "hv/machine/boot.h"
#include "hv/machine/console.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/** How a guest ends. */
enum pc_end {
	PC_RUNS,
	PC_POWERED_OFF, /* as it wished */
	PC_EXITED,	     /* by the exit device, with a code */
	PC_CRASHED,     /* triple fault, hang, what we cannot emulate */
};

#define PC_TEXT 320
#define PC_DEVICES 8

struct pc {
	/* --- fixed before it runs --- */
	struct boot boot;
	struct kernel kernel;
	unsigned int cpus;
	struct vm *vm;
	u8 *ram;
	bool log; /* tell each access that nobody answers */
	struct bus_device devices[PC_DEVICES];
	unsigned int ndevices;

	/* --- its own locks --- */
	struct console console;

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
void pc_stop(struct pc *pc, enum pc_end end,
		  const char *format, ...) __format(printf, 3, 4);

/**
 * Put a device into the core.
 * @param bus     &pc->vm->port_bus or mmio_bus
 * @param device  copied
 * @return 0, or an errno
 */
int pc_add(struct pc *pc, struct bus *bus,
		const struct bus_device *device) __must_check;

/**
 * All devices of the PC, on the buses.
 * @return 0, or an errno
 */
int pc_add_devices(struct pc *pc) __must_check;

#endif
