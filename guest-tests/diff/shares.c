/** @file
 * The differential: random instructions on memory and on a device.
 *
 * The cases are numbered by their seeds, from `seed` on, `cases` of them in
 * all (hypervisor command line).  They are dealt out to these tests so that
 * each is short and a failing one stops only its own share.
 */
#include "guest-tests/diff/both.h"
#include "guest-tests/diff/diff.h"
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/test.h"

#define SHARES 8

/** Every eighth case, from the share's own number on. */
static void run_share(u64 share)
{
	const struct boot_info *info = boot_info();
	u64 ran = 0, emulations = vmcall_counter(COUNTER_EMULATIONS);

	both_begin();
	for (u64 i = share; i < info->cases; i += SHARES) {
		both_run(info->seed + i);
		ran++;
	}
	emulations = vmcall_counter(COUNTER_EMULATIONS) - emulations;
	/* Some have REP with a count of 0. */
	CHECK_TRUE(emulations * 10 >= ran * 9,
		   "nearly every case has been emulated once");
}

TEST(share_0_is_equal)
{
	run_share(0);
}

TEST(share_1_is_equal)
{
	run_share(1);
}

TEST(share_2_is_equal)
{
	run_share(2);
}

TEST(share_3_is_equal)
{
	run_share(3);
}

TEST(share_4_is_equal)
{
	run_share(4);
}

TEST(share_5_is_equal)
{
	run_share(5);
}

TEST(share_6_is_equal)
{
	run_share(6);
}

TEST(share_7_is_equal)
{
	run_share(7);
}
