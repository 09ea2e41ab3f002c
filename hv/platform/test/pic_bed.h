/** @file
 * A pair of 8259s, programmed as every kernel does, and who hears its INTR.
 *
 * Included by the programs that test the pair; each has a pair of its own.
 */
#ifndef HV_PLATFORM_TEST_PIC_BED_H
#define HV_PLATFORM_TEST_PIC_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/pic.h"

#define EOI 0x20
#define READ_IRR 0x0a
#define READ_ISR 0x0b

static struct pic pic;
static bool intr;
static unsigned int rises; /* of INTR */

static inline void see_intr(void *data, bool high)
{
	assert_ptr_equal(data, &pic);
	assert_int_not_equal(high, intr); /* told when it changes only */
	rises += high;
	intr = high;
}

static inline void out(u16 port, u8 value)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = true, .value = value };

	assert_int_equal(pic_access(&pic, &a), 0);
}

static inline u8 in(u16 port)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.value = ~0ull };

	assert_int_equal(pic_access(&pic, &a), 0);
	assert_true(a.value <= 0xff);
	return (u8)a.value;
}

/** As every kernel does: vectors 0x20 and 0x28, then the mode of ICW4. */
static inline void program(u8 icw1, u8 icw4)
{
	out(0x20, icw1);
	out(0x21, 0x20);
	out(0x21, 0x04);
	out(0x21, icw4);
	out(0xa0, icw1);
	out(0xa1, 0x28);
	out(0xa1, 0x02);
	out(0xa1, icw4);
}

static inline int begin(void **state)
{
	(void)state;
	intr = false;
	rises = 0;
	pic_init(&pic, see_intr, &pic);
	program(0x11, 0x01);
	return 0;
}

static inline void pulse(unsigned int line)
{
	pic_set_line(&pic, line, true);
	pic_set_line(&pic, line, false);
	pic_set_line(&pic, line, true);
}

#endif
