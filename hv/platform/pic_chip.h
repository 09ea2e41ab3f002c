/** @file
 * What pic.c offers to pic_ports.c: one chip's insides.
 *
 * Everything here runs under the pair's lock, and whoever changes a chip calls
 * pic_chip_update() before releasing it.
 */
#ifndef HV_PLATFORM_PIC_CHIP_H
#define HV_PLATFORM_PIC_CHIP_H

#include "hv/platform/pic.h"

/** @return the line of the highest priority in a set of lines, or -1 */
int pic_chip_first(const struct pic_chip *chip, u8 set);

/** @return the set of a chip's lines that are level-triggered */
static inline u8 pic_chip_levels(const struct pic_chip *chip)
{
	return chip->ltim ? 0xff : chip->elcr;
}

/**
 * The line that a chip asks for goes into service.
 * @return the line, or -1: it asks for none
 */
int pic_chip_acknowledge(struct pic *pic, struct pic_chip *chip);

/** Tell the slave's wish to the master, and the master's to the processor. */
void pic_chip_update(struct pic *pic);

#endif
