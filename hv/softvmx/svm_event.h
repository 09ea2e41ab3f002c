/** @file
 * Events on their way into the guest: injected, interrupted, merged.
 */
#ifndef HV_SOFTVMX_SVM_EVENT_H
#define HV_SOFTVMX_SVM_EVENT_H

#include "hv/softvmx/svm_exit.h"
#include "hv/x86/trap.h"

/* DR6 (SDM 3B 18.2.3) and the pending debug exceptions (SDM 3C 25.4.2) */
#define SVM_DR6_BREAKPOINTS BITS(3, 0)
#define SVM_DR6_BD BIT(13)
#define SVM_DR6_BS BIT(14)
#define SVM_PENDING_ENABLED_BREAKPOINT BIT(12)

/** Contributory exceptions, as bits (SDM 3A table 6-4). */
#define SVM_EVENT_CONTRIBUTORY (BIT(VECTOR_DE) | BITS(VECTOR_GP, VECTOR_TS))

/**
 * VM entry: inject what VM_ENTRY_INTR_INFO asks for (SDM 3C 27.6.1), or a
 * pending debug exception (27.7.3).
 * @return SVM_LEAVE when that alone is a VM exit already
 */
enum svm_exit_verdict svm_event_load(struct softvmx_cpu *cpu);

/** After each #VMEXIT: put right what TCG says of an interrupted delivery. */
void svm_event_after_run(struct softvmx_cpu *cpu);

/** Before resuming: deliver again what the #VMEXIT interrupted. */
void svm_event_reinject(struct softvmx_cpu *cpu);

/** Before leaving: the IDT-vectoring information (SDM 3C 28.2.4). */
void svm_event_record(struct softvmx_cpu *cpu);

/**
 * Raise an exception in the guest: a VM exit if the exception bitmap says so,
 * else it is delivered; on top of an interrupted delivery it may become a
 * double or a triple fault (SDM 3A table 6-5).
 * @param error its error code; ignored for vectors that have none
 */
enum svm_exit_verdict svm_event_raise(struct softvmx_cpu *cpu,
				      unsigned int vector, u32 error);

/** Deliver a software interrupt or exception: INT n, INT3, INTO. */
void svm_event_inject_soft(struct softvmx_cpu *cpu, unsigned int vector,
			unsigned int type, unsigned int length);

/** An exception takes the place of the event under way. */
void svm_event_forget_soft(struct softvmx_cpu *cpu);

#endif
