/** @file
 * The barrier bench, as the code on it sees it.
 *
 * x86 hides a missing barrier: its loads stay in order, and so do its stores.
 * The bench runs a few threads of real C under the memory model of the Linux
 * kernel instead, through every interleaving and every old value that a CPU
 * could still return.
 *
 *	bus.c --gcc -fsanitize=thread--> plain accesses call __tsan_read8(p) ..
 *	      --access_redirect.h------> READ_ONCE(x) calls bench_load(&x, ..)
 *	                    |
 *	             bench_*.c: the model; search.c: all executions of it
 *
 * Nothing of the sanitizer but the compiler's calls is used.  The file on the
 * bench is compiled as it stands.  A scenario prepares the memory, names the
 * threads, and states with bench_assert() what must never happen.
 */
#ifndef BUS_BENCH_BENCH_H
#define BUS_BENCH_BENCH_H

#include "bus/types.h"

enum bench_kind { BENCH_ONCE, BENCH_ACQUIRE, BENCH_RELEASE };

enum bench_fence {
	BENCH_RMB = 1,
	BENCH_WMB,
	BENCH_MB,
	BENCH_MB_AFTER_SRCU,
	BENCH_MB_AFTER_LOCK,
	BENCH_C11_RELEASE, /* stronger than smp_wmb(): also orders loads */
};

enum bench_rmw { BENCH_EXCHANGE, BENCH_ADD, BENCH_COMPARE };

/** Where an access stands in the source, and what it is. */
struct bench_where {
	const char *file;
	int line;
	unsigned int bytes;
	enum bench_kind kind;
	const void *pc; /* when the file is not known: compiler's hooks */
};

/** A read-modify-write: the operation, its operand, what it must find. */
struct bench_change {
	enum bench_rmw operation;
	u64 value;
	u64 expected; /* BENCH_COMPARE only */
	bool full;    /* a full barrier on both sides */
};

struct bench_thread {
	const char *name;
	void (*run)(void *argument);
	void *argument;
};

#define BENCH_THREADS 5

struct bench_scenario {
	const char *name;
	void (*prepare)(void); /* alone, before the threads; may be NULL */
	struct bench_thread thread[BENCH_THREADS];
	void (*finish)(void); /* alone, when all have ended; may be NULL */
};

/** What the bench runs: ends with a NULL name.  Defined by the tests. */
extern const struct bench_scenario bench_scenarios[];

/** Marked accesses; *out receives, *in holds where->bytes bytes. */
void bench_load(const volatile void *p, void *out,
		const struct bench_where *where);
void bench_store(volatile void *p, const void *in,
		 const struct bench_where *where);

/** @return what stood there before */
u64 bench_rmw(volatile void *p, const struct bench_change *change,
	      const struct bench_where *where);

/** A barrier; where is NULL for one that no source line holds. */
void bench_fence(enum bench_fence fence, const struct bench_where *where);

/** A lock is any address.  Unlocking what one does not hold fails. */
void bench_lock(void *lock, const struct bench_where *where);
void bench_unlock(void *lock, const struct bench_where *where);
bool bench_holds(void *lock);

/* An index that bench_srcu_unlock() takes for any section. */
#define BENCH_NEWEST (-1)

/**
 * SRCU as a primitive of the model; a domain is any address.
 * @return what bench_srcu_unlock() wants back, to see that locks nest
 */
int bench_srcu_lock(void *domain, const struct bench_where *where);
void bench_srcu_unlock(void *domain, int index,
		       const struct bench_where *where);
void bench_srcu_synchronize(void *domain, const struct bench_where *where);
/** Run call(argument) in a thread of its own after a grace period. */
void bench_srcu_call(void *domain, const struct bench_thread *callback,
		     const struct bench_where *where);
void bench_srcu_barrier(void *domain, const struct bench_where *where);
/** Fail unless the caller is in a read section of that domain. */
void bench_srcu_must_hold(void *domain, const struct bench_where *where);

/** Memory that the bench watches: at most 960 bytes a piece; not cleared. */
void *bench_alloc(size_t bytes, const struct bench_where *where);
void bench_free(void *p, const struct bench_where *where);
/** @return how many pieces were allocated and not freed */
int bench_live(void);

/**
 * From now on this thread may write to its stack and to these bytes, and to
 * nothing else: other CPUs have the rest in their caches.
 * @param bytes 0: to anything again
 */
void bench_private(const void *p, size_t bytes);

/** In a loop that waits: go on once the value last loaded has a successor. */
void bench_relax(void);

/** This execution is wrong: say why, in a sentence. */
__noreturn void bench_fail(const char *format, ...) __format(printf, 1, 2);

/** In place of printf() in the code on the bench: says nothing. @return 0 */
int bench_printf(const char *format, ...);

/** Give a variable the name that counterexamples show; string lives on. */
void bench_name(const volatile void *p, size_t bytes, const char *name);

/** The execution that ends here has the outcome in question. */
void bench_hit(void);

#define bench_assert(condition, ...) \
	do { \
		if (!(condition)) { \
			bench_fail(__VA_ARGS__); \
		} \
	} while (0)

#define BENCH_HERE(count, how) \
	(&(const struct bench_where){ \
		.file = __FILE__, .line = __LINE__, .bytes = (count), .kind = (how) })

#endif
