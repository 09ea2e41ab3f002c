/** @file
 * What the checks have to know of the machine: the VMCS, CPUID, and physical
 * memory.  The host test has a machine of its own in place of this file.
 *
 * CPUID is asked once for each question: on an emulator it is slow, and under
 * another hypervisor it exits.  Memory below 4 GiB is in the direct map; what
 * lies beyond cannot be looked at and reads as all ones.
 */
#include "hv/softvmx/entry_checks_row.h"

#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

#define CPUID_LEAF_PERF 0xau
#define CPUID_LEAF_ADDRESSES 0x80000008u
#define CPUID_7_EBX_SGX BIT(2)
#define CPUID_7_EBX_RTM BIT(11)
#define CPUID_7_EBX_PT BIT(25)
#define CPUID_7_ECX_BUS_LOCK BIT(24)

/** IA32_RTIT_CTL: the trace is on (SDM 3C 33.2.8.2). */
#define RTIT_TRACE_EN BIT(0)

/** IA32_VMX_BASIC: all addresses of VMX structures have 32 bits. */
#define BASIC_32BIT_ADDRESSES BIT(48)

/** MAXPHYADDR, 36 where CPUID is too old to tell (SDM 3A 4.1.4). */
static unsigned int max_phys_bits(void)
{
	if (cpuid(0x80000000u, 0).eax < CPUID_LEAF_ADDRESSES) {
		return 36;
	}
	return cpuid(CPUID_LEAF_ADDRESSES, 0).eax & 0xff;
}

unsigned int entry_checks_address_bits(void)
{
	static unsigned int cached;

	if (!cached) {
		cached = max_phys_bits();
		if (vmx_unit->capability(IA32_VMX_BASIC) &
		    BASIC_32BIT_ADDRESSES) {
			cached = 32;
		}
	}
	return cached;
}

u64 entry_checks_read(enum vmcs_field field)
{
	return vmread(field);
}

u64 entry_checks_own_cr4(void)
{
	return read_cr4();
}

bool entry_checks_has_rtm(void)
{
	return cpuid(7, 0).ebx & CPUID_7_EBX_RTM;
}

bool entry_checks_has_bus_lock(void)
{
	return cpuid(7, 0).ecx & CPUID_7_ECX_BUS_LOCK;
}

bool entry_checks_has_sgx(void)
{
	return cpuid(7, 0).ebx & CPUID_7_EBX_SGX;
}

bool entry_checks_is_tracing(void)
{
	return (cpuid(7, 0).ebx & CPUID_7_EBX_PT) &&
	       (rdmsr(MSR_IA32_RTIT_CTL) & RTIT_TRACE_EN);
}

/** EAX 15:8 general counters, EDX 4:0 fixed ones (SDM 2A CPUID). */
u64 entry_checks_perf_bits(void)
{
	struct cpuid_result leaf = cpuid(CPUID_LEAF_PERF, 0);

	return ((1ull << bits(leaf.eax, 15, 8)) - 1) |
	       ((1ull << bits(leaf.edx, 4, 0)) - 1) << 32;
}

u64 entry_checks_load(hpa_t address)
{
	if (address.v >= DIRECT_MAP_SIZE) {
		return ~0ull;
	}
	return *(const u64 *)hpa_to_virt(address);
}
