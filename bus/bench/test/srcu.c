/** @file
 * Our own SRCU on the bench: over plain counters, not as a primitive.
 *
 * on the bench: bus/srcu.c
 */
#include "bus/srcu.h"

#include "bus/bench/bench.h"

#define HERE BENCH_HERE(0, BENCH_ONCE)

struct item {
	struct srcu_head head;
	int value;
};

static struct srcu domain;
static struct srcu_reader reader[2];
static struct item *current;
static int seen[2], flag;

static struct item *make(int value)
{
	struct item *item = bench_alloc(sizeof(*item), HERE);

	item->value = value;
	return item;
}

static void prepare(void)
{
	bench_name(&current, sizeof(current), "current");
	bench_name(&reader[0], sizeof(reader[0]), "reader 0");
	bench_name(&reader[1], sizeof(reader[1]), "reader 1");
	bench_name(&domain, sizeof(domain), "domain");
	bench_name(&flag, sizeof(flag), "flag");
	srcu_init(&domain);
	for (int i = 0; i < 2; i++) {
		bench_assert(!srcu_add_reader(&domain, &reader[i]), "no room");
	}
	current = make(1);
}

static void release(struct srcu_head *head)
{
	bench_free(container_of(head, struct item, head), HERE);
}

/* Readers and writers ------------------------------------------------------ */

static void read_item(void *number)
{
	int n = (int)(intptr_t)number, value;

	bench_private(&reader[n], sizeof(reader[n]));
	srcu_read_lock(&domain, &reader[n]);
	value = READ_ONCE(current)->value;
	srcu_read_unlock(&domain, &reader[n]);
	bench_private(NULL, 0);
	seen[n] = value;
}

/* A reader of which the writer may hear too late: then it reads the new. */
static void come_and_read(void *number)
{
	int n = (int)(intptr_t)number;

	bench_assert(!srcu_add_reader(&domain, &reader[n]), "no room");
	read_item(number);
}

static void read_and_go(void *number)
{
	int n = (int)(intptr_t)number;

	read_item(number);
	srcu_remove_reader(&domain, &reader[n]);
}

static void read_twice(void *number)
{
	read_item(number);
	read_item(number);
}

static void replace_and_wait(void *unused)
{
	struct item *old = current, *new = make(2);

	(void)unused;
	rcu_assign_pointer(current, new);
	synchronize_srcu(&domain);
	bench_free(old, HERE);
}

static void replace_and_queue(void *unused)
{
	struct item *old = current, *new = make(2);

	(void)unused;
	rcu_assign_pointer(current, new);
	call_srcu(&domain, &old->head, release);
}

/* A change in the middle of an own section: the others are waited for. */
static void replace_inside(void *unused)
{
	struct item *old, *new = make(2);

	(void)unused;
	srcu_read_lock(&domain, &reader[0]);
	old = READ_ONCE(current);
	rcu_assign_pointer(current, new);
	srcu_wait_for_others(&domain, &reader[0]);
	bench_free(old, HERE);
	srcu_read_unlock(&domain, &reader[0]);
}

static void prepare_one_reader(void)
{
	prepare();
	srcu_remove_reader(&domain, &reader[1]);
}

/* A period has begun already, and waits for reader 0. */
static void prepare_a_period(void)
{
	prepare();
	srcu_read_lock(&domain, &reader[0]);
	replace_and_queue(NULL);
}

static void leave_and_read(void *number)
{
	srcu_read_unlock(&domain, &reader[0]);
	read_item(number);
}

static void replace_again_and_poll(void *unused)
{
	replace_and_queue(unused);
	srcu_poll(&domain);
}

static void replace_twice(void *unused)
{
	struct item *first = current, *second = make(2), *third = make(3);

	(void)unused;
	rcu_assign_pointer(current, second);
	call_srcu(&domain, &first->head, release);
	rcu_assign_pointer(current, third);
	call_srcu(&domain, &second->head, release);
	srcu_barrier(&domain);
	bench_assert(bench_live() == 1, "srcu_barrier() left something over");
}

/* The reader stays until the writer has gone on: call_srcu() must not wait. */
static void stay_inside(void *unused)
{
	(void)unused;
	srcu_read_lock(&domain, &reader[0]);
	seen[0] = READ_ONCE(current)->value;
	while (!READ_ONCE(flag)) {
		cpu_relax();
	}
	srcu_read_unlock(&domain, &reader[0]);
}

static void queue_and_tell(void *unused)
{
	replace_and_queue(unused);
	WRITE_ONCE(flag, 1);
}

static void flag_then_read(void *unused)
{
	bool told = READ_ONCE(flag);

	(void)unused;
	srcu_read_lock(&domain, &reader[0]);
	smp_mb__after_srcu_read_lock();
	seen[0] = READ_ONCE(current)->value;
	srcu_read_unlock(&domain, &reader[0]);
	bench_assert(!told || seen[0] == 2, "was told of the new item and read "
					    "the old one");
}

static void replace_and_tell(void *unused)
{
	replace_and_wait(unused);
	smp_store_release(&flag, 1);
}

static void finish(void)
{
	srcu_barrier(&domain);
	for (int i = 0; i < 2; i++) {
		bench_assert(seen[i] >= 0 && seen[i] <= 3, "read %d", seen[i]);
	}
	bench_assert(bench_live() == 1, "%d items are left, expected 1",
		     bench_live());
}

/* table */
#define WRITER(function) { "writer", function, NULL }
#define READER(function, n) { "reader" #n, function, (void *)(intptr_t)(n) }

const struct bench_scenario bench_scenarios[] = {
	{ "one-reader", prepare,
	  { WRITER(replace_and_wait), READER(read_item, 0) }, finish },
	{ "two-readers", prepare,
	  { WRITER(replace_and_wait), READER(read_item, 0), READER(read_item, 1) },
	  finish },
	{ "reader-twice", prepare,
	  { WRITER(replace_and_wait), READER(read_twice, 0) }, finish },
	{ "deferred", prepare,
	  { WRITER(replace_and_queue), READER(read_item, 0) }, finish },
	{ "deferred-two-readers", prepare,
	  { WRITER(replace_and_queue), READER(read_item, 0),
	    READER(read_item, 1) }, finish },
	{ "deferred-twice", prepare,
	  { WRITER(replace_twice), READER(read_item, 0) }, finish },
	{ "deferred-during-a-period", prepare_a_period,
	  { WRITER(replace_again_and_poll), READER(leave_and_read, 0) },
	  finish },
	{ "deferred-does-not-wait", prepare,
	  { WRITER(queue_and_tell), READER(stay_inside, 0) }, finish },
	{ "told-before-the-section", prepare,
	  { WRITER(replace_and_tell), READER(flag_then_read, 0) }, finish },
	{ "reader-comes", prepare_one_reader,
	  { WRITER(replace_and_wait), READER(come_and_read, 1) }, finish },
	{ "reader-comes-deferred", prepare_one_reader,
	  { WRITER(replace_and_queue), READER(come_and_read, 1) }, finish },
	{ "reader-goes", prepare,
	  { WRITER(replace_and_wait), READER(read_and_go, 1) }, finish },
	{ "own-section", prepare,
	  { WRITER(replace_inside), READER(read_item, 1) }, finish },
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
/* end of table */
