/** @file
 * INVPCID finds its descriptor in every form that its operand can have.
 *
 * Without EPT the hypervisor finds the instruction in the guest's code by
 * itself (hv/vcpu/exit_invpcid.c), and no compiler writes more than one or two
 * of the forms.  So each is written here by hand, twice: once the descriptor
 * that it means has a reserved bit set, which is #GP, and all others are good;
 * then it is good and all others are bad.  Both come out right only if the
 * address is right to the byte.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/paging/tables.h"

#define TYPE_ALL 2ull
#define RESERVED BIT(12) /* of a descriptor: above the PCID */
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
#define FS 0x1000ull
#define GS 0x3000ull
#define FAR 0x1230ull /* no displacement of 8 bits */

/** PCID and address, SDM 2A INVPCID. */
struct descriptor {
	u64 pcid, address;
};

static struct descriptor all[16];
#define MEANT 9

/** What the forms below take in RBX and RCX. */
static u64 base, factor;

#define FORM(name, text)                                                       \
	static void name(void)                                                 \
	{                                                                      \
		asm volatile(text                                              \
			     :                                                 \
			     : "a"(TYPE_ALL), "b"(base), "c"(factor)           \
			     : "memory", "r9", "r12", "r13", "r15");           \
	}

FORM(plain, "invpcid (%%rbx), %%rax")
FORM(near_above, "invpcid 0x70(%%rbx), %%rax")
FORM(near_below, "invpcid -0x20(%%rbx), %%rax")
FORM(far_above, "invpcid 0x1230(%%rbx), %%rax")
FORM(far_below, "invpcid -0x1230(%%rbx), %%rax")
FORM(scaled, "invpcid (%%rbx,%%rcx,8), %%rax")
FORM(scaled_near, "invpcid 0x10(%%rbx,%%rcx,2), %%rax")
FORM(scaled_alone, "invpcid 0x40(,%%rcx,4), %%rax")
FORM(high_index, "mov %%rcx, %%r9; invpcid (%%rbx,%%r9,4), %%rax")
FORM(r12_index, "mov %%rcx, %%r12; invpcid (%%rbx,%%r12,1), %%rax")
FORM(r12_base, "mov %%rbx, %%r12; invpcid (%%r12), %%rax")
FORM(r13_base, "mov %%rbx, %%r13; invpcid (%%r13), %%rax")
FORM(high_type, "mov %%rax, %%r15; invpcid (%%rbx), %%r15")
FORM(by_rbp, "push %%rbp; mov %%rbx, %%rbp; invpcid 0x10(%%rbp), %%rax; "
	     "pop %%rbp")
FORM(by_fs, "invpcid %%fs:(%%rbx), %%rax")
FORM(by_gs, "invpcid %%gs:(%%rbx), %%rax")
FORM(useless_prefix, ".byte 0x3e; invpcid (%%rbx), %%rax")
FORM(narrow, "invpcid (%%ebx), %%rax")

static void relative(void)
{
	asm volatile("invpcid %0, %1" : : "m"(all[MEANT]), "r"(TYPE_ALL)
		     : "memory");
}

static void on_the_stack(void)
{
	const struct descriptor *d = &all[MEANT];

	asm volatile("push %1; push %0; invpcid (%%rsp), %2; add $16, %%rsp"
		     :
		     : "r"(d->pcid), "r"(d->address), "r"(TYPE_ALL)
		     : "memory");
}

/** A form, and the registers with which it means all[MEANT]. */
struct form {
	void (*run)(void);
	u64 base;   /* RBX, from all[MEANT] on, modulo 2^64 */
	u64 factor; /* RCX */
};

static const struct form forms[] = {
	{ plain, 0, 0 },
	{ near_above, -0x70ull, 0 },
	{ near_below, 0x20, 0 },
	{ far_above, -FAR, 0 },
	{ far_below, FAR, 0 },
	{ scaled, -40ull, 5 },
	{ scaled_near, -0x10ull - 14, 7 },
	{ high_index, -12ull, 3 },
	{ r12_index, -11ull, 11 },
	{ r12_base, 0, 0 },
	{ r13_base, 0, 0 },
	{ high_type, 0, 0 },
	{ by_rbp, -0x10ull, 0 },
	{ by_fs, -FS, 0 },
	{ by_gs, -GS, 0 },
	{ useless_prefix, 0, 0 },
	{ narrow, 0xabcd00000000, 0 },
	{ relative, 0, 0 },
	{ on_the_stack, 0, 0 },
};

static void set_base(u32 msr, u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)));
}

/** One descriptor is good and all others are bad, or the other way round. */
static void fill(bool meant_is_bad)
{
	for (u64 i = 0; i < ARRAY_SIZE(all); i++) {
		bool bad = (i == MEANT) == meant_is_bad;

		all[i] = (struct descriptor){ bad ? RESERVED : 0, 0 };
	}
}

static u64 vector_of(void (*fn)(void))
{
	struct trap trap;

	trap_catch(fn, &trap);
	return trap.vector;
}

static void try_both(void (*fn)(void))
{
	fill(true);
	CHECK_COUNT(vector_of(fn), TRAP_GP,
		    "INVPCID reads the descriptor that its operand means: a "
		    "reserved bit of it is #GP (SDM 2A INVPCID)");
	fill(false);
	CHECK_COUNT(vector_of(fn), TRAP_NONE,
		    "INVPCID reads no other descriptor than the one that its "
		    "operand means (SDM 2A INVPCID)");
}

TEST(invpcid_finds_its_descriptor_in_each_form)
{
	u64 at = (u64)&all[MEANT];

	if (!tables_has_pcid()) {
		CHECK_COUNT(vector_of(relative), TRAP_UD,
			    "an instruction that CPUID does not offer is #UD");
		return;
	}
	set_base(MSR_FS_BASE, FS);
	set_base(MSR_GS_BASE, GS);
	for (u64 i = 0; i < ARRAY_SIZE(forms); i++) {
		base = at + forms[i].base;
		factor = forms[i].factor;
		try_both(forms[i].run);
	}
	factor = (at - 0x40) / 4;
	try_both(scaled_alone);
	set_base(MSR_FS_BASE, 0);
	set_base(MSR_GS_BASE, 0);
}

static void register_operand(void)
{
	/* invpcid %rax, %rax, which no assembler writes */
	asm volatile(".byte 0x66, 0x0f, 0x38, 0x82, 0xc0" : : "a"(TYPE_ALL));
}

static void without_66(void)
{
	asm volatile(".byte 0x0f, 0x38, 0x82, 0x03" : : "b"(base));
}

TEST(what_is_no_invpcid_is_undefined)
{
	base = (u64)&all[MEANT];
	fill(false);
	CHECK_COUNT(vector_of(register_operand), TRAP_UD,
		    "INVPCID of a register is #UD (SDM 2A INVPCID)");
	CHECK_COUNT(vector_of(without_66), TRAP_UD,
		    "0F 38 82 without 66 is #UD (SDM 2A INVPCID)");
}
