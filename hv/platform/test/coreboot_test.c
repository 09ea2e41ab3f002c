/** @file
 * Coreboot's table, read back as a payload does.
 *
 * links: hv/platform/coreboot.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/coreboot.h"

static u32 word(const u8 *at)
{
	return at[0] | (u32)at[1] << 8 | (u32)at[2] << 16 | (u32)at[3] << 24;
}

/** One's complement sum of the little-endian halves; 0xffff if all is well. */
static u32 sum(const u8 *bytes, u32 length, u32 already)
{
	for (u32 i = 0; i < length; i += 2) {
		already += bytes[i] | (u32)bytes[i + 1] << 8;
		already = (already & 0xffff) + (already >> 16);
	}
	return already;
}

static void a_payload_finds_the_memory(void **state)
{
	static const struct coreboot_range ranges[] = {
		{0, 0x9fc00, 1}, {0x100000, 0x1234567800, 2},
	};
	u8 *table = calloc(1, 256), *record = table + 24;

	(void)state;
	coreboot_write(table, ranges, 2);
	assert_memory_equal(table, "LBIO", 4);
	assert_int_equal(word(table + 4), 24);
	assert_int_equal(word(table + 12), 8 + 40);
	assert_int_equal(word(table + 20), 1);
	assert_int_equal(sum(table, 24, 0), 0xffff);
	assert_int_equal(sum(record, 48, word(table + 16)), 0xffff);
	assert_int_equal(word(record), 1);
	assert_int_equal(word(record + 4), 48);
	assert_int_equal(word(record + 8 + 8), 0x9fc00);
	assert_int_equal(word(record + 8 + 16), 1);
	assert_int_equal(word(record + 28), 0x100000);
	assert_int_equal(word(record + 36), 0x34567800);
	assert_int_equal(word(record + 40), 0x12);
	assert_int_equal(word(record + 44), 2);
	free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_payload_finds_the_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
