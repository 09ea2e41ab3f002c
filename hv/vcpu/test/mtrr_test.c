/** @file
 * The guest's MTRRs: which MSRs they are, and what they refuse.
 *
 * links: hv/vcpu/mtrr.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/vcpu/mtrr.h"

static struct mtrr mtrr;

static u64 get(u32 msr)
{
	u64 value = 0;

	assert_int_equal(mtrr_get(&mtrr, msr, &value), 0);
	return value;
}

static void memory_is_write_back_at_first(void **state)
{
	(void)state;
	mtrr_reset(&mtrr, 40);
	assert_int_equal(get(0xfe), 0x108);
	assert_int_equal(get(0x2ff), 0xc06);
	assert_true(get(0x250) == 0x0606060606060606);
	assert_true(get(0x259) == 0); /* the display */
	assert_true(get(0x26f) == 0x0606060606060606);
	assert_true(get(0x201) == 0);
}

/** A value that each may hold: a type, or a mask's valid bit. */
static u64 value_for(u32 msr)
{
	return msr >= 0x200 && msr < 0x210 ? (msr & 1) << 11 : msr & 1;
}

static void each_keeps_its_own(void **state)
{
	u32 msr;
	u64 value;
	unsigned int count = 0;

	(void)state;
	mtrr_reset(&mtrr, 40);
	for (msr = 0; msr < 0x400; msr++) {
		if (msr != 0x2ff && mtrr_set(&mtrr, msr, value_for(msr)) == 0) {
			count++;
		}
	}
	assert_int_equal(count, 16 + 11);
	for (msr = 0; msr < 0x400; msr++) {
		if (msr != 0xfe && msr != 0x2ff &&
		    mtrr_get(&mtrr, msr, &value) == 0) {
			assert_int_equal(value, value_for(msr));
			count--;
		}
	}
	assert_int_equal(count, 0);
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	mtrr_reset(&mtrr, 40);
	assert_int_not_equal(mtrr_set(&mtrr, 0xfe, 0), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x2ff, 0xc02), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x2ff, 0x1c06), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x250, 0x0306), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x200, 7), 0);
	assert_int_equal(mtrr_set(&mtrr, 0x201, 0xfffff00800), 0);
	assert_int_equal(mtrr_set(&mtrr, 0x200, 0xfffff00006), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x201, 0x10000000800), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x200, 0x10000000006), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x201, 0x400), 0);
	assert_int_not_equal(mtrr_set(&mtrr, 0x200, 0x800), 0);
	assert_int_equal(mtrr_set(&mtrr, 0x2ff, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_write_back_at_first),
		cmocka_unit_test(each_keeps_its_own),
		cmocka_unit_test(wrong_values_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
