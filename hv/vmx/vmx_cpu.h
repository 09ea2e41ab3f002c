/** @file
 * VMX operation of one CPU: switched on once, off at the end.
 */
#ifndef HV_VMX_VMX_CPU_H
#define HV_VMX_VMX_CPU_H

#include "bus/types.h"

/**
 * Enter VMX operation on this CPU (SDM 3C 24.7): CR0 and CR4 as VMX wants
 * them, the unit enabled, VMXON.  After vmx_caps_read().
 * @return 0; -ENODEV when firmware forbids it; -ENOMEM
 */
int vmx_cpu_enable(void) __must_check;

/** Leave VMX operation; no vCPU of this CPU may be left. */
void vmx_cpu_disable(void);

/** This CPU's VMXON region, between vmx_cpu_enable() and vmx_cpu_disable(). */
hpa_t vmx_cpu_region(void);

/** Is this CPU in VMX operation? */
bool vmx_cpu_enabled(void);

/**
 * Flush what this CPU has cached for an EPT (SDM 3C 29.4.3.1).
 * @param eptp the EPT pointer, as in the VMCS
 */
void vmx_cpu_invept(u64 eptp);

/** Flush what this CPU has cached for a VPID; nothing if vpid is 0. */
void vmx_cpu_invvpid(u16 vpid);

#endif
