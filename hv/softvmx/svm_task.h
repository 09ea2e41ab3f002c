/** @file
 * Task switches, which a VMX guest cannot make without an exit.
 */
#ifndef HV_SOFTVMX_SVM_TASK_H
#define HV_SOFTVMX_SVM_TASK_H

#include "hv/softvmx/ept_walk.h"
#include "hv/softvmx/svm_exit.h"

/** Before VMRUN: see to it that a switch of tasks will be noticed. */
void svm_task_watch(struct softvmx_cpu *cpu);

/** Must stores to this guest physical address be seen? */
static inline bool svm_task_is_watched(const struct softvmx_cpu *cpu,
				       gpa_t address)
{
	return cpu->task.watched &&
	       gpa_frame(address) == gpa_frame(cpu->task.tss);
}

/** Near the watched page a translation is entered for a small page only. */
static inline void svm_task_limit(const struct softvmx_cpu *cpu, gpa_t address,
				  struct ept_walk *walk)
{
	if (cpu->task.watched && address.v >> 21 == cpu->task.tss.v >> 21) {
		walk->level = 1;
	}
}

/** A store to the watched page: a task switch, or the guest's own. */
enum svm_exit_verdict svm_task_store(struct softvmx_cpu *cpu, gpa_t address);

/** LTR, which changes what must be watched. */
enum svm_exit_verdict svm_task_ltr(struct softvmx_cpu *cpu);

/**
 * At the boundary behind an LTR: if it took a null selector, everything is as
 * before it again, and what remains is its fault.
 * @return whether the guest must get #GP(0) (SDM 2A, LTR)
 */
bool svm_task_refuse_null(struct softvmx_cpu *cpu);

/** The one instruction that could do so has stored what it wanted. */
void svm_task_end_store(struct softvmx_cpu *cpu);

/** #VMEXIT for a task switch, on a processor that has that intercept. */
enum svm_exit_verdict svm_task_switch(struct softvmx_cpu *cpu);

#endif
