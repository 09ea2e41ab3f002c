/** @file
 * The bench against the Linux kernel's memory model, test by test.
 *
 * Run with --litmus it prints a name and Never or Sometimes, which
 * tools/check/barrier compares with the table.
 */
#include "bus/bench/test/litmus.h"

static int cell[3], lock, domain, registers[4][4];
static int *pointer, *object_x, *object_z, *seen_pointer;

#define x (&cell[0])
#define y (&cell[1])
#define z (&cell[2])

/* Threads that a row does not have are empty, and their cells unused. */
#define THREAD(id, n, body) \
	static void id##_##n(void *unused) \
	{ \
		int *reg = registers[n]; \
\
		(void)unused; \
		(void)reg; \
		body \
	}
#define LITMUS(id, name, outcome, t0, t1, t2, t3, condition) \
	THREAD(id, 0, t0) \
	THREAD(id, 1, t1) \
	THREAD(id, 2, t2) \
	THREAD(id, 3, t3)
#define DEPENDS(id, name, outcome, t0, t1) \
	THREAD(id, 0, int *xp = object_x; t0) \
	THREAD(id, 1, int *p; t1 seen_pointer = p;)
#include "bus/bench/test/litmus.rows"
#undef LITMUS
#undef DEPENDS
#undef x
#undef y
#undef z

#define x cell[0]
#define y cell[1]
#define z cell[2]
#define r(thread, n) registers[thread][n]
#define FINISH(id, condition) \
	static void id##_finish(void) \
	{ \
		if (condition) { \
			bench_hit(); \
		} \
	}
#define LITMUS(id, name, outcome, t0, t1, t2, t3, condition) \
	FINISH(id, condition)
#define DEPENDS(id, name, outcome, t0, t1) \
	FINISH(id, seen_pointer == object_x && r(1, 1) == 0)
#include "bus/bench/test/litmus.rows"
#undef LITMUS
#undef DEPENDS

static void make_objects(void)
{
	object_x = bench_alloc(sizeof(int), HERE);
	object_z = bench_alloc(sizeof(int), HERE);
	*object_x = 0;
	*object_z = 0;
	pointer = object_z;
}

#define LITMUS(id, name, outcome, t0, t1, t2, t3, condition) \
	{ name, NULL, \
	  { { "P0", id##_0, NULL }, { "P1", id##_1, NULL }, \
	    { "P2", id##_2, NULL }, { "P3", id##_3, NULL } }, id##_finish },
#define DEPENDS(id, name, outcome, t0, t1) \
	{ name, make_objects, \
	  { { "P0", id##_0, NULL }, { "P1", id##_1, NULL } }, id##_finish },
const struct bench_scenario bench_scenarios[] = {
#include "bus/bench/test/litmus.rows"
	{ NULL, NULL, { { NULL, NULL, NULL } }, NULL },
};
