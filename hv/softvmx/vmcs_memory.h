/** @file
 * The VMCS in memory: where each field lies, and which fields there are.
 *
 * A VMCS region is a page that software must not look into.  Ours holds every
 * field in eight bytes of its own.  An encoding is made of width, area and
 * index (SDM 3C 25.11.2); width and area make sixteen groups, a group has 32
 * slots, and 16 x 32 x 8 is exactly a page:
 *
 *	slot[group][0]          ours: group 0 starts with the revision
 *	slot[group][index + 1]  the field of that index
 *
 * Fields come in areas which are copied to and from the VMCB together; an area
 * is one bit, so that a set of areas is one byte (softvmx_cpu.h: ready, dirty).
 */
#ifndef HV_SOFTVMX_VMCS_MEMORY_H
#define HV_SOFTVMX_VMCS_MEMORY_H

#include "hv/softvmx/softvmx_cpu.h"

/** The areas, one bit each; a slot without an area holds no field. */
enum vmcs_memory_area {
	AREA_HOT = 1 << 0,	 /* RIP, injection..: moved at each crossing */
	AREA_READ_ONLY = 1 << 1, /* exit information */
	AREA_CONTROLS = 1 << 2,	 /* execution and exit controls */
	AREA_SEGMENTS = 1 << 3,	 /* guest ES to TR */
	AREA_CONTROL_REGS = 1 << 4, /* guest CR0, CR3, CR4, PDPTEs */
	AREA_SYSTEM = 1 << 5,	 /* guest GDTR, IDTR, MSRs, DR7, entry controls */
	AREA_HOST = 1 << 6,	 /* host state */
};

/** The areas that the guest itself changes while it runs. */
#define AREAS_OF_GUEST (AREA_SEGMENTS | AREA_CONTROL_REGS | AREA_SYSTEM)
#define AREAS_ALL                                                       \
	(AREA_HOT | AREA_CONTROLS | AREAS_OF_GUEST | AREA_HOST)

#define VMCS_GROUPS 16
#define VMCS_GROUP_SLOTS 32

/** A VMCS region. */
struct vmcs_region {
	u64 slot[VMCS_GROUPS * VMCS_GROUP_SLOTS];
};

_Static_assert(sizeof(struct vmcs_region) == 4096, "a region is one page");

/* Slots of our own; the first is laid down by SDM 3C 25.2. */
#define VMCS_SLOT_REVISION 0	     /* bits 31:0; 63:32 abort indicator */
#define VMCS_SLOT_LAUNCHED (1 * VMCS_GROUP_SLOTS)

/** "softvmx": what IA32_VMX_BASIC says and each region must begin with. */
#define VMCS_REVISION 0x736f6674u

/**
 * The slot of an encoding; that of a high half is the same.
 * An index of 31 lands on the next group's first slot, which has no area.
 */
static inline u32 vmcs_memory_slot(u32 field)
{
	u32 group = (field >> 11 & 0xc) | (field >> 10 & 3);

	return group * VMCS_GROUP_SLOTS + (field >> 1 & 0x1f) + 1;
}

/** Bits of an encoding that are zero for a full access to a plain field. */
#define VMCS_ENCODING_EXTRA (~(BITS(14, 13) | BITS(11, 10) | BITS(5, 1)))

/** An encoding's enum vmcs_width. */
static inline unsigned int vmcs_memory_width(u32 field)
{
	return field >> 13 & 3;
}

/** What a field can hold, by enum vmcs_width. */
extern const u64 vmcs_memory_masks[4];

/** The area of each slot; one more than there are slots. */
extern const u8 vmcs_memory_areas[VMCS_GROUPS * VMCS_GROUP_SLOTS + 1];

/** Read a field of the current VMCS as it lies in memory. */
static inline u64 vmcs_memory_get(const struct softvmx_cpu *cpu,
				  enum vmcs_field field)
{
	return cpu->vmcs->slot[vmcs_memory_slot(field)];
}

/** Write it; no check, no mark: for the unit's own writes. */
static inline void vmcs_memory_set(struct softvmx_cpu *cpu,
				   enum vmcs_field field, u64 value)
{
	cpu->vmcs->slot[vmcs_memory_slot(field)] = value;
}

/**
 * VMREAD (SDM 3C 31.3): any encoding, high halves too.
 * @return VMX_FAIL_INVALID without a current VMCS; VMX_FAIL_VALID, with
 *	VM_INSTRUCTION_ERROR 12, for a field that does not exist
 */
enum vmx_result vmcs_memory_vmread(struct softvmx_cpu *cpu, u64 field,
				   u64 *value) __must_check;

/** VMWRITE; also fails with error 13 for a read-only field. */
enum vmx_result vmcs_memory_vmwrite(struct softvmx_cpu *cpu, u64 field,
				    u64 value) __must_check;

/** The areas whose newest values are in the VMCB. */
static inline u8 vmcs_memory_held(const struct softvmx_cpu *cpu)
{
	return cpu->vmcs ? AREAS_OF_GUEST & ~cpu->ready : 0;
}

/** Make a region current (VMPTRLD); VMCS_NONE makes none current. */
void vmcs_memory_select(struct softvmx_cpu *cpu, hpa_t address);

/** VMfail (SDM 3C 31.2): note the error if there is a VMCS to hold it. */
enum vmx_result vmcs_memory_fail(struct softvmx_cpu *cpu,
				 u32 error) __must_check;

#endif
