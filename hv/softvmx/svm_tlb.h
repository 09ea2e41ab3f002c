/** @file
 * A TLB that this unit fills itself, for guests whose page tables are in
 * memory that the EPT makes read-only.
 */
#ifndef HV_SOFTVMX_SVM_TLB_H
#define HV_SOFTVMX_SVM_TLB_H

#include "hv/softvmx/svm_exit.h"

struct svm_tlb;

/** Pages that it takes, in one piece. */
#define SVM_TLB_PAGES 65

/** Make it, in so many pages of zeroes. */
void svm_tlb_init(struct svm_tlb *tlb);

/** From the next VMRUN on the processor walks no tables of the guest's. */
void svm_tlb_begin(struct softvmx_cpu *cpu);

/** Back to nested paging; forgets all.  Does nothing when it is not on. */
void svm_tlb_end(struct softvmx_cpu *cpu);

/** Before VMRUN: put our tables in the place of the guest's.
 * @param fetch whether the guest is to execute instructions */
void svm_tlb_before_run(struct softvmx_cpu *cpu, bool fetch);

/** After #VMEXIT: take them out again; the VMCB says what is the guest's. */
void svm_tlb_after_run(struct softvmx_cpu *cpu);

/** A page fault while it is on: the guest's, or one of an empty TLB. */
enum svm_exit_verdict svm_tlb_fault(struct softvmx_cpu *cpu);

#endif
