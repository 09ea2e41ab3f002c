/** @file
 * GDT, TSS and IDT: the tables that lead an interrupt to its handler.
 *
 * One IDT for all CPUs; a GDT and a TSS for each, because a TSS names the
 * stacks on which that CPU takes #DF, NMI and #MC - the three that may arrive
 * when the ordinary stack is unusable - SDM 3A 6.14.5.
 */
#ifndef HV_X86_DESC_H
#define HV_X86_DESC_H

#include "bus/types.h"

struct cpu;

/* Interrupt-stack-table slots, 1-based as in the TSS; 0 is "no change". */
enum desc_ist { IST_NONE, IST_DF, IST_NMI, IST_MC };

/** Fill the IDT; once, before desc_load() on any CPU. */
void desc_init_idt(void);

/** Build this CPU's GDT and TSS and load GDTR, IDTR, TR and the selectors. */
void desc_load(struct cpu *cpu);

/** The base addresses that belong into the VMCS' host-state area. */
unsigned long desc_gdt_base(const struct cpu *cpu);
unsigned long desc_tss_base(const struct cpu *cpu);
unsigned long desc_idt_base(void);

#endif
