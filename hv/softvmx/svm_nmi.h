/** @file
 * NMIs: whose they are, and whether they are blocked.
 */
#ifndef HV_SOFTVMX_SVM_NMI_H
#define HV_SOFTVMX_SVM_NMI_H

#include "hv/softvmx/svm_exit.h"

/** VM entry: NMIs are blocked if the VMCS says so, and else not (SDM 3C
 * 27.7.1).  Interruptibility has been loaded. */
void svm_nmi_enter(struct softvmx_cpu *cpu);

/** VM exit: the host finds NMIs blocked if the guest did (SDM 3C 28.5.6). */
void svm_nmi_leave(struct softvmx_cpu *cpu);

/** An NMI has come: the hypervisor's, the guest's, or one that must wait. */
enum svm_exit_verdict svm_nmi_arrive(struct softvmx_cpu *cpu);

/** Make an NMI pending again that was taken by accident. */
void svm_nmi_return(void);

/** The guest is about to execute IRET, which may unblock NMIs. */
enum svm_exit_verdict svm_nmi_iret(struct softvmx_cpu *cpu);

/** Block NMIs for the guest, because one is being injected. */
void svm_nmi_block(struct softvmx_cpu *cpu);

/** "NMI-window exiting" is on and nothing blocks NMIs (SDM 3C 26.2). */
bool svm_nmi_window_is_open(const struct softvmx_cpu *cpu);

/** Whether the guest stands before an IRET that has just unblocked NMIs and
 * has not been completed: bit 12 of what an exit tells (SDM 3C 28.2.2). */
bool svm_nmi_iret_is_open(const struct softvmx_cpu *cpu);

/** The IRET has been completed, or its fault been delivered. */
void svm_nmi_iret_done(struct softvmx_cpu *cpu);

/** An exit has come before the IRET at which the guest stands, if it does: it
 * has unblocked nothing yet. */
void svm_nmi_iret_undo(struct softvmx_cpu *cpu);

#endif
