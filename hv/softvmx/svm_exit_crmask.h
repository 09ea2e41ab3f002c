/** @file
 * CR0 and CR4, which VMX divides between guest and hypervisor bit by bit.
 */
#ifndef HV_SOFTVMX_SVM_EXIT_CRMASK_H
#define HV_SOFTVMX_SVM_EXIT_CRMASK_H

#include "hv/softvmx/svm_exit.h"

/** MOV from CR0 or CR4, and SMSW: they never exit; the guest gets what it may
 * see.  @param cr 0 or 4 */
enum svm_exit_verdict svm_exit_crmask_read(struct softvmx_cpu *cpu,
					   const struct svm_insn *insn,
					   unsigned int cr);

/** MOV to CR0 or CR4, CLTS, LMSW.  @param cr 0 or 4 */
enum svm_exit_verdict svm_exit_crmask_write(struct softvmx_cpu *cpu,
					    const struct svm_insn *insn,
					    unsigned int cr);

#endif
