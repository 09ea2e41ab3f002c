/** @file
 * Every field of the VMCS, by its SDM name.
 *
 * A field's encoding is not an arbitrary number: it is made of the field's
 * width, the area it belongs to and its index there (SDM 3C 25.11.2), so the
 * rows below state those three and the encoding is computed.  The rows stand
 * in the order of SDM 3D appendix B.
 *
 * The list is a macro over a macro, so that one list serves the enum here, the
 * table of names in vmcs_fields.c (a failing VMREAD says which field it was,
 * and the debugger prints a VMCS by name) and the test that reads every field.
 *
 *	bits 14:13 width   bits 11:10 area   bits 9:1 index   bit 0 high half
 */
#ifndef HV_VMX_VMCS_FIELDS_H
#define HV_VMX_VMCS_FIELDS_H

#include "bus/types.h"

/** Width of a field, as in bits 14:13 of its encoding. */
enum vmcs_width { VMCS_W16, VMCS_W64, VMCS_W32, VMCS_WNAT };

/** Area of a field, as in bits 11:10 of its encoding. */
enum vmcs_area { VMCS_CTRL, VMCS_EXITINFO, VMCS_GUEST, VMCS_HOST };

#define VMCS_ENCODING(width, area, index) \
	((width) << 13 | (area) << 10 | (index) << 1)

/* clang-format off */
/** X(name, width, area, index) for every field that exit49 knows. */
#define VMCS_FIELDS(X) \
	/* SDM 3D B.1.1  16-bit control fields */ \
	X(VPID,                               W16,  CTRL,     0) \
	X(POSTED_INTR_NOTIFICATION_VECTOR,    W16,  CTRL,     1) \
	X(EPTP_INDEX,                         W16,  CTRL,     2) \
	X(HLAT_PREFIX_SIZE,                   W16,  CTRL,     3) \
	X(LAST_PID_POINTER_INDEX,             W16,  CTRL,     4) \
	/* SDM 3D B.1.2  16-bit guest-state fields */ \
	X(GUEST_ES_SELECTOR,                  W16,  GUEST,    0) \
	X(GUEST_CS_SELECTOR,                  W16,  GUEST,    1) \
	X(GUEST_SS_SELECTOR,                  W16,  GUEST,    2) \
	X(GUEST_DS_SELECTOR,                  W16,  GUEST,    3) \
	X(GUEST_FS_SELECTOR,                  W16,  GUEST,    4) \
	X(GUEST_GS_SELECTOR,                  W16,  GUEST,    5) \
	X(GUEST_LDTR_SELECTOR,                W16,  GUEST,    6) \
	X(GUEST_TR_SELECTOR,                  W16,  GUEST,    7) \
	X(GUEST_INTERRUPT_STATUS,             W16,  GUEST,    8) \
	X(PML_INDEX,                          W16,  GUEST,    9) \
	X(GUEST_UINV,                         W16,  GUEST,    10) \
	/* SDM 3D B.1.3  16-bit host-state fields */ \
	X(HOST_ES_SELECTOR,                   W16,  HOST,     0) \
	X(HOST_CS_SELECTOR,                   W16,  HOST,     1) \
	X(HOST_SS_SELECTOR,                   W16,  HOST,     2) \
	X(HOST_DS_SELECTOR,                   W16,  HOST,     3) \
	X(HOST_FS_SELECTOR,                   W16,  HOST,     4) \
	X(HOST_GS_SELECTOR,                   W16,  HOST,     5) \
	X(HOST_TR_SELECTOR,                   W16,  HOST,     6) \
	/* SDM 3D B.2.1  64-bit control fields */ \
	X(IO_BITMAP_A,                        W64,  CTRL,     0) \
	X(IO_BITMAP_B,                        W64,  CTRL,     1) \
	X(MSR_BITMAP,                         W64,  CTRL,     2) \
	X(VM_EXIT_MSR_STORE_ADDR,             W64,  CTRL,     3) \
	X(VM_EXIT_MSR_LOAD_ADDR,              W64,  CTRL,     4) \
	X(VM_ENTRY_MSR_LOAD_ADDR,             W64,  CTRL,     5) \
	X(EXECUTIVE_VMCS_POINTER,             W64,  CTRL,     6) \
	X(PML_ADDRESS,                        W64,  CTRL,     7) \
	X(TSC_OFFSET,                         W64,  CTRL,     8) \
	X(VIRTUAL_APIC_PAGE_ADDR,             W64,  CTRL,     9) \
	X(APIC_ACCESS_ADDR,                   W64,  CTRL,     10) \
	X(POSTED_INTR_DESC_ADDR,              W64,  CTRL,     11) \
	X(VM_FUNCTION_CONTROL,                W64,  CTRL,     12) \
	X(EPT_POINTER,                        W64,  CTRL,     13) \
	X(EOI_EXIT_BITMAP0,                   W64,  CTRL,     14) \
	X(EOI_EXIT_BITMAP1,                   W64,  CTRL,     15) \
	X(EOI_EXIT_BITMAP2,                   W64,  CTRL,     16) \
	X(EOI_EXIT_BITMAP3,                   W64,  CTRL,     17) \
	X(EPTP_LIST_ADDRESS,                  W64,  CTRL,     18) \
	X(VMREAD_BITMAP,                      W64,  CTRL,     19) \
	X(VMWRITE_BITMAP,                     W64,  CTRL,     20) \
	X(VIRTUALIZATION_EXCEPTION_INFO_ADDR, W64,  CTRL,     21) \
	X(XSS_EXIT_BITMAP,                    W64,  CTRL,     22) \
	X(ENCLS_EXITING_BITMAP,               W64,  CTRL,     23) \
	X(SUB_PAGE_PERMISSION_TABLE_POINTER,  W64,  CTRL,     24) \
	X(TSC_MULTIPLIER,                     W64,  CTRL,     25) \
	X(TERTIARY_VM_EXEC_CONTROL,           W64,  CTRL,     26) \
	X(PASID_DIRECTORY_LOW,                W64,  CTRL,     28) \
	X(PASID_DIRECTORY_HIGH,               W64,  CTRL,     29) \
	X(HLAT_POINTER,                       W64,  CTRL,     32) \
	X(PID_POINTER_TABLE,                  W64,  CTRL,     33) \
	X(SECONDARY_VM_EXIT_CONTROLS,         W64,  CTRL,     34) \
	/* SDM 3D B.2.2  64-bit read-only data field */ \
	X(GUEST_PHYSICAL_ADDRESS,             W64,  EXITINFO, 0) \
	/* SDM 3D B.2.3  64-bit guest-state fields */ \
	X(VMCS_LINK_POINTER,                  W64,  GUEST,    0) \
	X(GUEST_IA32_DEBUGCTL,                W64,  GUEST,    1) \
	X(GUEST_IA32_PAT,                     W64,  GUEST,    2) \
	X(GUEST_IA32_EFER,                    W64,  GUEST,    3) \
	X(GUEST_IA32_PERF_GLOBAL_CTRL,        W64,  GUEST,    4) \
	X(GUEST_PDPTE0,                       W64,  GUEST,    5) \
	X(GUEST_PDPTE1,                       W64,  GUEST,    6) \
	X(GUEST_PDPTE2,                       W64,  GUEST,    7) \
	X(GUEST_PDPTE3,                       W64,  GUEST,    8) \
	X(GUEST_IA32_BNDCFGS,                 W64,  GUEST,    9) \
	X(GUEST_IA32_RTIT_CTL,                W64,  GUEST,    10) \
	X(GUEST_IA32_LBR_CTL,                 W64,  GUEST,    11) \
	X(GUEST_IA32_PKRS,                    W64,  GUEST,    12) \
	/* SDM 3D B.2.4  64-bit host-state fields */ \
	X(HOST_IA32_PAT,                      W64,  HOST,     0) \
	X(HOST_IA32_EFER,                     W64,  HOST,     1) \
	X(HOST_IA32_PERF_GLOBAL_CTRL,         W64,  HOST,     2) \
	X(HOST_IA32_PKRS,                     W64,  HOST,     3) \
	/* SDM 3D B.3.1  32-bit control fields */ \
	X(PIN_BASED_VM_EXEC_CONTROL,          W32,  CTRL,     0) \
	X(CPU_BASED_VM_EXEC_CONTROL,          W32,  CTRL,     1) \
	X(EXCEPTION_BITMAP,                   W32,  CTRL,     2) \
	X(PAGE_FAULT_ERROR_CODE_MASK,         W32,  CTRL,     3) \
	X(PAGE_FAULT_ERROR_CODE_MATCH,        W32,  CTRL,     4) \
	X(CR3_TARGET_COUNT,                   W32,  CTRL,     5) \
	X(VM_EXIT_CONTROLS,                   W32,  CTRL,     6) \
	X(VM_EXIT_MSR_STORE_COUNT,            W32,  CTRL,     7) \
	X(VM_EXIT_MSR_LOAD_COUNT,             W32,  CTRL,     8) \
	X(VM_ENTRY_CONTROLS,                  W32,  CTRL,     9) \
	X(VM_ENTRY_MSR_LOAD_COUNT,            W32,  CTRL,     10) \
	X(VM_ENTRY_INTR_INFO,                 W32,  CTRL,     11) \
	X(VM_ENTRY_EXCEPTION_ERROR_CODE,      W32,  CTRL,     12) \
	X(VM_ENTRY_INSTRUCTION_LEN,           W32,  CTRL,     13) \
	X(TPR_THRESHOLD,                      W32,  CTRL,     14) \
	X(SECONDARY_VM_EXEC_CONTROL,          W32,  CTRL,     15) \
	X(PLE_GAP,                            W32,  CTRL,     16) \
	X(PLE_WINDOW,                         W32,  CTRL,     17) \
	/* SDM 3D B.3.2  32-bit read-only data fields */ \
	X(VM_INSTRUCTION_ERROR,               W32,  EXITINFO, 0) \
	X(EXIT_REASON,                        W32,  EXITINFO, 1) \
	X(VM_EXIT_INTR_INFO,                  W32,  EXITINFO, 2) \
	X(VM_EXIT_INTR_ERROR_CODE,            W32,  EXITINFO, 3) \
	X(IDT_VECTORING_INFO,                 W32,  EXITINFO, 4) \
	X(IDT_VECTORING_ERROR_CODE,           W32,  EXITINFO, 5) \
	X(VM_EXIT_INSTRUCTION_LEN,            W32,  EXITINFO, 6) \
	X(VM_EXIT_INSTRUCTION_INFO,           W32,  EXITINFO, 7) \
	/* SDM 3D B.3.3  32-bit guest-state fields */ \
	X(GUEST_ES_LIMIT,                     W32,  GUEST,    0) \
	X(GUEST_CS_LIMIT,                     W32,  GUEST,    1) \
	X(GUEST_SS_LIMIT,                     W32,  GUEST,    2) \
	X(GUEST_DS_LIMIT,                     W32,  GUEST,    3) \
	X(GUEST_FS_LIMIT,                     W32,  GUEST,    4) \
	X(GUEST_GS_LIMIT,                     W32,  GUEST,    5) \
	X(GUEST_LDTR_LIMIT,                   W32,  GUEST,    6) \
	X(GUEST_TR_LIMIT,                     W32,  GUEST,    7) \
	X(GUEST_GDTR_LIMIT,                   W32,  GUEST,    8) \
	X(GUEST_IDTR_LIMIT,                   W32,  GUEST,    9) \
	X(GUEST_ES_AR_BYTES,                  W32,  GUEST,    10) \
	X(GUEST_CS_AR_BYTES,                  W32,  GUEST,    11) \
	X(GUEST_SS_AR_BYTES,                  W32,  GUEST,    12) \
	X(GUEST_DS_AR_BYTES,                  W32,  GUEST,    13) \
	X(GUEST_FS_AR_BYTES,                  W32,  GUEST,    14) \
	X(GUEST_GS_AR_BYTES,                  W32,  GUEST,    15) \
	X(GUEST_LDTR_AR_BYTES,                W32,  GUEST,    16) \
	X(GUEST_TR_AR_BYTES,                  W32,  GUEST,    17) \
	X(GUEST_INTERRUPTIBILITY_STATE,       W32,  GUEST,    18) \
	X(GUEST_ACTIVITY_STATE,               W32,  GUEST,    19) \
	X(GUEST_SMBASE,                       W32,  GUEST,    20) \
	X(GUEST_SYSENTER_CS,                  W32,  GUEST,    21) \
	X(VMX_PREEMPTION_TIMER_VALUE,         W32,  GUEST,    23) \
	/* SDM 3D B.3.4  32-bit host-state field */ \
	X(HOST_SYSENTER_CS,                   W32,  HOST,     0) \
	/* SDM 3D B.4.1  natural-width control fields */ \
	X(CR0_GUEST_HOST_MASK,                WNAT, CTRL,     0) \
	X(CR4_GUEST_HOST_MASK,                WNAT, CTRL,     1) \
	X(CR0_READ_SHADOW,                    WNAT, CTRL,     2) \
	X(CR4_READ_SHADOW,                    WNAT, CTRL,     3) \
	X(CR3_TARGET_VALUE0,                  WNAT, CTRL,     4) \
	X(CR3_TARGET_VALUE1,                  WNAT, CTRL,     5) \
	X(CR3_TARGET_VALUE2,                  WNAT, CTRL,     6) \
	X(CR3_TARGET_VALUE3,                  WNAT, CTRL,     7) \
	/* SDM 3D B.4.2  natural-width read-only data fields */ \
	X(EXIT_QUALIFICATION,                 WNAT, EXITINFO, 0) \
	X(IO_RCX,                             WNAT, EXITINFO, 1) \
	X(IO_RSI,                             WNAT, EXITINFO, 2) \
	X(IO_RDI,                             WNAT, EXITINFO, 3) \
	X(IO_RIP,                             WNAT, EXITINFO, 4) \
	X(GUEST_LINEAR_ADDRESS,               WNAT, EXITINFO, 5) \
	/* SDM 3D B.4.3  natural-width guest-state fields */ \
	X(GUEST_CR0,                          WNAT, GUEST,    0) \
	X(GUEST_CR3,                          WNAT, GUEST,    1) \
	X(GUEST_CR4,                          WNAT, GUEST,    2) \
	X(GUEST_ES_BASE,                      WNAT, GUEST,    3) \
	X(GUEST_CS_BASE,                      WNAT, GUEST,    4) \
	X(GUEST_SS_BASE,                      WNAT, GUEST,    5) \
	X(GUEST_DS_BASE,                      WNAT, GUEST,    6) \
	X(GUEST_FS_BASE,                      WNAT, GUEST,    7) \
	X(GUEST_GS_BASE,                      WNAT, GUEST,    8) \
	X(GUEST_LDTR_BASE,                    WNAT, GUEST,    9) \
	X(GUEST_TR_BASE,                      WNAT, GUEST,    10) \
	X(GUEST_GDTR_BASE,                    WNAT, GUEST,    11) \
	X(GUEST_IDTR_BASE,                    WNAT, GUEST,    12) \
	X(GUEST_DR7,                          WNAT, GUEST,    13) \
	X(GUEST_RSP,                          WNAT, GUEST,    14) \
	X(GUEST_RIP,                          WNAT, GUEST,    15) \
	X(GUEST_RFLAGS,                       WNAT, GUEST,    16) \
	X(GUEST_PENDING_DBG_EXCEPTIONS,       WNAT, GUEST,    17) \
	X(GUEST_SYSENTER_ESP,                 WNAT, GUEST,    18) \
	X(GUEST_SYSENTER_EIP,                 WNAT, GUEST,    19) \
	X(GUEST_IA32_S_CET,                   WNAT, GUEST,    20) \
	X(GUEST_SSP,                          WNAT, GUEST,    21) \
	X(GUEST_INTERRUPT_SSP_TABLE,          WNAT, GUEST,    22) \
	/* SDM 3D B.4.4  natural-width host-state fields */ \
	X(HOST_CR0,                           WNAT, HOST,     0) \
	X(HOST_CR3,                           WNAT, HOST,     1) \
	X(HOST_CR4,                           WNAT, HOST,     2) \
	X(HOST_FS_BASE,                       WNAT, HOST,     3) \
	X(HOST_GS_BASE,                       WNAT, HOST,     4) \
	X(HOST_TR_BASE,                       WNAT, HOST,     5) \
	X(HOST_GDTR_BASE,                     WNAT, HOST,     6) \
	X(HOST_IDTR_BASE,                     WNAT, HOST,     7) \
	X(HOST_SYSENTER_ESP,                  WNAT, HOST,     8) \
	X(HOST_SYSENTER_EIP,                  WNAT, HOST,     9) \
	X(HOST_RSP,                           WNAT, HOST,     10) \
	X(HOST_RIP,                           WNAT, HOST,     11) \
	X(HOST_IA32_S_CET,                    WNAT, HOST,     12) \
	X(HOST_SSP,                           WNAT, HOST,     13) \
	X(HOST_INTERRUPT_SSP_TABLE,           WNAT, HOST,     14)
/* clang-format on */

/** A VMCS field encoding; the high half of a 64-bit field is field + 1. */
enum vmcs_field {
#define VMCS_ENUM(name, width, area, index) \
	name = VMCS_ENCODING(VMCS_##width, VMCS_##area, index),
	VMCS_FIELDS(VMCS_ENUM)
#undef VMCS_ENUM
};

_Static_assert(VPID == 0x0000 && GUEST_CS_SELECTOR == 0x0802 &&
		       HOST_TR_SELECTOR == 0x0c0c && EPT_POINTER == 0x201a &&
		       GUEST_PHYSICAL_ADDRESS == 0x2400 &&
		       GUEST_IA32_EFER == 0x2806 && HOST_IA32_EFER == 0x2c02,
	       "SDM 3D appendix B, 16-bit and 64-bit fields");
_Static_assert(SECONDARY_VM_EXEC_CONTROL == 0x401e && EXIT_REASON == 0x4402 &&
		       GUEST_ACTIVITY_STATE == 0x4826 &&
		       VMX_PREEMPTION_TIMER_VALUE == 0x482e &&
		       HOST_SYSENTER_CS == 0x4c00,
	       "SDM 3D appendix B, 32-bit fields");
_Static_assert(CR4_READ_SHADOW == 0x6006 && EXIT_QUALIFICATION == 0x6400 &&
		       GUEST_RIP == 0x681e && GUEST_SYSENTER_EIP == 0x6826 &&
		       HOST_RIP == 0x6c16,
	       "SDM 3D appendix B, natural-width fields");

/**
 * The name of a field, for messages.
 * @param field any number
 * @return its SDM name, or "unknown field"; never NULL
 */
const char *vmcs_fields_name(u32 field);

/** How many fields the list has. */
size_t vmcs_fields_count(void);

/**
 * The i-th field of the list, to walk over all of them.
 * @param i 0 to vmcs_fields_count() - 1
 * @return its encoding, or ~0 past the end
 */
u32 vmcs_fields_at(size_t i);

#endif
