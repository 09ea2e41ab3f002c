/** @file
 * The model test: random operations against a model of a TLB.
 *
 * A million operations in episodes, each from a seed of its own.  An episode
 * that fails is cut down as long as it still fails, and printed: a script of a
 * few lines, with what each of them means.
 *
 *	SEED=n        run only the episode of that seed
 *	EPISODES=n    run so many instead of as usual
 *
 * links: mmu/test/arena.c mmu/test/shadow_bed.c
 * links: mmu/test/shadow_model.c mmu/test/shadow_model_guest.c
 * links: mmu/test/shadow_model_check.c mmu/test/shadow_model_print.c
 */
#include "mmu/test/shadow_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "mmu/mmio_cache.h"

#define EPISODE_OPS 500
#define EPISODES 6000
#define FIRST_SEED 1

/** How often each kind comes, in 64. */
static const u8 weights[MODEL_KINDS] = {
	[MODEL_ACCESS] = 30,	[MODEL_EMULATE] = 7,	[MODEL_SET_PAGE] = 4,
	[MODEL_SET_LARGE] = 2,	[MODEL_SET_RIGHT] = 2,	[MODEL_CLEAN] = 2,
	[MODEL_CR3] = 4,	[MODEL_INVLPG] = 2,	[MODEL_INVPCID] = 2,	[MODEL_OPTIONS] = 1,
	[MODEL_SLOT] = 2,	[MODEL_SLOT_BEGIN] = 1, [MODEL_SLOT_STEP] = 3,
	[MODEL_LOG] = 1,	[MODEL_GENERATION] = 1,
};

/** The seed at work, for who dies without a word. */
static u64 seed_now;

/** Let it be about few spaces and addresses, so that things meet again. */
static void narrow(struct model_op *op)
{
	static const u8 near[] = { 1, 2, 6, 7 }; /* two are in one large page */

	switch ((enum model_kind)op->kind) {
	case MODEL_ACCESS:
	case MODEL_EMULATE:
	case MODEL_INVLPG:
		op->a = near[op->a % ARRAY_SIZE(near)];
		break;
	case MODEL_SET_PAGE:
	case MODEL_SET_LARGE:
	case MODEL_SET_RIGHT:
	case MODEL_CLEAN:
		op->a %= 2;
		op->b = near[op->b % ARRAY_SIZE(near)];
		break;
	case MODEL_CR3:
		op->a %= 3;
		op->b = op->a % 2;
		break;
	case MODEL_INVPCID:
		op->b %= 2;
		op->c = near[op->c % ARRAY_SIZE(near)];
		break;
	case MODEL_OPTIONS:
	case MODEL_SLOT:
	case MODEL_SLOT_BEGIN:
	case MODEL_SLOT_STEP:
	case MODEL_LOG:
	case MODEL_GENERATION:
	case MODEL_KINDS:
		break;
	}
}

static struct model_op random_op(u64 *seed)
{
	u64 number = arena_random(seed);
	u64 choice = number % 64;
	struct model_op op = { .a = number >> 16,
			       .b = number >> 24,
			       .c = number >> 32 };

	while (choice >= weights[op.kind]) {
		choice -= weights[op.kind++];
	}
	if (number & BITS(41, 40)) {
		narrow(&op);
	}
	return op;
}

static void random_ops(struct model_op *ops, u64 seed)
{
	u64 state = seed * 0x9e3779b97f4a7c15ull | 1;

	for (int i = 0; i < EPISODE_OPS; i++) {
		ops[i] = random_op(&state);
	}
}

/** Whether a run fails; what follows the failure is cut off. */
static bool fails(const struct model_op *ops, size_t *count)
{
	struct model_tally tally = { .memory = 0 };
	const char *why;
	size_t end = model_run(ops, *count, &tally, &why);

	if (end == *count) {
		return false;
	}
	*count = end + 1;
	return true;
}

/** Leave out chunks, large ones first, as long as it still fails. */
static size_t shrink(struct model_op *ops, size_t count)
{
	static struct model_op shorter[EPISODE_OPS];
	size_t chunk = count / 2 ? count / 2 : 1;

	for (;;) {
		bool less = false;

		for (size_t at = 0; at + chunk <= count;) {
			size_t left = count - chunk;

			memcpy(shorter, ops, at * sizeof(*ops));
			memcpy(shorter + at, ops + at + chunk,
			       (left - at) * sizeof(*ops));
			if (left && fails(shorter, &left)) {
				memcpy(ops, shorter, left * sizeof(*ops));
				count = left;
				less = true;
			} else {
				at += chunk;
			}
		}
		if (chunk == 1 && !less) {
			return count;
		}
		chunk = chunk > 1 ? chunk / 2 : 1;
	}
}

static void report(struct model_op *ops, size_t count, u64 seed)
{
	struct model_tally tally = { .memory = 0 };
	const char *why;

	count = shrink(ops, count);
	(void)model_run(ops, count, &tally, &why);
	printf("# SEED=%llu breaks a rule: %s\n", (unsigned long long)seed,
	       why);
	for (size_t i = 0; i < count; i++) {
		printf("# %2zu. ", i + 1);
		model_print(&ops[i]);
	}
	fail_msg("SEED=%llu: %s (%zu operations)", (unsigned long long)seed,
		 why, count);
}

static void run_episode(u64 seed, struct model_tally *tally)
{
	static struct model_op ops[EPISODE_OPS];
	const char *why;
	size_t end;

	seed_now = seed;
	random_ops(ops, seed);
	end = model_run(ops, EPISODE_OPS, tally, &why);
	if (end < EPISODE_OPS) {
		report(ops, end + 1, seed);
	}
}

static u64 setting(const char *name, u64 otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void a_million_operations_match_the_model(void **state)
{
	struct model_tally tally = { .memory = 0 };
	u64 episodes = setting("EPISODES", EPISODES);

	(void)state;
	for (u64 i = 0; i < episodes; i++) {
		run_episode(FIRST_SEED + i, &tally);
	}
	if (episodes < EPISODES) {
		return;
	}
	print_message("# %llu in memory, %llu MMIO, %llu faults, %llu stale, "
		      "%llu and %llu hits, %llu fast, %llu slow, %llu kept\n",
		      (unsigned long long)tally.memory,
		      (unsigned long long)tally.mmio,
		      (unsigned long long)tally.faults,
		      (unsigned long long)tally.stale,
		      (unsigned long long)tally.gva_hits,
		      (unsigned long long)tally.fault_hits,
		      (unsigned long long)tally.fast,
		      (unsigned long long)tally.slow,
		      (unsigned long long)tally.kept);
	/* It was worth something: each kind of event has happened often. */
	assert_true(tally.memory > 50000 && tally.mmio > 50000);
	assert_true(tally.faults > 20000 && tally.stale > 5000);
	assert_true(tally.gva_hits > 5000 && tally.fault_hits > 2000);
	assert_true(tally.fast > 5000 && tally.slow > 5000);
	assert_true(tally.kept > 5000);
}

static void the_episode_of_a_seed(void **state)
{
	struct model_tally tally = { .memory = 0 };

	(void)state;
	run_episode(setting("SEED", FIRST_SEED), &tally);
}

/** The sanitizers call it before they end the program. */
void __sanitizer_set_death_callback(void (*callback)(void))
	__attribute__((weak));

static void last_words(void)
{
	fprintf(stderr, "# died in SEED=%llu\n", (unsigned long long)seed_now);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(a_million_operations_match_the_model),
	};
	const struct CMUnitTest one[] = {
		cmocka_unit_test(the_episode_of_a_seed),
	};

	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(last_words);
	}
	return getenv("SEED") ? cmocka_run_group_tests(one, NULL, NULL) :
				cmocka_run_group_tests(all, NULL, NULL);
}
