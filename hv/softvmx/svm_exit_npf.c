/** @file
 * Nested page faults: a gap in the shadow, an EPT violation, or an EPT
 * misconfiguration.
 *
 * The EPT decides, and it is walked anew each time: what it allows by now is
 * entered into the shadow and the guest goes on; what it does not is exit 48,
 * or 49 for an entry that cannot be (SDM 3C 29.3.3).
 *
 * Accesses to the guest's own page tables need care.  SVM treats each of them
 * as a write, because it may have to set an accessed bit; for VMX it is a write
 * only if the bit is really to be set.
 */
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_gla.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/svm_opcode.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"

/** Everything known of one nested page fault. */
struct fault {
	struct svm_gla_access access;
	struct ept_shadow_walk walk;
	struct svm_insn insn;
	gva_t linear;
	bool linear_known;
	u64 entry; /* a table walk's: the guest's paging-structure entry */
	u32 needed; /* rights, EPT_SHADOW_.. */
};

/** The rights that the access needs, as far as SVM tells. */
static u32 rights_needed(u64 info)
{
	if (info & SVM_NPF_FETCH) {
		return EPT_SHADOW_EXECUTE;
	}
	return info & SVM_NPF_WRITE ? EPT_SHADOW_WRITE : EPT_SHADOW_READ;
}

/** The instruction and the linear address; only for faults that matter. */
static void look_closer(struct softvmx_cpu *cpu, struct fault *fault)
{
	if (!fault->access.fetch) {
		svm_decode_current(cpu, &fault->insn);
	}
	fault->access.insn = &fault->insn;
	fault->linear_known = svm_gla_find(cpu, &fault->access, &fault->linear,
				       &fault->entry);
}

/**
 * A paging-structure entry that the EPT lets be read.  If its accessed bit is
 * set already the walk goes on, for which SVM must be able to write.
 * @return whether the walk may go on
 */
static bool allow_table_walk(struct softvmx_cpu *cpu, struct fault *fault)
{
	if ((fault->walk.rights & fault->needed) == fault->needed) {
		return true;
	}
	if (!(fault->walk.rights & EPT_SHADOW_READ)) {
		fault->needed = EPT_SHADOW_READ;
		return false;
	}
	look_closer(cpu, fault);
	if (fault->linear_known && (fault->entry & SVM_WALK_ACCESSED)) {
		fault->walk.rights |= EPT_SHADOW_WRITE;
		return true;
	}
	fault->needed = EPT_SHADOW_READ | EPT_SHADOW_WRITE;
	return false;
}

static bool is_allowed(struct softvmx_cpu *cpu, struct fault *fault)
{
	if (fault->walk.verdict != EPT_SHADOW_TRANSLATED) {
		if (fault->access.table_walk) {
			fault->needed = EPT_SHADOW_READ;
		}
		return false;
	}
	if (fault->access.table_walk) {
		return allow_table_walk(cpu, fault);
	}
	return (fault->walk.rights & fault->needed) == fault->needed;
}

/** SDM 3C table 28-7. */
static u64 violation_qualification(const struct fault *fault)
{
	u64 qualification = fault->needed | (u64)fault->walk.rights << 3;

	if (fault->linear_known) {
		qualification |= EPT_QUAL_GLA_VALID;
		if (!fault->access.table_walk) {
			qualification |= EPT_QUAL_NOT_WALK;
		}
	}
	return qualification;
}

static enum svm_exit_verdict leave_for_violation(struct softvmx_cpu *cpu,
					      struct fault *fault)
{
	/*
	 * TCG reads before it writes, also for ADD to memory; a processor
	 * looks for the right to write at once.
	 */
	if (fault->needed == EPT_SHADOW_READ && !fault->access.table_walk &&
	    fault->insn.length && svm_opcode_is_rmw(&fault->insn)) {
		fault->needed = EPT_SHADOW_WRITE;
	}
	cpu->exit.qualification = violation_qualification(fault);
	if (fault->linear_known) {
		vmcs_memory_set(cpu, GUEST_LINEAR_ADDRESS, fault->linear.v);
	}
	return svm_exit_leave_insn(cpu, EXIT_REASON_EPT_VIOLATION, &fault->insn);
}

enum svm_exit_verdict svm_exit_npf_access(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	u64 info = control->exit_info1;
	gpa_t address = gpa(control->exit_info2);
	struct fault fault = {
		.access = { .gpa = address,
			    .table_walk = info & SVM_NPF_TABLE_WALK,
			    .fetch = info & SVM_NPF_FETCH },
		.needed = rights_needed(info),
	};

	ept_shadow_walk(vmcs_memory_get(cpu, EPT_POINTER), address,
			&fault.walk);
	if (is_allowed(cpu, &fault)) {
		ept_shadow_install(cpu->shadow, address, &fault.walk);
		return SVM_RESUME;
	}
	/* SDM 3C 29.4.3.1: an EPT violation forgets what it hit. */
	ept_shadow_forget(cpu->shadow, address);
	if (!fault.access.insn) {
		look_closer(cpu, &fault);
	}
	vmcs_memory_set(cpu, GUEST_PHYSICAL_ADDRESS, address.v);
	if (fault.walk.verdict == EPT_SHADOW_MISCONFIG) {
		return svm_exit_leave_insn(cpu, EXIT_REASON_EPT_MISCONFIG,
					&fault.insn);
	}
	return leave_for_violation(cpu, &fault);
}
