/** @file
 * A store that is known, and what makes it another one.
 *
 * Each of these tests teaches the hypervisor a store, and then changes one
 * thing that made it that store: its bytes, its place, its address, its size,
 * its memory.  Whoever rings all the same is wrong.
 */
#include "guest-tests/doorbell/doorbell.h"

#define ROUNDS 20
#define CODE_GVA PAGES_FREE_GVA
#define DATA_GVA (PAGES_FREE_GVA + (1ull << 30))

static u8 ram[2][PAGE_SIZE] __aligned(PAGE_SIZE);

TEST(store_that_becomes_a_load_does_not_ring)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);
	u64 loads = 0;

	doorbell_write_code();
	for (u64 i = 0; i < ROUNDS; i++) {
		u32 value;

		doorbell_code[0] = i % 4 == 3 ? 0x8b : 0x89;
		value = doorbell_call(doorbell_code, DEVICE_COUNTER_GPA, 0x49);
		loads += i % 4 == 3;
		CHECK_COUNT(value, i % 4 == 3 ? loads : 0x49,
			    "an instruction that was a store and is now a load "
			    "loads (spec 10.7)");
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - loads,
		    "... and does not ring");
}

/** CODE_GVA is a store on one page, a load on the other. */
TEST(store_on_another_page_of_code_is_looked_at)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);

	doorbell_write_code();
	memcpy(ram[0], doorbell_code, sizeof(ram[0]));
	memcpy(ram[1], doorbell_code, sizeof(ram[1]));
	ram[1][0] = 0x8b;
	for (u64 i = 0; i < ROUNDS; i++) {
		pages_map(gva(CODE_GVA), gpa((u64)ram[i % 4 == 3]), 0);
		asm volatile("invlpg (%0)" : : "r"(CODE_GVA) : "memory");
		doorbell_call((void *)CODE_GVA, DEVICE_COUNTER_GPA, 0);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - ROUNDS / 4,
		    "where the guest has mapped other code, that is executed");
	CHECK_COUNT(vmcall_device(DEVICE_COUNTER_GPA, DEVICE_READS), ROUNDS / 4,
		    "... a load, here");
}

TEST(same_store_rings_another_doorbell)
{
	u64 first = doorbell_make(BELL_GPA, 0);
	u64 second = doorbell_make(BELL_GPA + 4, 0);
	u64 far = doorbell_make(BELL_GPA + PAGE_SIZE, 0);

	doorbell_teach(BELL_GPA);
	doorbell_take(first);
	for (u64 i = 0; i < ROUNDS; i++) {
		doorbell_store4(BELL_GPA, 0);
		doorbell_store4(BELL_GPA + 4, 0);
		doorbell_store4(BELL_GPA + PAGE_SIZE, 0);
		doorbell_store4(BELL_GPA + 8, 0);
	}
	CHECK_COUNT(doorbell_take(first), ROUNDS,
		    "a store that goes to another address rings there");
	CHECK_COUNT(doorbell_take(second), ROUNDS, "... each time");
	CHECK_COUNT(doorbell_take(far), ROUNDS, "... on another page, too");
	CHECK_COUNT(device_clear_exits(), ROUNDS,
		    "... and leaves where there is none");
}

TEST(two_doorbells_of_a_page_are_rung_quickly)
{
	doorbell_make(BELL_GPA, 0);
	doorbell_make(BELL_GPA + 4, 0);
	doorbell_teach(BELL_GPA);
	u64 before = vmcall_counter(COUNTER_QUICK_RINGS);

	for (u64 i = 0; i < ROUNDS; i++) {
		doorbell_store4(BELL_GPA, 0);
		doorbell_store4(BELL_GPA + 4, 0);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_QUICK_RINGS) - before, 2 * ROUNDS,
		    "one store, as of a driver with two queues, rings both "
		    "without emulation");
}

TEST(load_in_between_does_not_unteach)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores = doorbell_teach(BELL_GPA);
	u64 before = vmcall_counter(COUNTER_QUICK_RINGS);

	for (u64 i = 0; i < ROUNDS; i++) {
		mmio_read4(DEVICE_COUNTER_GPA);
		mmio_write4(DEVICE_CORE_SCRATCH_GPA, 0);
		doorbell_store4(BELL_GPA, 0);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_QUICK_RINGS) - before, ROUNDS,
		    "accesses to other devices in between, as of a driver, do "
		    "not make the store unknown");
	CHECK_COUNT(doorbell_take(bell), stores + ROUNDS, "each rings once");
}

/** The linear address stays, what it means does not. */
TEST(store_to_remapped_page_goes_there)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	pages_map(gva(DATA_GVA), gpa(BELL_GPA), PAGES_WRITE);
	doorbell_teach(DATA_GVA);
	doorbell_take(bell);
	for (u64 i = 0; i < ROUNDS; i++) {
		bool to_ram = i % 3 == 2;

		pages_map(gva(DATA_GVA),
			  gpa(to_ram ? (u64)ram[0] : BELL_GPA + PAGE_SIZE),
			  PAGES_WRITE);
		asm volatile("invlpg (%0)" : : "r"(DATA_GVA) : "memory");
		doorbell_store4(DATA_GVA, (u32)i);
		CHECK_COUNT(doorbell_take(bell), 0,
			    "a store to a page without doorbell rings none");
	}
	CHECK_COUNT(device_clear_exits(), ROUNDS - ROUNDS / 3,
		    "stores to the other device's page leave");
	CHECK_COUNT(*(u32 *)ram[0], ROUNDS - 3, "those to memory are there");
}

/** Half of the store is memory's: skipping it would lose that half. */
TEST(store_that_ends_at_a_doorbell_is_done_whole)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 second = DATA_GVA + PAGE_SIZE;

	pages_map(gva(DATA_GVA), gpa((u64)ram[0]), PAGES_WRITE);
	pages_map(gva(second), gpa(BELL_GPA), PAGES_WRITE);
	for (u64 i = 1; i <= ROUNDS; i++) {
		doorbell_store8(second, i);
		doorbell_store8(second - 4, i << 32 | i);
		CHECK_COUNT(*(u32 *)&ram[0][PAGE_SIZE - 4], i,
			    "the half of a store that is memory's is stored");
	}
	CHECK_COUNT(doorbell_take(bell), 2 * ROUNDS,
		    "... the other one rings");
	CHECK_COUNT(device_clear_exits(), 0, "neither leaves");
}

/** A store that begins at the doorbell and goes on to the next page. */
TEST(store_that_begins_at_a_doorbell_is_done_whole)
{
	u64 bell = doorbell_make(BELL_GPA + PAGE_SIZE - 4, 0);
	u64 second = DATA_GVA + PAGE_SIZE;

	pages_map(gva(DATA_GVA), gpa(BELL_GPA), PAGES_WRITE);
	pages_map(gva(second), gpa((u64)ram[0]), PAGES_WRITE);
	for (u64 i = 1; i <= ROUNDS; i++) {
		doorbell_store8(second - 4, i << 32);
		CHECK_COUNT(*(u32 *)&ram[0][0], i,
			    "the half of a store that is memory's is stored");
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS, "... the other one rings");
}

/** spec 6.7-20, the store that could crash KVM. */
TEST(split_store_meets_a_doorbell_in_its_middle)
{
	u64 page = BELL_GPA + PAGE_SIZE;
	u64 value[2] = { 0x8877665544332211ull, 0xffeeddccbbaa9988ull };
	u64 bell = doorbell_make_matching(page, 8, 0xbbaa998888776655ull);

	asm volatile("movdqu (%0), %%xmm0\n\t"
		     "movdqu %%xmm0, (%1)"
		     : : "r"(value), "r"(page - 4) : "memory");
	CHECK_COUNT(doorbell_take(bell), 1,
		    "the second piece of a split store rings a doorbell whose "
		    "value it has (spec 6.7-20)");
	CHECK_COUNT(device_clear_exits(), 2, "the other pieces leave");
	value[1] = 0;
	asm volatile("movdqu (%0), %%xmm0\n\t"
		     "movdqu %%xmm0, (%1)"
		     : : "r"(value), "r"(page - 4) : "memory");
	CHECK_COUNT(doorbell_take(bell), 0, "another value does not ring");
	CHECK_EQ(device_exit(1).address, page, "... but leaves");
	CHECK_EQ(device_exit(1).data, 0x88776655, "... with its data");
}

TEST(slot_over_a_doorbell_is_memory)
{
	u64 bell = doorbell_make(SLOTS_GPA, 0);

	for (u64 i = 1; i <= ROUNDS; i++) {
		doorbell_teach(SLOTS_GPA);
		doorbell_take(bell);
		slots_poke(1, 0, 0);
		slots_add(1, gpa(SLOTS_GPA), 1, 0);
		doorbell_store4(SLOTS_GPA, (u32)i);
		CHECK_COUNT(doorbell_take(bell), 0,
			    "where a slot was added nothing rings");
		CHECK_COUNT(slots_peek(1, 0), i, "... the store is in memory");
		slots_delete(1);
		doorbell_store4(SLOTS_GPA, 0);
		CHECK_COUNT(doorbell_take(bell), 1,
			    "where it was deleted the next store rings");
	}
}

/** Its entries are marked with the generation of before: stale. */
TEST(unrelated_change_of_slots_costs_no_ring)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores = 0;

	for (u64 i = 0; i < ROUNDS; i++) {
		stores += doorbell_teach(BELL_GPA);
		vmcall1(HYPERCALL_SLOT_BUMP, 1);
	}
	doorbell_store4(BELL_GPA, 0);
	CHECK_COUNT(doorbell_take(bell), stores + 1,
		    "each store rings once, before and after the slots change");
	CHECK_COUNT(device_clear_exits(), 0, "and none leaves");
}

TEST(guest_of_the_guest_is_emulated)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 quick;

	doorbell_teach(BELL_GPA);
	doorbell_take(bell);
	CHECK_DONE(vmcall1(HYPERCALL_NESTED, 1));
	quick = vmcall_counter(COUNTER_QUICK_RINGS);
	for (u64 i = 0; i < ROUNDS; i++) {
		doorbell_store4(BELL_GPA, 0);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_QUICK_RINGS), quick,
		    "what may be another guest's address is never rung quickly "
		    "(spec 6.6)");
	CHECK_COUNT(doorbell_take(bell), ROUNDS, "... but rung it is");
	CHECK_DONE(vmcall1(HYPERCALL_NESTED, 0));
}

/** A doorbell inside of a zone comes first (hv/vcpu/vm.h). */
TEST(doorbell_comes_before_the_coalesced_zone)
{
	struct hypercall_coalesced zone = { .action = COALESCED_ADD,
					    .gpa = BELL_GPA, .length = 64 };
	u64 bell = doorbell_make(BELL_GPA, 0);

	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&zone)));
	for (u64 i = 0; i < ROUNDS; i++) {
		doorbell_store4(BELL_GPA, 0);
		doorbell_store4(BELL_GPA + 4, 0);
	}
	zone.action = COALESCED_PEEK;
	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&zone)));
	CHECK_COUNT(doorbell_take(bell), ROUNDS,
		    "a store in a coalesced zone that rings is rung");
	CHECK_COUNT(zone.last, ROUNDS, "... and all others are coalesced");
}
