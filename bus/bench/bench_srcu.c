/** @file
 * SRCU as a primitive: what any right implementation promises.
 *
 * A grace period waits for the sections that were open when it began.  What
 * those had done is before its end; what was before its beginning is known to
 * every section that begins later.
 *
 * smp_mb__after_srcu_read_lock() makes a full barrier of the srcu_read_lock(),
 * not of the place where it stands: only what was heard before the section
 * began is ordered.  Whether it will be called is not known at the lock, so it
 * is guessed there, and an execution with a wrong guess is thrown away.
 */
#include "bus/bench/bench_srcu.h"

#include "bus/bench/fiber.h"
#include "bus/bench/bench_order.h"
#include "bus/bench/view.h"

static int number_of(void *address)
{
	int i;

	for (i = 0; i < bench->domains; i++) {
		if (bench->domain[i].address == address) {
			return i;
		}
	}
	if (i >= DOMAINS) {
		bench_fail("more SRCU domains than the bench has room for");
	}
	bench->domain[i].address = address;
	bench->domain[i].callbacks = 0;
	view_clear(&bench->domain[i].grace);
	view_clear(&bench->domain[i].ended);
	return bench->domains++;
}

/** Guess whether this section's beginning is made a full barrier. */
static void guess(int d)
{
	struct fiber *t = ME;

	t->guess_used[d] = false;
	t->guess[d] = bench_order_shared() && !bench->alone &&
		      fiber_choose(2, false);
	if (t->guess[d]) {
		view_learn(t, SECTION, &bench->barriers);
		view_join(&bench->barriers, &t->view[HEARD]);
	}
}

int bench_srcu_lock(void *domain, const struct bench_where *where)
{
	struct fiber *t;
	int d;

	fiber_point();
	d = number_of(domain);
	t = ME;
	fiber_event(SECTION_BEGIN, where);
	if (t->depth[d]++ == 0) {
		t->section[d]++;
	}
	view_learn(t, FLOOR, &bench->domain[d].grace);
	view_learn(t, HEARD, &bench->domain[d].grace);
	view_learn(t, STRONG, &bench->domain[d].grace);
	view_copy(&t->view[SECTION], &t->view[HEARD]);
	if (t->depth[d] == 1) {
		guess(d);
	}
	return t->depth[d] - 1;
}

void bench_srcu_upgrade(void)
{
	struct fiber *t = ME;

	for (int d = 0; d < bench->domains; d++) {
		if (!t->depth[d]) {
			continue;
		}
		if (bench_order_shared() && !bench->alone && !t->guess[d]) {
			fiber_drop();
		}
		t->guess_used[d] = true;
	}
	view_learn(t, FLOOR, &t->view[SECTION]);
	view_learn(t, HEARD, &t->view[SECTION]);
	view_learn(t, STRONG, &t->view[SECTION]);
}

void bench_srcu_unlock(void *domain, int index,
		       const struct bench_where *where)
{
	int d = number_of(domain);
	struct fiber *t = ME;

	fiber_settle();
	fiber_event(SECTION_END, where);
	if (t->depth[d] <= 0) {
		bench_fail("srcu_read_unlock() without srcu_read_lock()");
	}
	if (index != BENCH_NEWEST && index != t->depth[d] - 1) {
		bench_fail("srcu_read_unlock() with another lock's index");
	}
	if (t->depth[d] == 1 && t->guess[d] && !t->guess_used[d]) {
		fiber_drop();
	}
	if (--t->depth[d] == 0) {
		view_join(&bench->domain[d].ended, &t->view[HEARD]);
	}
}

void bench_srcu_must_hold(void *domain, const struct bench_where *where)
{
	if (!bench->alone && !ME->depth[number_of(domain)]) {
		bench_fail("srcu_dereference() outside of a read section: "
			   "%s:%d", where->file, where->line);
	}
}

/** Note which sections are open, wait for them, learn what they did. */
static void wait_for_sections(int d, const struct bench_where *where)
{
	struct fiber *t = ME;

	view_join(&bench->domain[d].grace, &t->view[HEARD]);
	t->grace.domain = d;
	for (int i = 0; i < THREADS; i++) {
		struct fiber *reader = &bench->fiber[i];

		t->grace.section[i] = reader->depth[d] ? reader->section[d] : 0;
	}
	if (t->grace.section[bench->now]) {
		bench_fail("deadlock: waits for a grace period inside of its "
			   "own read section");
	}
	while (!fiber_grace_over(t)) {
		fiber_block(WAIT_GRACE, d);
	}
	fiber_event(GRACE_END, where);
	view_learn(t, HEARD, &bench->domain[d].ended);
}

void bench_srcu_synchronize(void *domain, const struct bench_where *where)
{
	int d = number_of(domain);

	fiber_settle();
	if (bench->alone) {
		return;
	}
	fiber_point();
	bench_order_note_fencer();
	if (bench_order_shared()) {
		fiber_point();
	}
	fiber_event(GRACE_BEGIN, where);
	bench_order_full_barrier();
	wait_for_sections(d, where);
	bench_order_full_barrier();
	ME->grace.domain = -1;
}

/** A callback's thread: a grace period, then what was asked for. */
static void run_callback(void *job)
{
	struct fiber *t = ME;
	struct bench_thread *wanted = job;
	int d = t->domain;

	fiber_event(GRACE_BEGIN, NULL);
	view_copy(&t->view[STRONG], &t->view[HEARD]);
	wait_for_sections(d, NULL);
	view_copy(&t->view[FLOOR], &t->view[HEARD]);
	view_copy(&t->view[STRONG], &t->view[HEARD]);
	t->grace.domain = -1;
	wanted->run(wanted->argument);
	fiber_settle();
	bench->domain[d].callbacks--;
}

void bench_srcu_call(void *domain, const struct bench_thread *callback,
		     const struct bench_where *where)
{
	int d = number_of(domain), id = FIRST_CALLBACK;
	struct fiber *t, *me = ME;

	fiber_settle();
	fiber_event(CALL, where);
	if (bench->alone) {
		callback->run(callback->argument);
		return;
	}
	while (id < THREADS && bench->fiber[id].state != NONE) {
		id++;
	}
	if (id == THREADS) {
		bench_fail("too many call_srcu() for one scenario");
	}
	t = &bench->fiber[id];
	t->wanted = *callback;
	fiber_start(id, &(struct bench_thread){ "callback", run_callback,
						&t->wanted });
	t->domain = d;
	view_copy(&t->view[FLOOR], &me->view[HEARD]);
	view_copy(&t->view[HEARD], &me->view[HEARD]);
	t->history = model_mix(me->history, 77);
	bench->domain[d].callbacks++;
}

void bench_srcu_barrier(void *domain, const struct bench_where *where)
{
	int d = number_of(domain);

	fiber_point();
	while (bench->domain[d].callbacks) {
		fiber_block(WAIT_CALLBACKS, d);
	}
	fiber_event(GRACE_END, where);
	for (int i = FIRST_CALLBACK; i < THREADS; i++) {
		if (bench->fiber[i].state == ENDED) {
			view_learn(ME, HEARD, &bench->fiber[i].view[HEARD]);
		}
	}
	bench_order_full_barrier();
}
