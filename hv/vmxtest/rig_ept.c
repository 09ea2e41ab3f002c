/** @file
 * The rig's EPT: what stands in it is the guest's choice (SDM 3C 29.3.2).
 *
 * All of RAM is mapped page by page with every right, so that an entry can be
 * spoiled without losing its neighbours.  Tables for other addresses are made
 * when SERVICE_EPT writes there.  Nothing is invalidated here: that is a
 * service of its own, and forgetting it a test.  There are two EPTs, so that a
 * guest can see what belongs to one EPT pointer and what to all.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmx/vmx_controls.h"

#define EPT_RIGHTS BITS(2, 0)
#define EPT_WRITE_BACK (6ull << 3)
#define EPT_LEAF BIT(7)
#define EPT_ADDRESS BITS(51, 12)
#define NO_TARGET (~0ull)
#define LEVELS 4

static unsigned int index_at(u64 address, unsigned int level)
{
	return address >> (PAGE_SHIFT + 9 * (level - 1)) & 511;
}

/** The table below an entry. @return NULL without memory */
static u64 *table_below(struct rig *rig, u64 *entry)
{
	u64 *table;

	if (*entry & EPT_ADDRESS) {
		return hpa_to_virt(hpa(*entry & EPT_ADDRESS));
	}
	table = page_alloc(rig->owner);
	if (table) {
		*entry = virt_to_hpa(table).v | EPT_RIGHTS;
	}
	return table;
}

/** The entry of an address at a level, with the tables above it. */
static u64 *find_entry(struct rig *rig, u64 address, unsigned int bottom)
{
	u64 *table = rig->ept;

	for (unsigned int level = LEVELS; table && level > bottom; level--) {
		table = table_below(rig, &table[index_at(address, level)]);
	}
	return table ? &table[index_at(address, bottom)] : NULL;
}

static int map_ram(struct rig *rig)
{
	for (u64 at = 0; at < SERVICES_RAM_SIZE; at += PAGE_SIZE) {
		u64 *entry = find_entry(rig, at, 1);

		if (!entry) {
			return -ENOMEM;
		}
		*entry = virt_to_hpa(rig->ram + at).v | EPT_RIGHTS |
			 EPT_WRITE_BACK;
	}
	return 0;
}

int rig_ept_select(struct rig *rig, unsigned int space)
{
	bool new = !rig->epts[space];

	if (new) {
		rig->epts[space] = page_alloc(rig->owner);
	}
	rig->ept = rig->epts[space];
	if (!rig->ept) {
		return -ENOMEM;
	}
	return new ? map_ram(rig) : 0;
}

u64 rig_ept_pointer(const struct rig *rig, unsigned int space)
{
	return virt_to_hpa(rig->epts[space]).v | EPTP_WALK_LENGTH_4 |
	       EPTP_MEMORY_TYPE_WB;
}

/** A table's entry keeps its address and gets other bits. */
int rig_ept_write(struct rig *rig, const struct services_ept *change)
{
	u64 *entry;

	if (change->level < 1 || change->level > LEVELS ||
	    (change->target != NO_TARGET &&
	     !rig_memory(rig, change->target, PAGE_SIZE))) {
		return -EINVAL;
	}
	entry = find_entry(rig, change->gpa, change->level);
	if (!entry) {
		return -ENOMEM;
	}
	if (change->target != NO_TARGET) {
		*entry = virt_to_hpa(rig->ram + change->target).v |
			 change->bits;
	} else if (change->level > 1) {
		*entry = (*entry & EPT_ADDRESS) | change->bits;
	} else {
		*entry = change->bits;
	}
	return 0;
}

/** Tables on the way are not made, so that looking changes nothing. */
u64 rig_ept_read(struct rig *rig, u64 gpa, u64 level)
{
	const u64 *table = rig->ept;

	for (unsigned int at = LEVELS; table && at > level; at--) {
		u64 entry = table[index_at(gpa, at)];

		table = entry & EPT_ADDRESS && !(entry & EPT_LEAF) ?
				hpa_to_virt(hpa(entry & EPT_ADDRESS)) : NULL;
	}
	return table ? table[index_at(gpa, level)] & ~EPT_ADDRESS : 0;
}
