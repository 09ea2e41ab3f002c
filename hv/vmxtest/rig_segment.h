/** @file
 * A segment register as the VMCS has it: four fields.
 *
 * Their encodings follow each other in the order below, so that the register's
 * number picks the field (SDM 3D B.1.2, B.3.3, B.4.3).
 */
#ifndef HV_VMXTEST_RIG_SEGMENT_H
#define HV_VMXTEST_RIG_SEGMENT_H

#include "hv/vmx/vmx_unit.h"

enum rig_segment_register {
	RIG_ES, RIG_CS, RIG_SS, RIG_DS, RIG_FS, RIG_GS, RIG_LDTR, RIG_TR,
	RIG_SEGMENTS,
};

struct rig_segment {
	u16 selector;
	u64 base;
	u32 limit;
	u32 rights;
};

/** The field of a register, from that of ES. */
static inline enum vmcs_field rig_segment_field(enum vmcs_field of_es,
						enum rig_segment_register reg)
{
	return of_es + 2 * reg;
}

/** Write a register's four fields. */
static inline void rig_segment_write(enum rig_segment_register reg,
				     const struct rig_segment *segment)
{
	vmwrite(rig_segment_field(GUEST_ES_SELECTOR, reg), segment->selector);
	vmwrite(rig_segment_field(GUEST_ES_BASE, reg), segment->base);
	vmwrite(rig_segment_field(GUEST_ES_LIMIT, reg), segment->limit);
	vmwrite(rig_segment_field(GUEST_ES_AR_BYTES, reg), segment->rights);
}

/** Read them. */
static inline struct rig_segment
rig_segment_read(enum rig_segment_register reg)
{
	return (struct rig_segment){
		.selector = vmread(rig_segment_field(GUEST_ES_SELECTOR, reg)),
		.base = vmread(rig_segment_field(GUEST_ES_BASE, reg)),
		.limit = vmread(rig_segment_field(GUEST_ES_LIMIT, reg)),
		.rights = vmread(rig_segment_field(GUEST_ES_AR_BYTES, reg)),
	};
}

#endif
