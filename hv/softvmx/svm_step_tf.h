/** @file
 * One instruction with RFLAGS.TF set, without the guest's noticing.
 */
#ifndef HV_SOFTVMX_SVM_STEP_TF_H
#define HV_SOFTVMX_SVM_STEP_TF_H

#include "hv/softvmx/softvmx_cpu.h"

/** Before VMRUN: set TF, and keep what the instruction may do with it.
 * cpu->step has what the guest had before. */
void svm_step_tf_arm(struct softvmx_cpu *cpu);

/**
 * After the #VMEXIT: give the guest its own TF.
 * cpu->step.done tells whether the instruction has been executed, and
 * cpu->step.pending which debug traps are the guest's then.
 */
void svm_step_tf_disarm(struct softvmx_cpu *cpu);

#endif
