/** @file
 * Nested page faults: a gap in the shadow, an EPT violation, or an EPT
 * misconfiguration.
 *
 * The EPT decides, and it is walked anew each time: what it allows by now is
 * entered into the shadow and the guest goes on; what it does not is exit 48,
 * or 49 for an entry that cannot be (SDM 3C 29.3.3).
 *
 * Accesses to the guest's own page tables need care.  SVM treats each of them
 * as a write, because it may have to set an accessed flag (APM 2 15.25.5).  For
 * VMX it is a write if such a flag is really to be set, or if the EPT has
 * accessed and dirty flags itself (SDM 3C 29.3.3.2).  Where that makes a
 * difference, in memory that is readable but not writable, svm_tlb.c takes
 * over.
 */
#include "hv/softvmx/svm_exit_npf.h"

#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_access_check.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_gla.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/svm_opcode.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/svm_tlb.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"

/** Everything known of an access that the EPT may refuse. */
struct fault {
	struct svm_gla_access access;
	struct ept_walk walk;
	struct svm_insn insn;
	gva_t linear;
	bool linear_known;
	u32 needed; /* rights, EPT_WALK_.. */
};

/**
 * The rights that the access needs, as far as SVM tells: W and I/D of EXITINFO1
 * are those of a page fault's error code (APM 2 15.25.6).
 */
static u32 rights_needed(u64 info)
{
	if (info & SVM_NPF_FETCH) {
		return EPT_WALK_EXECUTE;
	}
	return info & SVM_NPF_WRITE ? EPT_WALK_WRITE : EPT_WALK_READ;
}

/**
 * The instruction, and the linear address unless it is known already. Only
 * exits need them; translations that are just missing are the far more frequent
 * case.
 */
static void look_closer(struct softvmx_cpu *cpu, struct fault *fault)
{
	if (!fault->access.fetch) {
		svm_decode_current(cpu, &fault->insn);
	}
	fault->access.insn = &fault->insn;
	if (!fault->linear_known) {
		fault->linear_known =
			svm_gla_find(cpu, &fault->access, &fault->linear);
	}
}

/**
 * What an access to a paging-structure entry needs for VMX: to read, and to
 * write as well where the EPT has flags of its own, by which a walk makes the
 * table's page dirty.
 */
static u32 table_rights_needed(u64 eptp)
{
	return ept_walk_has_flags(eptp) ? EPT_WALK_READ | EPT_WALK_WRITE :
					  EPT_WALK_READ;
}

/** SDM 3C table 28-7.  Bit 12 means nothing while an event is delivered. */
static u64 violation_qualification(const struct softvmx_cpu *cpu,
				   const struct fault *fault)
{
	u64 qualification = fault->needed | (u64)fault->walk.rights << 3;

	if (fault->linear_known) {
		qualification |= EPT_QUAL_GLA_VALID;
		if (!fault->access.table_walk) {
			qualification |= EPT_QUAL_NOT_WALK;
		}
	}
	if (svm_nmi_iret_is_open(cpu) &&
	    !(cpu->guest->control.exit_int_info & SVM_EVENT_VALID)) {
		qualification |= EPT_QUAL_NMI_UNBLOCKING;
	}
	return qualification;
}

/** The reading half of an instruction that reads and writes its operand? Only
 * what the instruction does counts, not the delivery of an event. */
static bool is_half_of_rmw(const struct softvmx_cpu *cpu,
			   const struct fault *fault)
{
	return fault->needed == EPT_WALK_READ && !fault->access.table_walk &&
	       !(cpu->guest->control.exit_int_info & SVM_EVENT_VALID) &&
	       fault->insn.length && svm_opcode_is_rmw(&fault->insn);
}

/**
 * Do the guest's own tables forbid the write?
 * @param error filled with the error code of the page fault
 */
static bool may_not_write(struct softvmx_cpu *cpu, const struct fault *fault,
			  u32 *error)
{
	struct svm_access access = {
		.linear = fault->linear,
		.error = PF_W | (cpu->guest->save.cpl == 3 ? PF_U : 0),
	};
	struct svm_walk walk;

	svm_walk_translate(cpu, fault->linear, &walk);
	if (!fault->linear_known || !walk.levels ||
	    svm_access_check(cpu, &access, &walk)) {
		return false;
	}
	*error = access.error;
	return true;
}

/**
 * TCG reads before it writes, also for ADD to memory; a processor looks for the
 * right to write at once, and so does Bochs: in the guest's tables, then in the
 * EPT.
 */
static enum svm_exit_verdict leave_for_violation(struct softvmx_cpu *cpu,
						 struct fault *fault)
{
	u32 error;

	if (is_half_of_rmw(cpu, fault)) {
		if (may_not_write(cpu, fault, &error)) {
			cpu->guest->control.exit_info2 = fault->linear.v;
			return svm_event_raise(cpu, VECTOR_PF, error);
		}
		fault->needed = EPT_WALK_WRITE;
	}
	cpu->exit.qualification = violation_qualification(cpu, fault);
	if (fault->linear_known) {
		vmcs_memory_set(cpu, GUEST_LINEAR_ADDRESS, fault->linear.v);
	}
	return svm_exit_leave_insn(cpu, EXIT_REASON_EPT_VIOLATION,
				   &fault->insn);
}

/**
 * Exit 48 or 49, with all that is to be said of it. An EPT violation forgets
 * what it hit (SDM 3C 29.4.3.1), so that the next access walks the EPT again. A
 * misconfiguration has no qualification.
 */
static enum svm_exit_verdict refuse(struct softvmx_cpu *cpu,
				    struct fault *fault)
{
	ept_shadow_forget(cpu->shadow, fault->access.gpa);
	look_closer(cpu, fault);
	vmcs_memory_set(cpu, GUEST_PHYSICAL_ADDRESS, fault->access.gpa.v);
	if (fault->walk.verdict == EPT_WALK_MISCONFIG) {
		return svm_exit_leave_insn(cpu, EXIT_REASON_EPT_MISCONFIG,
					   &fault->insn);
	}
	return leave_for_violation(cpu, fault);
}

enum svm_exit_verdict svm_exit_npf_refuse(struct softvmx_cpu *cpu,
					  const struct svm_access *access)
{
	struct fault fault = {
		.access = { .gpa = access->gpa,
			    .table_walk = access->table_walk,
			    .fetch = access->needed == EPT_WALK_EXECUTE },
		.walk = access->ept,
		.linear = access->linear,
		.linear_known = true,
		.needed = access->needed,
	};

	return refuse(cpu, &fault);
}

/**
 * The page with the guest's TSS, see svm_task.c: it is entered as read-only,
 * and a store is looked at. A page table in the same page cannot be walked by
 * the processor then.
 */
static enum svm_exit_verdict admit_watched(struct softvmx_cpu *cpu,
					   struct fault *fault, u64 info)
{
	if ((info & SVM_NPF_WRITE) && !fault->access.table_walk) {
		return svm_task_store(cpu, fault->access.gpa);
	}
	fault->walk.rights &= ~(u32)EPT_WALK_WRITE;
	if (fault->access.table_walk) {
		svm_tlb_begin(cpu); /* a page table in the same page */
		return SVM_RESUME;
	}
	ept_shadow_install(cpu->shadow, fault->access.gpa, &fault->walk);
	return SVM_RESUME;
}

/*
 * EXITINFO2 is the guest physical address. What the EPT allows is entered into
 * the shadow; its accessed and dirty flags are set with that.
 */
enum svm_exit_verdict svm_exit_npf_access(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	u64 eptp = vmcs_memory_get(cpu, EPT_POINTER);
	u64 info = control->exit_info1;
	struct fault fault = {
		.access = { .gpa = gpa(control->exit_info2),
			    .table_walk = info & SVM_NPF_TABLE_WALK,
			    .fetch = info & SVM_NPF_FETCH },
		.needed = rights_needed(info),
	};
	bool allowed;

	if (fault.access.table_walk) {
		fault.needed = table_rights_needed(eptp);
	}
	ept_walk_from(eptp, fault.access.gpa, &fault.walk);
	allowed = fault.walk.verdict == EPT_WALK_TRANSLATED &&
		  (fault.walk.rights & fault.needed) == fault.needed;
	if (!allowed) {
		return refuse(cpu, &fault);
	}
	if (fault.access.table_walk && !(fault.walk.rights & EPT_WALK_WRITE)) {
		svm_tlb_begin(cpu);
		return SVM_RESUME;
	}
	ept_walk_mark(eptp, &fault.walk, info & SVM_NPF_WRITE);
	svm_task_limit(cpu, fault.access.gpa, &fault.walk);
	if (svm_task_is_watched(cpu, fault.access.gpa) && !cpu->step.over) {
		return admit_watched(cpu, &fault, info);
	}
	ept_shadow_install(cpu->shadow, fault.access.gpa, &fault.walk);
	return SVM_RESUME;
}
