/** @file
 * The soft unit's assembly: the ways in and out of a guest.
 */
#ifndef HV_SOFTVMX_SOFTVMX_RUN_H
#define HV_SOFTVMX_SOFTVMX_RUN_H

#include "bus/types.h"
#include "hv/vmx/vmx_unit.h"

/**
 * VMRUN: run a guest until the next #VMEXIT.
 * GIF is 0 on entry and on return; FS, GS, TR and their like are the host's on
 * return, from cpu->before.
 * @param vmcb physical address of its VMCB
 * @param gpr the general registers, in and out; RAX and RSP are in the VMCB
 * @param shadow enter with interrupts blocked for one instruction
 */
void softvmx_run_guest(hpa_t vmcb, u64 gpr[GPR_COUNT], bool shadow);

/** softvmx_run_acknowledge(): an NMI came, too, and is lost. */
#define SOFTVMX_RUN_NMI_CAME BIT(32)

/**
 * Take the interrupt that is pending and say which one it was, as
 * "acknowledge interrupt on exit" does: the local APIC has it in service.
 * @return the vector in bits 31:0, or ~0 there when none was pending; and
 *	perhaps SOFTVMX_RUN_NMI_CAME
 */
u64 softvmx_run_acknowledge(void);

/**
 * Take the NMI that is pending, so that it is blocked until the next IRET, as
 * it is after a VM exit which an NMI caused (SDM 3C 28.5.5).
 */
void softvmx_run_swallow_nmi(void);

/** Let NMIs in again that the processor blocks: execute an IRET. */
void softvmx_run_unmask_nmi(void);

/** A loop around HLT, for the halted guest's RIP. */
extern const char softvmx_run_hlt_loop[];

/** 256 gates for an IDT of its own; 16 bytes apart, by vector. */
extern const char softvmx_run_gates[];
extern const char softvmx_run_nmi_gate[];

/** The IDTR that softvmx_run_acknowledge() loads; filled by enable(). */
extern struct table_register softvmx_run_idtr;

#endif
