/** @file
 * The state of the machine that the bench plays.
 *
 * A location keeps all stores that were ever made to it, in the order in which
 * the machine agrees on them.  A thread keeps views: for each location a store,
 * and that one is the oldest that it may still return.  A barrier does nothing
 * but move views forward.
 *
 *	x:  0 --> 1 --> 2        FLOOR of thread A for x is "1":
 *	         ^               A's next load of x returns 1 or 2
 *
 * A store carries a view with it, the message: who reads it hears what the
 * writer had ordered before.  Hearing is not yet being bound by it: a load
 * joins the message into HEARD, and only a barrier copies HEARD to FLOOR.
 * HEARD is never behind FLOOR, or a barrier would make the thread forget.
 *
 * All of it lies outside of the program's data, which is put back before each
 * execution.
 */
#ifndef BUS_BENCH_MODEL_H
#define BUS_BENCH_MODEL_H

#include <setjmp.h>

#include "bus/bench/bench.h"

/* Thread 0 prepares and finishes, 1 to 5 are the scenario's. */
#define THREADS 12
#define FIRST_CALLBACK 6
#define LOCATIONS 320
#define STORES 900
#define STORES_PER_LOCATION 40
#define EVENTS 1200
#define OBJECTS 24 /* allocations a thread */
#define OBJECT_BYTES 1024
#define STACK_BYTES (128 * 1024)
#define CHOICES 4000
#define LOCKS 8
#define DOMAINS 2
#define BOUNDS 128
#define NAMES 64
#define NO_BUDGET 1000

enum view_kind {
	FLOOR,	       /* oldest that my loads may return */
	HEARD,	       /* everything I know of, directly or by messages */
	STRONG,	       /* what a full barrier has made visible to all */
	OWN,	       /* my stores */
	ATTACHED,      /* what smp_wmb() attaches to my later stores */
	LOCK_ATTACHED, /* what my locks attach to them */
	SECTION,       /* heard when my read section began */
	UNLOCKED,      /* heard at my last unlock */
	LOCKED,	       /* heard at my last lock */
	VIEWS,
};

struct view {
	u16 store[LOCATIONS]; /* index of a store; 0: the first one */
	u16 clock[THREADS];   /* how many events of each thread */
};

struct store {
	int location, position, thread, number;
	bool plain, rmw;
	enum { STORED, INITIAL, UNINITIALISED } origin;
	int event; /* -1: none */
	u64 value;
	struct view message, strong;
	u64 hash;
};

struct location {
	uintptr_t address;
	unsigned int bytes;
	/* below: of this execution */
	bool live;
	int count;
	u16 order[STORES_PER_LOCATION];
	u16 read[THREADS], plain_read[THREADS]; /* when last */
};

enum event_kind {
	LOAD, STORE, RMW, PLAIN_READ, PLAIN_WRITE, FENCE, LOCK, UNLOCK,
	SECTION_BEGIN, SECTION_END, GRACE_BEGIN, GRACE_END, CALL, ALLOC, FREE,
};

struct event {
	enum event_kind kind;
	int thread;
	struct bench_where where;
	int location; /* -1: none */
	int store;    /* the store read or made, 0: none */
	int newer;    /* a read of an old value: the store after it */
	bool odd;     /* a store that lands in the middle; a racing read */
	u64 value;
};

struct object {
	bool live, freed;
	int free_event;
	size_t bytes;
	u16 used[THREADS]; /* when each thread last read it */
	int used_event[THREADS];
};

struct grace {
	int domain; /* -1: not waiting */
	int section[THREADS];
};

enum wait { WAIT_LOCK, WAIT_GRACE, WAIT_CALLBACKS, WAIT_STORE };

struct fiber {
	enum { NONE, READY, BLOCKED, ENDED } state;
	enum wait wait;
	int wait_for; /* number of the lock, domain or location */
	struct view view[VIEWS];
	struct view depends[THREADS * OBJECTS]; /* address dependencies */
	bool has_depends[THREADS * OBJECTS];
	int events, stores, objects, points;
	int pending, pending_count; /* plain stores not yet in memory */
	uintptr_t private;	    /* all that it may write ... */
	size_t private_bytes;	    /* ... unless this is 0 */
	int last_load;		    /* location, -1: none */
	u64 history;
	int depth[DOMAINS], section[DOMAINS];
	bool guess[DOMAINS], guess_used[DOMAINS];
	struct grace grace;
	int domain; /* of a callback */
	struct bench_thread job, wanted; /* wanted: of a callback */
	jmp_buf context;
	char *stack;
};

struct lock {
	void *address;
	int owner; /* -1: free */
	struct view view;
};

struct domain {
	void *address;
	struct view grace, ended;
	int callbacks;
};

struct choice {
	short count, taken;
	bool costs;
	int used;
};

struct name {
	uintptr_t address;
	size_t bytes;
	const char *text;
};

/** A barrier that is not in the source: what if it were? */
struct virtual_fence {
	enum bench_fence fence; /* 0: none */
	const char *file;
	int line;
	bool met;
};

struct bench {
	/* the machine, made anew for each execution */
	struct fiber fiber[THREADS];
	struct location location[LOCATIONS];
	struct store store[STORES];
	struct event event[EVENTS];
	struct object object[THREADS * OBJECTS];
	struct lock lock[LOCKS];
	struct domain domain[DOMAINS];
	struct view barriers; /* the order of all full barriers */
	int locations, stores, events, locks, domains, now, last;
	bool alone; /* prepare and finish: nobody else runs */
	bool hit;
	/* how it ended */
	bool failed, dropped, again;
	int failed_thread;
	char why[600];
	jmp_buf scheduler, ended;
	/* the search */
	struct choice choice[CHOICES];
	int depth, replay, used, budget;
	long executions, complete, pruned, hits;
	bool out_of_time, no_pruning, x86;
	u64 *seen;
	size_t seen_size, seen_count;
	/* of the scenario, kept over its executions */
	const struct bench_scenario *scenario;
	uintptr_t bound[BOUNDS];
	int bounds;
	unsigned int fencers; /* threads with full barriers, a mask */
	struct virtual_fence virtual;
	struct name name[NAMES];
	int names;
	char *arena, *variables; /* the heap; all globals at the start */
	int progress; /* moves with each event of any execution */
	/* main.c's; here, for variables are put back before each execution */
	struct {
		int ticks, limit, silent, progress;
		bool looped; /* found a loop that touches nothing */
	} clock;
};

/** The one machine. */
extern struct bench *bench;

#define ME (&bench->fiber[bench->now])

/** Spread the bits of two numbers over one. */
static inline u64 model_mix(u64 a, u64 b)
{
	u64 x = a * 0x9e3779b97f4a7c15ull + b + 0x1234567;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

#endif
