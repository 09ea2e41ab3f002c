/** @file
 * The EPT's translations as nested page tables: this unit's TLB.
 *
 * SVM's nested page tables look like ordinary ones, so an EPT cannot be handed
 * over; it is translated entry by entry, when the guest needs it:
 *
 *	guest touches a GPA --> nested page fault --> walk the EPT
 *	    allowed   --> enter it into the shadow, go on       no VM exit
 *	    missing   --> exit 48, EPT violation
 *	    malformed --> exit 49, EPT misconfiguration
 *
 * What was entered stays until INVEPT, like a processor's cache of "guest-
 * physical mappings" (SDM 3C 29.4.1) which never forgets by itself: software
 * that takes a right away and does not say INVEPT keeps being served the old
 * translation, each time and not only now and then.  A right that was added
 * needs none: without it the guest faults, and a fault walks the EPT anew.
 * An EPT violation drops the translation it hit (29.4.3.1), and misconfigured
 * entries are never cached.
 *
 * Each EPT has tables of its own, told apart by the address of its PML4 table
 * as the SDM has it (EP4TA, 29.4.2), so that going from one VM to another and
 * back hides no missing INVEPT.  A new VM whose PML4 table lies where an older
 * VM's was must therefore begin with an INVEPT.  Should the pages run out, all
 * is dropped.
 */
#include "hv/softvmx/ept_shadow.h"

#include "hv/lib/page.h"
#include "hv/softvmx/npt.h"

/** EPTs that are remembered at once; an older one is forgotten as a whole. */
#define CONTEXTS 8

/** Pages before the pool: the struct, and three for svm_step.c. */
#define PAGES_OF_OWN 4

struct ept_shadow {
	u64 pml4[CONTEXTS]; /* of the EPT, physical; EPT_NONE: not in use */
	u64 *root[CONTEXTS];
	unsigned int selected; /* context of the last VM entry */
	unsigned int next;     /* context to be reused next */
	u64 generation;	       /* of what has been dropped, counted */
	u64 *no_execute;       /* a page for ept_shadow_without_execute() */
	u64 *identity;	       /* two pages for ept_shadow_identity() */
	struct npt_pool pool;  /* its first pages are the roots, for good */
};

#define EPT_NONE (~0ull)

void ept_shadow_init(struct ept_shadow *shadow)
{
	u64(*pages)[NPT_ENTRIES] = (u64(*)[NPT_ENTRIES])shadow;

	shadow->no_execute = pages[1];
	shadow->identity = pages[2];
	shadow->pool.pages = pages + PAGES_OF_OWN;
	shadow->pool.count = EPT_SHADOW_PAGES - PAGES_OF_OWN;
	ept_shadow_invalidate_all(shadow);
}

u64 ept_shadow_generation(const struct ept_shadow *shadow)
{
	return shadow->generation;
}

void ept_shadow_invalidate_all(struct ept_shadow *shadow)
{
	shadow->generation++;
	shadow->pool.used = 0;
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		shadow->pml4[i] = EPT_NONE;
		shadow->root[i] = npt_take_page(&shadow->pool);
	}
}

/** Empty one context.  Its tables stay taken until all are dropped. */
static void clear_context(struct ept_shadow *shadow, unsigned int context)
{
	memset(shadow->root[context], 0, PAGE_SIZE);
}

void ept_shadow_invalidate(struct ept_shadow *shadow, u64 eptp)
{
	u64 pml4 = eptp & EPT_WALK_ADDRESS;
	unsigned int others = 0;

	shadow->generation++;
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		if (shadow->pml4[i] == pml4) {
			clear_context(shadow, i);
		} else if (shadow->pml4[i] != EPT_NONE) {
			others++;
		}
	}
	if (!others) {
		/* The usual case of one VM: take its tables back as well. */
		shadow->pool.used = CONTEXTS;
	}
}

/** The context of this EPT, or CONTEXTS. */
static unsigned int find_context(const struct ept_shadow *shadow, u64 pml4)
{
	unsigned int i = 0;

	while (i < CONTEXTS && shadow->pml4[i] != pml4) {
		i++;
	}
	return i;
}

/* At each VM entry, and nearly always the EPT of the last one. */
hpa_t ept_shadow_select(struct ept_shadow *shadow, u64 eptp)
{
	u64 pml4 = eptp & EPT_WALK_ADDRESS;
	unsigned int context = shadow->selected;

	if (unlikely(shadow->pml4[context] != pml4)) {
		context = find_context(shadow, pml4);
		if (context == CONTEXTS) {
			context = shadow->next;
			shadow->next = (context + 1) % CONTEXTS;
			clear_context(shadow, context);
			shadow->pml4[context] = pml4;
		}
		shadow->selected = context;
	}
	return virt_to_hpa(shadow->root[context]);
}

/*
 * No-execute holds for all that lies below an entry, so a copy of the root with
 * that bit in each entry is a whole set of tables.  It is made anew each time,
 * as the root may have got entries since.
 */
hpa_t ept_shadow_without_execute(struct ept_shadow *shadow)
{
	const u64 *root = shadow->root[shadow->selected];

	for (unsigned int i = 0; i < NPT_ENTRIES; i++) {
		shadow->no_execute[i] = root[i] ? root[i] | NPT_NO_EXECUTE : 0;
	}
	return virt_to_hpa(shadow->no_execute);
}

/* One PML4 entry with 512 pages of 1 GiB; guests without EPT have no more. */
hpa_t ept_shadow_identity(struct ept_shadow *shadow)
{
	u64 *pml4 = shadow->identity;
	u64 *pdpt = shadow->identity + NPT_ENTRIES;

	for (u64 i = 0; i < NPT_ENTRIES; i++) {
		pdpt[i] = i << 30 | NPT_TABLE | NPT_ACCESSED_DIRTY | NPT_LARGE;
	}
	pml4[0] = virt_to_hpa(pdpt).v | NPT_TABLE | NPT_NO_EXECUTE;
	return virt_to_hpa(pml4);
}

/** Drop every table of every context but keep which is which: processors may
 * always forget more than they are told to (SDM 3C 29.4.3.2). */
static void drop_tables(struct ept_shadow *shadow)
{
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		clear_context(shadow, i);
	}
	shadow->pool.used = CONTEXTS;
}

u32 ept_shadow_find(const struct ept_shadow *shadow, gpa_t address, hpa_t *hpa)
{
	u64 *root = shadow->root[shadow->selected];
	unsigned int level;
	const u64 *leaf = npt_find(root, address, &level);

	if (!leaf) {
		return 0;
	}
	*hpa = npt_translate(*leaf, address, level);
	return npt_rights(*leaf);
}

/*
 * Pages of 1 GiB are entered 2 MiB at a time.  Where small pages have been
 * entered before, a large one is entered as one more of them: the others have
 * not been invalidated.
 */
void ept_shadow_install(struct ept_shadow *shadow, gpa_t address,
			const struct ept_walk *walk)
{
	u64 *root = shadow->root[shadow->selected];
	unsigned int level = walk->level > 1 ? 2 : 1;

	if (shadow->pool.used + NPT_LEVELS > shadow->pool.count) {
		drop_tables(shadow);
	}
	if (level == 2 && npt_has_small_pages(root, address)) {
		level = 1;
	}
	*npt_build(root, address, level, &shadow->pool) =
		npt_make_leaf(walk, level);
}

void ept_shadow_forget(struct ept_shadow *shadow, gpa_t address)
{
	unsigned int level;
	u64 *leaf = npt_find(shadow->root[shadow->selected], address, &level);

	shadow->generation++;
	if (leaf) {
		*leaf = 0;
	}
}
