/** @file
 * CPUID for kernels that are not ours: a processor that fits its PC.
 *
 * Our own tests get one plain processor.  A PC's has a number and neighbours,
 * and two things which save a kernel from measuring what cannot be measured
 * well in a VM, where each look at a clock is an exit:
 *
 *	0x15		the TSC's rate, the APIC timer's as well: they are one
 *			clock here (Intel's leaf, which only they read)
 *	0x40000010	the same in kHz, as hypervisors tell it
 *	0x40000100	KVM's leaves, for its clock (pvclock.h)
 *	0x80000007	whether the TSC is invariant: if the real one is
 *
 * Several CPUs are said to be cores of one package, without hyper-threading,
 * in each of the ways that have come up over the years.
 */
#include "hv/vcpu/exit.h"

#include "hv/lib/timer.h"
#include "hv/vcpu/pvclock.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

#define LEAF_BASIC_MAX_PC 0x15u
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_HYPERVISOR_TIMING 0x40000010u
#define LEAF_KVM 0x40000100u
#define HTT BIT(28)
#define MTRRS BIT(12)
#define CMP_LEGACY BIT(1)
#define INVARIANT_TSC BIT(8)

/* Leaf 0xb, the level types of ECX */
#define LEVEL_THREAD 0x100u
#define LEVEL_CORE 0x200u

/**
 * Bits of an APIC ID that tell the cores of a package apart: the ID is cut into
 * fields of so many bits, package, core, thread.  Three cores need two.
 */
static u32 core_bits(const struct vcpu *vcpu)
{
	u32 width = 0;

	while (1u << width < vcpu->vm->cpus) {
		width++;
	}
	return width;
}

/**
 * Leaf 0xb (SDM 2A CPUID): a level of the topology for each subleaf.
 *
 *	EAX	by how much to shift the APIC ID for the next level's
 *	EBX	how many logical processors there are at this level
 *	ECX	15:8 the kind of level, 0 behind the last; 7:0 the subleaf
 *	EDX	this processor's APIC ID, at all levels
 */
static void topology(const struct vcpu *vcpu, u32 subleaf,
		     struct cpuid_result *r)
{
	r->ecx = subleaf & 0xff;
	r->edx = vcpu->number;
	if (subleaf == 0) {
		r->ebx = 1; /* one thread a core */
		r->ecx |= LEVEL_THREAD;
	} else if (subleaf == 1) {
		r->eax = core_bits(vcpu);
		r->ebx = vcpu->vm->cpus;
		r->ecx |= LEVEL_CORE;
	}
}

/**
 * Leaf 4: each cache is a core's own; so many cores in the package.  Bits 4:0
 * of EAX are the kind of cache, 0 for none.  The real processor's numbers of
 * who shares it (25:14) and of its cores (31:26, less 1) go; the latter has to
 * be a power of two, less 1.
 */
static void caches(const struct vcpu *vcpu, struct cpuid_result *r)
{
	if (r->eax & 0x1f) {
		r->eax &= 0x3fff;
		r->eax |= ((1u << core_bits(vcpu)) - 1) << 26;
	}
}

/** The crystal's rate is the TSC's: a ratio of 1 to 1.  It is 32 bits wide, so
 * beyond 4.29 GHz nothing is said, and the kernel asks another leaf. */
static void frequency(struct cpuid_result *r)
{
	u64 hz = timer_hz();

	if (!(hz >> 32)) {
		*r = (struct cpuid_result){1, 1, (u32)hz, 0};
	}
}

/**
 * Leaf 1.  HTT is no more than "bits 23:16 of EBX count", which is how many IDs
 * the package has room for; with hyper-threading it has little to do.
 */
static void first(const struct vcpu *vcpu, struct cpuid_result *r)
{
	r->edx |= (u32)MTRRS;
	if (vcpu->vm->cpus > 1) {
		r->ebx |= (1u << core_bits(vcpu)) << 16;
		r->edx |= (u32)HTT;
	}
}

static void hypervisors(u32 number, struct cpuid_result *r)
{
	switch (number) {
	case LEAF_HYPERVISOR:
		r->eax = LEAF_HYPERVISOR_TIMING;
		break;
	case LEAF_HYPERVISOR_TIMING:
		r->eax = (u32)(timer_hz() / 1000);
		r->ebx = r->eax; /* the APIC timer's */
		break;
	case LEAF_KVM: /* "KVMKVMKVM" */
		*r = (struct cpuid_result){LEAF_KVM + 1, 0x4b4d564b,
					   0x564b4d56, 0x4d};
		break;
	case LEAF_KVM + 1:
		r->eax = PVCLOCK_FEATURES;
		break;
	default:
		break;
	}
}

void exit_cpuid_pc(const struct vcpu *vcpu, u32 number, u32 subleaf,
		   struct cpuid_result *r)
{
	switch (number) {
	case 0:
		r->eax = LEAF_BASIC_MAX_PC;
		break;
	case 1:
		first(vcpu, r);
		break;
	case 4:
		caches(vcpu, r);
		break;
	case 0xb:
		topology(vcpu, subleaf, r);
		break;
	case 0x15:
		frequency(r);
		break;
	case 0x80000001:
		r->ecx |= vcpu->vm->cpus > 1 ? (u32)CMP_LEGACY : 0;
		break;
	case 0x80000007:
		r->edx = cpuid(number, 0).edx & (u32)INVARIANT_TSC;
		break;
	case 0x80000008:
		r->ecx = vcpu->vm->cpus - 1;
		break;
	default:
		hypervisors(number, r);
	}
}
