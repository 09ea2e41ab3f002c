/** @file
 * The redirection table at work.
 *
 * Whatever changes (a line, a row, an EOI) ends in try_level() for that line,
 * which makes a message if the row wants one now; an edge makes its message
 * where it is seen, in ioapic_set_line().
 *
 * Remote IRR is what keeps a level from sending for ever: it is set when a
 * message has gone, and only the EOI of that vector clears it.  If the line is
 * still up then, the same try_level() sends the next one.  A row that is masked
 * keeps its remote IRR, since the EOI is still to come; one that turns to edges
 * loses it.
 *
 * Two rows may have the same vector.  Then an EOI, which names a vector and not
 * a row, ends both (82093AA data sheet, 3.2.4; SDM 3A 11.8.5).
 *
 * The states of a level-triggered row, unmasked:
 *
 *	          line up, message accepted
 *	  idle  ------------------------------>  remote IRR
 *	   ^                                         |
 *	   |                                         | EOI of its vector
 *	   |                                         v
 *	   `------------ line down ----------  look at the line
 *	                                       up: a message again
 *
 * A device that is served before the EOI has let its line fall by then; one
 * that is not interrupts again.  So a level is never lost, and a driver that
 * forgets its device gets a storm, not silence.
 *
 * Locks: the chip that moves a line may hold its own, then comes ours, and
 * deliver() ends in IRR, which needs none.
 */
#include "hv/platform/ioapic.h"

#include "bus/access.h"

#define IOREGSEL 0x00
#define IOWIN 0x10
#define EOIR 0x40

#define REGISTER_ID 0
#define REGISTER_VERSION 1
#define REGISTER_ARBITRATION 2
#define REGISTER_TABLE 0x10

#define ROW_LOGICAL BIT(11)
#define ROW_BUSY BIT(12) /* delivery status: never seen, we wait for nobody */
#define ROW_LOW BIT(13)
#define ROW_REMOTE_IRR BIT(14)
#define ROW_LEVEL BIT(15)
#define ROW_MASKED BIT(16)
#define ROW_READ_ONLY (ROW_BUSY | ROW_REMOTE_IRR)
#define ROW_DEFINED (BITS(63, 56) | BITS(16, 0))

/**
 * The row is the message but for its destination's place.
 * @return whether it was accepted
 */
static bool deliver(struct ioapic *ioapic, unsigned int line)
{
	u64 row = ioapic->row[line];
	struct vlapic_message message = {
		.vector = (u8)bits(row, 7, 0),
		.mode = (u8)bits(row, 10, 8),
		.logical = row & ROW_LOGICAL,
		.level = row & ROW_LEVEL,
		.destination = (u8)bits(row, 63, 56),
	};

	ioapic->messages++;
	return ioapic->deliver(ioapic->data, &message);
}

/**
 * Is the line asserted, given its polarity?  `high` is the wire, and what that
 * means is the row's: PCI's lines are active low on real boards, all of this
 * board's are active high.
 */
static bool asserted(const struct ioapic *ioapic, unsigned int line)
{
	bool low = ioapic->row[line] & ROW_LOW;

	return !!(ioapic->high & BIT(line)) != low;
}

/** A level makes a message, unless it is masked or has made one. */
static void try_level(struct ioapic *ioapic, unsigned int line)
{
	u64 *row = &ioapic->row[line];

	if ((*row & (ROW_LEVEL | ROW_MASKED | ROW_REMOTE_IRR)) == ROW_LEVEL &&
	    asserted(ioapic, line)) {
		/* Only what a local APIC ends by an EOI waits for it. */
		if (deliver(ioapic, line) &&
		    bits(*row, 10, 8) <= VLAPIC_LOWEST) {
			*row |= ROW_REMOTE_IRR;
		}
	}
}

/**
 * An edge is made from the change of the *asserted* state, so that on an active
 * low line it is the falling one.  Nothing is remembered of an edge while the
 * row is masked.
 */
static void change_line(struct ioapic *ioapic, unsigned int line, bool high)
{
	bool was = asserted(ioapic, line);
	u64 row = ioapic->row[line];

	ioapic->high = high ? ioapic->high | (u32)BIT(line)
			    : ioapic->high & ~(u32)BIT(line);
	if (was == asserted(ioapic, line)) {
		return;
	}
	if (row & ROW_LEVEL) {
		try_level(ioapic, line);
	} else if (!was && !(row & ROW_MASKED)) {
		deliver(ioapic, line);
	}
}

void ioapic_set_line(struct ioapic *ioapic, unsigned int line, bool high)
{
	if (line < IOAPIC_LINES) {
		spinlock_lock(&ioapic->lock);
		change_line(ioapic, line, high);
		spinlock_unlock(&ioapic->lock);
	}
}

/*
 * Down and up under one lock: nobody can see, or make, anything in between.
 * For a source whose interrupt is an event, not a state.
 */
void ioapic_pulse_line(struct ioapic *ioapic, unsigned int line)
{
	if (line < IOAPIC_LINES) {
		spinlock_lock(&ioapic->lock);
		change_line(ioapic, line, false);
		change_line(ioapic, line, true);
		spinlock_unlock(&ioapic->lock);
	}
}

/*
 * Without the lock, since the 8259s ask with theirs held at each INTR; the row
 * is one aligned word, and an old answer is as good as asking a little earlier.
 */
bool ioapic_is_masked(const struct ioapic *ioapic, unsigned int line)
{
	return READ_ONCE(ioapic->row[line]) & ROW_MASKED;
}

/**
 * Broadcast: an EOI says no more than its vector, so all 24 rows are looked at.
 * try_level() inside the loop may send at once; the APIC has cleared its ISR
 * bit before it told us.
 */
static void end(struct ioapic *ioapic, u8 vector)
{
	for (unsigned int line = 0; line < IOAPIC_LINES; line++) {
		u64 *row = &ioapic->row[line];

		if ((*row & ROW_REMOTE_IRR) && bits(*row, 7, 0) == vector) {
			*row &= ~ROW_REMOTE_IRR;
			try_level(ioapic, line);
		}
	}
}

void ioapic_eoi(struct ioapic *ioapic, u8 vector)
{
	spinlock_lock(&ioapic->lock);
	end(ioapic, vector);
	spinlock_unlock(&ioapic->lock);
}

/**
 * Half of a row changes; which 32 bits, says the low bit of the register.
 *
 * A row cannot be written in one piece.  A kernel masks it first (low half),
 * writes the high half with the destination, and then the low half unmasked;
 * in any other order a message may go to the old destination.  That is the
 * guest's affair: we look after each half, as the chip does.
 */
static void write_row(struct ioapic *ioapic, unsigned int line, u32 value)
{
	u64 *row = &ioapic->row[line];
	u64 half = ioapic->select & 1 ? BITS(63, 32) : BITS(31, 0);
	u64 wanted = (u64)value << (ioapic->select & 1 ? 32 : 0);
	u64 kept = ~half | ROW_READ_ONLY;

	WRITE_ONCE(*row, (*row & kept) | (wanted & ~kept & ROW_DEFINED));
	/* An edge has nothing to wait for: turning to it forgets the EOI. */
	if (!(*row & ROW_LEVEL)) {
		*row &= ~ROW_REMOTE_IRR;
	}
	try_level(ioapic, line);
}

/**
 * The arbitration ID follows the ID and takes part in nothing any more.  The
 * version tells how many lines there are, and by being 0x20 that there is an
 * EOI register.  What is not there reads as ones.
 */
static u32 read_register(const struct ioapic *ioapic)
{
	unsigned int line = (ioapic->select - REGISTER_TABLE) / 2u;

	switch (ioapic->select) {
	case REGISTER_ID:
	case REGISTER_ARBITRATION:
		return (u32)ioapic->id << 24;
	case REGISTER_VERSION:
		return (IOAPIC_LINES - 1) << 16 | IOAPIC_VERSION;
	default:
		if (ioapic->select < REGISTER_TABLE || line >= IOAPIC_LINES) {
			return ~0u;
		}
		return (u32)(ioapic->row[line] >> 32 * (ioapic->select & 1));
	}
}

static void write_register(struct ioapic *ioapic, u32 value)
{
	unsigned int line = (ioapic->select - REGISTER_TABLE) / 2u;

	if (ioapic->select == REGISTER_ID) {
		ioapic->id = bits(value, 27, 24);
	} else if (ioapic->select >= REGISTER_TABLE && line < IOAPIC_LINES) {
		write_row(ioapic, line, value);
	}
}

/**
 * Two vCPUs that use the window at once would spoil each other's selection: the
 * guest's kernel holds a lock of its own around the two accesses.  Our lock
 * only makes each access whole.
 */
static void write(struct ioapic *ioapic, u64 offset, u32 value)
{
	switch (offset) {
	case IOREGSEL:
		ioapic->select = (u8)value;
		break;
	case IOWIN:
		write_register(ioapic, value);
		break;
	case EOIR:
		end(ioapic, (u8)value);
		break;
	default:
		break;
	}
}

static u64 read(const struct ioapic *ioapic, u64 offset)
{
	switch (offset) {
	case IOREGSEL:
		return ioapic->select;
	case IOWIN:
		return read_register(ioapic);
	default:
		return 0;
	}
}

int ioapic_access(void *opaque, struct bus_access *access)
{
	struct ioapic *ioapic = opaque;

	if (access->length != 4 || access->offset % 4) {
		access->value = access->is_write ? access->value : ~0ull;
		return 0;
	}
	spinlock_lock(&ioapic->lock);
	if (access->is_write) {
		write(ioapic, access->offset, (u32)access->value);
	} else {
		access->value = read(ioapic, access->offset);
	}
	spinlock_unlock(&ioapic->lock);
	return 0;
}

void ioapic_init(struct ioapic *ioapic,
		 bool (*take)(void *data, const struct vlapic_message *m),
		 void *data)
{
	*ioapic = (struct ioapic){ .deliver = take, .data = data };
	for (unsigned int line = 0; line < IOAPIC_LINES; line++) {
		ioapic->row[line] = ROW_MASKED;
	}
}
