/** @file
 * Which accesses ring, which go on to a device, and how often each does.
 */
#include "guest-tests/doorbell/doorbell.h"

#define ROUNDS 100

TEST(each_store_rings_once)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	mmio_write4(BELL_GPA, 1);
	CHECK_COUNT(doorbell_take(bell), 1,
		    "the first store to a doorbell of any length rings it once "
		    "(spec 6.7-23)");
	for (u64 i = 1; i < ROUNDS; i++) {
		mmio_write4(BELL_GPA, (u32)i);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - 1,
		    "and so does each store after it");
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_EXITS), 0,
		    "who rings a doorbell never leaves to the VMM");
	CHECK_COUNT(vmcall_counter(COUNTER_QUICK_RINGS), ROUNDS - 2,
		    "from the third store on a doorbell of any length is rung "
		    "without emulation");
	CHECK_COUNT(vmcall_counter(COUNTER_EMULATIONS), 2, "as is counted");
}

TEST(removed_doorbell_does_not_ring)
{
	u64 other = doorbell_make(BELL_GPA + 8, 0);
	u64 bell = doorbell_make(BELL_GPA, 0);

	for (u64 i = 0; i < 3 * ROUNDS; i++) {
		if (i == ROUNDS) {
			CHECK_COUNT(doorbell_take(bell), ROUNDS,
				    "each store rings");
			doorbell_remove(bell);
		} else if (i == 2 * ROUNDS) {
			bell = doorbell_make(BELL_GPA, 0);
		}
		mmio_write4(BELL_GPA, (u32)i);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_WRITES), ROUNDS,
		    "a store goes to the VMM where a doorbell was taken down, "
		    "until there is one again");
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "a doorbell that was hung up again rings");
	CHECK_COUNT(doorbell_take(other), 0, "its neighbour was never rung");
}

/** A counter of the VMM's lies where the doorbell is. */
TEST(load_goes_to_the_device)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);

	for (u64 i = 1; i <= ROUNDS; i++) {
		CHECK_COUNT(mmio_read4(DEVICE_COUNTER_GPA), i,
			    "a load where a doorbell is gives what the device "
			    "of the VMM gives (spec 6.7-22)");
		mmio_write4(DEVICE_COUNTER_GPA, 0);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "only stores ring, loads do not (spec 10.7)");
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_WRITES), 0,
		    "no store that rings is the device's");
}

TEST(load_goes_to_the_device_in_the_core)
{
	u64 at = DEVICE_CORE_PATTERN_GPA + 0x40;
	u64 bell = doorbell_make(at, 0);

	for (u64 i = 0; i < ROUNDS; i++) {
		mmio_write1(at, 0);
		CHECK_EQ(mmio_read1(at), hypercall_pattern(at),
			 "a load where a doorbell is goes to the device in the "
			 "core that is there, too");
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS, "only stores ring");
	CHECK_COUNT(vmcall_device(DEVICE_CORE_PATTERN_GPA, DEVICE_WRITES), 0,
		    "the device has seen no store");
	CHECK_COUNT(vmcall_counter(COUNTER_MMIO_EXITS), 0, "nobody left");
}

static __noinline void add_one(u64 address)
{
	asm volatile("addl $1, (%0)" : : "b"(address) : "memory");
}

TEST(read_modify_write_reads_and_rings)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);

	for (u64 i = 0; i < ROUNDS; i++) {
		add_one(DEVICE_COUNTER_GPA);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "an ADD to memory rings once, by its store");
	CHECK_COUNT(vmcall_device(DEVICE_COUNTER_GPA, DEVICE_READS), ROUNDS,
		    "... and loads once from the device");
}

TEST(string_store_rings_for_each_element)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 rdi = BELL_GPA, rcx = 3;

	asm volatile("rep stosl"
		     : "+D"(rdi), "+c"(rcx) : "a"(7) : "memory");
	CHECK_COUNT(doorbell_take(bell), 1,
		    "of a string store the element at the doorbell rings");
	CHECK_COUNT(device_clear_exits(), 2, "the others leave");
	for (u64 i = 0; i < ROUNDS; i++) {
		rdi = BELL_GPA;
		asm volatile("stosb" : "+D"(rdi) : "a"(7) : "memory");
		CHECK_EQ(rdi, BELL_GPA + 1, "STOS moves RDI, ringing or not");
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS, "each STOS rings once");
}

#define AT (BELL_GPA + 0x10)

TEST(any_length_rings_for_each_width)
{
	u64 bell = doorbell_make(AT, 0);

	for (u64 i = 0; i < ROUNDS; i++) {
		mmio_write1(AT, 1);
		mmio_write2(AT, 2);
		mmio_write4(AT, 3);
		mmio_write8(AT, 4);
	}
	CHECK_COUNT(doorbell_take(bell), 4 * ROUNDS,
		    "a doorbell of any length rings for 1, 2, 4 and 8 bytes "
		    "(spec 6.7-4)");
	mmio_write1(AT + 1, 1);
	mmio_write4(AT - 1, 1);
	CHECK_COUNT(doorbell_take(bell), 0,
		    "... at its address and nowhere else");
	CHECK_COUNT(device_clear_exits(), 2, "those leave");
}

TEST(sixteen_bytes_are_two_stores)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	for (u64 i = 0; i < 5; i++) {
		asm volatile("movdqu %%xmm0, (%0)"
			     : : "r"(BELL_GPA) : "memory");
		CHECK_COUNT(doorbell_take(bell), 1,
			    "of 16 bytes the first 8 ring ...");
		CHECK_EQ(device_exit(0).address, BELL_GPA + 8,
			 "... and the second 8 leave");
		CHECK_COUNT(device_clear_exits(), 1, "by one exit");
	}
}

TEST(length_must_be_the_same)
{
	u64 bell = doorbell_make(BELL_GPA, 4);

	for (u64 i = 0; i < ROUNDS; i++) {
		mmio_write4(BELL_GPA, 1);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "a doorbell of 4 bytes rings for 4 bytes");
	mmio_write2(BELL_GPA, 0x1234);
	CHECK_EQ(device_exit(0).data, 0x1234,
		 "a store of another length leaves with its data");
	CHECK_COUNT(device_exit(0).length, 2, "... and its length");
	CHECK_COUNT(doorbell_take(bell), 0, "... and does not ring");
}

TEST(value_must_be_the_same)
{
	u64 five = doorbell_make_matching(BELL_GPA, 4, 5);
	u64 six = doorbell_make_matching(BELL_GPA, 4, 6);

	for (u32 i = 0; i < ROUNDS; i++) {
		doorbell_store4(BELL_GPA, i);
	}
	CHECK_COUNT(doorbell_take(five), 1, "the store of 5 rings one ...");
	CHECK_COUNT(doorbell_take(six), 1, "... that of 6 the other");
	CHECK_EQ(device_exit(5).data, 7,
		 "a store of another value leaves with its data (spec 6.7-21)");
	CHECK_COUNT(device_clear_exits(), ROUNDS - 2, "as do all others");
}

TEST(doorbells_that_cannot_be)
{
	struct hypercall_doorbell bell = { .address = BELL_GPA };
	u64 at = vmcall_address(&bell);
	u64 there = doorbell_make(BELL_GPA, 0);

	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, at), -EEXIST,
		    "there is one of any length already");
	bell.length = 4;
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, at), -EEXIST,
		    "one of 4 bytes would not get them");
	bell.length = 3;
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, at), -EINVAL,
		    "there are no stores of 3 bytes");
	bell = (struct hypercall_doorbell){ .address = BELL_GPA + 8,
					    .flags = DOORBELL_MATCHES };
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, at), -EINVAL,
		    "a value needs a length");
	bell = (struct hypercall_doorbell){ .address = 0x10000,
					    .flags = DOORBELL_PORT };
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, at), -EINVAL,
		    "there is no such port");
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_MAKE, ~0ull), -EFAULT,
		    "the record must lie in memory");
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_REMOVE, there + 1), -ENOENT,
		    "only a doorbell can be taken down");
	doorbell_remove(there);
	CHECK_COUNT(vmcall1(HYPERCALL_DOORBELL_COUNT, there), -ENOENT,
		    "its count goes with it");
}
