/** @file
 * Fibers, by makecontext() once and _setjmp() from then on.
 */
#include "bus/bench/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "bus/bench/view.h"

/* The longjmp() arguments by which the scheduler knows what happened. */
enum { ENDED_EXECUTION = 1, GAVE_WAY = 2 };

void fiber_end_execution(void)
{
	if (bench->alone) {
		_longjmp(bench->ended, 1);
	}
	_longjmp(bench->scheduler, ENDED_EXECUTION);
}

void fiber_drop(void)
{
	bench->pruned++;
	bench->dropped = true;
	fiber_end_execution();
}

int fiber_choose(int count, bool costs)
{
	struct choice *c = &bench->choice[bench->depth];

	if (count <= 1) {
		return 0;
	}
	if (bench->depth >= CHOICES) {
		bench_fail("this goes on and on: a loop that never ends?");
	}
	if (bench->depth >= bench->replay) {
		*c = (struct choice){ count, 0, costs, bench->used };
	} else if (c->count != count) {
		fprintf(stderr, "bench: the scenario is not deterministic\n");
		abort();
	}
	bench->depth++;
	bench->used += c->taken && c->costs;
	return c->taken;
}

struct event *fiber_event(enum event_kind kind,
			  const struct bench_where *where)
{
	struct event *e = &bench->event[bench->events];

	if (bench->events >= EVENTS) {
		bench_fail("this goes on and on: a loop that never ends, or one"
			   " that waits without cpu_relax()?");
	}
	bench->events++;
	bench->progress++;
	*e = (struct event){ .kind = kind, .thread = bench->now,
			     .location = -1 };
	if (where) {
		e->where = *where;
	}
	ME->events++;
	ME->view[HEARD].clock[bench->now] = ME->events;
	ME->history = model_mix(ME->history, kind * 131 + 7);
	return e;
}

void fiber_settle(void)
{
	struct fiber *t = ME;

	for (int i = 0; i < t->pending_count; i++) {
		struct store *s = &bench->store[t->pending + i];
		struct location *l = &bench->location[s->location];

		s->value = 0;
		memcpy(&s->value, (void *)l->address, l->bytes);
		bench->event[s->event].value = s->value;
	}
	t->pending_count = 0;
}

static void give_way(void)
{
	if (_setjmp(ME->context) == 0) {
		_longjmp(bench->scheduler, GAVE_WAY);
	}
}

void fiber_point(void)
{
	fiber_settle();
	ME->points++;
	if (!bench->alone) {
		give_way();
	}
}

void fiber_block(enum wait wait, int wait_for)
{
	if (bench->alone) {
		bench_fail("waits for ever: no other thread runs now");
	}
	ME->wait = wait;
	ME->wait_for = wait_for;
	ME->state = BLOCKED;
	give_way();
	ME->state = READY;
}

bool fiber_grace_over(const struct fiber *t)
{
	int d = t->grace.domain;

	for (int i = 0; i < THREADS; i++) {
		const struct fiber *reader = &bench->fiber[i];

		if (t->grace.section[i] && reader->depth[d] &&
		    reader->section[d] == t->grace.section[i]) {
			return false;
		}
	}
	return true;
}

/** Whether a location has a store later than the thread's floor. */
static bool has_newer(const struct fiber *t, int location)
{
	return bench->location[location].count - 1 >
	       view_position(t->view[FLOOR].store[location]);
}

bool fiber_enabled(const struct fiber *t)
{
	if (t->state != BLOCKED) {
		return t->state == READY;
	}
	switch (t->wait) {
	case WAIT_LOCK:
		return bench->lock[t->wait_for].owner < 0;
	case WAIT_GRACE:
		return fiber_grace_over(t);
	case WAIT_CALLBACKS:
		return !bench->domain[t->wait_for].callbacks;
	case WAIT_STORE:
		return has_newer(t, t->wait_for);
	}
	return false;
}

void fiber_resume(int id)
{
	bench->now = id;
	_longjmp(bench->fiber[id].context, 1);
}

/* makecontext() takes no pointer: who starts stands in bench->now. */
static ucontext_t starter, starting;

static void body(void)
{
	struct fiber *t = &bench->fiber[bench->now];

	if (_setjmp(t->context) == 0) {
		swapcontext(&starting, &starter);
	}
	ME->job.run(ME->job.argument);
	fiber_settle();
	ME->state = ENDED;
	_longjmp(bench->scheduler, GAVE_WAY);
}

static void make_stack(struct fiber *t, int id)
{
	int before = bench->now;

	if (!t->stack) {
		t->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	getcontext(&starting);
	starting.uc_stack.ss_sp = t->stack;
	starting.uc_stack.ss_size = STACK_BYTES;
	starting.uc_link = NULL;
	makecontext(&starting, body, 0);
	bench->now = id;
	swapcontext(&starter, &starting);
	bench->now = before;
}

void fiber_start(int id, const struct bench_thread *job)
{
	struct fiber *t = &bench->fiber[id];

	t->state = READY;
	t->job = *job;
	t->events = t->stores = t->objects = t->points = 0;
	t->pending_count = 0;
	t->private_bytes = 0;
	t->last_load = -1;
	t->history = id;
	t->grace.domain = -1;
	for (int i = 0; i < DOMAINS; i++) {
		t->depth[i] = t->section[i] = 0;
		t->guess[i] = t->guess_used[i] = false;
	}
	for (int i = 0; i < VIEWS; i++) {
		view_clear(&t->view[i]);
	}
	memset(t->has_depends, 0, sizeof(t->has_depends));
	if (id) {
		make_stack(t, id);
	}
}
