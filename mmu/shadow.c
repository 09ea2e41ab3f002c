/** @file
 * Shadow paging: the roots, and what happens to them.
 *
 * The current root stands first in the array, the others behind it in the
 * order of their last use, so that the last one is the one to go.
 *
 * Three things are kept apart which are easily mixed up.  *Stale*: the guest
 * has flushed, so that this root must be synced before it is used; set by
 * whatever flushes, cleared by a sync.  *Invalidation*: the processor's own TLB
 * must forget, since we have taken something away or have switched roots.  And
 * the *MMIO cache*, which remembers one translation besides the tables, and
 * hears of everything here.
 *
 * In the path of an access: after an exit that was none of these, shadow_load()
 * is two comparisons.
 */
#include "mmu/shadow.h"

#include "mmu/shadow_table.h"

static struct shadow_root *current(struct shadow *shadow)
{
	return &shadow->roots[0];
}

/* Life --------------------------------------------------------------------- */

int shadow_create(struct shadow *shadow)
{
	if (!shadow->generation_bits) {
		shadow->generation_bits = SHADOW_MMIO_GEN_BITS;
	}
	if (!shadow->ops || !shadow->known || shadow->phys_bits < 36 ||
	    shadow->phys_bits > 52 ||
	    shadow->generation_bits > SHADOW_MMIO_GEN_BITS) {
		return -EINVAL;
	}
	shadow->paging = (struct guest_paging){ .mode = GUEST_WALK_FLAT };
	shadow->pcid = 0;
	memset(shadow->roots, 0, sizeof(shadow->roots));
	memset(&shadow->counters, 0, sizeof(shadow->counters));
	return 0;
}

/* The keys stay: what is current is still current, only no longer built. */
void shadow_unload(struct shadow *shadow)
{
	for (int i = 0; i < SHADOW_ROOTS; i++) {
		shadow_table_destroy(shadow, &shadow->roots[i]);
	}
}

void shadow_destroy(struct shadow *shadow)
{
	shadow_unload(shadow);
}

void shadow_ask_invalidation(struct shadow *shadow)
{
	/* Release: who sees the request sees the new entries. */
	smp_store_release(&shadow->counters.invalidations,
			  shadow->counters.invalidations + 1);
	if (shadow->ops->kick) {
		shadow->ops->kick(shadow->ctx);
	}
}

/* Which root --------------------------------------------------------------- */

/**
 * What tells one root from another.  Not CR3 alone: the same tables mean
 * something else in another paging mode, or with NX, WP, SMEP or SMAP switched
 * over.  Without paging there is one address space, whatever CR3 holds.
 */
static struct shadow_key key_of(const struct guest_paging *paging, u16 pcid)
{
	struct shadow_key key = { .mode = paging->mode };

	if (paging->mode != GUEST_WALK_FLAT) {
		key.cr3 = paging->root;
		key.flags = paging->flags;
		key.pcid = pcid;
	}
	return key;
}

static bool same_key(const struct shadow_key *a, const struct shadow_key *b)
{
	return a->cr3.v == b->cr3.v && a->mode == b->mode &&
	       a->flags == b->flags && a->pcid == b->pcid;
}

/** The place of the root of that key; SHADOW_ROOTS if none is kept. */
static int find_root(const struct shadow *shadow, const struct shadow_key *key)
{
	int i = 0;

	while (i < SHADOW_ROOTS && (!shadow->roots[i].table.v ||
				    !same_key(&shadow->roots[i].key, key))) {
		i++;
	}
	return i;
}

/** Let the root at a place be the current one; those before move back. */
static void move_to_front(struct shadow *shadow, int place)
{
	struct shadow_root moved = shadow->roots[place];

	for (; place > 0; place--) {
		shadow->roots[place] = shadow->roots[place - 1];
	}
	shadow->roots[0] = moved;
}

/**
 * A place for a root that must be built: one not built now, or the last, which
 * was used longest ago.  Its tables go here; the new ones are made when the
 * guest is entered, by shadow_load().
 */
static int free_place(struct shadow *shadow)
{
	int place = 0;

	while (place < SHADOW_ROOTS - 1 && shadow->roots[place].table.v) {
		place++;
	}
	shadow_table_destroy(shadow, &shadow->roots[place]);
	return place;
}

/**
 * Make the root of shadow->paging the current one.
 * @return true if it was kept
 */
static bool switch_root(struct shadow *shadow)
{
	struct shadow_key key = key_of(&shadow->paging, shadow->pcid);
	int place = find_root(shadow, &key);
	bool kept = place < SHADOW_ROOTS;

	if (place == 0) {
		return true;
	}
	move_to_front(shadow, kept ? place : free_place(shadow));
	current(shadow)->key = key;
	/* Translations of the root before must not be used with this one. */
	shadow_ask_invalidation(shadow);
	return kept;
}

/* What the guest's registers say ------------------------------------------- */

/*
 * Flush first, then switch.  MOV to CR3 flushes the PCID that it loads (SDM 3A
 * 4.10.4.1), so the root that becomes current is among those that are marked:
 * a fast switch saves building it anew, and not the sync.  A guest that has
 * PCIDs avoids the sync as well, by bit 63: no_flush.
 */
bool shadow_new_pgd(struct shadow *shadow, const struct guest_paging *paging,
		    u16 pcid, bool no_flush)
{
	bool fast;

	shadow->paging = *paging;
	shadow->pcid = pcid;
	if (!no_flush) {
		shadow_flush_pcid(shadow, pcid);
	}
	fast = switch_root(shadow);
	shadow->counters.fast_switches += fast;
	shadow->counters.slow_switches += !fast;
	mmio_known_event(shadow->known,
			 fast ? MMIO_CACHE_CR3_FAST : MMIO_CACHE_CR3_SLOW,
			 gva(0));
	return fast;
}

/* Counted neither as fast nor as slow: those are about MOV to CR3. */
void shadow_new_mode(struct shadow *shadow, const struct guest_paging *paging,
		     u16 pcid)
{
	shadow->paging = *paging;
	shadow->pcid = pcid;
	shadow_flush_all(shadow);
	(void)switch_root(shadow);
	mmio_known_event(shadow->known, MMIO_CACHE_MODE, gva(0));
}

/* Before an entry ---------------------------------------------------------- */

/**
 * Without memory, drop all that can be built anew, and count it.
 *
 * A shadow holds nothing but copies of what the guest's tables say, so that all
 * of it can go at any time: the price is page faults, never an error.
 */
static void reclaim(struct shadow *shadow)
{
	shadow->counters.reclaims++;
	shadow_unload(shadow);
}

/** Build the current root; without memory, at the cost of the others. */
static int build(struct shadow *shadow)
{
	struct shadow_root *root = current(shadow);

	root->key = key_of(&shadow->paging, shadow->pcid);
	if (shadow_table_create(shadow, root) < 0) {
		reclaim(shadow);
		if (shadow_table_create(shadow, root) < 0) {
			return -ENOMEM;
		}
	}
	shadow->counters.builds++;
	shadow_ask_invalidation(shadow);
	mmio_known_event(shadow->known, MMIO_CACHE_ROOT_BUILT, gva(0));
	return 0;
}

/* A root that was built just now is empty and says nothing that is stale. */
int shadow_load(struct shadow *shadow, struct memslot_set *slots)
{
	if (!current(shadow)->table.v) {
		return build(shadow);
	}
	if (current(shadow)->stale) {
		shadow_sync_roots(shadow, slots);
	}
	return 0;
}

/*
 * The second try cannot be kept from memory by other tables of this vCPU: they
 * are gone.  If it fails nevertheless, there is really none.
 */
int shadow_put(struct shadow *shadow, const struct shadow_leaf *leaf)
{
	if (shadow_table_put(shadow, current(shadow), leaf) == 0) {
		return 0;
	}
	reclaim(shadow);
	if (build(shadow) < 0) {
		return -ENOMEM;
	}
	return shadow_table_put(shadow, current(shadow), leaf);
}
