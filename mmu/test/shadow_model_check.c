/** @file
 * A model of a TLB: what may be remembered, and what an access may come to
 * (shadow_model_state.h).
 */
#include "mmu/test/shadow_model_state.h"

/* What a processor may remember -------------------------------------------- */

void model_forget_pcid(struct model *m, u64 pcid)
{
	memset(m->known[pcid], 0, sizeof(m->known[pcid]));
}

void model_forget_all(struct model *m)
{
	memset(m->known, 0, sizeof(m->known));
}

void model_forget_page(struct model *m, u64 pcid, u64 n, bool only_global)
{
	for (u64 i = 0; i < ADDRESSES; i++) {
		struct memory_of *known = &m->known[pcid][i];
		u32 left = 0;

		for (u32 j = 0; j < known->count; j++) {
			u64 value = known->values[j];
			bool same =
				i == n || ((value & PS) &&
					   model_addresses[i] >> 21 ==
						   model_addresses[n] >> 21);

			if (!same || (only_global && !(value & G))) {
				known->values[left++] = value;
			}
		}
		known->count = left;
	}
}

static bool remembers(const struct memory_of *known, u64 value)
{
	for (u32 i = 0; i < known->count; i++) {
		if (known->values[i] == value) {
			return true;
		}
	}
	return false;
}

bool model_remember(struct model *m)
{
	for (u64 n = 0; n < ADDRESSES && !m->flat; n++) {
		struct memory_of *known = &m->known[m->pcid][n];
		u64 value = model_resolve(m, n);

		if (!value || remembers(known, value)) {
			continue;
		}
		if (known->count == MANY) {
			return false;
		}
		known->values[known->count++] = value;
	}
	return true;
}

/* What an access may come to ----------------------------------------------- */

/** SDM 3A 4.6.1 and 4.7: 0, or the page fault's error code plus BIT(31). */
static u32 judge(const struct model *m, u64 value, u32 access)
{
	u32 on = m->paging.flags;
	u32 fault = BIT(31) | (access & ~(u32)GUEST_WALK_AC);
	bool store = access & GUEST_WALK_WRITE;
	bool fetch = access & GUEST_WALK_FETCH;

	if (!value) {
		return fault;
	}
	fault |= P;
	if (fetch && (value & NX)) {
		return fault;
	}
	if (access & GUEST_WALK_USER) {
		return !(value & US) || (store && !(value & RW)) ? fault : 0;
	}
	if ((value & US) && fetch && (on & GUEST_WALK_SMEP)) {
		return fault;
	}
	if ((value & US) && !fetch && (on & GUEST_WALK_SMAP) &&
	    !(access & GUEST_WALK_AC)) {
		return fault;
	}
	return store && !(value & RW) && (on & GUEST_WALK_WP) ? fault : 0;
}

/** What a remembered translation must have to be used for this access. */
static bool usable(const struct model *m, u64 value, u32 access)
{
	return !judge(m, value, access) && (value & A) &&
	       (!(access & GUEST_WALK_WRITE) || (value & D));
}

/** Whether the slots allow this outcome at a guest physical address. */
static bool slots_allow(struct model *m, const struct bed_outcome *out,
			u64 addr, u32 access)
{
	const struct memslot *slot =
		memslot_find(memslot_read(&m->bed.slots), gpa(addr));
	bool gone = slot && (slot->flags & MEMSLOT_INVALID) &&
		    m->bed.slots.next == MEMSLOT_STEP_OPEN;
	bool store = access & GUEST_WALK_WRITE;
	bool rom = slot && (slot->flags & MEMSLOT_READONLY);

	switch (out->end) {
	case BED_MEMORY:
		return slot && !gone && !(store && rom) &&
		       out->gpa.v == memslot_hpa(slot, gpa(addr)).v - BED_HPA;
	case BED_MMIO:
		return out->gpa.v == addr && (!slot || (store && rom));
	case BED_RAM:
		return out->gpa.v == addr && slot && !(store && rom);
	case BED_STOP: /* tried again until we gave up */
		return slot && (slot->flags & MEMSLOT_INVALID);
	case BED_FAULT:
	case BED_NO_RAM:
		break;
	}
	return false;
}

/** Whether some translation explains the outcome. */
static bool explained(struct model *m, const struct bed_outcome *out,
		      const struct model_op *op)
{
	u64 n = op->a % ADDRESSES;
	u32 access = model_access(op);
	const struct memory_of *known = &m->known[m->pcid][n];
	u64 now;

	if (m->flat) {
		return slots_allow(m, out, model_addresses[n], access);
	}
	now = model_resolve(m, n);
	if (usable(m, now, access) &&
	    slots_allow(m, out, now & BITS(51, 12), access)) {
		return true;
	}
	for (u32 i = 0; i < known->count; i++) {
		u64 addr = known->values[i] & BITS(51, 12);

		if (usable(m, known->values[i], access) &&
		    slots_allow(m, out, addr, access)) {
			m->tally->stale++;
			return true;
		}
	}
	return false;
}

/** A store to memory must be in the log, if there is one. */
static bool logged(struct model *m, const struct bed_outcome *out, u32 access)
{
	const struct memslot *ram =
		memslot_find(memslot_read(&m->bed.slots), gpa(0));
	u64 page = out->gpa.v >> PAGE_SHIFT;

	if (out->end != BED_MEMORY || !(access & GUEST_WALK_WRITE) ||
	    page >= RAM_PAGES || !(ram->flags & MEMSLOT_LOG_DIRTY)) {
		return true;
	}
	return m->bed.dirty[0] & BIT(page);
}

const char *model_check(struct model *m, const struct bed_outcome *out,
			const struct model_op *op)
{
	u64 n = op->a % ADDRESSES;
	u32 access = model_access(op);
	u32 fault = m->flat ? 0 : judge(m, model_resolve(m, n), access);

	if (m->bed.broken) {
		return m->bed.broken;
	}
	if (out->end == BED_FAULT) {
		return fault == (BIT(31) | out->error_code)
			       ? NULL
			       : "the guest gets no fault but its tables'";
	}
	if (out->gva_hit && out->end != BED_MMIO) {
		return "a hit of the MMIO cache means MMIO";
	}
	if (op->kind == MODEL_EMULATE && fault && !out->gva_hit) {
		return "an emulated access obeys the tables";
	}
	if (out->end == BED_RAM && op->kind == MODEL_ACCESS &&
	    !(m->paging.flags & GUEST_WALK_SMAP)) {
		return "memory is not emulated";
	}
	if (!logged(m, out, access)) {
		return "a store to memory is logged";
	}
	return explained(m, out, op) ? NULL
				     : "what was used is what the tables gave "
				       "since the flush";
}
