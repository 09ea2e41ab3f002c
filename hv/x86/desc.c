/** @file
 * GDT, TSS and IDT.
 *
 * In the IDT every gate is an interrupt gate: it clears RFLAGS.IF, so that a
 * handler is not interrupted.  Three exceptions switch to a stack of their own
 * by way of the TSS: #DF, since it is what a stack overflow ends in, and NMI
 * and #MC, since they come at any time.
 *
 * In long mode that is all that we need a TSS for: there are no task switches.
 * Segments have no limits there, and only FS and GS have bases.  Each CPU has a
 * GDT and a TSS of its own, for its own stacks; the IDT is everybody's.
 */
#include "hv/x86/desc.h"

#include "hv/x86/cpu.h"
#include "hv/x86/segment.h"
#include "hv/x86/stack.h"
#include "hv/x86/trap.h"

/*
 * Descriptors - SDM 3A 3.4.5 and 8.2.3.  9b is present code, 93 present data,
 * both with the accessed bit set, so that loading them writes nothing.  The
 * digit in bits 55:52 is G (8) with D (4) for 32-bit or L (2) for 64-bit code.
 */
#define DESC_CODE64 0x00af9b000000ffffull
#define DESC_DATA 0x00cf93000000ffffull
#define DESC_CODE32 0x00cf9b000000ffffull
#define DESC_TSS_AVAILABLE (0x89ull << 40) /* P=1, DPL=0, type 9 */

/** A gate of the IDT - SDM 3A 6.14.1. */
struct gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

#define GATE_INTERRUPT 0x8e /* P=1, DPL=0, type 14 */
#define IDT_ENTRIES 256
#define STUB_SIZE 16 /* as trap_entry.S lays them out */

static struct gate idt[IDT_ENTRIES] __aligned(16);

extern const char trap_stubs[];

/**
 * Which of the TSS' stacks a vector gets.  Such a stack is begun from its top
 * each time, also if it is in use: a second NMI within the first would destroy
 * its frame.  The processor holds NMIs back until IRET, which prevents it.
 */
static u8 gate_ist(unsigned int vector)
{
	switch (vector) {
	case VECTOR_DF:
		return IST_DF;
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_MC:
		return IST_MC;
	default:
		return IST_NONE;
	}
}

/* The stubs lie at equal distances, so that no table of their addresses is
 * needed. */
void desc_init_idt(void)
{
	for (unsigned int vector = 0; vector < IDT_ENTRIES; vector++) {
		u64 stub = (unsigned long)trap_stubs + vector * STUB_SIZE;

		idt[vector].offset_low = stub;
		idt[vector].selector = SEL_CODE64;
		idt[vector].ist = gate_ist(vector);
		idt[vector].type = GATE_INTERRUPT;
		idt[vector].offset_middle = stub >> 16;
		idt[vector].offset_high = stub >> 32;
	}
}

/** A TSS descriptor is two entries long: the second has the base's top. */
static void set_tss_descriptor(u64 *entry, u64 base)
{
	entry[0] = (sizeof(struct tss) - 1) | bits(base, 23, 0) << 16 |
		   DESC_TSS_AVAILABLE | bits(base, 31, 24) << 56;
	entry[1] = base >> 32;
}

/** The I/O map begins behind the TSS's end: there is none.  So every VM exit,
 * which sets TR's limit to 0x67 (SDM 3C 28.5.2), finds what LTR has loaded. */
static void fill_tables(struct cpu *cpu)
{
	cpu->gdt[SEL_CODE64 / 8] = DESC_CODE64;
	cpu->gdt[SEL_DATA / 8] = DESC_DATA;
	cpu->gdt[SEL_CODE32 / 8] = DESC_CODE32;
	set_tss_descriptor(&cpu->gdt[SEL_TSS / 8], desc_tss_base(cpu));
	cpu->tss.ist[IST_DF - 1] = stack_top(cpu->id, STACK_DF);
	cpu->tss.ist[IST_NMI - 1] = stack_top(cpu->id, STACK_NMI);
	cpu->tss.ist[IST_MC - 1] = stack_top(cpu->id, STACK_MC);
	cpu->tss.io_map_base = sizeof(struct tss);
}

/** CS is loaded by a far return; nothing else can in 64-bit mode. */
static void load_cs(void)
{
	u64 scratch;

	asm volatile("leaq 1f(%%rip), %0\n\t"
		     "pushq %1\n\t"
		     "pushq %0\n\t"
		     "lretq\n"
		     "1:"
		     : "=&r"(scratch)
		     : "i"(SEL_CODE64)
		     : "memory");
}

/* LTR marks the descriptor busy and faults on one that is; filling the tables
 * anew makes it available first. */
void desc_load(struct cpu *cpu)
{
	struct table_register gdtr = { sizeof(cpu->gdt) - 1,
				       desc_gdt_base(cpu) };
	struct table_register idtr = { sizeof(idt) - 1, desc_idt_base() };

	fill_tables(cpu);
	lgdt(&gdtr);
	load_cs();
	write_ss(SEL_DATA);
	write_ds(SEL_DATA);
	write_es(SEL_DATA);
	lldt(0);
	ltr(SEL_TSS);
	lidt(&idtr);
}

unsigned long desc_gdt_base(const struct cpu *cpu)
{
	return (unsigned long)cpu->gdt;
}

unsigned long desc_tss_base(const struct cpu *cpu)
{
	return (unsigned long)&cpu->tss;
}

unsigned long desc_idt_base(void)
{
	return (unsigned long)idt;
}
