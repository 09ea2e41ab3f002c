/** @file
 * Stopping a guest at the next instruction boundary.
 */
#ifndef HV_SOFTVMX_SVM_STEP_H
#define HV_SOFTVMX_SVM_STEP_H

#include "hv/softvmx/svm_exit.h"

/** Must the next VMRUN stop at an instruction boundary? */
bool svm_step_is_wanted(const struct softvmx_cpu *cpu);

/** Before VMRUN, when it is wanted: see to it that the guest stops. */
void svm_step_before_run(struct softvmx_cpu *cpu);

/** After the #VMEXIT: take that back.  cpu->step.done tells whether the
 * boundary has been reached. */
void svm_step_after_run(struct softvmx_cpu *cpu);

/** The boundary that VMRUN was to stop at has been reached. */
enum svm_exit_verdict svm_step_finish(struct softvmx_cpu *cpu);

/**
 * An instruction boundary has been reached: monitor trap flag, debug traps and
 * NMI window, in the order of their priority (SDM 3A table 6-2, 3C 26.5.2).
 * @param pending debug exceptions that the instruction has caused, as in the
 *	VMCS' field of that name; 0 for none
 */
enum svm_exit_verdict svm_step_boundary(struct softvmx_cpu *cpu, u64 pending);

#endif
