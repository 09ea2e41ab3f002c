/** @file
 * What the hypervisor does for system instructions that are emulated.
 */
#ifndef HV_VCPU_EMULATE_SYSTEM_H
#define HV_VCPU_EMULATE_SYSTEM_H

#include "emulator/system.h"

/** For struct vcpu_emulation's emulator only; part of emulate_ops. */
extern const struct system_ops emulate_system_ops;

#endif
