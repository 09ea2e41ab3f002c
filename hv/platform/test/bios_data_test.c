/** @file
 * Low memory as firmware leaves it, and where each BIOS call leads.
 *
 * links: hv/platform/bios_data.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/bios_data.h"

#define MIB (1u << 20)
#define IRET 0xcf

static u8 *ram;

static int begin(void **state)
{
	(void)state;
	free(ram);
	ram = calloc(1, MIB);
	bios_data_write(ram, gpa(0x9fc00));
	return 0;
}

static unsigned int word(unsigned int at)
{
	return ram[at] | ram[at + 1] << 8;
}

static void the_data_area_is_filled(void **state)
{
	(void)state;
	assert_int_equal(word(0x400), 0x3f8);
	assert_int_equal(word(0x40e), 0x9fc0);
	assert_int_equal(word(0x413), 639);
	assert_int_equal(ram[0x9fc00], 1);
}

/** Each begins in the code, and some IRET follows within 16 bytes. */
static void each_vector_leads_to_code_that_returns(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int at = word(4 * i) + 16 * word(4 * i + 2), end;

		assert_in_range(at, BIOS_DATA_CODE, BIOS_DATA_CODE + 63);
		for (end = at; end < at + 16 && ram[end] != IRET; end++) {
		}
		assert_int_equal(ram[end], IRET);
		assert_int_not_equal(ram[at], 0);
	}
}

static void lines_are_acknowledged_and_calls_refused(void **state)
{
	(void)state;
	assert_int_equal(word(4 * 6), word(0));
	assert_int_equal(word(4 * 0xf), word(4 * 8));
	assert_int_equal(word(4 * 0x77), word(4 * 0x70));
	assert_int_not_equal(word(4 * 0x70), word(4 * 8));
	assert_int_equal(word(4 * 0x78), word(4 * 0x10));
	assert_int_equal(word(4 * 0x15), word(4 * 0x10));
	assert_int_not_equal(word(4 * 0x10), word(4 * 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_data_area_is_filled, begin),
		cmocka_unit_test_setup(each_vector_leads_to_code_that_returns,
				       begin),
		cmocka_unit_test_setup(lines_are_acknowledged_and_calls_refused,
				       begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
