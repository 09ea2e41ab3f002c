/** @file
 * Guest state that is looked up in memory: the VMCS link pointer
 * (SDM 3C 27.3.1.5) and the PDPTEs of PAE paging (27.3.1.6): VM exit 33 with
 * qualification 4 and 2.
 *
 * With PAE paging the processor keeps the four top entries of the page tables
 * in registers, which MOV to CR3 loads.  With EPT they are in the VMCS, without
 * it VM entry loads them from where CR3 points to.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"

#define LINK "27.3.1.5"
#define PDPTES "27.3.1.6"

/* Exit qualifications of a failed entry (SDM 3C 27.8). */
#define QUALIFICATION_PDPTE 2
#define QUALIFICATION_LINK 4

/** No VMCS is linked. */
#define LINK_NONE (~0ull)
/** The first word of a VMCS: revision, and whether it is a shadow VMCS. */
#define VMCS_REVISION_BITS BITS(30, 0)
#define VMCS_SHADOW BIT(31)

/** PDPTE: reserved below the address (SDM 3A table 4-8). */
#define PDPTE_P BIT(0)
#define PDPTE_RESERVED (BITS(8, 5) | BITS(2, 1))
#define PDPTE_ACCESSED BIT(5)
#define CR3_PDPT BITS(31, 5)

static bool has_link(const struct entry_view *view)
{
	(void)view;
	return entry_checks_read(VMCS_LINK_POINTER) != LINK_NONE;
}

static bool is_page(const struct entry_view *view, u64 link)
{
	(void)view;
	return entry_checks_is_page(link);
}

static bool is_reachable(const struct entry_view *view, u64 link)
{
	(void)view;
	return entry_checks_is_reachable(link);
}

static bool is_vmcs(const struct entry_view *view, u64 link)
{
	u64 revision = vmx_unit->capability(IA32_VMX_BASIC);

	(void)view;
	return ((entry_checks_load(hpa(link)) ^ revision) &
		VMCS_REVISION_BITS) == 0;
}

static bool is_shadow(const struct entry_view *view, u64 link)
{
	bool shadow = entry_checks_load(hpa(link)) & VMCS_SHADOW;

	return shadow == !!(view->cpu2 & CPU2_VMCS_SHADOWING);
}

static bool is_other_vmcs(const struct entry_view *view, u64 link)
{
	hpa_t current = hpa(LINK_NONE);

	(void)view;
	return vmx_unit->vmptrst(&current) || link != current.v;
}

static const struct entry_check link_checks[] = {
	{ VMCS_LINK_POINTER, LINK, has_link, is_page,
	  .rule = "it must be ~0, or a page: bits 11:0 clear, within MAXPHYADDR" },
	{ VMCS_LINK_POINTER, LINK, has_link, is_reachable,
	  .rule = "no memory is there (a processor would read all ones as the revision)" },
	{ VMCS_LINK_POINTER, LINK, has_link, is_vmcs,
	  .rule = "it must be ~0, or the VMCS there must have this processor's revision",
	   },
	{ VMCS_LINK_POINTER, LINK, has_link, is_shadow,
	  .rule = "bit 31 of the VMCS there must equal the control \"VMCS shadowing\"" },
	{ VMCS_LINK_POINTER, LINK, has_link, is_other_vmcs,
	  .rule = "it must not be the current VMCS" },
};

static bool has_pdptes(const struct entry_view *view)
{
	return (view->cr0 & CR0_PG) && !view->ia32e &&
	       (entry_checks_read(GUEST_CR4) & CR4_PAE);
}

static bool has_pdpte_fields(const struct entry_view *view)
{
	return has_pdptes(view) && (view->cpu2 & CPU2_ENABLE_EPT);
}

static bool has_pdpte_memory(const struct entry_view *view)
{
	return has_pdptes(view) && !(view->cpu2 & CPU2_ENABLE_EPT);
}

static bool is_pdpte(const struct entry_view *view, u64 pdpte)
{
	(void)view;
	return !(pdpte & PDPTE_P) ||
	       (!(pdpte & PDPTE_RESERVED) && entry_checks_is_physical(pdpte));
}

/** TCG sets accessed bits in PDPTEs, which have none: softvmx lets them be. */
static bool are_pdptes(const struct entry_view *view, u64 cr3)
{
	u64 ignored = vmx_unit_is_soft ? PDPTE_ACCESSED : 0;
	hpa_t pdpt = hpa(cr3 & CR3_PDPT);

	for (unsigned int i = 0; i < 4; i++) {
		u64 pdpte = entry_checks_load(hpa_add(pdpt, 8 * i));

		if (!is_pdpte(view, pdpte & ~ignored)) {
			return false;
		}
	}
	return true;
}

#define NOT_A_PDPTE "bits 8:5, 2:1 and beyond MAXPHYADDR must be 0 in a present PDPTE"

static const struct entry_check pdpte_checks[] = {
	{ GUEST_PDPTE0, PDPTES, has_pdpte_fields, is_pdpte, .rule = NOT_A_PDPTE },
	{ GUEST_PDPTE1, PDPTES, has_pdpte_fields, is_pdpte, .rule = NOT_A_PDPTE },
	{ GUEST_PDPTE2, PDPTES, has_pdpte_fields, is_pdpte, .rule = NOT_A_PDPTE },
	{ GUEST_PDPTE3, PDPTES, has_pdpte_fields, is_pdpte, .rule = NOT_A_PDPTE },
	{ GUEST_CR3, PDPTES, has_pdpte_memory, are_pdptes,
	  .rule = "a PDPTE there is present with bits 8:5, 2:1 or beyond MAXPHYADDR set",
	   },
};

bool entry_checks_memory(u64 *qualification)
{
	struct entry_view view;

	entry_checks_look(&view);
	*qualification = QUALIFICATION_LINK;
	if (!entry_checks_run(&view, link_checks, ARRAY_SIZE(link_checks))) {
		return false;
	}
	*qualification = QUALIFICATION_PDPTE;
	if (!entry_checks_run(&view, pdpte_checks, ARRAY_SIZE(pdpte_checks))) {
		return false;
	}
	*qualification = 0;
	return true;
}
