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
 * back hides no missing INVEPT.  Should the pages run out, all is dropped.
 */
#include "hv/softvmx/ept_shadow.h"

#include "hv/lib/page.h"

/** EPTs that are remembered at once; an older one is forgotten as a whole. */
#define CONTEXTS 8
/** A guest of 64 MiB in small pages needs 35. */
#define POOL_PAGES 160
#define ENTRIES 512

/* An entry of nested page tables: AMD64's own (APM 2 5.3) */
#define NPT_PRESENT BIT(0)
#define NPT_WRITABLE BIT(1)
#define NPT_USER BIT(2) /* nested accesses count as a user's, APM 2 15.25.5 */
#define NPT_UNCACHED BITS(4, 3)
#define NPT_ACCESSED_DIRTY BITS(6, 5)
#define NPT_LARGE BIT(7)
#define NPT_NO_EXECUTE BIT(63)
#define NPT_TABLE (NPT_PRESENT | NPT_WRITABLE | NPT_USER | BIT(5))

#define EPT_UNCACHEABLE 0

struct ept_shadow {
	u64 pml4[CONTEXTS]; /* of the EPT, physical; EPT_NONE: not in use */
	u64 *root[CONTEXTS];
	unsigned int selected; /* context of the last VM entry */
	unsigned int next;     /* context to be reused next */
	unsigned int used;     /* pages taken from the pool */
	u64 generation;	       /* of what has been dropped, counted */
	u64 *no_execute;       /* a page for ept_shadow_without_execute() */
	u64 *identity;	       /* two pages for ept_shadow_identity() */
	u64 (*pool)[ENTRIES];
};

#define EPT_NONE (~0ull)

/** Nine bits of the address for each level, as in any x86 table. */
static unsigned int index_at(gpa_t address, unsigned int level)
{
	return address.v >> (PAGE_SHIFT + 9 * (level - 1)) & (ENTRIES - 1);
}

/** The part of an address that an entry of this level does not translate. */
static u64 offset_mask(unsigned int level)
{
	return (1ull << (PAGE_SHIFT + 9 * (level - 1))) - 1;
}

/** The pool last, and with it the roots, so that a failure shows by NULL. */
struct ept_shadow *ept_shadow_create(void)
{
	struct ept_shadow *shadow = page_alloc(PAGE_OWNER_HV);

	if (!shadow) {
		return NULL;
	}
	shadow->no_execute = page_alloc(PAGE_OWNER_HV);
	shadow->identity = page_alloc_contig(PAGE_OWNER_HV, 2, 1);
	shadow->pool = page_alloc_contig(PAGE_OWNER_HV, POOL_PAGES, 1);
	if (!shadow->no_execute || !shadow->identity || !shadow->pool) {
		ept_shadow_destroy(shadow);
		return NULL;
	}
	ept_shadow_invalidate_all(shadow);
	return shadow;
}

void ept_shadow_destroy(struct ept_shadow *shadow)
{
	if (!shadow) {
		return;
	}
	page_free(shadow->no_execute);
	if (shadow->identity) {
		page_free_contig(shadow->identity, 2);
	}
	if (shadow->pool) {
		page_free_contig(shadow->pool, POOL_PAGES);
	}
	page_free(shadow);
}

/** A zeroed page; the roots' pages are never given back, see below. */
static u64 *take_page(struct ept_shadow *shadow)
{
	u64 *page = shadow->pool[shadow->used++];

	memset(page, 0, PAGE_SIZE);
	return page;
}

u64 ept_shadow_generation(const struct ept_shadow *shadow)
{
	return shadow->generation;
}

void ept_shadow_invalidate_all(struct ept_shadow *shadow)
{
	shadow->generation++;
	shadow->used = 0;
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		shadow->pml4[i] = EPT_NONE;
		shadow->root[i] = take_page(shadow);
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
		shadow->used = CONTEXTS;
	}
}

hpa_t ept_shadow_select(struct ept_shadow *shadow, u64 eptp)
{
	u64 pml4 = eptp & EPT_WALK_ADDRESS;

	if (shadow->pml4[shadow->selected] == pml4) {
		return virt_to_hpa(shadow->root[shadow->selected]);
	}
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		if (shadow->pml4[i] == pml4) {
			shadow->selected = i;
			return virt_to_hpa(shadow->root[i]);
		}
	}
	shadow->selected = shadow->next;
	shadow->next = (shadow->next + 1) % CONTEXTS;
	clear_context(shadow, shadow->selected);
	shadow->pml4[shadow->selected] = pml4;
	return virt_to_hpa(shadow->root[shadow->selected]);
}

/*
 * No-execute holds for all that lies below an entry, so a copy of the root with
 * that bit in each entry is a whole set of tables.  It is made anew each time,
 * as the root may have got entries since.
 */
hpa_t ept_shadow_without_execute(struct ept_shadow *shadow)
{
	const u64 *root = shadow->root[shadow->selected];

	for (unsigned int i = 0; i < ENTRIES; i++) {
		shadow->no_execute[i] = root[i] ? root[i] | NPT_NO_EXECUTE : 0;
	}
	return virt_to_hpa(shadow->no_execute);
}

/** One PML4 entry with 512 pages of 1 GiB; guests without EPT have no more. */
hpa_t ept_shadow_identity(struct ept_shadow *shadow)
{
	u64 *pml4 = shadow->identity;
	u64 *pdpt = shadow->identity + ENTRIES;

	for (u64 i = 0; i < ENTRIES; i++) {
		pdpt[i] = i << 30 | NPT_TABLE | NPT_ACCESSED_DIRTY | NPT_LARGE;
	}
	pml4[0] = virt_to_hpa(pdpt).v | NPT_TABLE | NPT_NO_EXECUTE;
	return virt_to_hpa(pml4);
}

/** Drop every table of every context but keep which is which. */
static void drop_tables(struct ept_shadow *shadow)
{
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		clear_context(shadow, i);
	}
	shadow->used = CONTEXTS;
}

/**
 * Put a table below an entry.  A large page that is there is kept, in small
 * ones: its neighbours have not been invalidated.
 */
static void add_table(struct ept_shadow *shadow, u64 *entry)
{
	u64 *table = take_page(shadow);

	if (*entry & NPT_LARGE) {
		u64 leaf = *entry & ~NPT_LARGE;

		for (unsigned int i = 0; i < ENTRIES; i++) {
			table[i] = leaf + i * PAGE_SIZE;
		}
	}
	*entry = virt_to_hpa(table).v | NPT_TABLE;
}

/** The entry for an address at a level, with the tables above it made. */
static u64 *build_entry(struct ept_shadow *shadow, gpa_t address,
			unsigned int bottom)
{
	u64 *table = shadow->root[shadow->selected];

	for (unsigned int level = EPT_WALK_LEVELS; level > bottom; level--) {
		u64 *entry = &table[index_at(address, level)];

		if (!(*entry & NPT_PRESENT) || (*entry & NPT_LARGE)) {
			add_table(shadow, entry);
		}
		table = hpa_to_virt(hpa(*entry & EPT_WALK_ADDRESS));
	}
	return &table[index_at(address, bottom)];
}

/**
 * The leaf entry for an address, or NULL.
 * @param level filled when found: 1, or 2 for a large page
 */
static u64 *find_entry(const struct ept_shadow *shadow, gpa_t address,
		       unsigned int *level)
{
	u64 *table = shadow->root[shadow->selected];

	for (*level = EPT_WALK_LEVELS; *level >= 1; (*level)--) {
		u64 *entry = &table[index_at(address, *level)];

		if (!(*entry & NPT_PRESENT)) {
			return NULL;
		}
		if (*level == 1 || (*entry & NPT_LARGE)) {
			return entry;
		}
		table = hpa_to_virt(hpa(*entry & EPT_WALK_ADDRESS));
	}
	return NULL;
}

u32 ept_shadow_find(const struct ept_shadow *shadow, gpa_t address, hpa_t *hpa)
{
	unsigned int level;
	const u64 *entry = find_entry(shadow, address, &level);
	u64 offset;

	if (!entry) {
		return 0;
	}
	offset = offset_mask(level);
	hpa->v = (*entry & EPT_WALK_ADDRESS & ~offset) | (address.v & offset);
	return EPT_WALK_READ | (*entry & NPT_WRITABLE ? EPT_WALK_WRITE : 0) |
	       (*entry & NPT_NO_EXECUTE ? 0 : EPT_WALK_EXECUTE);
}

/** The shadow's leaf: same page, same rights, accessed and dirty already. */
static u64 make_leaf(const struct ept_walk *walk, unsigned int level)
{
	u64 leaf = (walk->hpa.v & EPT_WALK_ADDRESS & ~offset_mask(level)) |
		   NPT_PRESENT | NPT_USER | NPT_ACCESSED_DIRTY;

	if (level > 1) {
		leaf |= NPT_LARGE;
	}
	if (walk->rights & EPT_WALK_WRITE) {
		leaf |= NPT_WRITABLE;
	}
	if (!(walk->rights & EPT_WALK_EXECUTE)) {
		leaf |= NPT_NO_EXECUTE;
	}
	if (bits(walk->entry, 5, 3) == EPT_UNCACHEABLE) {
		leaf |= NPT_UNCACHED;
	}
	return leaf;
}

/** Is there a table of small pages where a large page would be entered? */
static bool has_small_pages(const struct ept_shadow *shadow, gpa_t address)
{
	u64 *table = shadow->root[shadow->selected];

	for (unsigned int level = EPT_WALK_LEVELS; level >= 2; level--) {
		u64 entry = table[index_at(address, level)];

		if (!(entry & NPT_PRESENT) || (entry & NPT_LARGE)) {
			return false;
		}
		table = hpa_to_virt(hpa(entry & EPT_WALK_ADDRESS));
	}
	return true;
}

/*
 * Pages of 1 GiB are entered 2 MiB at a time.  Where small pages have been
 * entered before, a large one is entered as one more of them: the others have
 * not been invalidated.
 */
void ept_shadow_install(struct ept_shadow *shadow, gpa_t address,
			const struct ept_walk *walk)
{
	unsigned int level = walk->level > 1 ? 2 : 1;

	if (shadow->used + EPT_WALK_LEVELS > POOL_PAGES) {
		drop_tables(shadow);
	}
	if (level == 2 && has_small_pages(shadow, address)) {
		level = 1;
	}
	*build_entry(shadow, address, level) = make_leaf(walk, level);
}

void ept_shadow_forget(struct ept_shadow *shadow, gpa_t address)
{
	unsigned int level;
	u64 *entry = find_entry(shadow, address, &level);

	shadow->generation++;
	if (entry) {
		*entry = 0;
	}
}
