/** @file
 * Segment registers: the VMCS' form and the VMCB's.
 */
#ifndef HV_SOFTVMX_VMCB_SEGMENTS_H
#define HV_SOFTVMX_VMCB_SEGMENTS_H

#include "hv/softvmx/softvmx_cpu.h"

/** Segment registers in the order of the VMCS' fields. */
enum vmcb_segment_index {
	VMCB_ES,
	VMCB_CS,
	VMCB_SS,
	VMCB_DS,
	VMCB_FS,
	VMCB_GS,
	VMCB_LDTR,
	VMCB_TR,
	VMCB_SEGMENTS,
};

/** The VMCB's copy of a segment register. */
struct vmcb_segment *vmcb_segments_get(struct vmcb *vmcb,
				       enum vmcb_segment_index index);

/** Copy all eight and the CPL from the VMCS to the guest's VMCB. */
void vmcb_segments_load(struct softvmx_cpu *cpu);

/** Copy them back. */
void vmcb_segments_save(struct softvmx_cpu *cpu);

#endif
