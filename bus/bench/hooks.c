/** @file
 * What `-fsanitize=thread` makes the compiler call.
 *
 * The sanitizer's own library is not linked: these are its entry points, and
 * they report to the bench.  C11 atomics come here as well, with their order.
 * A sequentially consistent one is a release or acquire with a full barrier.
 */
#include "bus/bench/bench_plain.h"
#include "bus/bench/model.h"

#define HERE __builtin_return_address(0)

static void plain(const void *p, unsigned int bytes, enum plain_kind kind,
		  const void *pc)
{
	struct bench_where where = { .bytes = bytes, .pc = pc };

	if (kind == PLAIN_LOAD && bytes > sizeof(u64)) {
		kind = PLAIN_COPY; /* no variable is as large: a struct */
	}
	bench_plain_access((uintptr_t)p, &where, kind);
}

#define PLAIN(prefix, n) \
	void __tsan_##prefix##read##n(void *p); \
	void __tsan_##prefix##write##n(void *p); \
	void __tsan_##prefix##read##n(void *p) \
	{ \
		plain(p, n, PLAIN_LOAD, HERE); \
	} \
	void __tsan_##prefix##write##n(void *p) \
	{ \
		plain(p, n, PLAIN_STORE, HERE); \
	}
#define PLAIN_ALL(prefix) \
	PLAIN(prefix, 1) PLAIN(prefix, 2) PLAIN(prefix, 4) PLAIN(prefix, 8) \
	PLAIN(prefix, 16)

PLAIN_ALL()
PLAIN_ALL(unaligned_)
PLAIN_ALL(volatile_)
PLAIN_ALL(unaligned_volatile_)

void __tsan_read_range(void *p, size_t bytes);
void __tsan_write_range(void *p, size_t bytes);
void __tsan_init(void);
void __tsan_func_entry(void *p);
void __tsan_func_exit(void);

void __tsan_read_range(void *p, size_t bytes)
{
	plain(p, bytes, PLAIN_COPY, HERE);
}

void __tsan_write_range(void *p, size_t bytes)
{
	plain(p, bytes, PLAIN_STORE, HERE);
}

void __tsan_init(void)
{
}

void __tsan_func_entry(void *p)
{
	(void)p;
}

void __tsan_func_exit(void)
{
}

/* Newer versions of Clang have these for struct assignments. */
void *__tsan_memcpy(void *to, const void *from, size_t bytes);
void *__tsan_memmove(void *to, const void *from, size_t bytes);
void *__tsan_memset(void *to, int byte, size_t bytes);

void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
	return bench_copy(to, from, bytes);
}

void *__tsan_memmove(void *to, const void *from, size_t bytes)
{
	return bench_move(to, from, bytes);
}

void *__tsan_memset(void *to, int byte, size_t bytes)
{
	return bench_set(to, byte, bytes);
}

/* C11 atomics -------------------------------------------------------------- */

static void full_if(bool wanted)
{
	if (wanted) {
		bench_fence(BENCH_MB, NULL);
	}
}

static bool acquires(int order)
{
	return order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

static u64 load(const volatile void *p, struct bench_where where, int order)
{
	u64 value = 0;

	where.kind = acquires(order) ? BENCH_ACQUIRE : BENCH_ONCE;
	full_if(order == __ATOMIC_SEQ_CST);
	bench_load(p, &value, &where);
	return value;
}

static void store(volatile void *p, u64 value, struct bench_where where,
		  int order)
{
	where.kind = releases(order) ? BENCH_RELEASE : BENCH_ONCE;
	bench_store(p, &value, &where);
	full_if(order == __ATOMIC_SEQ_CST);
}

static u64 change(volatile void *p, struct bench_change how,
		  struct bench_where where, int order)
{
	how.full = order == __ATOMIC_SEQ_CST || order == __ATOMIC_ACQ_REL;
	where.kind = order == __ATOMIC_RELEASE ? BENCH_RELEASE :
		     acquires(order)	       ? BENCH_ACQUIRE :
						 BENCH_ONCE;
	return bench_rmw(p, &how, &where);
}

#define WHERE(n) (struct bench_where){ .bytes = (n) / 8, .pc = HERE }
#define ATOMIC(n) \
	u##n __tsan_atomic##n##_load(const volatile u##n *p, int order); \
	void __tsan_atomic##n##_store(volatile u##n *p, u##n v, int order); \
	u##n __tsan_atomic##n##_exchange(volatile u##n *p, u##n v, int order); \
	u##n __tsan_atomic##n##_fetch_add(volatile u##n *p, u##n v, int order); \
	u##n __tsan_atomic##n##_fetch_sub(volatile u##n *p, u##n v, int order); \
	int __tsan_atomic##n##_compare_exchange_strong( \
		volatile u##n *p, u##n *expected, u##n v, int order, int other); \
	u##n __tsan_atomic##n##_load(const volatile u##n *p, int order) \
	{ \
		return load(p, WHERE(n), order); \
	} \
	void __tsan_atomic##n##_store(volatile u##n *p, u##n v, int order) \
	{ \
		store(p, v, WHERE(n), order); \
	} \
	u##n __tsan_atomic##n##_exchange(volatile u##n *p, u##n v, int order) \
	{ \
		return change(p, (struct bench_change){ BENCH_EXCHANGE, v }, \
			      WHERE(n), order); \
	} \
	u##n __tsan_atomic##n##_fetch_add(volatile u##n *p, u##n v, int order) \
	{ \
		return change(p, (struct bench_change){ BENCH_ADD, v }, \
			      WHERE(n), order); \
	} \
	u##n __tsan_atomic##n##_fetch_sub(volatile u##n *p, u##n v, int order) \
	{ \
		return change(p, (struct bench_change){ BENCH_ADD, -(u64)v }, \
			      WHERE(n), order); \
	} \
	int __tsan_atomic##n##_compare_exchange_strong( \
		volatile u##n *p, u##n *expected, u##n v, int order, int other) \
	{ \
		u##n old = change( \
			p, (struct bench_change){ BENCH_COMPARE, v, *expected }, \
			WHERE(n), order); \
		bool same = old == *expected; \
\
		(void)other; \
		*expected = old; \
		return same; \
	}

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_signal_fence(int order);

void __tsan_atomic_thread_fence(int order)
{
	struct bench_where where = { .pc = HERE };

	if (order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME) {
		bench_fence(BENCH_RMB, &where);
	} else if (order == __ATOMIC_RELEASE) {
		bench_fence(BENCH_C11_RELEASE, &where);
	} else if (order == __ATOMIC_ACQ_REL) {
		bench_fence(BENCH_RMB, &where);
		bench_fence(BENCH_C11_RELEASE, NULL);
	} else if (order == __ATOMIC_SEQ_CST) {
		bench_fence(BENCH_MB, &where);
	}
}

/* A compiler's barrier only: nothing that a CPU would see. */
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}
