/** @file
 * VMX controls to SVM intercepts.
 */
#ifndef HV_SOFTVMX_VMCB_CONTROLS_H
#define HV_SOFTVMX_VMCB_CONTROLS_H

#include "hv/softvmx/softvmx_cpu.h"

/** Set the VMCB's intercepts from the VMCS' controls; after a change. */
void vmcb_controls_load(struct softvmx_cpu *cpu);

/** The same for what must be looked at on each entry: bitmaps, EPT, TPR. */
void vmcb_controls_load_hot(struct softvmx_cpu *cpu);

/** Choose which reads of CR0 and CR4 must be intercepted; after the guest's
 * CR0 or CR4 has changed. */
void vmcb_controls_update_cr(struct softvmx_cpu *cpu);

/** What the guest sees in CR0 and CR4: its own bits, and the read shadow
 * where the guest/host mask is set (SDM 3C 25.6.6). */
u64 vmcb_controls_visible_cr0(const struct softvmx_cpu *cpu);
u64 vmcb_controls_visible_cr4(const struct softvmx_cpu *cpu);

#endif
