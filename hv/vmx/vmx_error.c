/** @file
 * The VM-instruction errors in words (SDM 3C 31.4).
 *
 * "VM entry fails without a reason" is what people remember of their first
 * hypervisor.  There is a reason: a number in the VMCS, or a qualification.
 * It is only a number, though, and these tables are what it means.
 *
 * A VM entry goes through its checks in three groups, and each group fails in a
 * way of its own:
 *
 *	what is checked        where it goes on       where the reason is
 *	is there a VMCS?       behind VMLAUNCH, CF=1  nowhere: VMfailInvalid
 *	launched? controls,    behind VMLAUNCH, ZF=1  VM_INSTRUCTION_ERROR
 *	host state
 *	guest state, MSRs      HOST_RIP, as an exit   EXIT_REASON with bit 31,
 *	                                              EXIT_QUALIFICATION
 *
 * Who looks only at what is behind VMLAUNCH never learns of the third.
 */
#include "hv/vmx/vmx_error.h"

#include "hv/vmx/exit_reasons.h"

/* SDM 3C table 31-1; it has no 0, 14, 21 and 27. */
static const char *const error_sentence[] = {
	[1] = "VMCALL executed in VMX root operation",
	[2] = "VMCLEAR with invalid physical address",
	[3] = "VMCLEAR with VMXON pointer",
	[4] = "VMLAUNCH with non-clear VMCS",
	[5] = "VMRESUME with non-launched VMCS",
	[6] = "VMRESUME after VMXOFF",
	[7] = "VM entry with invalid control fields",
	[8] = "VM entry with invalid host-state fields",
	[9] = "VMPTRLD with invalid physical address",
	[10] = "VMPTRLD with VMXON pointer",
	[11] = "VMPTRLD with incorrect VMCS revision identifier",
	[12] = "VMREAD or VMWRITE from or to unsupported VMCS component",
	[13] = "VMWRITE to read-only VMCS component",
	[15] = "VMXON executed in VMX root operation",
	[16] = "VM entry with invalid executive-VMCS pointer",
	[17] = "VM entry with non-launched executive VMCS",
	[18] = "VM entry with executive-VMCS pointer not VMXON pointer",
	[19] = "VMCALL with non-clear VMCS",
	[20] = "VMCALL with invalid VM-exit control fields",
	[22] = "VMCALL with incorrect MSEG revision identifier",
	[23] = "VMXOFF under dual-monitor treatment of SMIs and SMM",
	[24] = "VMCALL with invalid SMM-monitor features",
	[25] = "VM entry with invalid VM-execution control fields in executive "
	       "VMCS",
	[26] = "VM entry with events blocked by MOV SS",
	[28] = "invalid operand to INVEPT or INVVPID",
};

/* SDM 3C 27.8: the qualification of a failure due to invalid guest state. */
static const char *const guest_state_sentence[] = {
	[0] = "the guest state is not one that a processor can be in "
	      "(SDM 3C 27.3.1)",
	[2] = "the PDPTEs are not valid (SDM 3C 27.3.1.6)",
	[3] = "an NMI cannot be injected while blocked by STI or MOV SS "
	      "(SDM 3C 27.3.1.5)",
	[4] = "the VMCS link pointer is not valid (SDM 3C 27.3.1.5)",
};

const char *vmx_error_sentence(u32 number)
{
	if (number >= ARRAY_SIZE(error_sentence) ||
	    error_sentence[number] == NULL) {
		return "unknown VM-instruction error";
	}
	return error_sentence[number];
}

/* Bit 31 says that the entry has failed, the low 16 bits say at what.  Of the
 * three only the guest state has a qualification that is worth a table. */
const char *vmx_error_entry(u32 exit_reason, u64 qualification)
{
	switch (exit_reason & EXIT_REASON_BASIC) {
	case EXIT_REASON_ENTRY_GUEST_STATE:
		if (qualification >= ARRAY_SIZE(guest_state_sentence) ||
		    guest_state_sentence[qualification] == NULL) {
			return guest_state_sentence[0];
		}
		return guest_state_sentence[qualification];
	case EXIT_REASON_ENTRY_MSR_LOAD:
		return "an MSR of the VM-entry load area was refused "
		       "(SDM 3C 27.4)";
	case EXIT_REASON_ENTRY_MACHINE_CHECK:
		return "a machine check came during VM entry (SDM 3C 27.9)";
	default:
		return "VM entry failed for an unknown reason";
	}
}
