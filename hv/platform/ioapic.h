/** @file
 * The IOAPIC: 24 lines become interrupt messages.
 *
 * Each line has a row of 64 bits in the redirection table that says what
 * message it makes.  There are only two registers to reach all of them: one
 * selects, the other is the window.
 *
 *	line -> polarity -> edge:  a rising one makes a message
 *	                    level: a message is made while it is asserted and
 *	                           the last one has not been ended (remote IRR)
 *
 *	63    56          16   15    14   13   12  11   10..8     7..0
 *	destination .... mask level rIRR low  busy log. delivery  vector
 *
 * An edge that comes while its line is masked is lost, as the data sheet says.
 * A level that no local APIC accepts is no lost one: it makes its message again
 * when its line or its row changes, until somebody does.
 *
 * The end of a level-triggered interrupt comes as an EOI message from the
 * local APIC that had it, or through the EOI register that version 0x20 has.
 *
 * Intel 82093AA data sheet (290566); the EOI register as in Intel's ICH.
 */
#ifndef HV_PLATFORM_IOAPIC_H
#define HV_PLATFORM_IOAPIC_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"
#include "hv/platform/vlapic.h"

#define IOAPIC_GPA 0xfec00000ull
#define IOAPIC_LENGTH 0x1000
#define IOAPIC_LINES 24
#define IOAPIC_VERSION 0x20

struct ioapic {
	struct spinlock lock;
	/* Under lock. */
	u8 id;	       /* bits 27..24 of register 0, 0 to 15 */
	u8 select;     /* which register the window shows */
	u32 high;      /* the lines as they are, a bit each */
	u64 row[IOAPIC_LINES];
	u64 messages;  /* so many were made */
	/* Fixed. */
	bool (*deliver)(void *data, const struct vlapic_message *message);
	void *data;
};

/**
 * As after reset: all lines masked.
 * @param deliver takes a message to the local APICs, and says whether one of
 *	them has accepted it.  It is called with the lock held, so it must not
 *	call back, and nobody may hold a lock that it takes while calling a
 *	function of this header.
 */
void ioapic_init(struct ioapic *ioapic,
		 bool (*deliver)(void *data, const struct vlapic_message *m),
		 void *data);

/**
 * An access to its page, by access->offset; fits bus_device.  Takes the lock.
 * @param ioapic a struct ioapic
 * @return 0; what is not an aligned access of 32 bits reads as ones and
 *	writes nothing
 */
int ioapic_access(void *ioapic, struct bus_access *access);

/**
 * A line goes high or low.  Takes the lock.
 * @param line 0 to 23, others are ignored
 */
void ioapic_set_line(struct ioapic *ioapic, unsigned int line, bool high);

/** A line goes low and high again.  Takes the lock. @param line likewise */
void ioapic_pulse_line(struct ioapic *ioapic, unsigned int line);

/** @return whether a line's row is masked, which may change at once; takes no
 * lock. @param line 0 to 23 */
bool ioapic_is_masked(const struct ioapic *ioapic, unsigned int line);

/**
 * A local APIC has ended a level-triggered interrupt: every row of that
 * vector may make its next one.  Takes the lock; see ioapic_init() about what
 * the caller may hold.
 */
void ioapic_eoi(struct ioapic *ioapic, u8 vector);

#endif
