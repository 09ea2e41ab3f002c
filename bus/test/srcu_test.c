/** @file
 * SRCU with one thread that plays all: what waits, what is called when.
 */
#include "bus/srcu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "bus/errno.h"

struct thing {
	struct srcu_head head;
	unsigned int calls;
};

static struct srcu domain;
static struct srcu_reader reader[SRCU_READERS + 1];

static void call(struct srcu_head *head)
{
	container_of(head, struct thing, head)->calls++;
}

static int set_up(void **state)
{
	(void)state;
	memset(reader, 0, sizeof(reader));
	srcu_init(&domain);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(srcu_add_reader(&domain, &reader[i]), 0);
	}
	return 0;
}

static void without_readers_it_is_called_at_once(void **state)
{
	struct thing thing = { .calls = 0 };

	(void)state;
	synchronize_srcu(&domain);
	call_srcu(&domain, &thing.head, call);
	assert_int_equal(thing.calls, 1);
}

static void an_open_section_is_waited_for(void **state)
{
	struct thing thing = { .calls = 0 };

	(void)state;
	srcu_read_lock(&domain, &reader[1]);
	call_srcu(&domain, &thing.head, call);
	srcu_poll(&domain);
	assert_int_equal(thing.calls, 0);
	srcu_read_unlock(&domain, &reader[1]);
	srcu_poll(&domain);
	srcu_poll(&domain);
	assert_int_equal(thing.calls, 1);
}

static void a_later_section_is_not_waited_for(void **state)
{
	struct thing thing = { .calls = 0 };

	(void)state;
	srcu_read_lock(&domain, &reader[0]);
	call_srcu(&domain, &thing.head, call);
	srcu_read_lock(&domain, &reader[1]);
	srcu_read_unlock(&domain, &reader[0]);
	srcu_read_lock(&domain, &reader[0]);
	srcu_poll(&domain);
	assert_int_equal(thing.calls, 1);
	srcu_read_unlock(&domain, &reader[0]);
	srcu_read_unlock(&domain, &reader[1]);
}

static void the_second_call_waits_for_its_own_period(void **state)
{
	struct thing first = { .calls = 0 }, second = { .calls = 0 };

	(void)state;
	srcu_read_lock(&domain, &reader[0]);
	call_srcu(&domain, &first.head, call);
	srcu_read_lock(&domain, &reader[1]);
	call_srcu(&domain, &second.head, call);
	srcu_read_unlock(&domain, &reader[0]);
	srcu_poll(&domain);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
	srcu_read_unlock(&domain, &reader[1]);
	srcu_barrier(&domain);
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 1);
}

static void counters_may_wrap(void **state)
{
	struct thing thing = { .calls = 0 };

	(void)state;
	reader[0].count = ~1u;
	srcu_read_lock(&domain, &reader[0]);
	assert_int_equal(reader[0].count, ~0u);
	call_srcu(&domain, &thing.head, call);
	srcu_read_unlock(&domain, &reader[0]);
	assert_int_equal(reader[0].count, 0);
	srcu_poll(&domain);
	assert_int_equal(thing.calls, 1);
}

/** Readers write to their own line only: what they share they only read. */
static void a_reader_writes_nothing_that_is_shared(void **state)
{
	struct srcu before = domain;
	struct srcu_reader other = reader[1];

	(void)state;
	srcu_read_lock(&domain, &reader[0]);
	srcu_read_unlock(&domain, &reader[0]);
	assert_memory_equal(&before, &domain, sizeof(before));
	assert_memory_equal(&other, &reader[1], sizeof(other));
	assert_int_equal(sizeof(reader[0]) % 64, 0);
	assert_int_equal((uintptr_t)&reader[0] % 64, 0);
}

static void readers_come_and_go(void **state)
{
	struct thing thing = { .calls = 0 };

	(void)state;
	for (unsigned int i = 2; i < SRCU_READERS; i++) {
		assert_int_equal(srcu_add_reader(&domain, &reader[i]), 0);
	}
	assert_int_equal(srcu_add_reader(&domain, &reader[SRCU_READERS]),
			 -ENOSPC);
	srcu_remove_reader(&domain, &reader[7]);
	srcu_remove_reader(&domain, &reader[7]);
	assert_int_equal(srcu_add_reader(&domain, &reader[SRCU_READERS]), 0);
	srcu_read_lock(&domain, &reader[7]);
	call_srcu(&domain, &thing.head, call);
	assert_int_equal(thing.calls, 1);
	srcu_read_lock(&domain, &reader[SRCU_READERS]);
	call_srcu(&domain, &thing.head, call);
	assert_int_equal(thing.calls, 1);
	srcu_read_unlock(&domain, &reader[SRCU_READERS]);
	srcu_barrier(&domain);
	assert_int_equal(thing.calls, 2);
}

#define WITH_TWO_READERS(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TWO_READERS(without_readers_it_is_called_at_once),
		WITH_TWO_READERS(an_open_section_is_waited_for),
		WITH_TWO_READERS(a_later_section_is_not_waited_for),
		WITH_TWO_READERS(the_second_call_waits_for_its_own_period),
		WITH_TWO_READERS(counters_may_wrap),
		WITH_TWO_READERS(a_reader_writes_nothing_that_is_shared),
		WITH_TWO_READERS(readers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
