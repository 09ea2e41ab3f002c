/** @file
 * Why a VMX instruction failed, in words.
 */
#ifndef HV_VMX_VMX_ERROR_H
#define HV_VMX_VMX_ERROR_H

#include "bus/types.h"

/** The VM-instruction errors that code here looks for (SDM 3C 31.4). */
enum vmx_error {
	VMX_ERROR_VMCLEAR_ADDRESS = 2,
	VMX_ERROR_VMCLEAR_VMXON_POINTER = 3,
	VMX_ERROR_VMLAUNCH_NOT_CLEAR = 4,
	VMX_ERROR_VMRESUME_NOT_LAUNCHED = 5,
	VMX_ERROR_ENTRY_CONTROLS = 7,
	VMX_ERROR_ENTRY_HOST_STATE = 8,
	VMX_ERROR_VMPTRLD_ADDRESS = 9,
	VMX_ERROR_VMPTRLD_VMXON_POINTER = 10,
	VMX_ERROR_VMPTRLD_REVISION = 11,
	VMX_ERROR_FIELD_UNSUPPORTED = 12,
	VMX_ERROR_FIELD_READ_ONLY = 13,
	VMX_ERROR_VMXON_IN_ROOT = 15,
	VMX_ERROR_INVEPT_OPERAND = 28,
};

/**
 * A VM-instruction error as a sentence of SDM 3C table 31-1.
 * @param number the VM_INSTRUCTION_ERROR field
 * @return never NULL
 */
const char *vmx_error_sentence(u32 number);

/**
 * Why a VM entry failed after all checks of the instruction (SDM 3C 27.8).
 * @param exit_reason   EXIT_REASON with EXIT_REASON_ENTRY_FAILURE set
 * @param qualification EXIT_QUALIFICATION
 * @return never NULL
 */
const char *vmx_error_entry(u32 exit_reason, u64 qualification);

#endif
