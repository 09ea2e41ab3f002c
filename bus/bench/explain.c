/** @file
 * From a stale read to the line that lacks a barrier.
 *
 * A stale read is wrong if the thread had seen before it something newer.  If
 * the newer store was in the message of what it saw, then the writer did its
 * part, and the reader lacks a barrier.  If not, the writer does.
 */
#include "bus/bench/explain.h"

#include <stdio.h>
#include <string.h>

#include "bus/bench/report.h"
#include "bus/bench/search.h"
#include "bus/bench/view.h"

#define SITES 64

static void tell_reader(int stale, int before, int newer)
{
	struct event *late = &bench->event[stale];
	struct event *early = &bench->event[before];

	printf("      why: step %d already saw the effect of step %d's store at"
	       " step %d, but nothing keeps\n           the read at step %d "
	       "behind it: a read barrier (smp_rmb/smp_mb/acquire) is\n"
	       "           missing between %s and %s.\n",
	       before + 1, bench->store[early->store].event + 1,
	       bench->store[newer].event + 1, stale + 1,
	       report_place(&early->where), report_place(&late->where));
}

static void tell_writer(int before, int newer)
{
	struct store *seen = &bench->store[bench->event[before].store];
	struct event *first = &bench->event[bench->store[newer].event];
	struct event *second = &bench->event[seen->event];
	const char *writer = bench->fiber[first->thread].job.name;

	report_find_line(first);
	printf("      why: step %d read what %s wrote at step %d, but %s's "
	       "earlier store (step %d, %s)\n           is not ordered before "
	       "it: a write barrier (smp_wmb/smp_store_release/\n"
	       "           rcu_assign_pointer) is missing before %s.\n",
	       before + 1, writer, seen->event + 1, writer,
	       bench->store[newer].event + 1, report_place(&first->where),
	       report_place(&second->where));
}

/** Tell of one stale read. @return whether there was anything to tell */
static bool tell(int stale)
{
	struct event *e = &bench->event[stale];
	struct store *newer = &bench->store[e->newer];

	for (int i = stale - 1; i >= 0; i--) {
		struct event *p = &bench->event[i];
		struct store *seen = &bench->store[p->store];
		unsigned int known;

		if (p->thread != e->thread || p->kind != LOAD || !p->store ||
		    seen->event < 0) {
			continue;
		}
		known = seen->message.store[e->location];
		if (view_position(known) >= newer->position) {
			tell_reader(stale, i, e->newer);
			return true;
		}
		if (seen->thread == newer->thread &&
		    seen->number > newer->number) {
			tell_writer(i, e->newer);
			return true;
		}
	}
	return false;
}

void explain_why(void)
{
	bool told = false;
	int last = 0;

	for (int i = 0; i < bench->events; i++) {
		struct event *e = &bench->event[i];

		if (e->newer && e->thread &&
		    bench->store[e->newer].event >= 0) {
			report_find_line(e);
			told |= tell(i);
			last = i + 1;
		}
	}
	if (!told && last && bench->event[last - 1].kind == LOAD) {
		printf("      why: step %d returns an old value; nothing "
		       "(barrier, lock, grace period)\n           forces it to "
		       "be newer.\n", last);
	}
}

struct site {
	const char *file;
	int line;
};

/** The marked accesses of the trace, outside of the bench's own folder. */
static int collect(struct site *sites)
{
	int count = 0;

	for (int i = 0; i < bench->events && count < SITES; i++) {
		struct bench_where *w = &bench->event[i].where;
		enum event_kind kind = bench->event[i].kind;
		bool known = !bench->event[i].thread || !w->file ||
			     strstr(w->file, "bus/bench/") ||
			     (kind != LOAD && kind != STORE);

		for (int k = 0; k < count; k++) {
			known |= sites[k].line == w->line &&
				 strcmp(sites[k].file, w->file) == 0;
		}
		if (!known) {
			sites[count++] = (struct site){ w->file, w->line };
		}
	}
	return count;
}

/** Whether the scenario passes with this barrier before this line. */
static bool mends(const struct site *site, enum bench_fence fence)
{
	enum verdict verdict;

	bench->virtual = (struct virtual_fence){ fence, site->file, site->line,
						 false };
	bench->fencers = 0;
	verdict = search_run(NO_BUDGET);
	bench->virtual.fence = 0;
	bench->fencers = 0;
	return verdict == ALL_RIGHT && bench->virtual.met;
}

static bool try_site(const struct site *site)
{
	struct bench_where where = { .file = site->file, .line = site->line };

	for (int fence = BENCH_RMB; fence <= BENCH_MB; fence++) {
		if (mends(site, fence)) {
			printf("      try: %s just before %s makes every "
			       "execution of this scenario pass.\n",
			       report_fence(fence), report_place(&where));
			return true;
		}
		if (bench->out_of_time) {
			return false;
		}
	}
	return false;
}

void explain_try(void)
{
	struct site sites[SITES];
	int count = collect(sites);
	bool any = false;

	for (int i = 0; i < count && !bench->out_of_time; i++) {
		any |= try_site(&sites[i]);
	}
	if (!any) {
		printf("      (no single barrier mends this scenario: the "
		       "fault is not just a missing barrier)\n");
	}
}
