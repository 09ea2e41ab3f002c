/** @file
 * The ring of coalesced stores, both ends of it.
 *
 * Each end reads the other's index once, with acquire, and moves its own with
 * release: whoever sees the index sees the entry.
 *
 * The ring is shared with the VMM, so an index is believed only after it has
 * been compared with the ring's size, and only the copy that was compared is
 * used.  A ring that is full, or nonsense, refuses the store; then it leaves to
 * the VMM like any other, behind those that wait in the ring, which is the
 * order that the VMM must keep (spec 4.4).
 */
#include "bus/coalesced.h"

#include "bus/access.h"
#include "bus/errno.h"

static u32 next_of(u32 index)
{
	return index + 1 == COALESCED_ENTRIES ? 0 : index + 1;
}

int coalesced_push(struct coalesced_ring *ring, const struct bus_access *access)
{
	u32 last = READ_ONCE(ring->last);
	struct coalesced_entry *entry;

	/* From here on only the copy counts: the VMM may change the other. */
	if (last >= COALESCED_ENTRIES || !access->is_write) {
		return -EOPNOTSUPP;
	}
	if (next_of(last) == smp_load_acquire(&ring->first)) {
		return -EOPNOTSUPP;
	}
	entry = &ring->entry[last];
	entry->address = access->address.v;
	entry->length = access->length;
	entry->is_port = 0;
	memset(entry->data, 0, sizeof(entry->data));
	memcpy(entry->data, &access->value, access->length);
	smp_store_release(&ring->last, next_of(last));
	return 0;
}

bool coalesced_pop(struct coalesced_ring *ring, struct coalesced_entry *out)
{
	u32 last = smp_load_acquire(&ring->last);
	u32 first = READ_ONCE(ring->first);

	if (first == last || first >= COALESCED_ENTRIES ||
	    last >= COALESCED_ENTRIES) {
		return false;
	}
	*out = ring->entry[first];
	smp_store_release(&ring->first, next_of(first));
	return true;
}
