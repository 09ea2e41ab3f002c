/** @file
 * The cache's own rules, with instructions that no processor has.
 *
 * HYPERCALL_READS plays what such an instruction would read, step by step
 * (hv/vmm/hypercall_reads.h).
 */
#include "guest-tests/lab3/lab3.h"

#define BEGIN { .op = READS_BEGIN }
#define REWIND { .op = READS_REWIND }
#define READ(at, n) { .op = READS_READ, .address = (u64)(at), .size = (n) }
#define ANSWER(v) { .op = READS_ANSWER, .value = (v) }
#define SETTLED { .op = READS_SETTLED }
#define CANCEL { .op = READS_CANCEL }

static u64 ram[8];

static void play(struct hypercall_read_step *steps, u64 count)
{
	CHECK_DONE(vmcall2(HYPERCALL_READS, vmcall_address(steps), count));
}

/** Reads of `size` bytes each; the last one of `last` bytes must be refused. */
static void check_bound(u64 reads, u32 size, u32 last)
{
	static struct hypercall_read_step steps[READS_STEPS_MAX];
	static u8 bytes[32];

	steps[0].op = READS_BEGIN;
	for (u64 i = 1; i <= reads; i++) {
		steps[i] = (struct hypercall_read_step)READ(bytes, size);
	}
	steps[reads].size = last;
	steps[reads + 1] = (struct hypercall_read_step)READ(bytes, 1);
	play(steps, reads + 2);
	CHECK_COUNT(steps[reads].result, READS_DONE,
		    "an instruction may read as much as the cache can hold "
		    "(spec 3.2)");
	CHECK_COUNT(steps[reads + 1].result, READS_REFUSED,
		    "an instruction that reads more than the cache can hold is "
		    "refused before it reads (spec 3.10-25)");
	CHECK_EQ(steps[reads + 1].value, READS_UNTOUCHED,
		 "a read that is refused leaves its destination alone");
}

TEST(reads_of_1024_bytes_are_refused)
{
	check_bound(32, 32, 31);
	check_bound(64, 4, 4);
}

TEST(replay_of_another_place_is_refused)
{
	struct hypercall_read_step steps[] = {
		BEGIN,	READ(&ram[0], 4), READ(&ram[1], 8),
		REWIND, READ(&ram[0], 4), READ(&ram[2], 8),
		REWIND, READ(&ram[0], 2),
	};

	play(steps, ARRAY_SIZE(steps));
	CHECK_COUNT(steps[4].result, READS_DONE,
		    "a read that is repeated is served");
	CHECK_COUNT(steps[5].result, READS_REFUSED,
		    "a pass that reads another address than the one before is "
		    "refused (spec 10.4)");
	CHECK_COUNT(steps[7].result, READS_REFUSED,
		    "a pass that reads another size than the one before is "
		    "refused (spec 10.4)");
}

/** The second pass comes to the read with another address than the first. */
TEST(answer_belongs_to_the_read_that_asked)
{
	struct hypercall_read_step steps[] = {
		BEGIN,	       READ(HERE, 4), READ(HERE, 4),
		ANSWER(0x5a5a), SETTLED,      ANSWER(0x6b6b),
		REWIND,	       READ(HERE + 8, 4),
	};

	device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	play(steps, ARRAY_SIZE(steps));
	CHECK_COUNT(steps[1].result, READS_WAITS,
		    "a read of a device outside waits for its answer");
	CHECK_EQ(steps[1].value, READS_UNTOUCHED,
		 "a read that waits leaves its destination alone");
	CHECK_COUNT(steps[2].result, READS_REFUSED,
		    "nothing is read while a read waits");
	CHECK_COUNT(steps[3].result, READS_DONE, "the VMM may answer then");
	CHECK_FALSE(steps[4].value,
		    "an answer that nobody has taken is not settled (spec "
		    "10.4)");
	CHECK_COUNT(steps[5].result, READS_REFUSED,
		    "a read is answered once (spec 10.4)");
	CHECK_COUNT(steps[7].result, READS_REFUSED,
		    "an answer belongs to the address that was asked (spec "
		    "10.4)");
}

/** The same value must come in every later pass, and the next read is new. */
TEST(answer_is_taken_once)
{
	struct hypercall_read_step steps[] = {
		BEGIN,		READ(&ram[0], 8), READ(HERE, 4),
		ANSWER(0x5a5a), REWIND,		  READ(&ram[0], 8),
		READ(HERE, 4),	SETTLED,	  READ(HERE, 4),
		ANSWER(0x6b6b), REWIND,		  SETTLED,
		READ(&ram[0], 8), READ(HERE, 4),  READ(HERE, 4),
		SETTLED,
	};

	ram[0] = 0x0123456789abcdef;
	device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	play(steps, ARRAY_SIZE(steps));
	CHECK_EQ(steps[6].value & 0xffffffff, 0x5a5a,
		 "a completed read gives the VMM's bytes (spec 3.3)");
	CHECK_TRUE(steps[7].value, "a pass that took its answer is settled");
	CHECK_COUNT(steps[8].result, READS_WAITS,
		    "a second read of the same place is another read: the "
		    "answer is gone (spec 3.3)");
	CHECK_FALSE(steps[11].value,
		    "a pass that has not yet read what the one before has "
		    "read is not settled");
	CHECK_EQ(steps[12].value, ram[0],
		 "an answer does not change what was read before (spec 3.3)");
	CHECK_EQ(steps[13].value & 0xffffffff, 0x5a5a,
		 "the first answer stays with the first read");
	CHECK_EQ(steps[14].value & 0xffffffff, 0x6b6b,
		 "the second answer belongs to the second read");
	CHECK_TRUE(steps[15].value, "then everything is settled");
}

/** Whatever was waiting, or answered, is nobody's any more. */
TEST(cancelled_read_leaves_nothing)
{
	struct hypercall_read_step steps[] = {
		BEGIN,		  READ(HERE, 4), CANCEL,
		SETTLED,	  ANSWER(1),	 BEGIN,
		READ(HERE, 4),	  ANSWER(2),	 CANCEL,
		READ(&ram[1], 8), READ(HERE, 4),
	};

	ram[1] = 0xfedcba9876543210;
	device_make(DEVICE_MIRROR, DEVICE_OUTSIDE, HERE, PAGE_SIZE);
	play(steps, ARRAY_SIZE(steps));
	CHECK_TRUE(steps[3].value,
		   "a read that was given up is not left over (spec 10.4)");
	CHECK_COUNT(steps[4].result, READS_REFUSED,
		    "a read that was given up takes no answer (spec 10.4)");
	CHECK_EQ(steps[9].value, ram[1],
		 "an answer that was given up is no later read's value (spec "
		 "3.3)");
	CHECK_COUNT(steps[10].result, READS_WAITS,
		    "the next read of the device asks it (spec 3.3)");
}
