/** @file
 * Two 8259As: priorities, the acknowledge cycle, and the pair of them.
 *
 * Every change ends in update(), which asks both chips what they want and
 * tells INTR when that has changed.  A chip's wish is the line of the highest
 * priority that may interrupt now; priorities turn in a circle, whose lowest
 * member is `lowest`:
 *
 *	lowest = 7:  0 > 1 > 2 > ... > 7      lowest = 2:  3 > 4 > ... > 1 > 2
 *
 * What the ports do stands in pic_ports.c.
 *
 * What a line of one chip goes through, edge-triggered:
 *
 *	rises		IRR=1		remembered
 *	acknowledge	IRR=0 ISR=1	the processor has the vector
 *	EOI		ISR=0		a lower or equal line may interrupt
 *
 * and it is lost, or spurious, if the line falls before the acknowledge.  A
 * level differs in one thing: IRR follows the line and is not cleared by the
 * acknowledge.
 *
 * The slave is a chip like the other whose INT is line 2 of the master.  Two
 * chips are to be told of the end, therefore, when a line 8 to 15 is done: a
 * kernel sends two EOIs.
 */
#include "hv/platform/pic.h"

#include "hv/platform/pic_chip.h"

/**
 * How far the first of a set is from the highest priority; 8: it is empty.
 * The 8 lines stand twice, one behind the other, and are shifted so that the
 * highest one is bit 0: then the circle is a line, and the answer is the
 * lowest bit that is set.
 */
static unsigned int rank(const struct pic_chip *chip, u8 set)
{
	unsigned int highest = (chip->lowest + 1u) & 7;
	unsigned int turned = (set | (unsigned int)set << 8) >> highest;

	return set ? (unsigned int)__builtin_ctz(turned) : 8;
}

int pic_chip_first(const struct pic_chip *chip, u8 set)
{
	return set ? (int)((chip->lowest + 1 + rank(chip, set)) & 7) : -1;
}

/**
 * The line for which a chip asks its INT now, or -1.
 *
 * Normally a line that is being served holds back itself and all below it
 * ("fully nested").  Two modes loosen that: special mask, in which a handler
 * masks its own line to let lower ones in; and special fully nested, for the
 * master, whose one line 2 stands for eight of the slave's.
 */
static int wish(const struct pic_chip *chip, bool is_master)
{
	u8 asking = chip->irr & ~chip->imr;
	u8 serving = chip->isr;

	/* Most often: one of the two controllers is not used at all. */
	if (!asking) {
		return -1;
	}
	/* Masked lines do not hold others back in special mask mode. */
	if (chip->special) {
		serving &= ~chip->imr;
	}
	/* The slave may ask for a second of its lines (fully nested mode). */
	if (chip->nested && is_master) {
		serving &= ~BIT(PIC_CASCADE);
	}
	return rank(chip, asking) < rank(chip, serving)
		       ? pic_chip_first(chip, asking)
		       : -1;
}

/** A chip's input changes: an edge is remembered, a level is as it is. */
static void set_input(struct pic_chip *chip, unsigned int line, bool high)
{
	u8 bit = BIT(line);
	bool rises = high && !(chip->lines & bit);

	chip->lines = high ? chip->lines | bit : chip->lines & ~bit;
	/* An edge counts only if the line stays high until it is taken. */
	if (!high) {
		chip->irr &= ~bit;
	} else if (rises || (pic_chip_levels(chip) & bit)) {
		chip->irr |= bit;
	}
}

/** Only changes are told: INTR is a level, and who listens keeps it. */
static void set_intr(struct pic *pic, bool high)
{
	if (high != pic->high) {
		pic->high = high;
		if (pic->intr) {
			pic->intr(pic->data, high);
		}
	}
}

/* The slave first: its wish is an input of the master's. */
void pic_chip_update(struct pic *pic)
{
	set_input(&pic->master, PIC_CASCADE,
		  wish(&pic->slave, false) >= 0);
	set_intr(pic, wish(&pic->master, true) >= 0);
}

/**
 * The line has been told to the processor.  With automatic EOI it is never in
 * service at all, so that nothing is held back but by the processor's IF.
 */
static void take(struct pic_chip *chip, unsigned int line)
{
	u8 bit = BIT(line);

	if (!(pic_chip_levels(chip) & bit)) {
		chip->irr &= ~bit;
	}
	if (!chip->aeoi) {
		chip->isr |= bit;
	} else if (chip->rotate) {
		chip->lowest = (u8)line;
	}
}

/*
 * Nothing is asked any more when the line is -1: spurious.  No ISR bit is set
 * then, and so the guest must send no EOI, which would end another one.
 */
int pic_chip_acknowledge(struct pic *pic, struct pic_chip *chip)
{
	int line = wish(chip, chip == &pic->master);

	if (line >= 0) {
		take(chip, (unsigned int)line);
	}
	/* The slave's INT falls in the cycle, if only to rise once more. */
	if (chip == &pic->slave) {
		set_input(&pic->master, PIC_CASCADE, false);
	}
	return line;
}

/*
 * A vector is the chip's base (ICW2, its low three bits 0) and the line.  When
 * the slave has nothing any more, its answer is its line 7, that is 15 of the
 * pair; but the master has served line 2 all the same, and wants its EOI.
 */
u8 pic_acknowledge(struct pic *pic)
{
	struct pic_chip *chip = &pic->master;
	int line;
	u8 vector;

	spinlock_lock(&pic->lock);
	line = pic_chip_acknowledge(pic, chip);
	if (line == PIC_CASCADE) {
		chip = &pic->slave;
		line = pic_chip_acknowledge(pic, chip);
	}
	vector = (u8)(chip->vector + (line < 0 ? 7 : line));
	set_intr(pic, false); /* INTR falls, if only to rise once more */
	pic_chip_update(pic);
	spinlock_unlock(&pic->lock);
	return vector;
}

/** What a line does changes INTR at most through its own chip. */
static void change_line(struct pic *pic, unsigned int line, bool high)
{
	set_input(line < 8 ? &pic->master : &pic->slave, line & 7, high);
	pic_chip_update(pic);
}

static bool is_line(unsigned int line)
{
	return line < PIC_LINES && line != PIC_CASCADE;
}

void pic_set_line(struct pic *pic, unsigned int line, bool high)
{
	if (is_line(line)) {
		spinlock_lock(&pic->lock);
		change_line(pic, line, high);
		spinlock_unlock(&pic->lock);
	}
}

void pic_pulse_line(struct pic *pic, unsigned int line)
{
	if (is_line(line)) {
		spinlock_lock(&pic->lock);
		change_line(pic, line, false);
		change_line(pic, line, true);
		spinlock_unlock(&pic->lock);
	}
}

bool pic_is_high(struct pic *pic)
{
	bool high;

	spinlock_lock(&pic->lock);
	high = pic->high;
	spinlock_unlock(&pic->lock);
	return high;
}

void pic_init(struct pic *pic, void (*intr)(void *data, bool high), void *data)
{
	*pic = (struct pic){
		.master.lowest = 7,
		.slave.lowest = 7,
		.intr = intr,
		.data = data,
	};
}
