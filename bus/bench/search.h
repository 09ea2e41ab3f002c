/** @file
 * The search: every execution of a scenario, or the simplest wrong one.
 */
#ifndef BUS_BENCH_SEARCH_H
#define BUS_BENCH_SEARCH_H

#include "bus/bench/model.h"

enum verdict { ALL_RIGHT, WRONG, OUT_OF_TIME, NOTHING_COMPLETED };

/** Make the machine. */
void search_init(void);

/** Each execution begins with the program's variables as they are now. */
void search_keep(void);

/** Take up a scenario. */
void search_choose(const struct bench_scenario *scenario);

/**
 * Run all its executions up to the first wrong one.
 * @param budget how many switches and old values an execution may have beyond
 *	the plainest one; NO_BUDGET: any number
 */
enum verdict search_run(int budget);

/** After WRONG: repeat with rising budgets; the simplest is left standing.
 * @return its budget */
int search_simplest(void);

#endif
