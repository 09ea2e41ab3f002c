/** @file
 * What the hypervisor does for the emulator.
 */
#ifndef HV_VCPU_EMULATE_OPS_H
#define HV_VCPU_EMULATE_OPS_H

#include "emulator/emulator.h"

/** For struct vcpu_emulation's emulator only. */
extern const struct emul_ops emulate_ops;

#endif
