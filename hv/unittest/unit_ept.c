/** @file
 * Cases: translations by the EPT, and how long they last (SDM 3C 29.3, 29.4).
 *
 * Hardware may keep a translation until INVEPT or forget it at any time, so
 * that a hypervisor which forgets an INVEPT fails now and then.  The soft unit
 * keeps it always, and the cases say so; Bochs 2.7 forgets at every entry,
 * which is permitted too.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_controls.h"

/** A page whose translation the cases change. */
#define PAGE_A TINY_DATA
#define PAGE_B (TINY_DATA + PAGE_SIZE)

TINY_CODE(load_code, "1:\tmov (%rdi), %rax\n\t"
		     "vmcall\n\t"
		     "jmp 1b\n\t")

/** Have the guest load from RDI once more, and expect this value. */
static void expect_load(struct tiny_guest *g, u64 value)
{
	if (!g->why) {
		vmwrite(GUEST_RIP, TINY_CODE_AT);
	}
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the loaded value", g->gpr[GPR_RAX], value);
}

/** Two pages of different contents, the first of which is translated. */
static void translate_a(struct tiny_guest *g)
{
	TINY_LOAD(g, load_code);
	*tiny_guest_word(g, PAGE_A) = 0xa;
	*tiny_guest_word(g, PAGE_B) = 0xb;
	g->gpr[GPR_RDI] = PAGE_A;
	expect_load(g, 0xa);
}

/** The whole point: without INVEPT the old page is still there. */
void unit_ept_forgotten_invept(struct tiny_guest *g)
{
	translate_a(g);
	*tiny_guest_ept(g, PAGE_A) = *tiny_guest_ept(g, PAGE_B);
	for (unsigned int i = 0; i < 3 && vmx_unit_is_soft; i++) {
		expect_load(g, 0xa);
	}
	tiny_guest_invept(g);
	expect_load(g, 0xb);
	/* A right that is taken away is the same. */
	*tiny_guest_ept(g, PAGE_A) = 0;
	if (vmx_unit_is_soft) {
		expect_load(g, 0xb);
	}
	tiny_guest_invept(g);
	TINY_LOAD(g, load_code);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
}

TINY_CODE(store_code, "mov %rax, (%rdi)\n\t"
		      "vmcall\n\t")

/** One that is added needs none: the violation forgets (SDM 3C 29.4.3.1). */
void unit_ept_added_right(struct tiny_guest *g)
{
	translate_a(g);
	*tiny_guest_ept(g, PAGE_A) &= ~TINY_EPT_WRITE;
	tiny_guest_invept(g);
	expect_load(g, 0xa);
	TINY_LOAD(g, store_code);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	*tiny_guest_ept(g, PAGE_A) |= TINY_EPT_WRITE;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	/* And so does a whole translation. */
	TINY_LOAD(g, load_code);
	g->gpr[GPR_RDI] = PAGE_B;
	*tiny_guest_ept(g, PAGE_B) = 0;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	*tiny_guest_ept(g, PAGE_B) = *tiny_guest_ept(g, PAGE_A);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
}

/** A second EPT: another first page.  @return its pointer, or 0 */
static u64 second_ept(struct tiny_guest *g)
{
	u64 *pml4 = page_alloc(TINY_OWNER), *pdpt = page_alloc(TINY_OWNER);
	u64 *pd = page_alloc(TINY_OWNER), *pt = page_alloc(TINY_OWNER);

	if (!pml4 || !pdpt || !pd || !pt) {
		g->why = "no memory";
		return 0;
	}
	memcpy(pt, g->ept_pt, PAGE_SIZE);
	pt[PAGE_A / PAGE_SIZE] = *tiny_guest_ept(g, PAGE_B);
	pd[0] = virt_to_hpa(pt).v | TINY_EPT_ALL;
	pdpt[0] = virt_to_hpa(pd).v | TINY_EPT_ALL;
	pml4[0] = virt_to_hpa(pdpt).v | TINY_EPT_ALL;
	return virt_to_hpa(pml4).v | EPTP_MEMORY_TYPE_WB | EPTP_WALK_LENGTH_4;
}

/** Translations belong to an EPT, and so does INVEPT of one context. */
void unit_ept_two_pointers(struct tiny_guest *g)
{
	u64 other = second_ept(g);

	translate_a(g);
	vmwrite(EPT_POINTER, other);
	expect_load(g, 0xb);
	/* Change the first; invalidating the second is no help to it. */
	*tiny_guest_ept(g, PAGE_A) = *tiny_guest_ept(g, PAGE_B);
	if (vmx_unit->invept(INVEPT_SINGLE_CONTEXT, other)) {
		g->why = "INVEPT of a good EPT pointer failed";
	}
	expect_load(g, 0xb);
	vmwrite(EPT_POINTER, g->eptp);
	if (vmx_unit_is_soft) {
		expect_load(g, 0xa);
	}
	/* Both at once. */
	if (vmx_unit->invept(INVEPT_ALL_CONTEXT, 0)) {
		g->why = "INVEPT of all contexts failed";
	}
	expect_load(g, 0xb);
}

/** Map a linear page for the guest: 2 MiB at 4 MiB, to anywhere. */
static void map_far(struct tiny_guest *g, u64 physical)
{
	*tiny_guest_word(g, TINY_PD + 16) =
		physical | TINY_PTE_PRESENT | TINY_PTE_WRITE |
		TINY_PTE_ACCESSED | TINY_PTE_DIRTY | TINY_PTE_LARGE;
	g->gpr[GPR_RDI] = TINY_SIZE;
}

/** Pages of 2 MiB and of 1 GiB, and a right missing in one. */
void unit_ept_large_pages(struct tiny_guest *g)
{
	u64 giant = TINY_EPT_LARGE | TINY_EPT_WRITE_BACK;

	TINY_LOAD(g, load_code);
	*tiny_guest_word(g, TINY_LARGE) = 0x2;
	g->gpr[GPR_RDI] = TINY_LARGE;
	expect_load(g, 0x2);
	*tiny_guest_word(g, TINY_SIZE - 8) = 0x4;
	g->gpr[GPR_RDI] = TINY_SIZE - 8;
	expect_load(g, 0x4);
	/* The second GiB is the first GiB of the machine: we are in it. */
	g->ept_pdpt[1] = giant | TINY_EPT_ALL;
	map_far(g, BIT(30) + g->hpa.v + TINY_LARGE);
	expect_load(g, 0x2);
	g->ept_pdpt[1] = giant | TINY_EPT_READ;
	tiny_guest_invept(g);
	expect_load(g, 0x2);
	TINY_LOAD(g, store_code);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x18a);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS,
			 BIT(30) + g->hpa.v + TINY_LARGE);
}

/** What every level allows is allowed (SDM 3C 29.3.2). */
void unit_ept_rights_of_levels(struct tiny_guest *g)
{
	u64 *levels[] = { g->ept_pml4, g->ept_pdpt, g->ept_pd,
			  tiny_guest_ept(g, PAGE_A) };

	g->gpr[GPR_RDI] = PAGE_A;
	for (size_t i = 1; i < ARRAY_SIZE(levels); i++) {
		TINY_LOAD(g, store_code);
		*levels[i] &= ~TINY_EPT_WRITE;
		/* The guest's tables lie there too: walks must still pass. */
		tiny_guest_invept(g);
		tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
		tiny_guest_field(g, EXIT_QUALIFICATION, 0x1aa);
		tiny_guest_field(g, GUEST_LINEAR_ADDRESS, PAGE_A);
		*levels[i] |= TINY_EPT_WRITE;
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
	}
}

/** The operands that INVEPT and INVVPID refuse (SDM 3C 31.3). */
void unit_ept_bad_operands(struct tiny_guest *g)
{
	static const struct {
		u64 type, vpid, linear;
	} wrong[] = {
		{ INVVPID_INDIVIDUAL_ADDRESS, 0, 0 },
		{ INVVPID_INDIVIDUAL_ADDRESS, 1, 1ull << 47 },
		{ INVVPID_SINGLE_CONTEXT, 0, 0 },
		{ INVVPID_SINGLE_NON_GLOBAL, 0, 0 },
		{ 4, 1, 0 },
	};
	static const u64 eptp_bits[] = { 1, 1ull << 3, 1ull << 11, 1ull << 62 };

	for (size_t i = 0; i < ARRAY_SIZE(eptp_bits); i++) {
		u64 eptp = g->eptp ^ eptp_bits[i];

		tiny_guest_equal(g, "INVEPT of a bad EPT pointer",
				 vmx_unit->invept(INVEPT_SINGLE_CONTEXT, eptp),
				 VMX_FAIL_VALID);
		tiny_guest_field(g, VM_INSTRUCTION_ERROR, 28);
	}
	tiny_guest_equal(g, "INVEPT of type 3",
			 vmx_unit->invept(3, g->eptp), VMX_FAIL_VALID);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		tiny_guest_equal(g, "INVVPID of a bad operand",
				 vmx_unit->invvpid(wrong[i].type, wrong[i].vpid,
						   gva(wrong[i].linear)),
				 VMX_FAIL_VALID);
		tiny_guest_field(g, VM_INSTRUCTION_ERROR, 28);
	}
}

/** All four types of INVVPID, after each of which a new table counts. */
void unit_ept_invvpid(struct tiny_guest *g)
{
	u64 *entry = tiny_guest_pte(g, PAGE_A);
	u64 to[2] = { *entry, *tiny_guest_pte(g, PAGE_B) };

	translate_a(g);
	for (u64 type = 0; type <= INVVPID_SINGLE_NON_GLOBAL; type++) {
		u64 vpid = type == INVVPID_ALL_CONTEXT ? 0 : 1;

		*entry = to[~type & 1];
		tiny_guest_equal(g, "INVVPID",
				 vmx_unit->invvpid(type, vpid, gva(PAGE_A)),
				 VMX_SUCCEED);
		expect_load(g, ~type & 1 ? 0xb : 0xa);
	}
}
