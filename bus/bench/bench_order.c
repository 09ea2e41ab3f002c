/** @file
 * Barriers and locks: what they do to the views.
 *
 *	smp_rmb()   what I have heard now binds my loads
 *	smp_wmb()   my stores so far go along with my later ones
 *	smp_mb()    both, and all full barriers stand in one order
 *
 * With a single thread that has full barriers their order is nobody's concern,
 * and a barrier is no point of choice.
 */
#include "bus/bench/bench_order.h"

#include "bus/bench/bench_srcu.h"
#include "bus/bench/fiber.h"
#include "bus/bench/location.h"
#include "bus/bench/view.h"

bool bench_order_shared(void)
{
	return bench->fencers & (bench->fencers - 1);
}

void bench_order_note_fencer(void)
{
	unsigned int before = bench->fencers;

	if (bench->alone) {
		return;
	}
	bench->fencers |= 1u << bench->now;
	if (before && before != bench->fencers && !(before & (before - 1))) {
		location_again(0); /* what has been tried was too little */
	}
}

void bench_order_full_barrier(void)
{
	struct fiber *t = ME;

	view_learn(t, HEARD, &bench->barriers);
	view_copy(&t->view[FLOOR], &t->view[HEARD]);
	view_copy(&t->view[STRONG], &t->view[HEARD]);
	view_copy(&bench->barriers, &t->view[HEARD]);
}

/** The lock before made a full barrier. */
static void after_lock(void)
{
	struct fiber *t = ME;
	struct view *locked = &t->view[LOCKED];

	view_join(locked, &bench->barriers);
	view_learn(t, HEARD, locked);
	view_learn(t, STRONG, locked);
	view_learn(t, FLOOR, locked);
	view_join(&bench->barriers, locked);
}

static void carry_out(enum bench_fence fence)
{
	struct fiber *t = ME;

	switch (fence) {
	case BENCH_RMB:
		view_copy(&t->view[FLOOR], &t->view[HEARD]);
		break;
	case BENCH_WMB:
		view_learn(t, ATTACHED, &t->view[OWN]);
		break;
	case BENCH_C11_RELEASE:
		view_learn(t, ATTACHED, &t->view[HEARD]);
		break;
	case BENCH_MB:
		bench_order_full_barrier();
		break;
	case BENCH_MB_AFTER_SRCU:
		bench_srcu_upgrade();
		break;
	case BENCH_MB_AFTER_LOCK:
		after_lock();
		break;
	}
}

void bench_fence(enum bench_fence fence, const struct bench_where *where)
{
	fiber_settle();
	if (fence == BENCH_MB || fence == BENCH_MB_AFTER_LOCK) {
		bench_order_note_fencer();
		if (!bench->alone && bench_order_shared()) {
			fiber_point();
		}
	} else if (fence == BENCH_MB_AFTER_SRCU) {
		bench_order_note_fencer();
	}
	if (where) {
		fiber_event(FENCE, where)->value = fence;
	}
	carry_out(fence);
}

/** The lock at that address; it is free when it is first seen. */
static struct lock *lock_at(void *address)
{
	struct lock *l;

	for (int i = 0; i < bench->locks; i++) {
		if (bench->lock[i].address == address) {
			return &bench->lock[i];
		}
	}
	if (bench->locks >= LOCKS) {
		bench_fail("more locks than the bench has room for");
	}
	l = &bench->lock[bench->locks++];
	l->address = address;
	l->owner = -1;
	view_clear(&l->view);
	return l;
}

void bench_lock(void *lock, const struct bench_where *where)
{
	struct fiber *t;
	struct lock *l;

	fiber_point();
	t = ME;
	l = lock_at(lock);
	if (l->owner == bench->now) {
		bench_fail("takes a lock that it already holds");
	}
	while (l->owner >= 0) {
		fiber_block(WAIT_LOCK, l - bench->lock);
	}
	fiber_event(LOCK, where);
	l->owner = bench->now;
	view_copy(&t->view[LOCKED], &t->view[HEARD]);
	view_learn(t, LOCKED, &l->view);
	view_learn(t, FLOOR, &l->view);
	view_learn(t, FLOOR, &t->view[UNLOCKED]);
	view_learn(t, HEARD, &t->view[FLOOR]);
	view_learn(t, LOCK_ATTACHED, &l->view);
	view_learn(t, LOCK_ATTACHED, &t->view[UNLOCKED]);
}

void bench_unlock(void *lock, const struct bench_where *where)
{
	struct lock *l = lock_at(lock);

	fiber_settle();
	fiber_event(UNLOCK, where);
	if (l->owner != bench->now) {
		bench_fail("unlocks a lock that it does not hold");
	}
	l->owner = -1;
	view_copy(&l->view, &ME->view[HEARD]);
	view_copy(&ME->view[UNLOCKED], &ME->view[HEARD]);
}

bool bench_holds(void *lock)
{
	return bench->alone || lock_at(lock)->owner == bench->now;
}
