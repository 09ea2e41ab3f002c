/** @file
 * VMLAUNCH and VMRESUME, from check to exit.
 */
#ifndef HV_SOFTVMX_SVM_ENTER_H
#define HV_SOFTVMX_SVM_ENTER_H

#include "hv/softvmx/softvmx_cpu.h"

/**
 * Do what VMLAUNCH or VMRESUME does (SDM 3C 27): check, load, run, save, load
 * the host.  Called by softvmx_run.S on this unit's own stack.
 * @param resume VMRESUME
 * @return VMX_SUCCEED when a VM exit has been made: the caller goes to
 *	cpu->host_rip; else VMfail
 */
enum vmx_result svm_enter_run(struct softvmx_cpu *cpu, bool resume)
	__must_check;

#endif
