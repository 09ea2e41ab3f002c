/** @file
 * Segment registers: the VMCS' form and the VMCB's.
 *
 * Both keep selector, base, limit and access rights.  The rights are the high
 * half of a descriptor; VMX leaves the gap of four bits that the descriptor
 * has there, SVM closes it:
 *
 *	VMX  ... U | G DB L AVL | 0 0 0 0 | P DPL S TYPE     bit 16: unusable
 *	SVM        | G DB L AVL |           P DPL S TYPE     12 bits, none such
 *
 * An unusable register is one that is not present for SVM.  SVM also keeps the
 * CPL by itself, which for VMX is the DPL of SS.
 */
#include "hv/softvmx/vmcb_segments.h"

#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"

/* Type 9, an available TSS, becomes 11 (SDM 3A 8.2.2). */
#define TSS_BUSY BIT(1)
#define TYPE BITS(3, 0)
#define TYPE_ACCESSED BIT(0) /* of code and data */
#define TYPE_BUSY_TSS 11

/* The fields of the eight registers follow each other, two encodings apart. */
#define FIELD_OF(es_field, index) ((enum vmcs_field)((es_field) + 2 * (index)))

static const u16 offsets[VMCB_SEGMENTS] = {
	[VMCB_ES] = offsetof(struct vmcb, save.es),
	[VMCB_CS] = offsetof(struct vmcb, save.cs),
	[VMCB_SS] = offsetof(struct vmcb, save.ss),
	[VMCB_DS] = offsetof(struct vmcb, save.ds),
	[VMCB_FS] = offsetof(struct vmcb, save.fs),
	[VMCB_GS] = offsetof(struct vmcb, save.gs),
	[VMCB_LDTR] = offsetof(struct vmcb, save.ldtr),
	[VMCB_TR] = offsetof(struct vmcb, save.tr),
};

struct vmcb_segment *vmcb_segments_get(struct vmcb *vmcb,
				       enum vmcb_segment_index index)
{
	return (struct vmcb_segment *)((char *)vmcb + offsets[index]);
}

/**
 * Access rights as SVM keeps them, from the VMCS' form (APM 2 table B-2).
 * Without P the register is unusable for SVM, whatever the other bits say.
 */
static u16 attributes_of(u32 access_rights)
{
	if (access_rights & SEG_AR_UNUSABLE) {
		return 0;
	}
	return bits(access_rights, 7, 0) | bits(access_rights, 15, 12) << 8;
}

/**
 * The VMCS' form. What was unusable and still is keeps its other bits, as VMX
 * does with a selector that was null (SDM 3C 28.3.2).  Loading a segment sets
 * its accessed bit (SDM 3A 3.4.5.1); TCG leaves it as it was in a descriptor
 * of CS, which no entry takes.
 */
static u32 access_rights(u16 attributes, u32 before)
{
	if (attributes & SVM_SEG_P) {
		return bits(attributes, 7, 0) | bits(attributes, 11, 8) << 12 |
		       (attributes & SEG_AR_S ? TYPE_ACCESSED : 0);
	}
	return before & SEG_AR_UNUSABLE ? before : SEG_AR_UNUSABLE;
}

/* VMX has no CPL of its own: it is the DPL of SS, unusable or not. */
void vmcb_segments_load(struct softvmx_cpu *cpu)
{
	for (int i = 0; i < VMCB_SEGMENTS; i++) {
		struct vmcb_segment *s = vmcb_segments_get(cpu->guest, i);
		u32 rights =
			vmcs_memory_get(cpu, FIELD_OF(GUEST_ES_AR_BYTES, i));

		s->selector =
			vmcs_memory_get(cpu, FIELD_OF(GUEST_ES_SELECTOR, i));
		s->attributes = attributes_of(rights);
		s->limit = vmcs_memory_get(cpu, FIELD_OF(GUEST_ES_LIMIT, i));
		s->base = vmcs_memory_get(cpu, FIELD_OF(GUEST_ES_BASE, i));
	}
	/* QEMU keeps TR's type as LTR has read it, and finds the I/O permission
	 * bitmap by that. */
	if ((cpu->guest->save.tr.attributes & TYPE) == TYPE_BUSY_TSS) {
		cpu->guest->save.tr.attributes &= ~TSS_BUSY;
	}
	cpu->guest->save.cpl =
		bits(vmcs_memory_get(cpu, GUEST_SS_AR_BYTES), 6, 5);
	/* TCG takes it from SS, of an unusable one too. */
	cpu->guest->save.ss.attributes |= cpu->guest->save.cpl << 5;
}

/* The DPL of SS is the CPL, usable or not (SDM 3C 28.3.2). */
void vmcb_segments_save(struct softvmx_cpu *cpu)
{
	u32 ss;

	for (int i = 0; i < VMCB_SEGMENTS; i++) {
		struct vmcb_segment *s = vmcb_segments_get(cpu->guest, i);
		enum vmcs_field field = FIELD_OF(GUEST_ES_AR_BYTES, i);
		u32 before = vmcs_memory_get(cpu, field);

		vmcs_memory_set(cpu, field,
				access_rights(s->attributes, before));
		vmcs_memory_set(cpu, FIELD_OF(GUEST_ES_SELECTOR, i),
				s->selector);
		vmcs_memory_set(cpu, FIELD_OF(GUEST_ES_LIMIT, i), s->limit);
		vmcs_memory_set(cpu, FIELD_OF(GUEST_ES_BASE, i), s->base);
	}
	ss = vmcs_memory_get(cpu, GUEST_SS_AR_BYTES) & ~SEG_AR_DPL;
	vmcs_memory_set(cpu, GUEST_SS_AR_BYTES,
			ss | (u64)cpu->guest->save.cpl << 5);
	/* LTR makes the TSS busy; QEMU keeps the type as LTR has read it. */
	vmcs_memory_set(cpu, GUEST_TR_AR_BYTES,
			vmcs_memory_get(cpu, GUEST_TR_AR_BYTES) | TSS_BUSY);
}
