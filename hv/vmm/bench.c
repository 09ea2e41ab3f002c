/** @file
 * From time stamps to one line: `# bench ROW mode=N min=N max=N`.
 *
 * The guest takes the stamps itself, one before each round, so that the VMM
 * costs nothing in between.  Under Bochs a tick is an instruction, and nearly
 * all rounds cost the same: the mode is that cost, while a mean would be moved
 * by the few that a timer of the host has interrupted.
 */
#include "hv/vmm/bench.h"

#include "hv/vmm/calls_groups.h"
#include "hv/vmm/tap.h"

/**
 * Order the numbers; small ones in most cases, many of them equal. Shell's
 * method: no recursion, so the stack's use is known, and no memory but the
 * array.
 */
static void sort(u32 *v, u64 count)
{
	for (u64 gap = count / 2; gap; gap /= 2) {
		for (u64 i = gap; i < count; i++) {
			u32 x = v[i];
			u64 j = i;

			for (; j >= gap && v[j - gap] > x; j -= gap) {
				v[j] = v[j - gap];
			}
			v[j] = x;
		}
	}
}

/** The value that occurs most often in a sorted array; the least of those. */
static u32 mode_of(const u32 *v, u64 count)
{
	u64 best = 0, run = 0;
	u32 mode = v[0];

	for (u64 i = 0; i < count; i++) {
		run = i && v[i] == v[i - 1] ? run + 1 : 1;
		if (run > best) {
			best = run;
			mode = v[i];
		}
	}
	return mode;
}

/**
 * n + 1 stamps make n intervals. They are computed in place, in the guest's own
 * memory, since the array may be larger than anything of ours. The low 32 bits
 * of the TSC are enough: differences are right modulo 2^32.
 */
s64 bench_stamps(struct bed *bed, const u64 *args)
{
	u64 count = args[1];
	u32 *v;

	/* No test measures: its plan has no iterations. */
	if (count < 2 || count > bed->plan.iterations + 1) {
		return -EINVAL;
	}
	v = bed_memory(bed, args[0], count * sizeof(*v));
	if (!v) {
		return -EFAULT;
	}
	for (u64 i = 0; i + 1 < count; i++) {
		v[i] = v[i + 1] - v[i];
	}
	count--;
	sort(v, count);
	tap_comment("bench %s mode=%u min=%u max=%u", bed->plan.test->name,
		    mode_of(v, count), v[0], v[count - 1]);
	return 0;
}
