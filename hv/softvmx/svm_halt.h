/** @file
 * The HLT activity state.
 */
#ifndef HV_SOFTVMX_SVM_HALT_H
#define HV_SOFTVMX_SVM_HALT_H

#include "hv/softvmx/svm_exit.h"

/**
 * Wait until an event ends the guest's HLT.
 * @return SVM_LEAVE when the event is a VM exit, with the guest still
 *	halted; SVM_RESUME when the guest is to have it
 */
enum svm_exit_verdict svm_halt_wait(struct softvmx_cpu *cpu);

#endif
