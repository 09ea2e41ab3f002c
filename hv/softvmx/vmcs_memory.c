/** @file
 * VMREAD and VMWRITE on a VMCS that is a page of memory, with all their checks.
 *
 * What nearly every access needs of this is done by softvmx_vmread() and
 * softvmx_vmwrite() themselves, in softvmx.c.
 *
 * A field exists when the control that gives it a meaning can be set
 * (SDM 3C 25.11.2), which is why the fields of posted interrupts, of PML and
 * of the preemption timer are missing from the table.
 */
#include "hv/softvmx/vmcs_memory.h"

#include "hv/lib/page.h"
#include "hv/softvmx/vmcb_save.h"
#include "hv/vmx/vmx_error.h"

/** vmcs_memory_slot() for the compiler's tables. */
#define SLOT(field)                                                         \
	((((field) >> 11 & 0xc) | ((field) >> 10 & 3)) * VMCS_GROUP_SLOTS + \
	 ((field) >> 1 & 0x1f) + 1)

/* clang-format off */
/** The slots of the fields from a to b, which are of one group. */
#define RANGE(a, b) [SLOT(a) ... SLOT(b)]

/* The rows stand in the order of SDM 3D appendix B. */
const u8 vmcs_memory_areas[VMCS_GROUPS * VMCS_GROUP_SLOTS + 1] = {
	/* 16-bit fields */
	[SLOT(VPID)] = AREA_CONTROLS,
	RANGE(GUEST_ES_SELECTOR, GUEST_TR_SELECTOR) = AREA_SEGMENTS,
	RANGE(HOST_ES_SELECTOR, HOST_TR_SELECTOR) = AREA_HOST,
	/* 64-bit fields */
	RANGE(IO_BITMAP_A, EXECUTIVE_VMCS_POINTER) = AREA_CONTROLS,
	[SLOT(TSC_OFFSET)] = AREA_CONTROLS,
	[SLOT(EPT_POINTER)] = AREA_CONTROLS,
	[SLOT(GUEST_PHYSICAL_ADDRESS)] = AREA_READ_ONLY,
	RANGE(VMCS_LINK_POINTER, GUEST_IA32_EFER) = AREA_SYSTEM,
	RANGE(GUEST_PDPTE0, GUEST_PDPTE3) = AREA_CONTROL_REGS,
	RANGE(HOST_IA32_PAT, HOST_IA32_EFER) = AREA_HOST,
	/* 32-bit fields */
	RANGE(PIN_BASED_VM_EXEC_CONTROL,
	      VM_EXIT_MSR_LOAD_COUNT) = AREA_CONTROLS,
	[SLOT(VM_ENTRY_CONTROLS)] = AREA_SYSTEM,
	[SLOT(VM_ENTRY_MSR_LOAD_COUNT)] = AREA_CONTROLS,
	RANGE(VM_ENTRY_INTR_INFO, VM_ENTRY_INSTRUCTION_LEN) = AREA_HOT,
	[SLOT(SECONDARY_VM_EXEC_CONTROL)] = AREA_CONTROLS,
	RANGE(VM_INSTRUCTION_ERROR, VM_EXIT_INSTRUCTION_INFO) = AREA_READ_ONLY,
	RANGE(GUEST_ES_LIMIT, GUEST_TR_LIMIT) = AREA_SEGMENTS,
	RANGE(GUEST_GDTR_LIMIT, GUEST_IDTR_LIMIT) = AREA_SYSTEM,
	RANGE(GUEST_ES_AR_BYTES, GUEST_TR_AR_BYTES) = AREA_SEGMENTS,
	RANGE(GUEST_INTERRUPTIBILITY_STATE, GUEST_ACTIVITY_STATE) = AREA_HOT,
	RANGE(GUEST_SMBASE, GUEST_SYSENTER_CS) = AREA_SYSTEM,
	[SLOT(HOST_SYSENTER_CS)] = AREA_HOST,
	/* natural-width fields */
	RANGE(CR0_GUEST_HOST_MASK, CR3_TARGET_VALUE3) = AREA_CONTROLS,
	RANGE(EXIT_QUALIFICATION, GUEST_LINEAR_ADDRESS) = AREA_READ_ONLY,
	RANGE(GUEST_CR0, GUEST_CR4) = AREA_CONTROL_REGS,
	RANGE(GUEST_ES_BASE, GUEST_TR_BASE) = AREA_SEGMENTS,
	RANGE(GUEST_GDTR_BASE, GUEST_DR7) = AREA_SYSTEM,
	RANGE(GUEST_RSP, GUEST_PENDING_DBG_EXCEPTIONS) = AREA_HOT,
	RANGE(GUEST_SYSENTER_ESP, GUEST_SYSENTER_EIP) = AREA_SYSTEM,
	RANGE(HOST_CR0, HOST_SYSENTER_EIP) = AREA_HOST,
	[SLOT(HOST_RSP)] = AREA_HOT,
	[SLOT(HOST_RIP)] = AREA_HOST,
};
/* clang-format on */

/* A 32-bit field gives away what is written to its upper half (SDM 3C 25.11.2);
 * natural width is 64 bits on every processor that we run on. */
const u64 vmcs_memory_masks[4] = {
	[VMCS_W16] = 0xffff,
	[VMCS_W64] = ~0ull,
	[VMCS_W32] = 0xffffffff,
	[VMCS_WNAT] = ~0ull,
};

/** Bit 0 of an encoding: the upper 32 bits of a 64-bit field. */
#define ENCODING_HIGH_HALF 1ull

/* VMfailValid if there is a VMCS that can hold the number (SDM 3C 31.2). */
enum vmx_result vmcs_memory_fail(struct softvmx_cpu *cpu, u32 error)
{
	if (!cpu->vmcs) {
		return VMX_FAIL_INVALID;
	}
	vmcs_memory_set(cpu, VM_INSTRUCTION_ERROR, error);
	return VMX_FAIL_VALID;
}

/**
 * The area of any 64-bit number taken as an encoding; 0 if it is none. Bits
 * 63:15, 12 and 9:6 are zero in all of them, and only 64-bit fields have an
 * upper half.
 */
static u8 area_of(u64 field)
{
	if (field & VMCS_ENCODING_EXTRA & ~ENCODING_HIGH_HALF) {
		return 0;
	}
	if ((field & ENCODING_HIGH_HALF) &&
	    vmcs_memory_width(field) != VMCS_W64) {
		return 0;
	}
	return vmcs_memory_areas[vmcs_memory_slot(field)];
}

/* A guest's area may still be in the VMCB, and is fetched now. */
enum vmx_result vmcs_memory_vmread(struct softvmx_cpu *cpu, u64 field,
				   u64 *value)
{
	u8 area = area_of(field);

	if (!cpu->vmcs) {
		return VMX_FAIL_INVALID;
	}
	if (!area) {
		return vmcs_memory_fail(cpu, VMX_ERROR_FIELD_UNSUPPORTED);
	}
	vmcb_save_areas(cpu, area & ~cpu->ready);
	*value = cpu->vmcs->slot[vmcs_memory_slot(field)];
	if (field & ENCODING_HIGH_HALF) {
		*value >>= 32;
	}
	return VMX_SUCCEED;
}

/*
 * As above: writing half of a field, or one field of an area, must not lose the
 * rest. IA32_VMX_MISC bit 29 is 0, so that exit information is read-only.
 */
enum vmx_result vmcs_memory_vmwrite(struct softvmx_cpu *cpu, u64 field,
				    u64 value)
{
	u8 area = area_of(field);
	u64 *slot;

	if (!cpu->vmcs) {
		return VMX_FAIL_INVALID;
	}
	if (!area) {
		return vmcs_memory_fail(cpu, VMX_ERROR_FIELD_UNSUPPORTED);
	}
	if (area == AREA_READ_ONLY) {
		return vmcs_memory_fail(cpu, VMX_ERROR_FIELD_READ_ONLY);
	}
	vmcb_save_areas(cpu, area & ~cpu->ready);
	cpu->dirty |= area;
	slot = &cpu->vmcs->slot[vmcs_memory_slot(field)];
	if (field & ENCODING_HIGH_HALF) {
		*slot = bits(*slot, 31, 0) | value << 32;
	} else {
		*slot = value & vmcs_memory_masks[vmcs_memory_width(field)];
	}
	return VMX_SUCCEED;
}

/*
 * A VMCS that stops being current is whole in its region, so that a debugger
 * sees it and another CPU could take it over. One that becomes current has
 * nothing in the VMCB: all of it is loaded at the next entry.
 */
void vmcs_memory_select(struct softvmx_cpu *cpu, hpa_t address)
{
	if (cpu->vmcs_address.v == address.v) {
		return;
	}
	vmcb_save_areas(cpu, vmcs_memory_held(cpu));
	cpu->vmcs_address = address;
	cpu->vmcs = NULL;
	cpu->ready = 0;
	if (address.v != VMCS_NONE) {
		cpu->vmcs = hpa_to_virt(address);
		cpu->ready = AREAS_ALL | AREA_READ_ONLY;
		cpu->dirty = AREAS_ALL;
	}
}
