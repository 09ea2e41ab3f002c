/** @file
 * Segment registers: the VMCS' form and the VMCB's.
 */
#ifndef HV_SOFTVMX_VMCB_SEGMENTS_H
#define HV_SOFTVMX_VMCB_SEGMENTS_H

#include "hv/softvmx/softvmx_cpu.h"

/** Segment registers in the order of the VMCS' fields. */
enum vmcb_segment_index {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR,
	SEGMENT_TR,
	SEGMENT_COUNT,
};

/** The VMCB's copy of a segment register. */
struct vmcb_segment *vmcb_segments_get(struct vmcb *vmcb,
				       enum vmcb_segment_index index);

/** Copy all eight and the CPL from the VMCS to the guest's VMCB. */
void vmcb_segments_load(struct softvmx_cpu *cpu);

/** Copy them back. */
void vmcb_segments_save(struct softvmx_cpu *cpu);

/** Access rights as SVM keeps them, from the VMCS' form (APM 2 table B-2). */
u16 vmcb_segments_attributes(u32 access_rights);

#endif
