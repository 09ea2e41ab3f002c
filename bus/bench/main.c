/** @file
 * The bench's command line: BENCH [options] [SCENARIO].
 *
 *	--x86      every load acquires and every store releases, as on x86: the
 *	           reason why a laptop does not complain
 *	--brief    a line a scenario, no trace
 *	--litmus   tell Never or Sometimes for each, and stop at no failure
 *	--no-prune visit states again (for tests of the pruning itself)
 *	--try      after a failure, look for a barrier that mends it
 *	--limit=N  seconds a scenario may take, 20 if not given
 *	--list     only name the scenarios
 *
 * Exit status 0: all scenarios pass; 1: one failed; 2: a usage error.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "bus/bench/explain.h"
#include "bus/bench/fiber.h"
#include "bus/bench/report.h"
#include "bus/bench/search.h"

struct options {
	bool brief, litmus, hints, list;
	int limit; /* seconds */
	const char *only;
};

/* Quarters of a second without an event until it is called a loop. */
#define PATIENCE 3

/**
 * Four times a second of our own CPU time, however busy the machine is: is the
 * time up, is the code on the bench in a loop that touches nothing?  In such a
 * loop it is safe to leave by longjmp().
 */
static void tick(int number)
{
	(void)number;
	if (++bench->clock.ticks > bench->clock.limit) {
		bench->out_of_time = true;
	}
	if (bench->clock.progress != bench->progress) {
		bench->clock.progress = bench->progress;
		bench->clock.silent = 0;
	} else if (++bench->clock.silent == PATIENCE) {
		bench->clock.silent = 0;
		bench->clock.looped = true;
		bench_fail("an endless loop that touches no shared memory");
	}
}

static void crash(int number)
{
	(void)number;
	bench_fail("an invalid address: NULL, or memory that is not there");
}

static void catch(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_NODEFER | SA_ONSTACK };

	sigaction(number, &action, NULL);
}

static void start_clock(int seconds)
{
	struct itimerval quarter = { { 0, 250000 }, { 0, 250000 } };
	stack_t stack = { .ss_sp = malloc(64 * 1024), .ss_size = 64 * 1024 };

	bench->clock.limit = 4 * seconds;
	sigaltstack(&stack, NULL);
	catch(SIGSEGV, crash);
	catch(SIGBUS, crash);
	catch(SIGFPE, crash);
	catch(SIGPROF, tick);
	setitimer(ITIMER_PROF, &quarter, NULL);
}

static const char *scenario_name(void)
{
	return bench->scenario->name;
}

static void tell_failure(const struct options *options)
{
	long after = bench->executions;

	if (bench->clock.looped) { /* a second look would take as long */
		printf("FAIL  %s  (after %ld executions)\n", scenario_name(),
		       after);
	} else {
		int budget = search_simplest();

		printf("FAIL  %s  (after %ld executions; the simplest has %d "
		       "switches or stale reads)\n", scenario_name(), after,
		       budget);
	}
	if (!bench->failed) {
		return;
	}
	printf("      %s: %s\n",
	       bench->failed_thread ?
		       bench->fiber[bench->failed_thread].job.name : "alone",
	       bench->why);
	if (options->brief) {
		return;
	}
	report_trace();
	explain_why();
	if (options->hints && !bench->clock.looped) {
		explain_try();
	}
}

static void tell_litmus(enum verdict verdict)
{
	if (verdict == ALL_RIGHT) {
		printf("%s %s\n", scenario_name(),
		       bench->hits ? "Sometimes" : "Never");
	} else {
		printf("%s failed: %s\n", scenario_name(), bench->why);
	}
}

/** @return whether the scenario passed */
static bool run(const struct bench_scenario *scenario,
		const struct options *options)
{
	enum verdict verdict;

	search_choose(scenario);
	bench->clock.ticks = bench->clock.silent = 0;
	bench->clock.looped = false;
	verdict = search_run(NO_BUDGET);
	if (options->litmus) {
		tell_litmus(verdict);
		return verdict == ALL_RIGHT;
	}
	switch (verdict) {
	case ALL_RIGHT:
		printf("PASS  %s  (%ld executions, %zu states)\n",
		       scenario_name(), bench->executions, bench->seen_count);
		break;
	case OUT_OF_TIME:
		printf("FAIL  %s  gave up after %d s and %ld executions: too "
		       "many marked accesses?\n", scenario_name(),
		       bench->clock.limit / 4, bench->executions);
		break;
	case NOTHING_COMPLETED:
		printf("FAIL  %s  no execution ever came to its end\n",
		       scenario_name());
		break;
	case WRONG:
		tell_failure(options);
		break;
	}
	return verdict == ALL_RIGHT;
}

static void usage(const char *word)
{
	fprintf(stderr, "bench: what is '%s'? The options are --x86 --brief "
			"--litmus --no-prune --try --limit=N --list\n", word);
	exit(2);
}

static void parse(char **words, struct options *options)
{
	for (; *words; words++) {
		if (strcmp(*words, "--x86") == 0) {
			bench->x86 = true;
		} else if (strcmp(*words, "--brief") == 0) {
			options->brief = true;
		} else if (strcmp(*words, "--litmus") == 0) {
			options->litmus = true;
		} else if (strcmp(*words, "--no-prune") == 0) {
			bench->no_pruning = true;
		} else if (strcmp(*words, "--try") == 0) {
			options->hints = true;
		} else if (strcmp(*words, "--list") == 0) {
			options->list = true;
		} else if (strncmp(*words, "--limit=", 8) == 0) {
			options->limit = atoi(*words + 8);
		} else if (**words == '-') {
			usage(*words);
		} else {
			options->only = *words;
		}
	}
}

int main(int count, char **words)
{
	struct options options = { .limit = 20 };
	int passed = 0, failed = 0;

	(void)count;
	setvbuf(stdout, NULL, _IOLBF, 0);
	search_init();
	parse(words + 1, &options);
	start_clock(options.limit);
	search_keep();
	for (const struct bench_scenario *s = bench_scenarios; s->name; s++) {
		if (options.list) {
			puts(s->name);
		} else if (!options.only ||
			   strcmp(options.only, s->name) == 0) {
			bool right = run(s, &options);

			passed += right;
			failed += !right;
		}
	}
	if (options.list) {
		return 0;
	}
	if (!passed && !failed) {
		usage(options.only ? options.only : "an empty list");
	}
	if (!options.litmus) {
		printf("%d passed, %d failed\n", passed, failed);
	}
	return failed != 0;
}
