/** @file
 * Why an execution went wrong, and what would mend it.
 */
#ifndef BUS_BENCH_EXPLAIN_H
#define BUS_BENCH_EXPLAIN_H

/** Print "why": the pair of lines that nothing keeps in order. */
void explain_why(void);

/** Print "try": the weakest barrier that makes every execution pass.  The
 * search runs again for each; the wrong execution is lost. */
void explain_try(void);

#endif
