/** @file
 * Model-specific registers - SDM 4.
 *
 * rdmsr() and wrmsr() are for registers which must exist; a #GP from them is
 * our bug and is reported as a fault.  rdmsr_safe() and wrmsr_safe() are for
 * asking: a #GP ends in -EFAULT, by way of the exception table (extable.h).
 * QEMU's emulator does not raise #GP for an MSR that it does not know: it
 * reads 0 and ignores writes, so that success proves little there.
 */
#ifndef HV_X86_MSR_H
#define HV_X86_MSR_H

#include "bus/errno.h"
#include "bus/types.h"
#include "hv/x86/extable.h"

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_APIC_BASE 0x1bu
#define MSR_IA32_FEATURE_CONTROL 0x3au
#define MSR_IA32_SYSENTER_CS 0x174u
#define MSR_IA32_SYSENTER_ESP 0x175u
#define MSR_IA32_SYSENTER_EIP 0x176u
#define MSR_IA32_MISC_ENABLE 0x1a0u
#define MSR_IA32_DEBUGCTL 0x1d9u
#define MSR_IA32_PAT 0x277u
#define MSR_IA32_MTRR_DEF_TYPE 0x2ffu
#define MSR_IA32_RTIT_CTL 0x570u
#define MSR_IA32_PKRS 0x6e1u
#define MSR_IA32_EFER 0xc0000080u
#define MSR_IA32_STAR 0xc0000081u
#define MSR_IA32_LSTAR 0xc0000082u
#define MSR_IA32_CSTAR 0xc0000083u
#define MSR_IA32_FMASK 0xc0000084u
#define MSR_IA32_FS_BASE 0xc0000100u
#define MSR_IA32_GS_BASE 0xc0000101u
#define MSR_IA32_KERNEL_GS_BASE 0xc0000102u
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_IA32_TSC_AUX 0xc0000103u

/* IA32_APIC_BASE - SDM 3A 11.4.4 */
#define APIC_BASE_BSP BIT(8)
#define APIC_BASE_EXTD BIT(10)
#define APIC_BASE_EN BIT(11)

/* IA32_FEATURE_CONTROL - SDM 3C 24.7 */
#define FEATURE_CONTROL_LOCK BIT(0)
#define FEATURE_CONTROL_VMX_OUTSIDE_SMX BIT(2)

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

/**
 * Read an MSR that may not exist.
 * @param msr its number
 * @param value where the value goes; unchanged on failure
 * @return 0, or -EFAULT when the processor raised #GP
 */
static inline __must_check int rdmsr_safe(u32 msr, u64 *value)
{
	u32 low = 0, high = 0;
	int error = -EFAULT;

	asm volatile("1: rdmsr\n\t"
		     "xorl %0, %0\n"
		     "2:\n" EXTABLE("1b", "2b")
		     : "+r"(error), "+a"(low), "+d"(high)
		     : "c"(msr)
		     : "memory", "cc");
	if (!error) {
		*value = (u64)high << 32 | low;
	}
	return error;
}

/**
 * Write an MSR that may not exist or not take the value.
 * @param msr its number
 * @param value what to write
 * @return 0, or -EFAULT when the processor raised #GP
 */
static inline __must_check int wrmsr_safe(u32 msr, u64 value)
{
	int error = -EFAULT;

	asm volatile("1: wrmsr\n\t"
		     "xorl %0, %0\n"
		     "2:\n" EXTABLE("1b", "2b")
		     : "+r"(error)
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory", "cc");
	return error;
}

#endif
