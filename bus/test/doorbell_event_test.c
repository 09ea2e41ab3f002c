/** @file
 * The counter of a doorbell: no ring is lost, whoever rings and takes.
 *
 * libraries: -lpthread
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "bus/access.h"
#include "bus/doorbell_event.h"

#define RINGERS 4
#define RINGS 50000ull

static struct doorbell_event event;
static u64 work[RINGERS]; /* stored before a ring, by each ringer its own */
static bool stop;

static void a_ring_is_one_until_it_is_taken(void **state)
{
	struct doorbell_event one = { 0 };

	(void)state;
	assert_int_equal(doorbell_event_peek(&one), 0);
	doorbell_event_ring(&one);
	doorbell_event_ring(&one);
	assert_int_equal(doorbell_event_peek(&one), 2);
	assert_int_equal(doorbell_event_peek(&one), 2);
	assert_int_equal(doorbell_event_take(&one), 2);
	assert_int_equal(doorbell_event_peek(&one), 0);
	assert_int_equal(doorbell_event_take(&one), 0);
}

static void waiting_ends_with_a_ring_or_when_told(void **state)
{
	struct doorbell_event one = { 3 };
	bool leave = true;

	(void)state;
	assert_int_equal(doorbell_event_wait(&one, &leave), 3);
	assert_int_equal(doorbell_event_wait(&one, &leave), 0);
}

static void *ring_often(void *argument)
{
	u64 *mine = argument;

	for (u64 i = 1; i <= RINGS; i++) {
		__atomic_store_n(mine, i, __ATOMIC_RELAXED);
		doorbell_event_ring(&event);
	}
	return NULL;
}

/** Takes what there is until all have rung. */
static void *take_all(void *argument)
{
	u64 *taken = argument;

	while (*taken < RINGERS * RINGS) {
		u64 rings = doorbell_event_wait(&event, &stop);

		if (!rings) {
			break;
		}
		*taken += rings;
	}
	return NULL;
}

static void no_ring_of_many_is_lost(void **state)
{
	pthread_t ringer[RINGERS], taker;
	u64 taken = 0;

	(void)state;
	assert_int_equal(pthread_create(&taker, NULL, take_all, &taken), 0);
	for (int i = 0; i < RINGERS; i++) {
		assert_int_equal(pthread_create(&ringer[i], NULL, ring_often,
						&work[i]), 0);
	}
	for (int i = 0; i < RINGERS; i++) {
		pthread_join(ringer[i], NULL);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(taker, NULL);
	assert_int_equal(taken + doorbell_event_take(&event),
			 RINGERS * RINGS);
	for (int i = 0; i < RINGERS; i++) {
		assert_int_equal(work[i], RINGS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_one_until_it_is_taken),
		cmocka_unit_test(waiting_ends_with_a_ring_or_when_told),
		cmocka_unit_test(no_ring_of_many_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
