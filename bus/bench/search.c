/** @file
 * Executions, one after the other, each different in its last free choice.
 *
 * Nothing is saved and restored but the program's variables: an execution is
 * run from its beginning, the choices of the one before replayed up to the one
 * that changes.  That is why a scenario must be deterministic.  A state that
 * has been visited ends it: what follows is known.
 */
#include "bus/bench/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bus/bench/fiber.h"
#include "bus/bench/state_hash.h"
#include "bus/bench/view.h"

/* The linker's: the variables of the program, ours among them. */
extern char __data_start[], _end[];

struct bench *bench;

/* Where the arena lies is fixed, so that traces are the same in each run. */
#define ARENA ((void *)0x200000000000)

void search_init(void)
{
	int protection = PROT_READ | PROT_WRITE;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	bench = mmap(NULL, sizeof(*bench), protection, flags, -1, 0);
	bench->arena = mmap(ARENA, (size_t)THREADS * OBJECTS * OBJECT_BYTES,
			    protection, flags, -1, 0);
	if (bench == MAP_FAILED || bench->arena == MAP_FAILED) {
		fprintf(stderr, "bench: no memory\n");
		exit(2);
	}
}

void search_keep(void)
{
	size_t size = _end - __data_start;

	bench->variables = malloc(size);
	if (!bench->variables) {
		fprintf(stderr, "bench: no memory\n");
		exit(2);
	}
	memcpy(bench->variables, __data_start, size);
}

void search_choose(const struct bench_scenario *scenario)
{
	bench->scenario = scenario;
	bench->locations = bench->bounds = bench->names = 0;
	bench->fencers = 0;
	bench->out_of_time = false;
}

static void reset(void)
{
	memcpy(__data_start, bench->variables, _end - __data_start);
	bench->stores = 1;
	bench->events = bench->locks = bench->domains = 0;
	bench->depth = bench->used = bench->last = bench->now = 0;
	bench->failed = bench->dropped = bench->again = bench->hit = false;
	bench->alone = true;
	view_clear(&bench->barriers);
	for (int i = 0; i < bench->locations; i++) {
		bench->location[i].live = false;
	}
	for (int i = 0; i < THREADS; i++) {
		bench->fiber[i].state = NONE;
		memset(bench->fiber[i].depth, 0, sizeof(bench->fiber[i].depth));
	}
	for (int i = 0; i < THREADS * OBJECTS; i++) {
		bench->object[i].live = false;
	}
}

/** Thread 0 prepares; all others begin with what it knows. */
static void prepare(void)
{
	const struct bench_scenario *s = bench->scenario;

	fiber_start(0, &(struct bench_thread){ "prepare", NULL, NULL });
	if (s->prepare) {
		s->prepare();
	}
	fiber_settle();
	for (int i = 0; i < BENCH_THREADS && s->thread[i].run; i++) {
		fiber_start(i + 1, &s->thread[i]);
		view_copy(&bench->fiber[i + 1].view[FLOOR],
			  &bench->fiber[0].view[HEARD]);
		view_copy(&bench->fiber[i + 1].view[HEARD],
			  &bench->fiber[0].view[HEARD]);
	}
}

/** All is over: thread 0 knows everything, and looks at what is left. */
static void finish(void)
{
	struct fiber *t = &bench->fiber[0];

	bench->alone = true;
	bench->now = 0;
	for (int i = 0; i < bench->locations; i++) {
		struct location *l = &bench->location[i];

		if (l->live) {
			t->view[HEARD].store[i] = l->order[l->count - 1];
		}
	}
	for (int i = 1; i < THREADS; i++) {
		t->view[HEARD].clock[i] = 0xffff;
	}
	view_copy(&t->view[FLOOR], &t->view[HEARD]);
	if (bench->scenario->finish) {
		bench->scenario->finish();
	}
	fiber_settle();
	bench->hits += bench->hit;
	bench->complete++;
}

static const char *const waits[] = {
	[WAIT_LOCK] = "a lock",
	[WAIT_GRACE] = "a grace period (a reader is still in its section)",
	[WAIT_CALLBACKS] = "pending callbacks",
	[WAIT_STORE] = "a store that never comes",
};

/** Nobody can go on: who waits for what? */
static void tell_deadlock(void)
{
	size_t size = sizeof(bench->why);
	int length = snprintf(bench->why, size, "deadlock:");

	for (int i = 1; i < THREADS; i++) {
		struct fiber *t = &bench->fiber[i];

		if (t->state == BLOCKED) {
			bench->failed_thread = i;
			length += snprintf(bench->why + length, size - length,
					   " %s waits for %s;", t->job.name,
					   waits[t->wait]);
		}
	}
	bench->failed = true;
}

/** The threads that can go on, the one that ran last first. */
static int enabled_threads(int *ids)
{
	int count = 0, last = bench->last;

	if (last && fiber_enabled(&bench->fiber[last])) {
		ids[count++] = last;
	}
	for (int i = 1; i < THREADS; i++) {
		if (i != last && fiber_enabled(&bench->fiber[i])) {
			ids[count++] = i;
		}
	}
	return count;
}

static bool anyone_blocked(void)
{
	for (int i = 1; i < THREADS; i++) {
		if (bench->fiber[i].state == BLOCKED) {
			return true;
		}
	}
	return false;
}

/** Choose who goes on. @return false: nobody, or no need to */
static bool choose_thread(int *next)
{
	int ids[THREADS], count = enabled_threads(ids);

	if (!count) {
		if (anyone_blocked()) {
			tell_deadlock();
		}
		return false;
	}
	if (count > 1 && bench->depth >= bench->replay && state_hash_seen()) {
		bench->pruned++;
		bench->dropped = true;
		return false;
	}
	*next = ids[fiber_choose(count, ids[0] == bench->last)];
	return true;
}

/** Every fiber runs up to its first point, then they take turns. */
static void take_turns(void)
{
	volatile int started = 0;
	int next = 0;

	if (_setjmp(bench->scheduler) == 1) {
		return;
	}
	bench->alone = false;
	if (started < BENCH_THREADS &&
	    bench->scenario->thread[started].run) {
		fiber_resume(++started);
	}
	if (choose_thread(&next)) {
		bench->last = next;
		fiber_resume(next);
	}
}

static void run_once(void)
{
	reset();
	bench->executions++;
	if (_setjmp(bench->ended)) {
		return;
	}
	prepare();
	take_turns();
	bench->alone = true;
	if (!bench->failed && !bench->dropped && !bench->again) {
		finish();
	}
}

/** Change the last choice that can still be changed. */
static bool next_choices(void)
{
	for (int i = bench->depth - 1; i >= 0; i--) {
		struct choice *c = &bench->choice[i];

		if (c->taken + 1 < c->count &&
		    (!c->costs || c->used < bench->budget)) {
			c->taken++;
			bench->replay = i + 1;
			return true;
		}
	}
	return false;
}

static void begin(int budget)
{
	bench->budget = budget;
	bench->replay = 0;
	bench->executions = bench->complete = bench->pruned = bench->hits = 0;
	state_hash_clear();
}

enum verdict search_run(int budget)
{
	begin(budget);
	do {
		run_once();
		if (bench->again) {
			bench->locations = 0;
			begin(budget);
		} else if (bench->failed) {
			return WRONG;
		}
		if (bench->out_of_time) {
			return OUT_OF_TIME;
		}
	} while (bench->again || next_choices());
	return bench->complete ? ALL_RIGHT : NOTHING_COMPLETED;
}

int search_simplest(void)
{
	int budget = 0;

	while (budget < 12 && search_run(budget) != WRONG) {
		budget++;
	}
	return budget;
}
