/** @file
 * The tables of one root, and the list of its leaves; for shadow*.c only.
 *
 * Syncing, zapping and write-protecting visit all leaves of a root.  There are
 * a few dozen as a rule, scattered over tables of 512 entries each, so that
 * looking for them would cost far more than looking at them.  Each root
 * therefore keeps a list of the places where leaves stand.
 *
 *	tables  root -> ... -> PDE -> PTE       list  page -> page -> 0
 *	                               ^              gva | level
 *	                               +------------- gva | level
 *
 * A place is listed exactly if its entry is not 0.  A leaf that is dropped
 * outside of a visit leaves SHADOW_EMPTY behind; a visit takes such places off
 * the list.  Tables are never taken out of a root: a place on the list can be
 * reached as long as the root exists.
 */
#ifndef MMU_SHADOW_TABLE_H
#define MMU_SHADOW_TABLE_H

#include "mmu/shadow.h"

/** A leaf or an MMIO SPTE, to be put or being visited. */
struct shadow_leaf {
	gva_t addr; /* page address, aligned to the level's size */
	int level;  /* SHADOW_PTE or SHADOW_PDE */
	u64 value;  /* the entry */
	unsigned int shift; /* put: log2 of the size of the guest's page */
};

/** A visit to all leaves of a root. */
struct shadow_visit {
	struct shadow *shadow;
	struct shadow_root *root;
	/** Shown each leaf; may change leaf->value.  @return false: drop it */
	bool (*keep)(struct shadow_visit *visit, struct shadow_leaf *leaf);
	struct memslot_set *slots; /* for the visitor's own use, as is: */
	u64 first;
	u64 end;
};

/** Our pointer to a table. */
static inline u64 *shadow_table_at(const struct shadow *shadow, hpa_t table)
{
	return (u64 *)(uintptr_t)(table.v + shadow->direct_map);
}

/**
 * Make the top table.
 * @param root key is set; table must be 0
 * @return 0, or -ENOMEM
 */
int shadow_table_create(struct shadow *shadow, struct shadow_root *root)
	__must_check;

/** Free all tables and the list, if there are any; the key stays. */
void shadow_table_destroy(struct shadow *shadow, struct shadow_root *root);

/**
 * The entry that decides an address.
 * @param root built
 * @param level where to stop at the latest; set to the level of the entry
 */
u64 *shadow_table_find(const struct shadow *shadow,
		       const struct shadow_root *root, gva_t addr, int *level);

/**
 * Put a leaf into its place, making tables on the way; a large leaf that stands
 * in the way goes.  Asks for an invalidation if a right was taken away.
 * @param root built
 * @param leaf of level SHADOW_PDE only where shadow_table_fits()
 * @return 0, or -ENOMEM
 */
int shadow_table_put(struct shadow *shadow, struct shadow_root *root,
		     const struct shadow_leaf *leaf) __must_check;

/**
 * Put a leaf into the current root.  If there is no page for a table, all roots
 * are dropped, and it is tried once more: a guest that touches one page in each
 * block of a large space must not use up our memory.
 * @return 0, or -ENOMEM
 */
int shadow_put(struct shadow *shadow, const struct shadow_leaf *leaf)
	__must_check;

/**
 * Write an entry of a root, whole, after all that it points to; asks for an
 * invalidation unless nothing but a right was added to what was there.
 */
void shadow_table_set(struct shadow *shadow, u64 *entry, u64 value);

/** True if a large leaf can be put at the address: no table stands there. */
bool shadow_table_fits(const struct shadow *shadow,
		       const struct shadow_root *root, gva_t addr);

/**
 * Forget what is known of an address: its leaf, and all other pieces of the
 * guest's page that it is a piece of.
 * @param root built
 * @param addr any
 */
void shadow_table_drop(struct shadow *shadow, struct shadow_root *root,
		       gva_t addr);

/**
 * Remember that a leaf is a piece of a guest's page of this size, so that
 * shadow_table_drop() will find it.
 * @param root built; a leaf stands at addr
 * @param shift log2 of the page's size
 */
void shadow_table_note(struct shadow *shadow, struct shadow_root *root,
		       gva_t addr, unsigned int shift);

/** Show each leaf of a root to visit->keep(); root must be built. */
void shadow_table_visit(struct shadow_visit *visit);

#endif
