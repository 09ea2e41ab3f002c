/** @file
 * The store that has rung a doorbell last: known again, it need not be decoded.
 *
 * At exit 49 the processor gives an address and nothing else.  It may have been
 * a load, and how long the instruction is must be found out (spec 1.1, 10.7).
 * But whoever rings a doorbell does so again from the same place.  So the store
 * is remembered, with all that made us believe that it is one:
 *
 *	rip, cs, cr3      the same place, in the same mode
 *	generation, trail the same page of code (as in fetch_cache.h): entries
 *			  of the guest's tables are looked at, not trusted
 *	bytes             the same instruction stands there now
 *	base, last        its operand begins where the exit says that it was
 *			  touched, and ends on the same page
 *
 * If all of that is so it is the same store again, perhaps with another value,
 * perhaps to another address of the same page, which no slot has in this
 * generation.  Otherwise the access takes the whole way.  Only plain moves to
 * memory by one register or none are remembered, in 64-bit code.
 */
#ifndef HV_VCPU_KNOWN_STORE_H
#define HV_VCPU_KNOWN_STORE_H

#include "bus/access.h"
#include "bus/types.h"
#include "mmu/guest_walk.h"
#include "mmu/memslot.h"

struct vcpu;

/** Longer instructions are not remembered. */
#define KNOWN_STORE_BYTES 8

/** No instruction is there: it is not canonical. */
#define KNOWN_STORE_NONE BIT(63)

struct known_store {
	u64 rip; /* KNOWN_STORE_NONE: nothing is known */
	u64 cs;	 /* access rights: 64-bit, not conforming */
	u64 cr3;
	u64 generation; /* of the slots: code, trail and page are good */
	u64 length;
	/* the instruction's first bytes: where they are, what they were */
	const u64 *code;
	u64 bytes;
	struct guest_walk_trail trail;
	/* the operand's last byte is at *base + displacement, linear */
	const u64 *base; /* in the vCPU's gpr[], or &zero */
	u64 displacement;
	/* the page that it rings at, less the operand's size minus 1 */
	u64 page;
	u64 zero;
};

/** Forget it: CR0, CR4 or EFER have changed, or the vCPU is another. */
static inline void known_store_drop(struct known_store *store)
{
	store->rip = KNOWN_STORE_NONE;
}

/**
 * Is it still the same?  After rip, cs and cr3 were compared; in the read
 * section in which slots were read.
 * @param slots the slots now
 * @param addr  what was touched
 */
static inline bool known_store_holds(const struct known_store *store,
				     const struct memslot_set *slots,
				     gpa_t addr)
{
	u64 last = (*store->base + store->displacement) & (PAGE_SIZE - 1);

	return store->generation == memslot_generation(slots) &&
	       store->page + last == addr.v && guest_walk_same(&store->trail) &&
	       READ_ONCE(*store->code) == store->bytes;
}

/**
 * An instruction was emulated after exit 49: if it is a store as above,
 * remember it.  Inside a read section.
 * @param vcpu the emulator's last instruction was that one
 * @param rip  where it was; if RIP is not behind it, it has not retired
 * @param addr what it has touched, which rings a doorbell of any length
 */
void known_store_learn(struct vcpu *vcpu, u64 rip, gpa_t addr);

#endif
