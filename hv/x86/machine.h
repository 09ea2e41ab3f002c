/** @file
 * How the machine ends.
 */
#ifndef HV_X86_MACHINE_H
#define HV_X86_MACHINE_H

#include "bus/types.h"

/* Exit statuses; QEMU's process ends with 2 * status + 1. */
enum machine_status {
	MACHINE_RAN = 0,      /* ran to the end, whatever the score */
	MACHINE_PANICKED = 1, /* the hypervisor itself failed */
	MACHINE_USAGE = 2,    /* bad command line or environment */
};

/**
 * End the machine: the last line on COM2 says the status, both ports are
 * drained, then Bochs (port 0x8900) and QEMU (isa-debug-exit at 0xf4) are
 * asked to stop; on a real machine the CPU halts.
 */
__noreturn void machine_exit(enum machine_status status);

/**
 * @return whether this machine is Bochs, whose few deviations from the manuals
 *	the tests of the VMX unit have to know
 */
bool machine_is_bochs(void);

/**
 * The environment is not one we can run in: one sentence for people on COM1,
 * "Bail out! ..." on COM2, status 2.
 * @param format one sentence without a newline
 */
__noreturn void machine_bail_out(const char *format, ...)
	__format(printf, 1, 2);

#endif
