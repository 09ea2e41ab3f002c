/** @file
 * Where softvmx_run.S finds things, as numbers that the assembler can use.
 * softvmx_cpu.h asserts that each is what the compiler makes of the structs.
 */
#ifndef HV_SOFTVMX_SOFTVMX_OFFSETS_H
#define HV_SOFTVMX_SOFTVMX_OFFSETS_H

/* struct cpu (hv/x86/cpu.h) */
#define OFFSET_CPU_VMX 24

/* struct softvmx_cpu: the guest's registers, 8 bytes each, by enum gpr */
#define OFFSET_GPR 0
#define OFFSET_STACK_TOP 128
#define OFFSET_CALLER_RSP 136
#define OFFSET_HOST_RSP 144
#define OFFSET_HOST_RIP 152
#define OFFSET_ENTRY_VMCB 160

#endif
