/** @file
 * Messages between local APICs: whom they are for.
 *
 * A physical destination is an APIC ID.  A logical one is compared with each
 * APIC's LDR, in one of two ways that its DFR chooses (SDM 3A 11.6.2):
 *
 *	flat     a bit each: any in common
 *	cluster  4 bits the cluster, 4 bits one each: same cluster, any in
 *		 common; cluster 15 is all clusters
 *
 * 0xff is everybody, in all of them.
 *
 * On real machines the messages travel over the system bus and each APIC
 * decides for itself whether it is meant.  Here the sender asks all of them in
 * turn, on its own CPU and without a lock.  That is sound because whatever it
 * reads of a stranger (ID, LDR, DFR, SVR) is one aligned word: it may be the
 * value before or after a change that happens just now, and either is what a
 * real bus could have seen, too.
 */
#include "hv/platform/vlapic.h"

#define EVERYBODY 0xff
#define DFR_FLAT 0xf
#define SVR_ENABLE BIT(8)
#define VECTOR_MIN 16

#define ICR_LOGICAL BIT(11)
#define ICR_ASSERT BIT(14)
#define ICR_LEVEL BIT(15)

/** ICR bits 19 and 18: they name whom it is for, instead of the destination. */
enum shorthand { NO_SHORTHAND, SELF, ALL, ALL_OTHERS };

/**
 * Flat serves eight processors, a bit each.  A cluster has only four bits, but
 * there are 15 clusters.  All APICs should have the same DFR; we take each at
 * its own word.
 */
static bool matches_logical(const struct vlapic *apic, u8 destination)
{
	u8 ldr = READ_ONCE(apic->ldr) >> 24;
	u8 common = ldr & destination;

	if (READ_ONCE(apic->dfr) >> 28 == DFR_FLAT) {
		return common;
	}
	return (destination >> 4 == 0xf || destination >> 4 == ldr >> 4) &&
	       (common & 0xf);
}

/**
 * Physical: the ID of the *register*, which a guest may write.  It is not the
 * number under which the APIC stands in the bus' array.
 */
static bool matches(const struct vlapic *apic,
		    const struct vlapic_message *message)
{
	if (message->destination == EVERYBODY) {
		return true;
	}
	if (message->logical) {
		return matches_logical(apic, message->destination);
	}
	return READ_ONCE(apic->id) >> 24 == message->destination;
}

/**
 * One that could take it, of lower priority than the best so far?  Priority is
 * what the processor does now: its PPR.  It may be another one as soon as we
 * have looked; that costs a little fairness and nothing else, as whoever is
 * chosen keeps the interrupt in its IRR until it can take it.
 */
static bool is_better(const struct vlapic *apic, const struct vlapic *best)
{
	if (!vlapic_is_on(apic) || !(READ_ONCE(apic->svr) & SVR_ENABLE)) {
		return false;
	}
	return !best || vlapic_priority(apic) < vlapic_priority(best);
}

/**
 * Among equals they take turns: we begin behind the last one.  Without that
 * processor 0 would get all of them as long as all are equally idle.  `last` is
 * only a hint: two senders at once may both write it, and nothing is lost.
 */
static unsigned int send_lowest(struct vlapic_bus *bus,
				const struct vlapic_message *message)
{
	u32 last = READ_ONCE(bus->last), chosen = 0;
	struct vlapic *best = NULL;

	for (u32 i = 1; i <= VLAPIC_MAX; i++) {
		u32 number = (last + i) % VLAPIC_MAX;
		struct vlapic *apic = smp_load_acquire(&bus->apic[number]);

		if (apic && matches(apic, message) && is_better(apic, best)) {
			best = apic;
			chosen = number;
		}
	}
	if (!best) {
		return 0;
	}
	WRITE_ONCE(bus->last, chosen);
	return vlapic_accept(best, message);
}

/** @param but not to this one; NULL: to all */
static unsigned int send_but(struct vlapic_bus *bus,
			     const struct vlapic_message *message,
			     const struct vlapic *but)
{
	unsigned int accepted = 0;

	for (u32 i = 0; i < VLAPIC_MAX; i++) {
		struct vlapic *apic = smp_load_acquire(&bus->apic[i]);

		if (apic && apic != but && matches(apic, message)) {
			accepted += vlapic_accept(apic, message);
		}
	}
	return accepted;
}

/*
 * The door of those that have no APIC of their own, such as the IOAPIC, and of
 * IPIs without a shorthand.
 */
unsigned int vlapic_bus_send(struct vlapic_bus *bus,
			     const struct vlapic_message *message)
{
	return message->mode == VLAPIC_LOWEST ? send_lowest(bus, message) :
						send_but(bus, message, NULL);
}

/**
 * The combinations that are not invalid (SDM 3A table 11-3): to oneself only
 * fixed.  An INIT that is no longer asserted only sets arbitration IDs: it is
 * the second half of the sequence for old APICs ("INIT level de-assert"), which
 * kernels still send.  Taken for an INIT, it would be a second one for a
 * processor that has its first one behind it.
 */
static bool is_valid(u32 icr, enum shorthand shorthand, enum vlapic_mode mode)
{
	if (mode == VLAPIC_RESERVED || mode == VLAPIC_EXTINT) {
		return false;
	}
	if ((shorthand == SELF || shorthand == ALL) && mode != VLAPIC_FIXED) {
		return false;
	}
	return mode != VLAPIC_INIT || !(icr & ICR_LEVEL) || (icr & ICR_ASSERT);
}

/**
 * An IPI is edge-triggered whatever the ICR says (SDM 3A table 11-3).
 *
 * The ICR is 64 bits in two registers: the high half, with the destination, is
 * written first and does nothing, the low half sends.  When this returns, all
 * have accepted, so that the delivery status always reads as idle and a kernel
 * that polls it goes on at once.
 */
void vlapic_bus_send_icr(struct vlapic *apic)
{
	u32 icr = apic->icr_low;
	enum shorthand shorthand = bits(icr, 19, 18);
	struct vlapic_message message = {
		.mode = bits(icr, 10, 8),
		.vector = icr & 0xff,
		.destination = apic->icr_high >> 24,
		.logical = icr & ICR_LOGICAL,
	};

	if (!is_valid(icr, shorthand, message.mode)) {
		return;
	}
	if (message.mode <= VLAPIC_LOWEST && message.vector < VECTOR_MIN) {
		vlapic_error(apic, VLAPIC_ERROR_SEND_VECTOR);
		return;
	}
	if (shorthand == NO_SHORTHAND) {
		vlapic_bus_send(apic->bus, &message);
	} else if (shorthand == SELF) {
		vlapic_accept(apic, &message);
	} else {
		message.destination = EVERYBODY;
		if (message.mode == VLAPIC_LOWEST) {
			vlapic_bus_send(apic->bus, &message);
		} else {
			send_but(apic->bus, &message,
				 shorthand == ALL ? NULL : apic);
		}
	}
}
