/** @file
 * CPUID: what the guest is told about its processor.
 *
 * It gets the real processor's answer, less what this hypervisor cannot give
 * it: VMX and SVM (no nesting), XSAVE and with it AVX (XCR0 is not switched),
 * the local APIC unless the VM has an irqchip, MONITOR, performance counters;
 * with EPT also SMEP, SMAP, PCID and INVPCID; and everything that came later.
 * Leaves that are not in the table are all 0.
 *
 * Bit 31 of leaf 1's ECX says "you are in a VM", and the leaf 0x40000000 that
 * hypervisors have agreed upon says whose.
 */
#include "hv/vcpu/exit.h"

#include "hv/platform/vlapic.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpuid.h"

#define LEAF_BASIC_MAX 7u
#define LEAF_HYPERVISOR 0x40000000u
#define LEAF_EXTENDED 0x80000000u
#define LEAF_EXTENDED_MAX 0x80000008u
#define LINEAR_48 0x3000u /* leaf 0x80000008: there is no LA57 */

/* Leaf 1, SDM 2A table 3-10 and 3-11: what stays */
#define LEAF_1_ECX                                                           \
	(BIT(0) /* SSE3 */ | BIT(1) /* PCLMULQDQ */ | BIT(9) /* SSSE3 */ |   \
	 BIT(13) /* CMPXCHG16B */ | BIT(19) /* SSE4.1 */ |                   \
	 BIT(20) /* SSE4.2 */ | BIT(22) /* MOVBE */ | BIT(23) /* POPCNT */ | \
	 BIT(25) /* AES */ | BIT(30) /* RDRAND */)
#define LEAF_1_EDX                                                        \
	(BIT(0) /* FPU */ | BIT(1) /* VME */ | BIT(2) /* DE */ |          \
	 BIT(3) /* PSE */ | BIT(4) /* TSC */ | BIT(5) /* MSR */ |         \
	 BIT(6) /* PAE */ | BIT(8) /* CX8 */ | BIT(11) /* SEP */ |        \
	 BIT(13) /* PGE */ | BIT(15) /* CMOV */ | BIT(16) /* PAT */ |     \
	 BIT(17) /* PSE-36 */ | BIT(19) /* CLFSH */ | BIT(23) /* MMX */ | \
	 BIT(24) /* FXSR */ | BIT(25) /* SSE */ | BIT(26) /* SSE2 */)

/* Leaf 7, subleaf 0: SDM 2A CPUID */
#define LEAF_7_EBX                                                           \
	(BIT(3) /* BMI1 */ | BIT(8) /* BMI2 */ | BIT(9) /* ERMS */ |         \
	 BIT(18) /* RDSEED */ | BIT(19) /* ADX */ | BIT(23) /* CLFLUSHOPT */ \
	 | BIT(29) /* SHA */)

/* What comes with a local APIC, beside its own bit */
#define LEAF_1_ECX_TSC_DEADLINE BIT(24)

/* What comes back without EPT */
#define LEAF_1_ECX_PCID BIT(17)
#define LEAF_7_EBX_INVPCID BIT(10)
#define LEAF_7_EBX_PROTECTION (BIT(7) /* SMEP */ | BIT(20) /* SMAP */)

/* Leaf 0x80000001 */
#define LEAF_EXT_1_ECX (BIT(0) /* LAHF */ | BIT(5) /* LZCNT */)
#define LEAF_EXT_1_EDX                                                 \
	(BIT(11) /* SYSCALL */ | BIT(20) /* NX */ | BIT(26) /* 1G */ | \
	 BIT(27) /* RDTSCP */ | BIT(29) /* LM */)

/**
 * A leaf that is passed on: which bits of each register stay.  What stays is
 * listed, not what goes: with tomorrow's processor comes a feature whose state
 * nobody here switches, and its bit must be 0 without anybody's having heard.
 */
struct leaf {
	u32 number;
	struct cpuid_result keep;
};

#define ALL 0xffffffffu

static const struct leaf leaves[] = {
	{0, {0, ALL, ALL, ALL}},
	{1, {ALL, ALL, LEAF_1_ECX, LEAF_1_EDX}},
	{2, {ALL, ALL, ALL, ALL}},
	{4, {ALL, ALL, ALL, ALL}},
	{7, {0, LEAF_7_EBX, 0, 0}},
	{0x80000000, {0, ALL, ALL, ALL}},
	{0x80000001, {ALL, ALL, LEAF_EXT_1_ECX, LEAF_EXT_1_EDX}},
	{0x80000002, {ALL, ALL, ALL, ALL}},
	{0x80000003, {ALL, ALL, ALL, ALL}},
	{0x80000004, {ALL, ALL, ALL, ALL}},
	{0x80000005, {ALL, ALL, ALL, ALL}},
	{0x80000006, {ALL, ALL, ALL, ALL}},
	{0x80000008, {0xff, 0, 0, 0}},
};

/** Bits that are not the processor's answer but ours. */
static void add_ours(u32 number, struct cpuid_result *r)
{
	switch (number) {
	case 0:
		r->eax = LEAF_BASIC_MAX;
		break;
	case 1:
		r->ecx |= (u32)CPUID_1_ECX_HYPERVISOR;
		r->ebx &= 0x0000ffff; /* one CPU, APIC ID 0 */
		break;
	case LEAF_EXTENDED:
		r->eax = LEAF_EXTENDED_MAX;
		break;
	case LEAF_EXTENDED_MAX:
		r->eax |= LINEAR_48;
		break;
	default:
		break;
	}
}

/** "exit49", twelve characters in EBX, ECX, EDX as every vendor leaf has. */
static struct cpuid_result hypervisor_leaf(void)
{
	return (struct cpuid_result){LEAF_HYPERVISOR, 0x74697865 /* exit */,
				     0x00003934 /* 49 */, 0};
}

static const struct leaf *find_leaf(u32 number)
{
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		if (leaves[i].number == number) {
			return &leaves[i];
		}
	}
	return NULL;
}

/**
 * Without EPT the guest's paging is ours: PCIDs and INVPCID are done in
 * software, SMEP and SMAP are the processor's if it has them.
 */
static void add_shadow(u32 number, u32 subleaf, struct cpuid_result *r)
{
	if (number == 1) {
		r->ecx |= (u32)LEAF_1_ECX_PCID;
	} else if (number == 7) {
		r->ebx |= cpuid(number, subleaf).ebx & LEAF_7_EBX_PROTECTION;
		r->ebx |= (u32)LEAF_7_EBX_INVPCID;
	}
}

/** The APIC's bit goes away while the guest has switched it off (SDM 3A
 * 11.4.3); its ID here is the one at reset. */
static void add_apic(const struct vcpu *vcpu, u32 number,
		     struct cpuid_result *r)
{
	if (number == 1) {
		r->ebx |= (u32)vcpu->number << 24;
		r->ecx |= (u32)LEAF_1_ECX_TSC_DEADLINE;
		r->edx |= vlapic_is_on(vcpu->apic) ? CPUID_1_EDX_APIC : 0;
	}
}

/** What not every guest has; see struct vcpu, cpuid_more. */
static __noinline void add_more(const struct vcpu *vcpu, u32 number,
				u32 subleaf, struct cpuid_result *r)
{
	if (!vcpu->vm->with_ept) {
		add_shadow(number, subleaf, r);
	}
	if (vcpu->apic) {
		add_apic(vcpu, number, r);
	}
	if (vcpu->vm->foreign) {
		exit_cpuid_pc(vcpu, number, subleaf, r);
	}
}

/** A leaf that no processor is asked for. */
static __noinline void get_ours(const struct vcpu *vcpu, u32 number,
				u32 subleaf, struct cpuid_result *r)
{
	if (number == LEAF_HYPERVISOR) {
		*r = hypervisor_leaf();
	}
	if (vcpu->vm->foreign) {
		exit_cpuid_pc(vcpu, number, subleaf, r);
	}
}

static inline void get(const struct vcpu *vcpu, u32 number, u32 subleaf,
		       struct cpuid_result *r)
{
	const struct leaf *leaf = find_leaf(number);

	*r = (struct cpuid_result){0, 0, 0, 0};
	if (unlikely(!leaf)) {
		get_ours(vcpu, number, subleaf, r);
		return;
	}
	if (number == 7 && subleaf != 0) {
		return;
	}
	*r = cpuid(number, subleaf);
	r->eax &= leaf->keep.eax;
	r->ebx &= leaf->keep.ebx;
	r->ecx &= leaf->keep.ecx;
	r->edx &= leaf->keep.edx;
	add_ours(number, r);
	if (unlikely(vcpu->cpuid_more)) {
		add_more(vcpu, number, subleaf, r);
	}
}

struct cpuid_result exit_cpuid_get(const struct vcpu *vcpu, u32 number,
				   u32 subleaf)
{
	struct cpuid_result r;

	get(vcpu, number, subleaf, &r);
	return r;
}

/*
 * CPUID exits always, and no control can prevent it.  So it is also where tests
 * ask for the instructions behind it to be emulated (emulate_next); then RIP
 * has to be behind it at once, and not in the epilogue.
 */
enum exit_action exit_cpuid_handle(struct vcpu *vcpu)
{
	struct cpuid_result r;

	get(vcpu, vcpu->gpr[GPR_RAX], vcpu->gpr[GPR_RCX], &r);
	vcpu->gpr[GPR_RAX] = r.eax;
	vcpu->gpr[GPR_RBX] = r.ebx;
	vcpu->gpr[GPR_RCX] = r.ecx;
	vcpu->gpr[GPR_RDX] = r.edx;
	if (unlikely(vcpu->emulate_next)) {
		u32 count = vcpu->emulate_next;

		vcpu->emulate_next = 0;
		exit_advance(vcpu);
		return emulate_forced(vcpu, count);
	}
	return EXIT_ADVANCE;
}
