/** @file
 * CPUID: what this processor can do - SDM 2A CPUID, table 3-8.
 *
 * Only the bits that the hypervisor itself asks for have names here; what a
 * guest is shown is decided where CPUID exits are handled.
 */
#ifndef HV_X86_CPUID_H
#define HV_X86_CPUID_H

#include "bus/types.h"

/** The four registers of one answer. */
struct cpuid_result {
	u32 eax, ebx, ecx, edx;
};

/* Leaf 1 */
#define CPUID_1_ECX_MONITOR BIT(3)
#define CPUID_1_ECX_VMX BIT(5)
#define CPUID_1_ECX_PCID BIT(17)
#define CPUID_1_ECX_X2APIC BIT(21)
#define CPUID_1_ECX_XSAVE BIT(26)
#define CPUID_1_ECX_OSXSAVE BIT(27)
#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define CPUID_1_EDX_VME BIT(1)
#define CPUID_1_EDX_MCE BIT(7)
#define CPUID_1_EDX_APIC BIT(9)
#define CPUID_1_EDX_PAT BIT(16)

/* Leaf 0x80000001 */
#define CPUID_80000001_ECX_SVM BIT(2)
#define CPUID_80000001_EDX_NX BIT(20)
#define CPUID_80000001_EDX_PAGE1GB BIT(26)
#define CPUID_80000001_EDX_RDTSCP BIT(27)
#define CPUID_80000001_EDX_LM BIT(29)

/* Leaf 0x8000000a, AMD: SVM revision and features - APM 3 E.4.9 */
#define CPUID_8000000A_EDX_NP BIT(0)

/** Ask for one leaf and subleaf. */
static inline struct cpuid_result cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_result r;

	asm volatile("cpuid"
		     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "a"(leaf), "c"(subleaf));
	return r;
}

#endif
