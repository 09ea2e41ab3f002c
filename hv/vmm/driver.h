/** @file
 * The test driver: every test of every guest program, one after the other.
 */
#ifndef HV_VMM_DRIVER_H
#define HV_VMM_DRIVER_H

/**
 * Run what the command line asks for, results on COM2; called by hv_main()
 * with interrupts and the watchdog on.  Ends the machine with a sentence and
 * status 2 when there is no VMX unit, no guest program, a file that is none,
 * or no test that matches.
 */
void driver_main(void);

/**
 * Choose the VMX unit and switch it on, on this CPU.  Ends the machine with a
 * sentence and status 2 where that cannot be.
 */
void driver_vmx_on(void);

/** The same on all CPUs. */
void driver_vmx_on_all(void);

/** Switch it off again on all CPUs; no vCPU is left. */
void driver_vmx_off_all(void);

#endif
