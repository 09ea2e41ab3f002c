/** @file
 * Read-only slots: loads are memory, stores are a device's business.
 *
 * Flash memory behaves so: code runs from it at full speed, and a store is a
 * command to the chip.  The trap is to remember the store's page as MMIO, for
 * then each later load would exit as well (spec 1.4).
 */
#include "guest-tests/lab1/lab1.h"

#define WORD 0x0123456789abcdefull
#define STORED 0xfeedf00d
#define TIMES 100

static void add_readonly(void)
{
	slots_poke(1, 0x10, WORD);
	slots_poke(1, PAGE_SIZE + 0x10, ~WORD);
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, SLOT_READONLY);
}

/** The one store in the log of exits is the one we made. */
static void check_store(u64 address)
{
	struct hypercall_io io = { 0 };

	CHECK_COUNT(vmcall2(HYPERCALL_IO_LOG, vmcall_address(&io), 0), 0,
		    "a store to a read-only slot leaves to the VMM (spec "
		    "1.5-9)");
	CHECK_TRUE(io.is_write, "a store leaves as a write (spec 1.5-9)");
	CHECK_EQ(io.address, address, "a write carries its address");
	CHECK_COUNT(io.length, 4, "a write carries its length");
	CHECK_EQ(io.data, STORED, "a write carries its data (spec 1.5-9)");
}

/**
 * One store: who sees it, what it carries, and what it leaves untouched.
 */
TEST(readonly_store_exits_and_ram_keeps_value)
{
	u64 place = SLOTS_GPA + 0x10, second = place + PAGE_SIZE;
	struct tally t;

	add_readonly();
	CHECK_EQ(mmio_read8(place), WORD,
		 "a load from a read-only slot gives its memory");
	vmcall0(HYPERCALL_IO_LOG_CLEAR);

	tally_start(&t);
	mmio_write4(place, STORED);
	tally_stop(&t);
	check_store(place);
	CHECK_EXITS(t.count[COUNTER_MMIO_WRITES], 1,
		    "a store to a read-only slot leaves as one MMIO write "
		    "(spec 1.5-9)");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "a store to a read-only slot is one EPT violation");

	tally_start(&t);
	CHECK_EQ(mmio_read8(place), WORD,
		 "a store to a read-only slot does not change its memory (spec "
		 "1.5-9)");
	CHECK_EQ(mmio_read8(second), ~WORD,
		 "the whole of a read-only slot can be read");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS] + t.count[COUNTER_MISCONFIGS],
		    0, "a store to a read-only slot is not recorded as MMIO: "
		    "the next load costs no exit (spec 1.5-9)");
	CHECK_EQ(slots_peek(1, 0x10), WORD,
		 "the memory of a read-only slot keeps its value (spec 1.4)");
}

/**
 * A load after each store: whoever marks the page at the store pays for it
 * with an exit at the load, and 100 pairs are then 200 exits.
 */
TEST(readonly_alternating_store_load)
{
	u64 place = SLOTS_GPA + 0x10;
	struct tally t;

	add_readonly();
	tally_start(&t);
	mmio_write4(place, STORED);
	tally_stop(&t);
	CHECK_FALSE(slots_entry(gpa(place)).is_mmio,
		    "a store to a read-only slot makes no MMIO entry, also if "
		    "it is the first access (spec 1.4)");
	CHECK_EXITS(t.count[COUNTER_MMIO_WRITES], 1,
		    "the first access to a read-only slot may be a store");
	mmio_read8(place);

	tally_start(&t);
	for (int i = 0; i < TIMES; i++) {
		mmio_write4(place, STORED);
		CHECK_EQ(mmio_read8(place), WORD,
			 "the memory of a read-only slot keeps its value");
	}
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS] + t.count[COUNTER_MISCONFIGS],
		    TIMES, "100 times a store and a load in a read-only slot "
		    "are exactly 100 exits (spec 1.5-10)");
	CHECK_EXITS(t.count[COUNTER_MMIO_EXITS], TIMES,
		    "100 stores to a read-only slot are exactly 100 MMIO "
		    "exits (spec 1.5-10)");
	CHECK_FALSE(slots_entry(gpa(place)).is_mmio,
		    "a store to a read-only slot makes no MMIO entry (spec "
		    "1.4)");
}
