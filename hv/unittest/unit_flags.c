/** @file
 * Cases: accessed and dirty flags of the EPT (SDM 3C 29.3.5), where the
 * capability MSR offers them.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"

/** IA32_VMX_EPT_VPID_CAP bit 21 (SDM 3D A.10). */
#define CAP_FLAGS BIT(21)

#define FLAGS (TINY_EPT_ACCESSED | TINY_EPT_DIRTY)

/** Enable them.  @return false where they are not offered */
static bool enable(struct tiny_guest *g)
{
	if (!(vmx_caps.ept_vpid & CAP_FLAGS)) {
		return false;
	}
	g->eptp |= EPTP_ENABLE_AD;
	vmwrite(EPT_POINTER, g->eptp);
	return true;
}

static void expect_flags(struct tiny_guest *g, const char *what, u64 entry,
			 u64 flags)
{
	tiny_guest_equal(g, what, entry & FLAGS, flags);
}

TINY_CODE(flags_code, "1:\tmov (%rdi), %eax\n\t"
		      "vmcall\n\t"
		      "mov %eax, (%rdi)\n\t"
		      "vmcall\n\t"
		      "jmp 1b\n\t")

/** A load sets A on the whole way; a store, and a walk of the guest's tables,
 * which counts as one (29.3.3.2), sets D in the last entry. */
void unit_flags_set(struct tiny_guest *g)
{
	u64 *page = tiny_guest_ept(g, TINY_DATA);

	if (!enable(g)) {
		return;
	}
	TINY_LOAD(g, flags_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	expect_flags(g, "PML4E", g->ept_pml4[0], TINY_EPT_ACCESSED);
	expect_flags(g, "PDPTE", g->ept_pdpt[0], TINY_EPT_ACCESSED);
	expect_flags(g, "PDE", g->ept_pd[0], TINY_EPT_ACCESSED);
	expect_flags(g, "PTE after a load", *page, TINY_EPT_ACCESSED);
	expect_flags(g, "PTE of the code",
		     *tiny_guest_ept(g, TINY_CODE_AT), TINY_EPT_ACCESSED);
	expect_flags(g, "PTE of a page table", *tiny_guest_ept(g, TINY_PT),
		     FLAGS);
	expect_flags(g, "PTE of a page that is not touched", page[1], 0);
	expect_flags(g, "PDE that is not touched", g->ept_pd[1], 0);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	expect_flags(g, "PTE after a store", *page, FLAGS);
	expect_flags(g, "PDE", g->ept_pd[0], TINY_EPT_ACCESSED);
}

/** Cleared flags come back after INVEPT, each time. */
void unit_flags_again(struct tiny_guest *g)
{
	u64 *page = tiny_guest_ept(g, TINY_DATA);

	if (!enable(g)) {
		return;
	}
	TINY_LOAD(g, flags_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	for (unsigned int i = 0; i < 3; i++) {
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
		expect_flags(g, "PTE after a load", *page, TINY_EPT_ACCESSED);
		tiny_guest_skip(g);
		tiny_guest_expect(g, EXIT_REASON_VMCALL);
		expect_flags(g, "PTE after a store", *page, FLAGS);
		tiny_guest_skip(g);
		*page &= ~FLAGS;
		tiny_guest_invept(g);
	}
}

/** Large pages have the two flags in their PDE. */
void unit_flags_large(struct tiny_guest *g)
{
	if (!enable(g)) {
		return;
	}
	TINY_LOAD(g, flags_code);
	g->gpr[GPR_RDI] = TINY_LARGE + 0x1000;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	expect_flags(g, "PDE after a load", g->ept_pd[1], TINY_EPT_ACCESSED);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	expect_flags(g, "PDE after a store", g->ept_pd[1], FLAGS);
}

/** A walk through a read-only page cannot make it dirty: a violation that is a
 * read and a write (SDM 3C table 28-7, note 1). */
void unit_flags_read_only_table(struct tiny_guest *g)
{
	if (!enable(g)) {
		return;
	}
	TINY_LOAD(g, flags_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	*tiny_guest_ept(g, TINY_PT) &= ~TINY_EPT_WRITE;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS,
			 TINY_PT + TINY_CODE_AT / PAGE_SIZE * 8);
	/* Bochs 2.7 says write only. */
	tiny_guest_equal(g, "read and write",
			 (g->qualification & 3) | !vmx_unit_is_soft, 3);
	tiny_guest_equal(g, "the access itself",
			 g->qualification & EPT_QUAL_NOT_WALK, 0);
}
