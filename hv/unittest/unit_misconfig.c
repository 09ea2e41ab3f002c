/** @file
 * Cases: entries of the EPT that cannot be (SDM 3C 29.3.3.1).
 *
 * One table for each level: what is added to an entry that is good, or taken
 * from it, and whether that makes a misconfiguration, exit 49.  What is not one
 * must let the guest through: ignored bits are ignored.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/lib/printf.h"
#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"

/** IA32_VMX_EPT_VPID_CAP bit 0: execute-only entries are offered. */
#define CAP_EXECUTE_ONLY BIT(0)

#define RIGHTS TINY_EPT_ALL
#define TYPE BITS(5, 3)

/** A change to an entry, and what comes of it. */
struct change {
	u64 set, clear;
	bool wrong;
	const char *what;
};

static const struct change leaf_changes[] = {
	{ TINY_EPT_WRITE, RIGHTS, true, "writable, not readable" },
	{ TINY_EPT_WRITE | TINY_EPT_EXECUTE, RIGHTS, true,
	  "writable and executable, not readable" },
	{ 2 << 3, TYPE, true, "memory type 2" },
	{ 3 << 3, TYPE, true, "memory type 3" },
	{ 7 << 3, TYPE, true, "memory type 7" },
	{ BIT(51), 0, true, "an address beyond MAXPHYADDR" },
	{ 0, TYPE, false, "memory type 0" },
	{ 1 << 3, TYPE, false, "memory type 1" },
	{ 4 << 3, TYPE, false, "memory type 4" },
	{ 5 << 3, TYPE, false, "memory type 5" },
	{ BITS(11, 8), 0, false, "ignored bits 11:8" },
	{ BITS(62, 52), 0, false, "ignored bits 62:52" },
};

static const struct change table_changes[] = {
	{ TINY_EPT_WRITE, RIGHTS, true, "writable, not readable" },
	{ BIT(3), 0, true, "bit 3 of a table entry" },
	{ BIT(6), 0, true, "bit 6 of a table entry" },
	{ BIT(51), 0, true, "an address beyond MAXPHYADDR" },
	{ BITS(11, 8), 0, false, "ignored bits 11:8" },
	{ BITS(62, 52), 0, false, "ignored bits 62:52" },
};

/** Bochs 2.7 does not look at bit 12. */
static const struct change bit12_change[] = {
	{ BIT(12), 0, true, "bit 12 of a large page's address" },
};

static const struct change large_changes[] = {
	{ BIT(13), 0, true, "bit 13 of a large page's address" },
	{ BIT(20), 0, true, "bit 20 of a large page's address" },
	{ 7 << 3, TYPE, true, "memory type 7" },
	{ BITS(11, 8), 0, false, "ignored bits 11:8" },
};

static const struct change giant_changes[] = {
	{ BIT(13), 0, true, "bit 13 of a giant page's address" },
	{ BIT(29), 0, true, "bit 29 of a giant page's address" },
	{ 2 << 3, TYPE, true, "memory type 2" },
};

static const struct change pml4_changes[] = {
	{ BIT(7), 0, true, "bit 7 of a PML4 entry" },
	{ BIT(5), 0, true, "bit 5 of a PML4 entry" },
	{ TINY_EPT_WRITE, RIGHTS, true, "writable, not readable" },
};

TINY_CODE(touch_code, "mov (%rdi), %eax\n\t"
		      "vmcall\n\t")

/**
 * Try changes to one entry, which is on the way to what RDI points to.
 * @param entry the entry, good as it is
 */
static void try_changes(struct tiny_guest *g, u64 *entry,
			const struct change *changes, size_t count)
{
	u64 good = *entry;

	for (size_t i = 0; i < count && !g->why; i++) {
		TINY_LOAD(g, touch_code);
		*entry = (good & ~changes[i].clear) | changes[i].set;
		tiny_guest_invept(g);
		tiny_guest_expect(g, changes[i].wrong ?
					     EXIT_REASON_EPT_MISCONFIG :
					     EXIT_REASON_VMCALL);
		if (g->why) {
			printf("unit_misconfig: %s\n", changes[i].what);
		}
		*entry = good;
	}
}

#define TRY(g, entry, changes) \
	try_changes(g, entry, changes, ARRAY_SIZE(changes))

/** GUEST_PHYSICAL_ADDRESS is told; a small page's entry. */
void unit_misconfig_small(struct tiny_guest *g)
{
	u64 *entry = tiny_guest_ept(g, TINY_DATA);

	g->gpr[GPR_RDI] = TINY_DATA + 8;
	TRY(g, entry, leaf_changes);
	TINY_LOAD(g, touch_code);
	*entry |= TYPE;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_MISCONFIG);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS, TINY_DATA + 8);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
}

/** Execute-only is one where the capability MSR does not offer it. */
void unit_misconfig_execute_only(struct tiny_guest *g)
{
	bool offered = vmx_caps.ept_vpid & CAP_EXECUTE_ONLY;
	u64 *entry = tiny_guest_ept(g, TINY_DATA);

	TINY_LOAD(g, touch_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	*entry = (*entry & ~RIGHTS) | TINY_EPT_EXECUTE;
	tiny_guest_expect(g, offered ? EXIT_REASON_EPT_VIOLATION :
				       EXIT_REASON_EPT_MISCONFIG);
}

/** Entries that refer to a table.  They are on the way of everything, also of
 * the guest's code, so a copy of the way is tried: linear 4 MiB. */
void unit_misconfig_tables(struct tiny_guest *g)
{
	u64 large = TINY_PTE_PRESENT | TINY_PTE_WRITE | TINY_PTE_ACCESSED |
		    TINY_PTE_DIRTY | TINY_PTE_LARGE;

	/* PD[2] leads to the same small pages as PD[0]. */
	g->ept_pd[2] = g->ept_pd[0];
	*tiny_guest_word(g, TINY_PD + 16) = 2 * TINY_LARGE | large;
	g->gpr[GPR_RDI] = 2 * TINY_LARGE + TINY_DATA;
	TRY(g, &g->ept_pd[2], table_changes);
	/* PDPT[1] leads to the same directory, PML4[1] to the same again. */
	g->ept_pdpt[1] = g->ept_pdpt[0];
	*tiny_guest_word(g, TINY_PD + 16) = BIT(30) | large;
	TRY(g, &g->ept_pdpt[1], table_changes);
	g->ept_pml4[1] = g->ept_pml4[0];
	*tiny_guest_word(g, TINY_PD + 16) = BIT(39) | large;
	TRY(g, &g->ept_pml4[1], table_changes);
	TRY(g, &g->ept_pml4[1], pml4_changes);
}

/** Large and giant pages: their address must be a multiple of their size. */
void unit_misconfig_large(struct tiny_guest *g)
{
	g->gpr[GPR_RDI] = TINY_LARGE + 0x123000;
	TRY(g, &g->ept_pd[1], large_changes);
	if (vmx_unit_is_soft) {
		TRY(g, &g->ept_pd[1], bit12_change);
	}
	*tiny_guest_word(g, TINY_PD + 16) =
		BIT(30) | TINY_PTE_PRESENT | TINY_PTE_WRITE |
		TINY_PTE_ACCESSED | TINY_PTE_DIRTY | TINY_PTE_LARGE;
	g->ept_pdpt[1] = TINY_EPT_ALL | TINY_EPT_WRITE_BACK | TINY_EPT_LARGE;
	g->gpr[GPR_RDI] = 2 * TINY_LARGE;
	TRY(g, &g->ept_pdpt[1], giant_changes);
}
