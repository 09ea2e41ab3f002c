/** @file
 * Entries by the address that they stand for.  All tables are mapped onto
 * themselves.
 */
#include "guest-tests/paging/tables.h"

#define ADDRESS BITS(51, 12)
#define MSR_EFER 0xc0000080u

/* Registers ---------------------------------------------------------------- */

#define CONTROL_REGISTER(n)                                                 \
	u64 tables_cr##n(void)                                              \
	{                                                                   \
		u64 value;                                                  \
                                                                            \
		asm volatile("mov %%cr" #n ", %0" : "=r"(value) : : "memory"); \
		return value;                                               \
	}                                                                   \
	void tables_set_cr##n(u64 value)                                    \
	{                                                                   \
		asm volatile("mov %0, %%cr" #n : : "r"(value) : "memory");  \
	}

CONTROL_REGISTER(0)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

u64 tables_efer(void)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(MSR_EFER));
	return low | (u64)high << 32;
}

void tables_set_efer(u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(MSR_EFER), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

/** One register of a CPUID leaf. */
static void cpuid(u32 leaf, u32 out[4])
{
	asm volatile("cpuid"
		     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
		     : "a"(leaf), "c"(0));
}

bool tables_has_pcid(void)
{
	u32 r[4];

	cpuid(1, r);
	return r[2] & BIT(17);
}

bool tables_has_smep(void)
{
	u32 r[4];

	cpuid(7, r);
	return r[1] & BIT(7);
}

bool tables_has_smap(void)
{
	u32 r[4];

	cpuid(7, r);
	return r[1] & BIT(20);
}

/* Entries ------------------------------------------------------------------ */

u64 *tables_entry(gva_t addr, enum tables_level level)
{
	u64 table = tables_cr3() & ADDRESS;
	int at = TABLES_PML4E;

	for (;; at--) {
		u64 index = (addr.v >> (12 + 9 * (at - 1))) % 512;
		u64 *entry = (u64 *)table + index;

		if (at == (int)level) {
			return entry;
		}
		table = *entry & ADDRESS;
	}
}

void tables_invlpg(gva_t addr)
{
	asm volatile("invlpg (%0)" : : "r"(addr.v) : "memory");
}

void tables_set(gva_t addr, enum tables_level level, u64 entry)
{
	*tables_entry(addr, level) = entry;
	tables_invlpg(addr);
}

void tables_invpcid(u64 type, u64 pcid, gva_t addr)
{
	const u64 descriptor[2] = { pcid, addr.v };

	asm volatile("invpcid %1, %0"
		     :
		     : "r"(type), "m"(descriptor)
		     : "memory");
}
