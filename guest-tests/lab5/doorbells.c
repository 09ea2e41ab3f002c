/** @file
 * Which stores ring a doorbell, and what becomes of all others.
 *
 * A doorbell is at an address and not in a range: a store rings it that begins
 * there, has its length, or any if it has none, and its value, if it has one.
 * Whatever else goes there is the device's in the core, or leaves (spec 6.6,
 * 10.7).
 */
#include "guest-tests/lab5/lab5.h"

#define BELL LAB5_GPA
#define VALUE 0x8877665544332211ull
/** More than there may be devices (spec 6.1). */
#define MANY 1010

/** Make four stores of one value to an address, of 1, 2, 4 and 8 bytes. */
static void store_all(u64 address)
{
	mmio_write1(address, (u8)VALUE);
	mmio_write2(address, (u16)VALUE);
	mmio_write4(address, (u32)VALUE);
	mmio_write8(address, VALUE);
}

TEST(doorbell_of_any_length_takes_every_store)
{
	u64 bell = doorbell_make(BELL + 16, 0);

	store_all(BELL + 16);
	CHECK_COUNT(doorbell_take(bell), 4,
		    "a doorbell of any length is rung by stores of 1 to 8 "
		    "bytes (spec 6.7-4)");
	CHECK_COUNT(lab5_exits(), 0, "a store that rings does not leave");
	store_all(BELL + 17);
	mmio_write2(BELL + 15, 1);
	CHECK_COUNT(doorbell_take(bell), 0,
		    "a store that does not begin at a doorbell's address does "
		    "not ring it (spec 6.7-4)");
	CHECK_COUNT(lab5_exits(), 5, "what does not ring leaves");
}

TEST(doorbell_of_one_length_takes_only_that)
{
	u64 bell = doorbell_make(BELL, 4);
	struct hypercall_io io;

	device_clear_exits();
	store_all(BELL);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "a doorbell with a length is rung by stores of that length "
		    "(spec 6.6)");
	CHECK_COUNT(lab5_exits(), 3, "stores of another length leave");
	io = device_exit(2);
	CHECK_EQ(io.data, VALUE, "what leaves leaves whole");
	CHECK_COUNT(io.length, 8, "what leaves leaves whole");
}

TEST(load_rings_no_doorbell)
{
	u64 any = doorbell_make(BELL, 0);
	u64 four = doorbell_make(BELL + 16, 4);

	/* The first store, the one from which it is known, and a known one. */
	for (u32 i = 0; i < 3; i++) {
		mmio_write4(BELL, i);
		CHECK_EQ(mmio_read4(BELL), NOBODYS_4,
			 "a load from a doorbell's address has the VMM's "
			 "answer (spec 6.7-22, 10.7)");
	}
	CHECK_EQ(mmio_read4(BELL + 16), NOBODYS_4,
		 "a load from a doorbell's address has the VMM's answer");
	CHECK_COUNT(doorbell_take(any), 3,
		    "a doorbell is rung by stores and not by loads (spec "
		    "6.7-22, 10.7)");
	CHECK_COUNT(doorbell_take(four), 0, "a load does not ring it");
	CHECK_COUNT(lab5_exits(), 4, "each load leaves once");
}

TEST(mismatching_value_leaves_with_its_data)
{
	u64 bell = doorbell_make_matching(BELL, 4, VALUE);
	u64 other = doorbell_make_matching(BELL, 4, 0x77);
	struct hypercall_io io;

	device_clear_exits();
	mmio_write4(BELL, (u32)VALUE);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "a store of the doorbell's value rings it; of the value "
		    "its low bytes count (spec 6.6)");
	CHECK_COUNT(doorbell_take(other), 0, "its neighbour is not rung");
	mmio_write4(BELL, 0x77);
	CHECK_COUNT(doorbell_take(other), 1,
		    "at one address each value may have a doorbell");
	CHECK_COUNT(doorbell_take(bell), 0, "only one of them is rung");
	CHECK_COUNT(device_clear_exits(), 0, "no store has left so far");
	mmio_write4(BELL, 0x12345678);
	io = device_exit(0);
	CHECK_EQ(io.data, 0x12345678,
		 "a store of another value leaves with its data (spec 6.7-21)");
	CHECK_COUNT(doorbell_take(bell) + doorbell_take(other), 0,
		    "a store of another value rings nothing (spec 6.7-21)");
}

/** MOVDQU m, xmm   F3 0F 7F /r */
static void store16(u64 address)
{
	static const u64 value[2] = { VALUE, ~VALUE };

	asm volatile("movdqu (%0), %%xmm1\n\tmovdqu %%xmm1, (%1)"
		     :
		     : "r"(value), "b"(address)
		     : "memory");
}

TEST(split_store_rings_at_a_page_start)
{
	u64 page = BELL + PAGE_SIZE;
	u64 value = VALUE >> 32 | ~VALUE << 32;
	u64 bell = doorbell_make_matching(page, 8, value);
	struct hypercall_io io;

	device_clear_exits();
	store16(page - 4);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "the second chunk of a split store rings the doorbell at "
		    "the page's start, whose value lies in the middle of the "
		    "operand (spec 6.7-20)");
	io = device_exit(0);
	CHECK_EQ(io.address, page - 4, "the first chunk leaves (spec 6.7-20)");
	CHECK_EQ(io.data, (u32)VALUE, "the first chunk leaves with its bytes");
	io = device_exit(1);
	CHECK_EQ(io.address, page + 8, "the bytes left over leave (spec "
				       "6.7-20)");
	CHECK_EQ(io.data, (u32)(~VALUE >> 32), "they leave as they are");
	CHECK_COUNT(device_clear_exits(), 2, "what rings does not leave");
}

TEST(each_store_rings_exactly_once)
{
	u64 bell = doorbell_make(BELL, 0);

	for (u64 i = 1; i <= 5; i++) {
		mmio_write4(BELL, (u32)i);
		CHECK_COUNT(doorbell_count(bell), i,
			    "each store rings exactly once, from the first one "
			    "on (spec 6.7-23)");
	}
	CHECK_COUNT(lab5_exits(), 0, "none of them leaves (spec 6.7-23)");
}

TEST(doorbell_comes_before_a_device)
{
	u64 bell = doorbell_make(BELL + 4, 4);

	lab5_add(1, BELL, 16);
	mmio_write4(BELL + 4, 1);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "a doorbell may lie in a device and is offered the store "
		    "first (bus/bus.h)");
	CHECK_COUNT(lab5_look(1).accesses, 0, "the device does not see it");
	CHECK_EQ(mmio_read4(BELL + 4), lab5_value(1, 4),
		 "a load there is the device's (bus/bus.h)");
	mmio_write2(BELL + 4, 1);
	CHECK_COUNT(lab5_look(1).accesses, 2,
		    "a store that rings nothing is the device's (bus/bus.h)");
	CHECK_COUNT(lab5_exits(), 0, "none of them leaves");
}

static s64 make(u64 address, u32 length, u32 flags, u64 value)
{
	struct hypercall_doorbell plan = { .address = address,
					   .length = length,
					   .flags = flags,
					   .value = value };

	return vmcall1(HYPERCALL_DOORBELL_MAKE, vmcall_address(&plan));
}

TEST(colliding_doorbells_are_refused)
{
	doorbell_make(BELL, 0);
	doorbell_make_matching(BELL + 8, 4, 1);
	doorbell_make(BELL + 8, 2);
	CHECK_COUNT(make(BELL, 0, 0, 0), -EEXIST,
		    "two doorbells of any length at one address collide (spec "
		    "6.6)");
	CHECK_COUNT(make(BELL, 4, 0, 0), -EEXIST,
		    "one of any length and one with a length collide (spec "
		    "6.6)");
	CHECK_COUNT(make(BELL + 8, 0, 0, 0), -EEXIST,
		    "one with a length and one of any length collide (spec "
		    "6.6)");
	CHECK_COUNT(make(BELL + 8, 4, 0, 0), -EEXIST,
		    "one with a value and one of any value collide (spec 6.6)");
	CHECK_COUNT(make(BELL + 8, 2, DOORBELL_MATCHES, 3), -EEXIST,
		    "one of any value and one with a value collide (spec 6.6)");
	CHECK_COUNT(make(BELL + 8, 4, DOORBELL_MATCHES, BIT(32) + 1), -EEXIST,
		    "values are equal if those bytes are that are stored (spec "
		    "10.7)");
	CHECK_TRUE(make(BELL + 8, 4, DOORBELL_MATCHES, 2) >= 0,
		   "two values at one address do not collide");
	CHECK_TRUE(make(BELL + 8, 8, 0, 0) >= 0,
		   "two lengths at one address do not collide");
	CHECK_TRUE(make(BELL + 9, 0, 0, 0) >= 0,
		   "two addresses do not collide");
}

TEST(doorbells_that_cannot_be_are_refused)
{
	CHECK_COUNT(make(BELL, 3, 0, 0), -EINVAL,
		    "there is no store of 3 bytes (bus/bus.h)");
	CHECK_COUNT(make(BELL, 16, 0, 0), -EINVAL,
		    "a doorbell has at most 8 bytes (bus/bus.h)");
	CHECK_COUNT(make(BELL, 0, DOORBELL_MATCHES, 1), -EINVAL,
		    "a value without a length cannot be compared (bus/bus.h)");
	CHECK_COUNT(make(0xffff, 2, DOORBELL_PORT, 0), -EINVAL,
		    "a doorbell may not end behind its bus (bus/bus.h)");
	CHECK_COUNT(make(0x10000, 0, DOORBELL_PORT, 0), -EINVAL,
		    "a doorbell may not lie behind its bus (bus/bus.h)");
	CHECK_TRUE(make(0xffff, 1, DOORBELL_PORT, 0) >= 0,
		   "the last port may be a doorbell");
}

TEST(more_doorbells_than_devices)
{
	u64 first = doorbell_make_port(LAB5_PORT, 1), last = first;

	for (u32 i = 1; i < MANY; i++) {
		last = doorbell_make_port((u16)(LAB5_PORT + i), 1);
	}
	asm volatile("outb %%al, %%dx" : : "a"(0), "d"(LAB5_PORT + MANY - 1));
	asm volatile("outb %%al, %%dx" : : "a"(0), "d"(LAB5_PORT));
	CHECK_COUNT(doorbell_take(first), 1,
		    "the limit of a thousand does not count doorbells: the "
		    "first one rings (spec 6.1, 6.7-9)");
	CHECK_COUNT(doorbell_take(last), 1, "the last one rings");
	CHECK_COUNT(lab5_exits(), 0, "an OUT that rings does not leave");
}

/** Without memory, for each allocation that there is. */
static void check_without_memory(struct hypercall_bus *b,
				 enum hypercall_bus_action action)
{
	u64 pages = lab5_pages();
	s64 error = -ENOMEM;

	for (b->fail = 1; error == -ENOMEM && b->fail < 10; b->fail++) {
		error = lab5_call(b, action);
		CHECK_TRUE(!error || error == -ENOMEM,
			   "a doorbell's change without memory fails with "
			   "ENOMEM (bus/bus.h)");
		CHECK_TRUE(!error || b->pages == pages,
			   "a failed change has given its memory back (spec "
			   "10.8)");
		CHECK_TRUE(!error || b->fail < 9, "it needs little memory");
	}
	CHECK_TRUE(b->fail > 2, "a change of the bus takes memory");
}

TEST(doorbell_without_memory_changes_nothing)
{
	struct hypercall_bus b = lab5_device(1, BELL, 0);
	u64 bell = doorbell_make(BELL + 8, 0);

	b.behaviour = BUS_RINGS;
	check_without_memory(&b, BUS_ADD);
	mmio_write4(BELL, 1);
	CHECK_COUNT(lab5_look(1).accesses, 1, "with memory it rings");
	check_without_memory(&b, BUS_REMOVE);
	mmio_write4(BELL, 1);
	CHECK_COUNT(lab5_look(1).accesses, 1,
		    "a doorbell that was taken down is not rung");
	CHECK_COUNT(lab5_exits(), 1, "its stores leave");
	mmio_write4(BELL + 8, 1);
	CHECK_COUNT(doorbell_take(bell), 1, "its neighbour rings");
	CHECK_COUNT(lab5_call(&b, BUS_REMOVE), -ENOENT,
		    "a doorbell cannot be taken down twice (bus/bus.h)");
}
