/** @file
 * The pair of 8259A interrupt controllers of a PC.
 *
 * A kernel meets it twice: early, when it is the only interrupt controller
 * there is, and later when the kernel masks it and goes on with the IOAPIC.
 *
 *	lines 0..7  --> master --> INTR: to the processor's LINT0, or by the
 *	                 ^ line 2        IOAPIC's ExtINT
 *	lines 8..15 --> slave
 *
 * Its three registers are sets of lines: IRR (asked), ISR (being served) and
 * IMR (masked).  A line of the highest priority that is asked, not masked and
 * higher than all that are being served makes INTR high; the processor answers
 * with an acknowledge cycle, in which the line moves from IRR to ISR and its
 * vector is told.  If the line has gone by then, the vector is that of line 7
 * and nothing is in service: the famous spurious interrupt.
 *
 * The ICs also have modes for 8080 processors and for several slaves; a PC has
 * neither, and here they are accepted and without effect.  Intel 8259A data
 * sheet (231468); ELCR as in the 82371 (PIIX) data sheet.
 */
#ifndef HV_PLATFORM_PIC_H
#define HV_PLATFORM_PIC_H

#include "bus/bus.h"
#include "hv/lib/spinlock.h"

#define PIC_MASTER_PORT 0x20 /* and 0x21 */
#define PIC_SLAVE_PORT 0xa0  /* and 0xa1 */
#define PIC_ELCR_PORT 0x4d0  /* and 0x4d1 */
#define PIC_LINES 16
#define PIC_CASCADE 2 /* the master's line that the slave is on */

/** One 8259A; everything under the pair's lock. */
struct pic_chip {
	u8 lines;   /* as they are now */
	u8 irr;	    /* asked: an edge that was seen, or a level */
	u8 isr;
	u8 imr;
	u8 elcr;    /* lines that are level-triggered */
	u8 vector;  /* ICW2: of line 0 */
	u8 lowest;  /* the line of the lowest priority, 7 at first */
	u8 icw;	    /* which ICW comes next: 0 none, else 2 to 4 */
	bool icw4;  /* ICW1 has promised one */
	bool single; /* ICW1: no ICW3 */
	bool ltim;  /* ICW1: all lines are level-triggered */
	bool aeoi;  /* ICW4: the acknowledge is the EOI */
	bool nested; /* ICW4: special fully nested mode */
	bool rotate; /* rotate at each automatic EOI */
	bool special; /* OCW3: special mask mode */
	bool read_isr; /* OCW3: a read gives ISR, else IRR */
	bool poll;  /* OCW3: the next read is an acknowledge */
};

struct pic {
	struct spinlock lock;
	struct pic_chip master, slave; /* under lock */
	bool high;		       /* INTR, under lock */
	/* Fixed. */
	void (*intr)(void *data, bool high);
	void *data;
};

/**
 * Both chips as after power-up.  Nothing is masked and no vector is set, as
 * nobody has programmed them yet.
 * @param intr is told when INTR changes, with the lock held: it must not call
 *	back; may be NULL
 */
void pic_init(struct pic *pic, void (*intr)(void *data, bool high),
	      void *data);

/**
 * An access to one of the six ports, by access->address; fits bus_device.
 * Takes the lock.
 * @param pic a struct pic
 * @return 0; of wider accesses the low byte counts
 */
int pic_access(void *pic, struct bus_access *access);

/** A line goes high or low.  Takes the lock. @param line 0 to 15, not 2 */
void pic_set_line(struct pic *pic, unsigned int line, bool high);

/** A line goes low and high again.  Takes the lock. @param line likewise */
void pic_pulse_line(struct pic *pic, unsigned int line);

/** @return whether INTR is high; takes the lock */
bool pic_is_high(struct pic *pic);

/**
 * The processor's acknowledge cycle.  Takes the lock.
 * @return the vector; a spurious one (line 7, or 15) when nobody asks any more
 */
u8 pic_acknowledge(struct pic *pic);

#endif
