/** @file
 * More marked accesses than can be tried: the bench must give up in time, and
 * say so.  Not a table of verdicts: tools/check/barrier runs it with --limit.
 */
#include "bus/access.h"
#include "bus/bench/bench.h"

static int word[8];

static void write_all(void *value)
{
	for (int i = 0; i < 8; i++) {
		WRITE_ONCE(word[i], (int)(intptr_t)value);
	}
}

static void read_all(void *unused)
{
	int sum = 0;

	(void)unused;
	for (int i = 7; i >= 0; i--) {
		sum += READ_ONCE(word[i]);
	}
	bench_assert(sum >= 0, "no sum is negative");
}

/* table */
const struct bench_scenario bench_scenarios[] = {
	{ "too-many-accesses", NULL,
	  { { "A", write_all, (void *)1 }, { "B", write_all, (void *)2 },
	    { "C", read_all, NULL }, { "D", read_all, NULL } }, NULL },
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
/* end of table */
