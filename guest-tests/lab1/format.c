/** @file
 * The MMIO entry's code, there and back.
 *
 * The functions of the lab's file are called directly, by hypercall, with
 * numbers that no real guest would produce in years (spec 1.2).
 */
#include "guest-tests/lab1/lab1.h"

#define ROUNDS 200
#define GENERATION_MASK BITS(18, 0)

/** A plain linear congruential generator: the same numbers in each run. */
static u64 next(u64 *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state ^ *state >> 29;
}

static void run_codec(struct hypercall_codec *codec)
{
	CHECK_DONE(vmcall1(HYPERCALL_EPT_CODEC, vmcall_address(codec)));
}

static void check_stale(struct hypercall_codec *codec)
{
	u64 same = codec->generation & ~BIT(63);

	codec->now = same;
	run_codec(codec);
	CHECK_FALSE(codec->is_stale,
		    "an MMIO entry is valid at the generation that it was made "
		    "with (spec 1.3)");
	codec->now = same + GENERATION_MASK + 1;
	run_codec(codec);
	CHECK_FALSE(codec->is_stale,
		    "only 19 bits of the generation are compared (spec 1.3)");
	codec->now = same ^ 1;
	run_codec(codec);
	CHECK_TRUE(codec->is_stale,
		   "an MMIO entry of another generation is stale (spec 1.3)");
	codec->now = same ^ BIT(18);
	run_codec(codec);
	CHECK_TRUE(codec->is_stale,
		   "all 19 bits of the generation are compared (spec 1.3)");
	codec->now = same | BIT(63);
	run_codec(codec);
	CHECK_TRUE(codec->is_stale,
		   "inside a swap every MMIO entry is stale (spec 1.3)");
}

/**
 * Whatever goes into an entry comes out again, for 200 pairs of numbers that
 * have nothing in common but the rules.
 */
TEST(entry_format_round_trips)
{
	struct hypercall_codec codec = { .gpa = 0 };
	u64 state = 49;

	for (int i = 0; i < ROUNDS; i++) {
		codec.gpa = next(&state) & BITS(51, 0);
		codec.generation = next(&state);
		run_codec(&codec);
		CHECK_EQ(codec.entry & BITS(2, 0), 6,
			 "an MMIO entry has R/W/X = 110b (spec 1.2)");
		CHECK_EQ(codec.entry & BIT(11), 0,
			 "an MMIO entry lacks the present bit (spec 1.2)");
		CHECK_EQ(codec.entry & BIT(63), 0,
			 "the in-progress bit of a generation is not part of "
			 "an MMIO entry (spec 1.2)");
		CHECK_EQ(codec.is_mmio, 1,
			 "an MMIO entry is recognised as one (spec 1.5-12)");
		CHECK_EQ(codec.gpa_back, codec.gpa & PAGE_MASK,
			 "an MMIO entry gives its page back (spec 1.5-12)");
		CHECK_EQ(codec.generation_back,
			 codec.generation & GENERATION_MASK,
			 "an MMIO entry gives the lower 19 bits of its "
			 "generation back (spec 1.5-12)");
		check_stale(&codec);
	}
}
