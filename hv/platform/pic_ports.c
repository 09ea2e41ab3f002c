/** @file
 * The 8259A's command words.
 *
 * A chip has two ports and more than two registers, so that what a write is
 * follows from its bits and from what came before:
 *
 *	even port   bit 4 set     ICW1: begin again; ICW2 to ICW4 follow on the
 *	                          odd port
 *	            bits 4,3 = 00 OCW2: EOI and rotation
 *	            bits 4,3 = 01 OCW3: special mask, poll, what reads give
 *	odd port    ICW2 to ICW4 while they are expected, else OCW1: the mask
 *
 * To begin, a kernel writes four words in a row; which one a write to the odd
 * port is, is a small state machine (`icw`):
 *
 *	ICW1 --> 2: base vector --+--> 3: cascade --+--> 4: modes --> 0: mask
 *	                          `-- SNGL ---------^
 *	         without IC4 it ends before 4
 *
 * There is no way to ask in which state the chip is.  A kernel that dies in
 * the middle leaves it there; ICW1 always begins anew.
 */
#include "hv/platform/pic_chip.h"

#define ICW1 BIT(4)
#define ICW1_IC4 BIT(0)
#define ICW1_SNGL BIT(1)
#define ICW1_LTIM BIT(3)
#define ICW4_AEOI BIT(1)
#define ICW4_SFNM BIT(4)
#define OCW3 BIT(3)
#define OCW3_RIS BIT(0)
#define OCW3_RR BIT(1)
#define OCW3_P BIT(2)
#define OCW3_SMM BIT(5)
#define OCW3_ESMM BIT(6)
#define POLL_INT BIT(7)

/*
 * Lines 0, 1, 2, 8 and 13 of a PC are edge-triggered whatever ELCR says: the
 * timer, the keyboard, the cascade, the clock and the coprocessor.  ELCR is no
 * part of an 8259A: chipsets have added it, one bit for each line, when PCI
 * brought lines that are shared and so must be levels.
 */
#define MASTER_EDGES 0x07
#define SLAVE_EDGES 0x21

/** OCW2, bits 7..5: R, SL, EOI. */
enum ocw2 {
	OCW2_ROTATE_AEOI_CLEAR = 0,
	OCW2_EOI = 1,
	OCW2_NOTHING = 2,
	OCW2_EOI_LINE = 3,
	OCW2_ROTATE_AEOI_SET = 4,
	OCW2_ROTATE = 5,
	OCW2_PRIORITY = 6,
	OCW2_ROTATE_LINE = 7,
};

/**
 * Begin again (data sheet, ICW1): the edges seen so far are forgotten.  The
 * mask is cleared, too: until the kernel writes it again, everything may
 * interrupt.  Levels that are high still ask.
 */
static void write_icw1(struct pic_chip *chip, u8 value)
{
	u8 lines = chip->lines, elcr = chip->elcr;

	*chip = (struct pic_chip){
		.lines = lines,
		.elcr = elcr,
		.lowest = 7,
		.icw = 2,
		.icw4 = value & ICW1_IC4,
		.single = value & ICW1_SNGL,
		.ltim = value & ICW1_LTIM,
	};
	chip->irr = lines & pic_chip_levels(chip);
}

/**
 * The line in service that a plain ("non-specific") EOI ends: that of the
 * highest priority, which is the last one that has begun.
 */
static int ended(const struct pic_chip *chip)
{
	/* A masked line does not count in special mask mode. */
	return pic_chip_first(chip, chip->special ? chip->isr & ~chip->imr
						  : chip->isr);
}

/**
 * With rotation the line that was served becomes the lowest one, so that all
 * get their turn.
 */
static void end(struct pic_chip *chip, int line, bool rotate)
{
	if (line < 0) {
		return;
	}
	chip->isr &= ~BIT(line);
	if (rotate) {
		chip->lowest = (u8)line;
	}
}

/** Bits 2..0 name a line, for the commands that want one ("specific"). */
static void write_ocw2(struct pic_chip *chip, u8 value)
{
	int line = value & 7;

	switch ((enum ocw2)(value >> 5)) {
	case OCW2_EOI:
		end(chip, ended(chip), false);
		break;
	case OCW2_EOI_LINE:
		end(chip, line, false);
		break;
	case OCW2_ROTATE:
		end(chip, ended(chip), true);
		break;
	case OCW2_ROTATE_LINE:
		end(chip, line, true);
		break;
	case OCW2_PRIORITY:
		chip->lowest = (u8)line;
		break;
	case OCW2_ROTATE_AEOI_SET:
	case OCW2_ROTATE_AEOI_CLEAR:
		chip->rotate = value & BIT(7);
		break;
	case OCW2_NOTHING:
		break;
	}
}

/**
 * Each part has an enable bit beside it, so that one word can change one thing.
 * What reads give is sticky: a kernel that looks for a spurious interrupt may
 * set it to ISR once and read again and again.
 */
static void write_ocw3(struct pic_chip *chip, u8 value)
{
	if (value & OCW3_ESMM) {
		chip->special = value & OCW3_SMM;
	}
	if (value & OCW3_P) {
		chip->poll = true;
	} else if (value & OCW3_RR) {
		chip->read_isr = value & OCW3_RIS;
	}
}

/** The odd port: the next ICW, or the mask. */
static void write_odd(struct pic_chip *chip, u8 value)
{
	switch (chip->icw) {
	case 2:
		chip->vector = value & 0xf8;
		chip->icw = chip->single ? 4 : 3;
		break;
	case 3: /* which line the slave is on: wired */
		chip->icw = 4;
		break;
	case 4:
		chip->aeoi = value & ICW4_AEOI;
		chip->nested = value & ICW4_SFNM;
		chip->icw = 0;
		return;
	default:
		chip->imr = value;
		return;
	}
	if (chip->icw == 4 && !chip->icw4) {
		chip->icw = 0;
	}
}

/** As in the table above; the order is that of the bits that decide. */
static void write_chip(struct pic_chip *chip, u64 address, u8 value)
{
	if (address & 1) {
		write_odd(chip, value);
	} else if (value & ICW1) {
		write_icw1(chip, value);
	} else if (value & OCW3) {
		write_ocw3(chip, value);
	} else {
		write_ocw2(chip, value);
	}
}

/**
 * A read after the poll command is an acknowledge cycle, without the processor:
 * bit 7 says whether there was something, bits 2..0 the line.  Like the real
 * one it puts the line into service.
 */
static u8 poll(struct pic *pic, struct pic_chip *chip)
{
	int line = pic_chip_acknowledge(pic, chip);

	chip->poll = false;
	return line < 0 ? 0 : (u8)(POLL_INT | (unsigned int)line);
}

static u8 read_chip(struct pic *pic, struct pic_chip *chip, u64 address)
{
	if (chip->poll) {
		return poll(pic, chip);
	}
	if (address & 1) {
		return chip->imr;
	}
	return chip->read_isr ? chip->isr : chip->irr;
}

/**
 * ELCR: a line that becomes level-triggered asks as long as it is high, and it
 * may be high already.
 */
static void access_elcr(struct pic_chip *chip, u8 edges,
			struct bus_access *access)
{
	if (access->is_write) {
		chip->elcr = (u8)access->value & ~edges;
		chip->irr |= chip->lines & chip->elcr;
	} else {
		access->value = chip->elcr;
	}
}

/*
 * All six ports.  Any write may change what the chips want, and so may a read
 * (poll): update comes behind both, before the lock is given back.
 */
int pic_access(void *opaque, struct bus_access *access)
{
	struct pic *pic = opaque;
	u64 port = access->address.v;
	bool is_elcr = (port & ~1ull) == PIC_ELCR_PORT;
	bool is_slave = is_elcr ? port & 1 : port >= PIC_SLAVE_PORT;
	struct pic_chip *chip = is_slave ? &pic->slave : &pic->master;

	spinlock_lock(&pic->lock);
	if (is_elcr) {
		access_elcr(chip, is_slave ? SLAVE_EDGES : MASTER_EDGES,
			    access);
	} else if (access->is_write) {
		write_chip(chip, port, (u8)access->value);
	} else {
		access->value = read_chip(pic, chip, port);
	}
	pic_chip_update(pic);
	spinlock_unlock(&pic->lock);
	return 0;
}
