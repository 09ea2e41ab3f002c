/** @file
 * INVEPT and INVVPID: the order to forget translations (SDM 3C 29.4.3).
 *
 * A processor keeps three kinds of translations.  Guest-physical ones, made by
 * the EPT, are what ept_shadow.c keeps, and INVEPT empties it: for one EPT or
 * for all.  Linear and combined ones are in SVM's TLB, by ASID; ours has one,
 * whatever the VPID, and is flushed as a whole: who forgets more than he was
 * asked to does no harm.  TCG flushes it at each world switch anyhow.
 *
 * Operands that make no sense are VM-instruction error 28.
 */
#include "hv/softvmx/svm_invalidate.h"

#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/ept_walk.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_error.h"

/*
 * The only way, but for an EPT violation, in which the shadow forgets. An EPT
 * pointer that VM entry would refuse is refused here too.
 */
enum vmx_result svm_invalidate_ept(u64 type, u64 eptp)
{
	struct softvmx_cpu *cpu = softvmx_cpu_operating();

	switch (type) {
	case INVEPT_SINGLE_CONTEXT:
		if (!ept_walk_is_pointer(eptp)) {
			return vmcs_memory_fail(cpu, VMX_ERROR_INVEPT_OPERAND);
		}
		ept_shadow_invalidate(cpu->shadow, eptp);
		break;
	case INVEPT_ALL_CONTEXT:
		ept_shadow_invalidate_all(cpu->shadow);
		break;
	default:
		return vmcs_memory_fail(cpu, VMX_ERROR_INVEPT_OPERAND);
	}
	cpu->flush = true;
	return VMX_SUCCEED;
}

/*
 * The order of the checks is that of SDM 3C 31.3, INVVPID. An address is looked
 * at only if it counts.
 */
enum vmx_result svm_invalidate_vpid(u64 type, u16 vpid, gva_t gla)
{
	struct softvmx_cpu *cpu = softvmx_cpu_operating();
	u64 upper = gla.v >> 47;

	if (type > INVVPID_SINGLE_NON_GLOBAL ||
	    (type != INVVPID_ALL_CONTEXT && !vpid) ||
	    (type == INVVPID_INDIVIDUAL_ADDRESS && upper &&
	     upper != BITS(16, 0))) {
		return vmcs_memory_fail(cpu, VMX_ERROR_INVEPT_OPERAND);
	}
	cpu->flush = true;
	return VMX_SUCCEED;
}
