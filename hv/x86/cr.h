/** @file
 * Control registers, EFER and RFLAGS: which mode the processor is in.
 *
 * Named and numbered as in SDM 3A 2.5 (CR0, CR3, CR4), 2.2.1 (EFER) and SDM 1
 * 3.4.3 (RFLAGS).  The wrappers do one instruction each; they carry a memory
 * clobber, because a new CR3 or CR0.WP changes what every later access means.
 */
#ifndef HV_X86_CR_H
#define HV_X86_CR_H

#include "bus/access.h"
#include "bus/types.h"

/* CR0 - SDM 3A 2.5 */
#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_ET BIT(4)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_AM BIT(18)
#define CR0_NW BIT(29)
#define CR0_CD BIT(30)
#define CR0_PG BIT(31)

/* CR3 - SDM 3A 4.5: flags beside the address of the PML4 */
#define CR3_PWT BIT(3)
#define CR3_PCD BIT(4)

/* CR4 - SDM 3A 2.5 */
#define CR4_VME BIT(0)
#define CR4_PVI BIT(1)
#define CR4_TSD BIT(2)
#define CR4_DE BIT(3)
#define CR4_PSE BIT(4)
#define CR4_PAE BIT(5)
#define CR4_MCE BIT(6)
#define CR4_PGE BIT(7)
#define CR4_PCE BIT(8)
#define CR4_OSFXSR BIT(9)
#define CR4_OSXMMEXCPT BIT(10)
#define CR4_UMIP BIT(11)
#define CR4_LA57 BIT(12)
#define CR4_VMXE BIT(13)
#define CR4_SMXE BIT(14)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE BIT(17)
#define CR4_OSXSAVE BIT(18)
#define CR4_SMEP BIT(20)
#define CR4_SMAP BIT(21)
#define CR4_PKE BIT(22)

/* IA32_EFER - SDM 3A 2.2.1; SVME is AMD's, APM 2 3.1.7 */
#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_LMA BIT(10)
#define EFER_NXE BIT(11)
#define EFER_SVME BIT(12)

/* RFLAGS - SDM 1 3.4.3; bit 1 is always set */
#define RFLAGS_CF BIT(0)
#define RFLAGS_FIXED BIT(1)
#define RFLAGS_PF BIT(2)
#define RFLAGS_AF BIT(4)
#define RFLAGS_ZF BIT(6)
#define RFLAGS_SF BIT(7)
#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_DF BIT(10)
#define RFLAGS_OF BIT(11)
#define RFLAGS_IOPL BITS(13, 12)
#define RFLAGS_NT BIT(14)
#define RFLAGS_RF BIT(16)
#define RFLAGS_VM BIT(17)
#define RFLAGS_AC BIT(18)
#define RFLAGS_VIF BIT(19)
#define RFLAGS_VIP BIT(20)
#define RFLAGS_ID BIT(21)

/** A pair of accessors for one control register. */
#define CR_ACCESSORS(reg)                                                  \
	static inline u64 read_##reg(void)                                 \
	{                                                                  \
		u64 value;                                                 \
                                                                           \
		asm volatile("mov %%" #reg ", %0" : "=r"(value) : : "memory"); \
		return value;                                              \
	}                                                                  \
	static inline void write_##reg(u64 value)                          \
	{                                                                  \
		asm volatile("mov %0, %%" #reg : : "r"(value) : "memory"); \
	}

CR_ACCESSORS(cr0)
CR_ACCESSORS(cr2)
CR_ACCESSORS(cr3)
CR_ACCESSORS(cr4)
CR_ACCESSORS(cr8)
CR_ACCESSORS(dr0)
CR_ACCESSORS(dr1)
CR_ACCESSORS(dr2)
CR_ACCESSORS(dr3)
CR_ACCESSORS(dr6)
CR_ACCESSORS(dr7)

/* What DR6 and DR7 hold after reset - SDM 3B 18.2 */
#define DR6_RESET 0xffff0ff0ull
#define DR7_RESET 0x400ull

static inline u64 read_rflags(void)
{
	u64 flags;

	asm volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags;
}

/**
 * Turn interrupts on.  STI lets them in after the instruction that follows it
 * (SDM 2B STI).  QEMU 7.2 never does when that is a PAUSE, so it is a NOP, and
 * a pending interrupt has been taken when this returns.
 */
static inline void irq_enable(void)
{
	asm volatile("sti; nop" : : : "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" : : : "memory");
}

/** Turn interrupts off. @return RFLAGS as it was, for irq_restore() */
static inline u64 irq_save(void)
{
	u64 flags = read_rflags();

	irq_disable();
	return flags;
}

/** Turn interrupts on again if they were on in `flags`. */
static inline void irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF) {
		irq_enable();
	}
}

/** Forget the translation of one host virtual address - SDM 2A INVLPG. */
static inline void invlpg(const volatile void *address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

#endif
