/** @file
 * VM exits: one handler for each kind, and what it says is to happen next.
 *
 * A handler looks at the exit, changes the vCPU, and returns one of the words
 * of enum exit_action.  It never touches RIP to step over an instruction: that
 * is the epilogue's, which exists once (step.h).
 */
#ifndef HV_VCPU_EXIT_H
#define HV_VCPU_EXIT_H

#include "bus/types.h"
#include "hv/x86/cpuid.h"

struct vcpu;

/** What the epilogue does: bit 0, step over; bit 1, leave. */
enum exit_action {
	EXIT_RESUME = 0,	 /* enter the guest where it is */
	EXIT_ADVANCE = 1,	 /* step over the instruction, enter */
	EXIT_TO_VMM = 2,	 /* vcpu->run is filled: return */
	EXIT_ADVANCE_TO_VMM = 3, /* step over it, then return */
};

/**
 * Handle the VM exit that has just come, by vcpu->exit_reason.
 * @return what the run loop has to do; step_over() has not been done
 */
enum exit_action exit_dispatch(struct vcpu *vcpu) __must_check;

/** step_over(), for handlers that finish an instruction later than its exit. */
void exit_advance(struct vcpu *vcpu);

/** CPUID. */
enum exit_action exit_cpuid_handle(struct vcpu *vcpu);
/** What CPUID tells the guest.  @param number EAX @param subleaf ECX */
struct cpuid_result exit_cpuid_get(const struct vcpu *vcpu, u32 number,
				   u32 subleaf);
/** What it tells a kernel that is not ours besides. @param r as all get it */
void exit_cpuid_pc(const struct vcpu *vcpu, u32 number, u32 subleaf,
		   struct cpuid_result *r);
/** RDMSR and WRMSR. */
enum exit_action exit_msr_read(struct vcpu *vcpu);
enum exit_action exit_msr_write(struct vcpu *vcpu);
/**
 * An MSR whose accesses exit, as the guest has it.
 * @return 0; -EINVAL: it has none such, or it takes no such value
 */
int exit_msr_get(struct vcpu *vcpu, u32 msr, u64 *value) __must_check;
int exit_msr_set(struct vcpu *vcpu, u32 msr, u64 value) __must_check;
/** The same for MSRs that only a kernel that is not ours has. */
int exit_msr_pc_get(const struct vcpu *vcpu, u32 msr, u64 *value) __must_check;
int exit_msr_pc_set(struct vcpu *vcpu, u32 msr, u64 value) __must_check;
/** MOV to and from CR, CLTS, LMSW. */
enum exit_action exit_cr_handle(struct vcpu *vcpu);
/** CR0, 2, 3, 4 or 8, as the guest reads it. */
u64 exit_cr_get(struct vcpu *vcpu, unsigned int cr);
/** MOV to one of them.  @return false: #GP(0), nothing has changed */
bool exit_cr_set(struct vcpu *vcpu, unsigned int cr, u64 value) __must_check;
/** The guest's debug registers, 0 to 7; setting drops reserved bits. */
u64 exit_dr_get(unsigned int n);
void exit_dr_set(unsigned int n, u64 value);
/** MOV to and from DR. */
enum exit_action exit_dr_handle(struct vcpu *vcpu);
/** IN, OUT, INS, OUTS. */
enum exit_action exit_io_handle(struct vcpu *vcpu);
/** The VMM has answered an IN: finish it. */
enum exit_action exit_io_complete_in(struct vcpu *vcpu);
/** EPT violation and EPT misconfiguration. */
enum exit_action exit_mem_violation(struct vcpu *vcpu);
enum exit_action exit_mem_misconfig(struct vcpu *vcpu);
/**
 * An EPT misconfiguration at vcpu->store.rip: rings a doorbell of any length,
 * if this is the store to it that is known; else as exit_mem_watched().
 */
enum exit_action exit_doorbell_misconfig(struct vcpu *vcpu);
/** One where there is more to look at (vm->at_fault): calls the hook, emulates,
 * and learns the store. */
enum exit_action exit_mem_watched(struct vcpu *vcpu);
/**
 * Without EPT: ring, if this page fault is a store to addr that is known; then
 * it has been stepped over.  Inside a read section.
 * @return false: nothing has happened
 */
bool exit_doorbell_fault(struct vcpu *vcpu, gpa_t addr) __must_check;
/**
 * An access was emulated: if it was a store to such a doorbell, the next one is
 * known.  Inside a read section.
 * @param rip  where it was
 * @param addr what it has touched
 */
void exit_doorbell_learn(struct vcpu *vcpu, u64 rip, gpa_t addr);
/** Tell the MMIO cache; from read_section_slots(). */
void exit_mem_slots_changed(struct vcpu *vcpu, u64 generation);
/** A triple fault: the guest is to be shut down. */
enum exit_action exit_stop_shutdown(struct vcpu *vcpu);
/** Exit 0, nearly always a #PF of a guest without EPT; else passed on. */
enum exit_action exit_page_fault_handle(struct vcpu *vcpu);
/**
 * The fault handler lets the guest go on; stops it if it does so at the same
 * place for ever.
 * @param gpa      what was touched
 * @param decision for the message: what the fault handler said
 */
enum exit_action exit_mem_resume(struct vcpu *vcpu, gpa_t gpa,
				 const char *decision);
/** The fault handler says "again": it has met a change in its middle. */
enum exit_action exit_mem_retry(struct vcpu *vcpu, gpa_t gpa);
/** A device would have to answer while an event is delivered: stop. */
enum exit_action exit_mem_stop_delivering(struct vcpu *vcpu, gpa_t gpa);
/** Without EPT: INVPCID is #UD for the processor.  Is it one? */
bool exit_invpcid_is_here(struct vcpu *vcpu);
/** Carry it out; after exit_invpcid_is_here(). */
enum exit_action exit_invpcid_handle(struct vcpu *vcpu);
/**
 * The guest was interrupted somewhere: if that is another place than where the
 * last fault was, instructions have been retired in between.
 */
void exit_mem_moved(struct vcpu *vcpu);
/** Exceptions of the bitmap but #PF, and NMIs, which are the host's.
 * @param info VM_EXIT_INTR_INFO */
enum exit_action exit_exception_handle(struct vcpu *vcpu, u32 info);
/** VMCALL: to the VMM at CPL 0, else #UD. */
enum exit_action exit_hypercall_handle(struct vcpu *vcpu);
/** The rest of a VMCALL that has retired and may be made. */
enum exit_action exit_hypercall_ask(struct vcpu *vcpu);

/**
 * Stop this VM: fill run->internal and make vcpu_run() refuse to go on.
 * @param subreason enum vcpu_internal
 * @param gpa       of the access; gpa(~0ull) if there is none
 * @param format    one sentence
 * @return EXIT_TO_VMM
 */
enum exit_action exit_stop(struct vcpu *vcpu, u32 subreason, gpa_t gpa,
			   const char *format, ...) __format(printf, 4, 5);

#endif
