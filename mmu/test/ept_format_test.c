/** @file
 * Host tests of the EPT's formats: entries, MMIO SPTEs, what is illegal.
 *
 * Illegal is judged once more here, bit by bit as SDM 3C 29.3.3.1 lists it,
 * and compared with the helper over random entries.
 *
 * links: mmu/test/arena.c
 */
#include "mmu/test/arena.h"

#include "mmu/ept_fault.h"

#define PHYS_BITS 40
#define ROUNDS 200000

static void levels_cut_the_address(void **state)
{
	gpa_t addr = gpa(3ull << 39 | 5ull << 30 | 7ull << 21 | 11ull << 12 |
			 0xabc);

	(void)state;
	assert_int_equal(ept_index(addr, EPT_PML4E), 3);
	assert_int_equal(ept_index(addr, EPT_PDPTE), 5);
	assert_int_equal(ept_index(addr, EPT_PDE), 7);
	assert_int_equal(ept_index(addr, EPT_PTE), 11);
	assert_int_equal(ept_level_size(EPT_PTE), 4096);
	assert_int_equal(ept_level_size(EPT_PDE), EPT_LARGE_SIZE);
	assert_int_equal(ept_level_size(EPT_PML4E), 1ull << 39);
}

static void entries_are_legal_and_recognised(void **state)
{
	u64 table = ept_make_table(hpa(0x5000));
	u64 small = ept_make_leaf(hpa(0x7000), EPT_READ, EPT_PTE);
	u64 large = ept_make_leaf(hpa(0x600000), EPT_RWX, EPT_PDE);

	(void)state;
	assert_int_equal(table, 0x5000 | 0x800 | 7);
	assert_int_equal(small, 0x7000 | 0x800 | 0x30 | 1);
	assert_int_equal(large, 0x600000 | 0x800 | 0x80 | 0x30 | 7);
	assert_true(ept_entry_table(table, EPT_PDE, PHYS_BITS));
	assert_false(ept_entry_table(table, EPT_PTE, PHYS_BITS));
	assert_false(ept_entry_table(large, EPT_PDE, PHYS_BITS));
	assert_true(ept_entry_leaf(large, EPT_PDE));
	assert_true(ept_entry_leaf(small, EPT_PTE));
	assert_false(ept_entry_leaf(table, EPT_PDE));
	assert_false(ept_entry_misconfigured(table, EPT_PML4E, PHYS_BITS));
	assert_false(ept_entry_misconfigured(small, EPT_PTE, PHYS_BITS));
	assert_false(ept_entry_misconfigured(large, EPT_PDE, PHYS_BITS));
	assert_false(ept_entry_misconfigured(0, EPT_PTE, PHYS_BITS));
}

/** SDM 3C 29.3.3.1, slowly. */
static bool illegal(u64 entry, int level)
{
	bool r = entry & 1, w = entry & 2, x = entry & 4;
	bool leaf = level == 1 || (level == 2 && (entry & 0x80));
	int type = entry >> 3 & 7;

	if (!r && !w && !x) {
		return false;
	}
	if (!r) {
		return true;
	}
	for (int bit = PHYS_BITS; bit < 52; bit++) {
		if (entry & BIT(bit)) {
			return true;
		}
	}
	if (leaf && (type == 2 || type == 3 || type == 7)) {
		return true;
	}
	for (int bit = 12; leaf && level == 2 && bit < 21; bit++) {
		if (entry & BIT(bit)) {
			return true;
		}
	}
	return !leaf && (entry & 0xf8);
}

static void illegal_entries_are_those_of_the_manual(void **state)
{
	u64 seed = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		u64 entry = arena_random(&seed);
		int level = 1 + i % 4;

		/* Mostly few bits, or nearly everything would be illegal. */
		if (i % 8) {
			entry &= arena_random(&seed) & arena_random(&seed);
			entry &= BITS(PHYS_BITS, 0);
		}
		if (i % 3) {
			entry |= EPT_READ;
		}
		assert_int_equal(
			ept_entry_misconfigured(entry, level, PHYS_BITS),
			illegal(entry, level));
		if (ept_entry_table(entry, level, PHYS_BITS)) {
			assert_false(illegal(entry, level));
			assert_true(level > EPT_PTE);
		}
	}
}

static void mmio_entries_go_there_and_back(void **state)
{
	u64 seed = 2;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		gpa_t addr = gpa(arena_random(&seed) >> (12 + i % 40));
		u64 generation = arena_random(&seed) >> (i % 64);
		u64 entry = ept_fault_mmio_make(addr, generation);

		assert_true(ept_fault_mmio_is(entry));
		assert_false(ept_entry_present(entry));
		assert_int_equal(entry & 7, 6);
		assert_int_equal(entry & (BIT(11) | BIT(63)), 0);
		assert_true(ept_fault_mmio_gpa(entry).v == gpa_page(addr).v);
		assert_int_equal(ept_fault_mmio_generation(entry),
				 generation & BITS(18, 0));
		for (int level = 1; level <= 4; level++) {
			assert_true(ept_entry_misconfigured(entry, level, 52));
		}
	}
}

static void mmio_entries_have_the_bits_of_the_drawing(void **state)
{
	(void)state;
	assert_true(ept_fault_mmio_make(gpa(0xd0000123), 0) == 0xd0000006);
	assert_true(ept_fault_mmio_make(gpa(0), 0xff) == (0x7f8 | 6));
	assert_true(ept_fault_mmio_make(gpa(0), 0x100) == (BIT(52) | 6));
	assert_true(ept_fault_mmio_make(gpa(0), BITS(18, 8)) ==
		    (BITS(62, 52) | 6));
	assert_true(ept_fault_mmio_make(gpa(0), BIT(63) | BIT(19)) == 6);
}

static void only_mmio_entries_are_recognised(void **state)
{
	(void)state;
	assert_false(ept_fault_mmio_is(0));
	assert_false(ept_fault_mmio_is(EPT_RWX));
	assert_false(ept_fault_mmio_is(6 | EPT_MMU_PRESENT));
	assert_false(ept_fault_mmio_is(2));
	assert_false(ept_fault_mmio_is(4));
	assert_false(ept_fault_mmio_is(ept_make_table(hpa(0x1000))));
}

static void stale_is_bit_63_or_19_bits(void **state)
{
	u64 entry = ept_fault_mmio_make(gpa(0x1000), 0x45678);

	(void)state;
	assert_false(ept_fault_mmio_stale(entry, 0x45678));
	assert_true(ept_fault_mmio_stale(entry, 0x45679));
	assert_true(ept_fault_mmio_stale(entry, 0x45678 | BIT(63)));
	assert_false(ept_fault_mmio_stale(entry, 0x45678 | BIT(19)));
	assert_true(ept_fault_mmio_stale(entry, 0x05678));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_cut_the_address),
		cmocka_unit_test(entries_are_legal_and_recognised),
		cmocka_unit_test(illegal_entries_are_those_of_the_manual),
		cmocka_unit_test(mmio_entries_go_there_and_back),
		cmocka_unit_test(mmio_entries_have_the_bits_of_the_drawing),
		cmocka_unit_test(only_mmio_entries_are_recognised),
		cmocka_unit_test(stale_is_bit_63_or_19_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
