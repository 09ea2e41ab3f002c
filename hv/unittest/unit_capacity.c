/** @file
 * Cases: more EPTs, pages and VPIDs than anything can remember.
 *
 * A TLB has an end, and so have the tables of the soft unit.  What does not fit
 * is forgotten, and must be found again.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"

TINY_CODE(load_code, "mov (%rdi), %rax\n\t"
		     "vmcall\n\t")

/** An EPT that has page number i of the data where the data begin.
 * @return its pointer, or 0 */
static u64 make_ept(struct tiny_guest *g, u64 i)
{
	u64 *pml4 = page_alloc(TINY_OWNER), *pdpt = page_alloc(TINY_OWNER);
	u64 *pd = page_alloc(TINY_OWNER), *pt = page_alloc(TINY_OWNER);

	if (!pml4 || !pdpt || !pd || !pt) {
		g->why = "no memory";
		return 0;
	}
	memcpy(pt, g->ept_pt, PAGE_SIZE);
	pt[TINY_DATA / PAGE_SIZE] =
		*tiny_guest_ept(g, TINY_DATA + i * PAGE_SIZE);
	pd[0] = virt_to_hpa(pt).v | TINY_EPT_ALL;
	pdpt[0] = virt_to_hpa(pd).v | TINY_EPT_ALL;
	pml4[0] = virt_to_hpa(pdpt).v | TINY_EPT_ALL;
	return virt_to_hpa(pml4).v | EPTP_MEMORY_TYPE_WB | EPTP_WALK_LENGTH_4;
}

#define EPTS 20

/** Twenty EPTs in turn, each of which has another page in the same place. */
void unit_capacity_of_epts(struct tiny_guest *g)
{
	u64 eptp[EPTS];

	g->gpr[GPR_RDI] = TINY_DATA;
	for (u64 i = 0; i < EPTS && !g->why; i++) {
		*tiny_guest_word(g, TINY_DATA + i * PAGE_SIZE) = 100 + i;
		eptp[i] = make_ept(g, i);
	}
	if (!g->why && vmx_unit->invept(INVEPT_ALL_CONTEXT, 0)) {
		g->why = "INVEPT, all contexts, failed";
	}
	for (u64 i = 0; i < 3 * EPTS && !g->why; i++) {
		TINY_LOAD(g, load_code);
		vmwrite(EPT_POINTER, eptp[i % EPTS]);
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
		tiny_guest_equal(g, "the loaded value", g->gpr[GPR_RAX],
				 100 + i % EPTS);
	}
}

TINY_CODE(sum_code, "xor %eax, %eax\n"
		    "1:\tadd (%rdi), %rax\n\t"
		    "add $0x200000, %rdi\n\t"
		    "dec %ecx\n\t"
		    "jnz 1b\n\t"
		    "vmcall\n\t")

/** 512 small pages, each of which needs a table of its own: the second GiB of
 * the guest has its first 2 MiB again and again. */
void unit_capacity_of_pages(struct tiny_guest *g)
{
	u64 *pd = page_alloc(TINY_OWNER);

	if (!pd) {
		g->why = "no memory";
		return;
	}
	for (unsigned int i = 0; i < 512; i++) {
		pd[i] = g->ept_pd[0];
	}
	g->ept_pdpt[1] = virt_to_hpa(pd).v | TINY_EPT_ALL;
	*tiny_guest_word(g, TINY_PDPT + 8) =
		BIT(30) | TINY_PTE_PRESENT | TINY_PTE_WRITE |
		TINY_PTE_ACCESSED | TINY_PTE_DIRTY | TINY_PTE_LARGE;
	*tiny_guest_word(g, TINY_DATA) = 3;
	for (unsigned int i = 0; i < 2; i++) {
		TINY_LOAD(g, sum_code);
		g->gpr[GPR_RDI] = BIT(30) + TINY_DATA;
		g->gpr[GPR_RCX] = 512;
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
		tiny_guest_equal(g, "the sum", g->gpr[GPR_RAX], 512 * 3);
	}
}

/** Any VPID but 0 may be used, each with linear translations of its own; with
 * the control off, an entry forgets them all (SDM 3C 29.4.3.2). */
void unit_capacity_of_vpids(struct tiny_guest *g)
{
	static const u16 vpids[] = { 1, 2, 0x7fff, 0x8000, 0xffff };
	u64 *entry = tiny_guest_pte(g, TINY_DATA);
	u64 other = *tiny_guest_pte(g, TINY_DATA + PAGE_SIZE);

	*tiny_guest_word(g, TINY_DATA) = 0xa;
	*tiny_guest_word(g, TINY_DATA + PAGE_SIZE) = 0xb;
	g->gpr[GPR_RDI] = TINY_DATA;
	for (size_t i = 0; i < ARRAY_SIZE(vpids) && vmx_caps.invvpid; i++) {
		TINY_LOAD(g, load_code);
		vmwrite(VPID, vpids[i]);
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
		tiny_guest_equal(g, "the loaded value", g->gpr[GPR_RAX], 0xa);
		tiny_guest_field(g, VPID, vpids[i]);
	}
	tiny_guest_change(SECONDARY_VM_EXEC_CONTROL, 0, CPU2_ENABLE_VPID);
	TINY_LOAD(g, load_code);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	*entry = other;
	TINY_LOAD(g, load_code);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the loaded value", g->gpr[GPR_RAX], 0xb);
}
