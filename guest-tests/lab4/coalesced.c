/** @file
 * Coalesced stores: a ring that both sides can write to.
 *
 * A store that lies whole in a zone is put into the ring and costs no exit.
 * Every other access goes its ordinary way, and so does every store as soon as
 * the ring is full, or holds an index that is none (spec 4.4).
 */
#include "guest-tests/lab4/lab4.h"

#define ZONE DEVICE_FREE_GPA
#define ZONE_SIZE 0x100ull

/** As many stores as the ring takes: one entry always stays free. */
#define ROOM (COALESCED_RING - 1)

static struct hypercall_coalesced call(struct hypercall_coalesced c)
{
	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&c)));
	return c;
}

static void add_zone(u64 base, u64 length)
{
	call((struct hypercall_coalesced){
		.action = COALESCED_ADD, .gpa = base, .length = length });
}

static struct hypercall_coalesced set_indices(u32 first, u32 last)
{
	return call((struct hypercall_coalesced){
		.action = COALESCED_SET, .first = first, .last = last });
}

static struct hypercall_coalesced peek(u32 index)
{
	return call((struct hypercall_coalesced){
		.action = COALESCED_PEEK, .index = index });
}

/** A mirror with a log behind the zone: what is drained, and what leaves. */
static u64 make_device(void)
{
	u64 device = device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, ZONE, 4096);

	add_zone(ZONE, ZONE_SIZE);
	lab4_begin();
	return device;
}

static void check_entry(u32 index, u64 gpa, u64 length, u64 data)
{
	struct hypercall_coalesced c = peek(index);

	CHECK_EQ(c.gpa, gpa, "an entry of the ring has the store's address");
	CHECK_COUNT(c.length, length, "an entry has the store's length");
	CHECK_EQ(c.data, data, "an entry has the store's bytes and no others");
}

/** 169 stores for nothing; the 170th finds no free entry and leaves. */
TEST(coalesced_stores_leave_when_the_ring_is_full)
{
	u64 device = make_device();

	for (u32 i = 0; i < ROOM; i++) {
		mmio_write4(ZONE + 4 * (i % 60), 0x1000 + i);
	}
	CHECK_LEAVES(0, "169 stores in a zone cost no exit (spec 4.5-20)");
	CHECK_COUNT(peek(0).last, ROOM, "each store is one entry");
	for (u32 i = 0; i < ROOM; i++) {
		check_entry(i, ZONE + 4 * (i % 60), 4, 0x1000 + i);
	}
	CHECK_COUNT(device_accesses(device), 0, "the device does not know yet");

	mmio_write2(ZONE + 8, 0x4321);
	CHECK_LEFT(0, STORE(ZONE + 8, 2, 0x4321),
		   "the 170th store leaves (spec 4.5-20)");
	CHECK_LEAVES(1, "only the 170th store leaves (spec 4.5-20)");
	CHECK_COUNT(device_accesses(device), ROOM + 1,
		    "the VMM empties the ring before it acts on an exit");
	CHECK_EQ(device_log(device, 0).value, 0x1000, "the oldest goes first");
	CHECK_COUNT(peek(0).first, ROOM, "the ring is empty again");

	mmio_write8(ZONE, VALUE);
	mmio_write1(ZONE + 3, 0xee);
	CHECK_LEAVES(1, "an emptied ring takes stores again");
	check_entry(ROOM, ZONE, 8, VALUE);
	check_entry(0, ZONE + 3, 1, 0xee);
}

/** The VMM owns that page: whatever it writes there must do no harm. */
TEST(coalesced_index_out_of_range_does_no_harm)
{
	static const u32 bad[] = { COALESCED_RING, COALESCED_RING + 1,
				   0x7fffffff, 0x80000000, 0xffffffff };
	struct hypercall_coalesced c;

	make_device();
	mmio_write4(ZONE, 1);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		set_indices(0, bad[i]);
		lab4_begin();
		mmio_write4(ZONE + 4, 0x5555 + i);
		CHECK_LEAVES(1, "with an index behind the ring a store takes "
				"its ordinary way (spec 4.5-21)");
		CHECK_LEFT(0, STORE(ZONE + 4, 4, 0x5555 + i),
			   "such a store leaves whole");
		c = peek(0);
		CHECK_EQ(c.last, bad[i], "the core leaves a bad index alone");
	}
	check_entry(0, ZONE, 4, 1);

	set_indices(0xffffffff, 5);
	lab4_begin();
	mmio_write4(ZONE + 8, 0x77);
	CHECK_LEAVES(0, "a bad index of the reader's is the reader's affair");
	check_entry(5, ZONE + 8, 4, 0x77);
	set_indices(0, 0);
	mmio_write4(ZONE, 2);
	check_entry(0, ZONE, 4, 2);
}

/** The last entry, and the first after it. */
TEST(coalesced_ring_wraps)
{
	make_device();
	set_indices(COALESCED_RING - 1, COALESCED_RING - 1);
	mmio_write4(ZONE, 0xa1);
	mmio_write4(ZONE, 0xa2);
	CHECK_LEAVES(0, "a ring that wraps is not full");
	check_entry(COALESCED_RING - 1, ZONE, 4, 0xa1);
	check_entry(0, ZONE, 4, 0xa2);
	CHECK_COUNT(peek(0).last, 1, "behind the last entry comes the first");
	set_indices(1, 0);
	mmio_write4(ZONE, 0xa3);
	CHECK_LEAVES(1, "one entry always stays free");
}

/** What is not whole inside, and what is not a store. */
TEST(coalesced_takes_only_whole_stores_inside)
{
	u64 device = make_device();

	mmio_write4(ZONE + ZONE_SIZE - 2, 0x12345678);
	CHECK_LEFT(0, STORE(ZONE + ZONE_SIZE - 2, 4, 0x12345678),
		   "a store over a zone's end leaves whole (spec 4.5-22)");
	mmio_write4(ZONE + ZONE_SIZE, 1);
	CHECK_LEAVES(2, "behind a zone stores leave");
	mmio_write4(ZONE + ZONE_SIZE - 4, 0x99);
	CHECK_LEAVES(2, "a zone's last bytes are inside");

	mmio_write4(ZONE + 4, 0xabcd);
	CHECK_EQ(mmio_read4(ZONE + 4), 0xabcd,
		 "a load leaves, after the stores that came before it (spec "
		 "4.4)");
	CHECK_LEAVES(3, "loads are never coalesced (spec 4.4)");
	CHECK_COUNT(device_log(device, 3).is_write, 1,
		    "the ring was emptied before the load was answered");

	call((struct hypercall_coalesced){ .action = COALESCED_REMOVE,
					   .gpa = ZONE });
	mmio_write4(ZONE + 4, 3);
	CHECK_LEAVES(4, "without its zone a store leaves (spec 4.5-23)");
	add_zone(ZONE, ZONE_SIZE);
	mmio_write4(ZONE + 4, 4);
	CHECK_LEAVES(4, "a zone may come back");
}

/** A split store: the page inside a zone is coalesced, the other leaves. */
TEST(coalesced_part_of_a_split_store)
{
	u64 middle = lab4_window(NOBODY_FAR, ZONE);

	make_device();
	mmio_write8(middle - 4, VALUE);
	CHECK_LEAVES(1, "the part outside of the zone leaves");
	CHECK_LEFT(0, STORE(NOBODY_FAR + PAGE_SIZE - 4, 4, 0x44332211),
		   "the part outside of the zone leaves");
	check_entry(0, ZONE, 4, 0x88776655);
}
