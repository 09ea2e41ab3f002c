/** @file
 * The areas of a VMCS, for vmcs_setup.c alone.
 *
 * Each function writes the fields of one group of the SDM into the current
 * VMCS of this CPU.
 */
#ifndef HV_VMX_VMCS_AREAS_H
#define HV_VMX_VMCS_AREAS_H

#include "bus/types.h"

struct vmcs_setup;

/** Pin-based VM-execution controls, SDM 3C 25.6.1. */
void vmcs_controls_write_pin(const struct vmcs_setup *setup);
/** Primary processor-based controls, SDM 3C 25.6.2. */
void vmcs_controls_write_cpu(const struct vmcs_setup *setup);
/** Secondary ones, with the EPT pointer and the VPID, SDM 3C 25.6.2. */
void vmcs_controls_write_cpu2(const struct vmcs_setup *setup);
/** What exits: exceptions, ports, MSRs, CR3 targets, SDM 3C 25.6.3 to .9. */
void vmcs_controls_write_bitmaps(const struct vmcs_setup *setup);
/** VM-exit controls, SDM 3C 25.7. */
void vmcs_controls_write_exit(const struct vmcs_setup *setup);
/** VM-entry controls, SDM 3C 25.8. */
void vmcs_controls_write_entry(void);
/** Host CR0, CR3, CR4, EFER, PAT, SYSENTER, SDM 3C 25.5. */
void vmcs_host_write_control_registers(void);
/** Host selectors and bases, SDM 3C 25.5. */
void vmcs_host_write_segments(void);
/** HOST_RIP; HOST_RSP is vmx_entry_run()'s. */
void vmcs_host_write_entry_point(void);

#endif
