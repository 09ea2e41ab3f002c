/** @file
 * Extended page tables, walked in software and shadowed into SVM's.
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
 * Each EPT pointer has tables of its own, so that going from one VM to another
 * and back hides no missing INVEPT.  Should the pages run out, all is dropped.
 */
#include "hv/softvmx/ept_shadow.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/x86/cpuid.h"

#define CONTEXTS 4
#define POOL_PAGES 128
#define LEVELS 4
#define ENTRIES 512

/* An EPT entry (SDM 3C tables 29-1 to 29-6) */
#define EPT_MEMORY_TYPE BITS(5, 3)
#define EPT_LARGE BIT(7)
#define EPT_ADDRESS BITS(51, 12)
#define EPT_UNCACHEABLE 0

/* An entry of nested page tables: AMD64's own (APM 2 5.3) */
#define NPT_PRESENT BIT(0)
#define NPT_WRITABLE BIT(1)
#define NPT_USER BIT(2) /* every nested access counts as a user's */
#define NPT_UNCACHED BITS(4, 3)
#define NPT_ACCESSED_DIRTY BITS(6, 5)
#define NPT_LARGE BIT(7)
#define NPT_NO_EXECUTE BIT(63)
#define NPT_TABLE (NPT_PRESENT | NPT_WRITABLE | NPT_USER | BIT(5))

struct ept_shadow {
	u64 eptp[CONTEXTS]; /* EPTP_FREE: not in use */
	u64 *root[CONTEXTS];
	unsigned int selected; /* context of the last VM entry */
	unsigned int next;     /* context to be reused next */
	unsigned int used;     /* pages taken from the pool */
	u64 generation;	       /* of what has been dropped, counted */
	u64 (*pool)[ENTRIES];
};

#define EPTP_FREE (~0ull)

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

static bool is_leaf(u64 entry, unsigned int level)
{
	return level == 1 || (level <= 3 && (entry & EPT_LARGE));
}

/** Bits 51:MAXPHYADDR, asked of CPUID once. */
static u64 beyond_physical_memory(void)
{
	static u64 mask;

	if (!mask) {
		unsigned int width = cpuid(0x80000008u, 0).eax & 0xff;

		mask = BITS(51, width < 51 ? width : 51);
	}
	return mask;
}

/** Leaf entries: what must be zero between rights and address. */
static const char *leaf_rule(u64 entry, unsigned int level)
{
	u64 type = (entry & EPT_MEMORY_TYPE) >> 3;

	if (type == 2 || type == 3 || type == 7) {
		return "the memory type is 2, 3 or 7";
	}
	if (entry & EPT_ADDRESS & offset_mask(level)) {
		return "a large page's address is not a multiple of its size";
	}
	return NULL;
}

/**
 * The rules of SDM 3C 29.3.3.1, for an entry with at least one right.
 * @return the broken one, or NULL
 */
static const char *broken_rule(u64 entry, unsigned int level)
{
	u64 rights = entry & EPT_SHADOW_RIGHTS;

	if (rights == EPT_SHADOW_WRITE ||
	    rights == (EPT_SHADOW_WRITE | EPT_SHADOW_EXECUTE)) {
		return "writable but not readable";
	}
	if (rights == EPT_SHADOW_EXECUTE) {
		return "execute-only, which this unit does not offer";
	}
	if (entry & beyond_physical_memory()) {
		return "an address bit beyond MAXPHYADDR is set";
	}
	if (is_leaf(entry, level)) {
		return leaf_rule(entry, level);
	}
	/* No memory type here; bit 7 of a PML4 entry is reserved as well. */
	if (entry & (level == 4 ? BITS(7, 3) : BITS(6, 3))) {
		return "a reserved bit of a table entry is set";
	}
	return NULL;
}

/** An entry of an EPT table; a table that is nowhere reads as all ones. */
static u64 read_entry(u64 table, gpa_t address, unsigned int level)
{
	if (table >= DIRECT_MAP_SIZE) {
		printf("softvmx: the level %u EPT table at 0x%llx for GPA "
		       "0x%llx is not in memory\n",
		       level, (unsigned long long)table,
		       (unsigned long long)address.v);
		return ~0ull;
	}
	return ((const u64 *)hpa_to_virt(hpa(table)))[index_at(address, level)];
}

void ept_shadow_walk(u64 eptp, gpa_t address, struct ept_shadow_walk *walk)
{
	u64 table = eptp & EPT_ADDRESS;

	walk->verdict = EPT_SHADOW_ABSENT;
	walk->rights = EPT_SHADOW_RIGHTS;
	walk->rule = NULL;
	for (unsigned int level = LEVELS; level >= 1; level--) {
		u64 entry = read_entry(table, address, level);

		walk->level = level;
		walk->entry = entry;
		walk->rights &= entry;
		if (!(entry & EPT_SHADOW_RIGHTS)) {
			return;
		}
		walk->rule = broken_rule(entry, level);
		if (walk->rule) {
			walk->verdict = EPT_SHADOW_MISCONFIG;
			return;
		}
		if (is_leaf(entry, level)) {
			u64 offset = offset_mask(level);

			walk->verdict = EPT_SHADOW_TRANSLATED;
			walk->hpa = hpa((entry & EPT_ADDRESS & ~offset) |
					(address.v & offset));
			return;
		}
		table = entry & EPT_ADDRESS;
	}
}

/** 128 pages: a guest of 64 MiB in small pages needs 35. */
struct ept_shadow *ept_shadow_create(void)
{
	struct ept_shadow *shadow = page_alloc(PAGE_OWNER_HV);

	if (!shadow) {
		return NULL;
	}
	shadow->pool = page_alloc_contig(PAGE_OWNER_HV, POOL_PAGES, 1);
	if (!shadow->pool) {
		page_free(shadow);
		return NULL;
	}
	ept_shadow_invalidate_all(shadow);
	return shadow;
}

void ept_shadow_destroy(struct ept_shadow *shadow)
{
	if (shadow) {
		page_free_contig(shadow->pool, POOL_PAGES);
		page_free(shadow);
	}
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
		shadow->eptp[i] = EPTP_FREE;
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
	unsigned int others = 0;

	shadow->generation++;
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		if (shadow->eptp[i] == eptp) {
			clear_context(shadow, i);
		} else if (shadow->eptp[i] != EPTP_FREE) {
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
	if (shadow->eptp[shadow->selected] == eptp) {
		return virt_to_hpa(shadow->root[shadow->selected]);
	}
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		if (shadow->eptp[i] == eptp) {
			shadow->selected = i;
			return virt_to_hpa(shadow->root[i]);
		}
	}
	shadow->selected = shadow->next;
	shadow->next = (shadow->next + 1) % CONTEXTS;
	clear_context(shadow, shadow->selected);
	shadow->eptp[shadow->selected] = eptp;
	return virt_to_hpa(shadow->root[shadow->selected]);
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

	for (unsigned int level = LEVELS; level > bottom; level--) {
		u64 *entry = &table[index_at(address, level)];

		if (!(*entry & NPT_PRESENT) || (*entry & NPT_LARGE)) {
			add_table(shadow, entry);
		}
		table = hpa_to_virt(hpa(*entry & EPT_ADDRESS));
	}
	return &table[index_at(address, bottom)];
}

/** The shadow's leaf: same page, same rights, accessed and dirty already. */
static u64 make_leaf(const struct ept_shadow_walk *walk, unsigned int level)
{
	u64 leaf = (walk->hpa.v & EPT_ADDRESS & ~offset_mask(level)) |
		   NPT_PRESENT | NPT_USER | NPT_ACCESSED_DIRTY;

	if (level > 1) {
		leaf |= NPT_LARGE;
	}
	if (walk->rights & EPT_SHADOW_WRITE) {
		leaf |= NPT_WRITABLE;
	}
	if (!(walk->rights & EPT_SHADOW_EXECUTE)) {
		leaf |= NPT_NO_EXECUTE;
	}
	if ((walk->entry & EPT_MEMORY_TYPE) >> 3 == EPT_UNCACHEABLE) {
		leaf |= NPT_UNCACHED;
	}
	return leaf;
}

void ept_shadow_install(struct ept_shadow *shadow, gpa_t address,
			const struct ept_shadow_walk *walk)
{
	/* Pages of 1 GiB are entered 2 MiB at a time. */
	unsigned int level = walk->level > 1 ? 2 : 1;

	if (shadow->used + LEVELS > POOL_PAGES) {
		drop_tables(shadow);
	}
	*build_entry(shadow, address, level) = make_leaf(walk, level);
}

void ept_shadow_forget(struct ept_shadow *shadow, gpa_t address)
{
	u64 *table = shadow->root[shadow->selected];

	shadow->generation++;
	for (unsigned int level = LEVELS; level >= 1; level--) {
		u64 *entry = &table[index_at(address, level)];

		if (level == 1 || (*entry & NPT_LARGE)) {
			*entry = 0;
			return;
		}
		if (!(*entry & NPT_PRESENT)) {
			return;
		}
		table = hpa_to_virt(hpa(*entry & EPT_ADDRESS));
	}
}
