/** @file
 * `run=1`: one kernel, on a PC of its own, to its end.
 *
 * The modules that the boot loader hands over say what is to run:
 *
 *	the first		the kernel
 *	exit49-append		its command line: the file's contents, so that
 *				no quotes and no limit of ours are in the way
 *	exit49-dev		the devices of DEV=
 *	exit49-disk		the virtio disk's sectors
 *	all others		its initrd, or its modules
 */
#ifndef HV_MACHINE_GUEST_H
#define HV_MACHINE_GUEST_H

/**
 * Run it; called by hv_main().  Ends the machine with a sentence and status 2
 * when the guest cannot be started.  How the guest has ended is said on COM2:
 *
 *	# guest: end=END code=N: why
 *
 * END being powered-off, reset, halted, exited, crashed or unwritten
 */
void guest_main(void);

#endif
