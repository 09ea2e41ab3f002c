/** @file
 * The guest's FPU and XMM registers, which are the processor's own.
 */
#ifndef HV_VCPU_EMULATE_XMM_H
#define HV_VCPU_EMULATE_XMM_H

#include "emulator/system.h"

/** Read and write XMM0 to XMM15 of the vCPU that has the processor. */
void emulate_xmm_get(unsigned int which, struct xmm_value *out);
void emulate_xmm_set(unsigned int which, const struct xmm_value *in);

/** Do this to the x87 FPU.  @param word what is read or written, or NULL */
void emulate_xmm_x87(enum system_x87 what, u16 *word);

#endif
