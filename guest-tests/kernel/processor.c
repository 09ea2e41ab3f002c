/** @file
 * CPUID against all else that tells of the same thing.
 *
 * Every rule here is one that some kernel takes for granted: a feature bit
 * without its control bit, a topology that two leaves tell differently, masks
 * of MTRRs wider than the addresses.
 */
#include "guest-tests/kernel/processor.h"

#include "guest-tests/kernel/ports.h"
#include "guest-tests/kernel/trap.h"

#define LAPIC_ID 0xfee00020u
#define FW_CFG 0x510
#define FW_CFG_CPUS 5
#define PM_TIMER 0x608
#define PM_HZ 3579545u
#define PARTS 16
#define TRIES 16

#define MTRRCAP 0xfe
#define MTRR_MASK 0x201
#define MTRR_DEF_TYPE 0x2ff
#define PAT 0x277
#define PAT_RESET 0x0007040600070406ull
#define MCG_CAP 0x179

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static const struct chips_console *console;
static bool wrong;

static struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;

	asm volatile("cpuid"
		     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "a"(leaf), "c"(subleaf));
	return r;
}

static void rule(bool holds, const char *text)
{
	if (!holds) {
		wrong = true;
		console->say("kernel: WRONG: ");
		console->say(text);
		console->say("\n");
	}
}

static bool is_zero(u32 leaf)
{
	struct cpuid r = cpuid(leaf, 0);

	return !(r.eax | r.ebx | r.ecx | r.edx);
}

static u32 cpus(void)
{
	asm volatile("outw %0, %1"
		     :
		     : "a"((u16)FW_CFG_CPUS), "Nd"((u16)FW_CFG));
	return in(FW_CFG + 1) | (u32)in(FW_CFG + 1) << 8;
}

static void check_hidden(void)
{
	struct cpuid one = cpuid(1, 0), seven = cpuid(7, 0);

	rule(!(one.ecx & (BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(12))) &&
	     !(seven.ebx & (BIT(5) | BIT(16))) && is_zero(0xd),
	     "without XSAVE there is no AVX, no FMA, no leaf 0xd");
	rule(!(one.ecx & (BIT(3) | BIT(5) | BIT(6) | BIT(15) | BIT(21))) &&
	     is_zero(5) && is_zero(0xa),
	     "no MONITOR, VMX, SMX, performance counters, x2APIC");
	rule(!(one.edx & (BIT(7) | BIT(14))), "no machine checks");
	rule(!(cpuid(0x80000001, 0).ecx & BIT(2)), "no SVM");
	rule(one.ecx & BIT(31), "the hypervisor's bit is set");
	rule(is_zero(cpuid(0, 0).eax + 1) &&
	     is_zero(cpuid(0x80000000, 0).eax + 1),
	     "behind the last leaf there is nothing");
}

/** Leaves 1, 4, 0xb, 0x80000008, the local APIC and fw_cfg. */
static void check_topology(void)
{
	struct cpuid one = cpuid(1, 0), thread = cpuid(0xb, 0);
	struct cpuid core = cpuid(0xb, 1), cache = cpuid(4, 0);
	u32 count = cpus(), id = *(volatile u32 *)LAPIC_ID >> 24;
	u32 ids = 1u << core.eax;

	rule(one.edx & BIT(9) && one.ebx >> 24 == id && thread.edx == id &&
	     core.edx == id, "the APIC ID is the same everywhere");
	rule(thread.eax == 0 && thread.ebx == 1 && thread.ecx == 0x100,
	     "leaf 0xb: one thread a core");
	rule(core.ebx == count && core.ecx == 0x201 && ids >= count &&
	     ids < 2 * count, "leaf 0xb: as many cores as there are CPUs");
	rule((cpuid(0xb, 2).ecx & 0xff00) == 0, "leaf 0xb has an end");
	rule(!(one.edx & BIT(28)) == (count == 1) &&
	     (count == 1 || (one.ebx >> 16 & 0xff) == ids),
	     "leaf 1: so many APIC IDs in the package");
	rule(!(cache.eax & 0x1f) || (cache.eax >> 26) + 1 == ids,
	     "leaf 4: so many cores in the package");
	rule((cpuid(0x80000008, 0).ecx & 0xff) + 1 == count,
	     "leaf 0x80000008: so many cores");
}

static void check_addresses(void)
{
	u32 width = cpuid(0x80000008, 0).eax & 0xff;
	u64 mask = ~0ull >> (64 - width) & ~0xfffull, value = 0, old = 0;

	rule(width >= 32 && width <= 52 &&
	     (cpuid(0x80000008, 0).eax >> 8 & 0xff) == 48,
	     "leaf 0x80000008: addresses of 32 to 52 bits, linear ones of 48");
	rule(cpuid(1, 0).edx & BIT(12) && trap_rdmsr(MTRRCAP, &value) &&
	     (value & 0xff) == 8, "there are eight variable MTRRs");
	rule(trap_rdmsr(MTRR_DEF_TYPE, &value) && value == 0xc06,
	     "memory is write-back");
	rule(trap_rdmsr(MTRR_MASK, &old) && trap_wrmsr(MTRR_MASK, mask) &&
	     trap_rdmsr(MTRR_MASK, &value) && value == mask,
	     "a mask of an MTRR has as many bits as an address");
	rule(!trap_wrmsr(MTRR_MASK, mask | 1ull << width),
	     "and no more than that");
	rule(trap_wrmsr(MTRR_MASK, old), "it can be written back");
	rule(cpuid(1, 0).edx & BIT(16) && trap_rdmsr(PAT, &value) &&
	     value == PAT_RESET, "the PAT is that of reset");
	rule(trap_rdmsr(MCG_CAP, &value) && value == 0, "no MCA banks");
}

/** A bit of CR4, and the feature bit that allows it. */
struct cr4_bit {
	u8 bit;
	u8 leaf; /* 1: EDX of 1; 2: ECX of 1; 7: EBX of 7; 8: ECX of 7 */
	u8 feature;
};

static const struct cr4_bit cr4_bits[] = {
	{ 0, 1, 1 }, { 1, 1, 1 }, { 2, 1, 4 }, { 3, 1, 2 }, { 4, 1, 3 },
	{ 5, 1, 6 }, { 6, 1, 7 }, { 7, 1, 13 }, { 9, 1, 24 }, { 10, 1, 25 },
	{ 11, 8, 2 }, { 12, 8, 16 }, { 13, 2, 5 }, { 14, 2, 6 },
	{ 16, 7, 0 }, { 18, 2, 26 }, { 20, 7, 7 }, { 21, 7, 20 },
	{ 22, 8, 3 }, { 23, 8, 7 },
};

static bool has(const struct cr4_bit *bit)
{
	struct cpuid r = cpuid(bit->leaf >= 7 ? 7 : 1, 0);
	u32 value = bit->leaf == 1   ? r.edx
		    : bit->leaf == 7 ? r.ebx
				     : r.ecx;

	return value >> bit->feature & 1;
}

static void check_cr4(void)
{
	u32 cr4;

	asm volatile("movl %%cr4, %0" : "=r"(cr4));
	for (unsigned int i = 0; i < ARRAY_SIZE(cr4_bits); i++) {
		const struct cr4_bit *bit = &cr4_bits[i];
		bool can = trap_write_cr4(cr4 | 1u << bit->bit);

		if (can != has(bit)) {
			console->say("kernel: CR4 bit ");
			console->say_hex(bit->bit);
			console->say("\n");
			rule(false, "a bit of CR4 is as its feature bit");
		}
	}
	rule(trap_write_cr4(cr4), "CR4 can be written back");
}

static u64 tsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/** Ticks of the TSC in a part of a second by the PM timer. */
static u64 measure(void)
{
	u32 begin = in_long(PM_TIMER);
	u64 first = tsc();

	while (in_long(PM_TIMER) - begin < PM_HZ / PARTS) {
	}
	return tsc() - first;
}

/** Within 6 %, in one of a few tries: an emulator may sleep between two looks,
 * but not always. */
static bool runs_at(u64 hz)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		u64 ticks = measure() * PARTS;

		if (ticks > hz - hz / 16 && ticks < hz + hz / 16) {
			return true;
		}
	}
	return false;
}

static void check_rate(void)
{
	struct cpuid ratio = cpuid(0x15, 0);
	u32 khz = cpuid(0x40000010, 0).eax;
	u64 told = (u64)khz * 1000;

	rule(cpuid(0x40000000, 0).ebx == 0x74697865 &&
	     cpuid(0x40000000, 0).eax >= 0x40000010, "it says who it is");
	rule(!ratio.eax || (ratio.eax == 1 && ratio.ebx == 1 &&
			    ratio.ecx - (u32)told < 1000),
	     "leaves 0x15 and 0x40000010 tell the same rate of the TSC");
	rule(runs_at(told), "the TSC runs at the rate that is told");
}

void processor_check(const struct chips_console *to)
{
	console = to;
	trap_load();
	check_hidden();
	check_topology();
	check_addresses();
	check_cr4();
	check_rate();
	rule(!trap_odd(), "each #GP has 0 for its error code");
	console->say(wrong ? "kernel: the processor is WRONG\n"
			   : "kernel: the processor is right\n");
}
