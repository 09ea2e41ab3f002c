/** @file
 * Random bytes, executed step by step.
 */
#ifndef GUEST_TESTS_HOSTILE_RANDOM_H
#define GUEST_TESTS_HOSTILE_RANDOM_H

#include "bus/types.h"

/** All registers before, and after: random_run.S knows the offsets. */
struct random_machine {
	u64 gpr[16]; /* in the order of their numbers */
	u64 rip;     /* 128 */
	u64 rflags;  /* 136 */
	u64 vector;  /* 144: of the exception that came */
	u64 error;   /* 152 */
};

/** Run from these registers until random_step() says no. */
void random_run(struct random_machine *machine, u64 cs, u64 ss);

/** Called at each exception. @return whether to go on from where it came */
bool random_step(struct random_machine *machine);

/** One test's share of the cases. @param user at CPL 3 */
void random_share(u64 share, bool user);

/** How many shares the cases are dealt out to; of which the last are at
 * CPL 3, and all from RANDOM_MMIO on have MMIO. */
#define RANDOM_SHARES 32
#define RANDOM_MMIO 16
#define RANDOM_USER 20

#endif
