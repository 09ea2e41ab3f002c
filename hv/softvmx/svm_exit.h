/** @file
 * From a #VMEXIT to a VM exit, or back into the guest.
 */
#ifndef HV_SOFTVMX_SVM_EXIT_H
#define HV_SOFTVMX_SVM_EXIT_H

#include "hv/softvmx/svm_decode.h"
#include "hv/softvmx/softvmx_cpu.h"
#include "hv/vmx/exit_reasons.h"

/** What a #VMEXIT is to the hypervisor. */
enum svm_exit_verdict {
	SVM_RESUME, /* nothing: VMX hardware would not have exited */
	SVM_LEAVE,  /* a VM exit; cpu->exit describes it */
};

/** A handler for one kind of #VMEXIT. */
typedef enum svm_exit_verdict (*svm_exit_handler_t)(struct softvmx_cpu *cpu);

/** Run the guest until something is a VM exit; cpu->exit then says what. */
void svm_exit_run_guest(struct softvmx_cpu *cpu);

/** A VM exit for this reason; for handlers: `return svm_exit_leave(...)`. */
enum svm_exit_verdict svm_exit_leave(struct softvmx_cpu *cpu,
				     enum exit_reason reason);

/** The same, caused by an instruction whose length is recorded. */
enum svm_exit_verdict svm_exit_leave_insn(struct softvmx_cpu *cpu,
					  enum exit_reason reason,
					  const struct svm_insn *insn);

/** The instruction has been carried out here: go on behind it. */
enum svm_exit_verdict svm_exit_skip(struct softvmx_cpu *cpu,
				    const struct svm_insn *insn);

/** The guest has done something that makes a processor forget translations. */
void svm_exit_flush(struct softvmx_cpu *cpu);

/** A general register as an operand: 64 bits in 64-bit mode, else 32. */
u64 svm_exit_gpr(const struct softvmx_cpu *cpu, unsigned int gpr);

/** Write one; in 32-bit modes the upper half becomes 0. */
void svm_exit_set_gpr(struct softvmx_cpu *cpu, unsigned int gpr, u64 value);

/* The handlers, by the file that they are in. */

/** An intercepted exception: the hypervisor's, the guest's, or VMX's #UD. */
enum svm_exit_verdict svm_exit_event_exception(struct softvmx_cpu *cpu);
/** An external interrupt; acknowledged if the exit controls say so. */
enum svm_exit_verdict svm_exit_event_interrupt(struct softvmx_cpu *cpu);
/** The interrupt window is open. */
enum svm_exit_verdict svm_exit_event_window(struct softvmx_cpu *cpu);
/** A triple fault. */
enum svm_exit_verdict svm_exit_event_shutdown(struct softvmx_cpu *cpu);
/** INT n, INT3 or INTO. */
enum svm_exit_verdict svm_exit_event_software(struct softvmx_cpu *cpu);
/** INT1. */
enum svm_exit_verdict svm_exit_event_icebp(struct softvmx_cpu *cpu);

/** CPUID. */
enum svm_exit_verdict svm_exit_insn_cpuid(struct softvmx_cpu *cpu);
/** HLT; without HLT exiting the guest halts. */
enum svm_exit_verdict svm_exit_insn_hlt(struct softvmx_cpu *cpu);
/** WBINVD, and on TCG also INVD. */
enum svm_exit_verdict svm_exit_insn_wbinvd(struct softvmx_cpu *cpu);
/** INVD. */
enum svm_exit_verdict svm_exit_insn_invd(struct softvmx_cpu *cpu);
/** INVLPG. */
enum svm_exit_verdict svm_exit_insn_invlpg(struct softvmx_cpu *cpu);
/** RDTSC and RDTSCP. */
enum svm_exit_verdict svm_exit_insn_rdtsc(struct softvmx_cpu *cpu);
/** RDPMC. */
enum svm_exit_verdict svm_exit_insn_rdpmc(struct softvmx_cpu *cpu);
/** PAUSE. */
enum svm_exit_verdict svm_exit_insn_pause(struct softvmx_cpu *cpu);
/** MONITOR. */
enum svm_exit_verdict svm_exit_insn_monitor(struct softvmx_cpu *cpu);
/** MWAIT. */
enum svm_exit_verdict svm_exit_insn_mwait(struct softvmx_cpu *cpu);
/** SVM's instructions: #UD in the guest. */
enum svm_exit_verdict svm_exit_insn_undefined(struct softvmx_cpu *cpu);

/** Is this #UD really one of VMX's instructions? */
bool svm_exit_vmx_is_insn(const struct softvmx_cpu *cpu,
			  const struct svm_insn *insn);
/** One of VMX's instructions. */
enum svm_exit_verdict svm_exit_vmx_insn(struct softvmx_cpu *cpu);
/** SGDT, SIDT, LGDT, LIDT; SLDT, STR, LLDT, LTR. */
enum svm_exit_verdict svm_exit_vmx_tables(struct softvmx_cpu *cpu);

/** CR0, CR3, CR4, CR8: MOV, CLTS, LMSW, SMSW. */
enum svm_exit_verdict svm_exit_cr_access(struct softvmx_cpu *cpu);
/** Is this MOV to or from a debug register, and does it exit? */
bool svm_exit_dr_is_exit(const struct softvmx_cpu *cpu,
			 const struct svm_insn *insn);
/** MOV to and from debug registers. */
enum svm_exit_verdict svm_exit_dr_access(struct softvmx_cpu *cpu);
/** IN, OUT, INS, OUTS. */
enum svm_exit_verdict svm_exit_io_access(struct softvmx_cpu *cpu);
/** RDMSR and WRMSR. */
enum svm_exit_verdict svm_exit_msr_access(struct softvmx_cpu *cpu);
/** A nested page fault: EPT violation, misconfiguration or neither. */
enum svm_exit_verdict svm_exit_npf_access(struct softvmx_cpu *cpu);

#endif
