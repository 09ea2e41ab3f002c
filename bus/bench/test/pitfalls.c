/** @file
 * What a bench like this gets wrong, and what it must say of wrong programs.
 *
 * A line a scenario: PASS, Never or Sometimes, or words of its failure.
 *
 * expect: callback-first-step: PASS
 * expect: barrier-after-spinning: PASS
 * expect: barrier-of-the-lock-only: the flag was seen inside
 * expect: barrier-of-the-lock: PASS
 * expect: barrier-of-the-lock-is-full: PASS
 * expect: no-barrier-of-the-lock: both saw nothing
 * expect: padding-copied: PASS
 * expect: padding-used: uninitialised memory
 * expect: struct-assigned: PASS
 * expect: c11-release-acquire: PASS
 * expect: c11-relaxed: the flag without the data
 * expect: c11-fences: PASS
 * expect: c11-exchange-is-a-lock: PASS
 * expect: plain-flag: data race
 * expect: plain-unused-read: PASS
 * expect: use-after-free: use after free
 * expect: freed-too-early: freed too early
 * expect: freed-after-grace: PASS
 * expect: freed-twice: double free
 * expect: out-of-bounds: out of bounds
 * expect: never-written: uninitialised memory
 * expect: null-pointer: an invalid address
 * expect: lock-order: deadlock:
 * expect: grace-in-own-section: deadlock:
 * expect: endless-plain-loop: an endless loop
 * expect: endless-marked-loop: a loop that never ends
 * expect: nothing-completes: no execution ever came to its end
 * expect: shared-write: a reader writes to data
 * expect: shared-exchange: a reader writes to data
 * expect: shared-copy: a reader writes to object
 * expect: private-write: PASS
 */
#include "bus/access.h"
#include "bus/bench/bench.h"
#include "bus/bench/fiber.h"

#define HERE BENCH_HERE(0, BENCH_ONCE)

static int data, flag, other, done, domain, lock_a, lock_b, seen_a, seen_b;
static int *object;

struct padded {
	char small;
	long large;
};

/* Grace periods ------------------------------------------------------------ */

static void make_object(void)
{
	object = bench_alloc(sizeof(*object), HERE);
	*object = 1;
}

static void free_it(void *p)
{
	bench_free(p, HERE);
}

static void replace(void *unused)
{
	int *old = object, *new = bench_alloc(sizeof(*new), HERE);

	(void)unused;
	*new = 2;
	rcu_assign_pointer(object, new);
	bench_srcu_call(&domain, &(struct bench_thread){ "", free_it, old },
			HERE);
}

static void replace_too_early(void *unused)
{
	int *old = object, *new = bench_alloc(sizeof(*new), HERE);

	(void)unused;
	*new = 2;
	rcu_assign_pointer(object, new);
	bench_free(old, HERE);
}

static void use(void *unused)
{
	int index = bench_srcu_lock(&domain, HERE);
	int *p = srcu_dereference(object, &domain);

	(void)unused;
	seen_a = *p;
	bench_srcu_unlock(&domain, index, HERE);
}

static void one_is_left(void)
{
	bench_assert(seen_a == 1 || seen_a == 2, "read %d", seen_a);
	bench_assert(bench_live() == 1, "%d objects are left", bench_live());
}

static void free_and_use(void *unused)
{
	(void)unused;
	bench_free(object, HERE);
	seen_a = *object;
}

static void free_twice(void *unused)
{
	(void)unused;
	bench_free(object, HERE);
	bench_free(object, HERE);
}

static void use_behind(void *unused)
{
	(void)unused;
	seen_a = object[1];
}

static void use_unwritten(void *unused)
{
	int *p = bench_alloc(sizeof(*p), HERE);

	(void)unused;
	seen_a = *p;
	bench_free(p, HERE);
}

/* Barriers ----------------------------------------------------------------- */

static void publish(void *unused)
{
	(void)unused;
	WRITE_ONCE(data, 1);
	smp_store_release(&flag, 1);
}

static void spin_then_barrier(void *unused)
{
	(void)unused;
	while (!READ_ONCE(flag)) {
		cpu_relax();
	}
	smp_mb();
	bench_assert(READ_ONCE(data) == 1, "the flag without the data");
	while (!READ_ONCE(data)) {
		cpu_relax();
	}
}

static void flag_inside(void *unused)
{
	int index = bench_srcu_lock(&domain, HERE);
	int seen = READ_ONCE(flag);

	(void)unused;
	smp_mb__after_srcu_read_lock();
	bench_assert(!seen || READ_ONCE(data), "the flag was seen inside");
	bench_srcu_unlock(&domain, index, HERE);
}

static void flag_before(void *unused)
{
	int seen = READ_ONCE(flag);
	int index = bench_srcu_lock(&domain, HERE);

	(void)unused;
	smp_mb__after_srcu_read_lock();
	bench_assert(!seen || READ_ONCE(data), "the flag was seen before");
	bench_srcu_unlock(&domain, index, HERE);
}

static void store_lock_load(void *with_barrier)
{
	int index;

	WRITE_ONCE(data, 1);
	index = bench_srcu_lock(&domain, HERE);
	if (with_barrier) {
		smp_mb__after_srcu_read_lock();
	}
	seen_a = READ_ONCE(flag);
	bench_srcu_unlock(&domain, index, HERE);
}

static void store_barrier_load(void *unused)
{
	(void)unused;
	WRITE_ONCE(flag, 1);
	smp_mb();
	seen_b = READ_ONCE(data);
}

static void one_saw_the_other(void)
{
	bench_assert(seen_a || seen_b, "both saw nothing");
}

/* Copies ------------------------------------------------------------------- */

static void copy_padded(void *use_padding)
{
	struct padded *a = bench_alloc(sizeof(*a), HERE);
	struct padded *b = bench_alloc(sizeof(*b), HERE);

	a->small = 1;
	a->large = 2;
	memcpy(b, a, sizeof(*b));
	seen_a = b->small + b->large;
	if (use_padding) {
		seen_a = ((char *)b)[2];
	}
	bench_free(a, HERE);
	bench_free(b, HERE);
}

/* The compiler reports the store before the read, and copies after both. */
static void assign_struct(void *unused)
{
	struct padded *a = bench_alloc(sizeof(*a), HERE);
	struct padded *b = bench_alloc(sizeof(*b), HERE);

	(void)unused;
	a->small = 1;
	a->large = 2;
	*b = *a;
	bench_assert(b->small == 1 && b->large == 2, "the copy differs");
	*a = *b;
	bench_assert(a->small == 1 && a->large == 2, "the copy of it differs");
	bench_free(a, HERE);
	bench_free(b, HERE);
}

/* C11 ---------------------------------------------------------------------- */

static void c11_release(void *unused)
{
	(void)unused;
	data = 1;
	__atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

static void c11_acquire(void *unused)
{
	(void)unused;
	if (__atomic_load_n(&flag, __ATOMIC_ACQUIRE)) {
		bench_assert(data == 1, "the flag without the data");
	}
}

static void c11_relaxed_writer(void *unused)
{
	(void)unused;
	__atomic_store_n(&data, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
}

static void c11_relaxed_reader(void *unused)
{
	(void)unused;
	if (__atomic_load_n(&flag, __ATOMIC_RELAXED)) {
		bench_assert(__atomic_load_n(&data, __ATOMIC_RELAXED),
			     "the flag without the data");
	}
}

static void c11_fence_writer(void *unused)
{
	(void)unused;
	data = 1;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
}

static void c11_fence_reader(void *unused)
{
	(void)unused;
	if (__atomic_load_n(&flag, __ATOMIC_RELAXED)) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		bench_assert(data == 1, "the flag without the data");
	}
}

static void c11_count(void *unused)
{
	(void)unused;
	while (__atomic_exchange_n(&flag, 1, __ATOMIC_ACQUIRE)) {
		cpu_relax();
	}
	data++;
	__atomic_store_n(&flag, 0, __ATOMIC_RELEASE);
}

static void counted_two(void)
{
	bench_assert(data == 2, "counted %d", data);
}

/* Misuse ------------------------------------------------------------------- */

static void plain_writer(void *unused)
{
	(void)unused;
	data = 1;
	flag = 1;
}

static void plain_reader(void *unused)
{
	(void)unused;
	if (flag) {
		seen_a = data;
	}
}

/* The compiler may leave a read out whose value nobody uses. */
static void unused_reader(void *unused)
{
	(void)unused;
	if (READ_ONCE(other)) {
		seen_a = data;
	}
}

static void follow_null(void *unused)
{
	int *volatile nowhere = NULL;

	(void)unused;
	seen_a = *nowhere;
}

static void lock_ab(void *unused)
{
	(void)unused;
	bench_lock(&lock_a, HERE);
	bench_lock(&lock_b, HERE);
	bench_unlock(&lock_b, HERE);
	bench_unlock(&lock_a, HERE);
}

static void lock_ba(void *unused)
{
	(void)unused;
	bench_lock(&lock_b, HERE);
	bench_lock(&lock_a, HERE);
	bench_unlock(&lock_a, HERE);
	bench_unlock(&lock_b, HERE);
}

static void wait_inside(void *unused)
{
	int index = bench_srcu_lock(&domain, HERE);

	(void)unused;
	bench_srcu_synchronize(&domain, HERE);
	bench_srcu_unlock(&domain, index, HERE);
}

static void loop_plainly(void *unused)
{
	volatile int local = 0;

	(void)unused;
	while (!local) {
	}
	WRITE_ONCE(done, 1);
}

static void loop_marked(void *unused)
{
	(void)unused;
	while (!READ_ONCE(done)) {
	}
}

/* As a search that is broken would do: all executions are given up. */
static void give_up(void *unused)
{
	(void)unused;
	fiber_drop();
}

/* What others may not see written ------------------------------------------ */

static void write_shared(void *how)
{
	bench_name(&data, sizeof(data), "data");
	bench_private(&other, sizeof(other));
	if (how == &done) {
		__atomic_exchange_n(&data, 1, __ATOMIC_RELAXED);
	}
	data = 1;
}

static void copy_shared(void *unused)
{
	int local = 0;

	(void)unused;
	bench_private(&other, sizeof(other));
	memcpy(object, &local, sizeof(local));
}

static void write_own(void *unused)
{
	int local[2] = { 0, 0 };

	bench_private(&other, sizeof(other));
	WRITE_ONCE(other, 1);
	memcpy(&other, local, sizeof(other));
	local[other] = READ_ONCE(data);
	bench_private(NULL, 0);
	WRITE_ONCE(done, local[1]);
	(void)unused;
}

/* table */
#define ONE(name, before, a, after) \
	{ name, before, { { "A", a, NULL } }, after }
#define TWO(name, before, a, b, after) \
	{ name, before, { { "A", a, NULL }, { "B", b, NULL } }, after }
#define WITH(name, a, argument) { name, NULL, { { "A", a, argument } }, NULL }

const struct bench_scenario bench_scenarios[] = {
	TWO("callback-first-step", make_object, replace, use, one_is_left),
	TWO("barrier-after-spinning", NULL, publish, spin_then_barrier, NULL),
	TWO("barrier-of-the-lock-only", NULL, publish, flag_inside, NULL),
	TWO("barrier-of-the-lock", NULL, publish, flag_before, NULL),
	{ "barrier-of-the-lock-is-full", NULL,
	  { { "A", store_lock_load, &done }, { "B", store_barrier_load, NULL } },
	  one_saw_the_other },
	TWO("no-barrier-of-the-lock", NULL, store_lock_load, store_barrier_load,
	    one_saw_the_other),
	WITH("padding-copied", copy_padded, NULL),
	WITH("padding-used", copy_padded, &done),
	WITH("struct-assigned", assign_struct, NULL),
	TWO("c11-release-acquire", NULL, c11_release, c11_acquire, NULL),
	TWO("c11-relaxed", NULL, c11_relaxed_writer, c11_relaxed_reader, NULL),
	TWO("c11-fences", NULL, c11_fence_writer, c11_fence_reader, NULL),
	TWO("c11-exchange-is-a-lock", NULL, c11_count, c11_count, counted_two),
	TWO("plain-flag", NULL, plain_writer, plain_reader, NULL),
	TWO("plain-unused-read", NULL, plain_writer, unused_reader, NULL),
	ONE("use-after-free", make_object, free_and_use, NULL),
	TWO("freed-too-early", make_object, replace_too_early, use, NULL),
	TWO("freed-after-grace", make_object, replace, use, one_is_left),
	ONE("freed-twice", make_object, free_twice, NULL),
	ONE("out-of-bounds", make_object, use_behind, NULL),
	ONE("never-written", NULL, use_unwritten, NULL),
	ONE("null-pointer", NULL, follow_null, NULL),
	TWO("lock-order", NULL, lock_ab, lock_ba, NULL),
	ONE("grace-in-own-section", NULL, wait_inside, NULL),
	ONE("endless-plain-loop", NULL, loop_plainly, NULL),
	ONE("endless-marked-loop", NULL, loop_marked, NULL),
	ONE("nothing-completes", NULL, give_up, NULL),
	WITH("shared-write", write_shared, NULL),
	WITH("shared-exchange", write_shared, &done),
	ONE("shared-copy", make_object, copy_shared, NULL),
	ONE("private-write", NULL, write_own, NULL),
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
/* end of table */
