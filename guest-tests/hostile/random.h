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
	u64 cs;	     /* 160 */
	u64 ss;	     /* 168 */
};

/** Run from these registers until random_step() says no. */
void random_run(struct random_machine *machine);

/** Called at each exception. @return whether to go on, with the
 * registers as they are then */
bool random_step(struct random_machine *machine);

/** Where most of its registers point to, and where it runs: all of the program
 * that it may write. */
#define RANDOM_ARENA 65536
#define RANDOM_CODE 8192
extern u8 random_arena[RANDOM_ARENA], random_code[RANDOM_CODE];

/** Note the processor's state, and protect what the test stands on.
 * @param with_mmio  more is mapped than memory */
void random_state_begin(bool with_mmio);

/** Put it back. @param user it was CPL 3, which has only changed segments */
void random_state_put_back(bool user);

/** One test's share of the cases. @param user at CPL 3 */
void random_share(u64 share, bool user);

/** The same in real mode. */
void random_real_share(u64 share);

/** Tell people, and those who count: some VMs do not come to an end.
 * @param more steps, since it was called last
 * @param now  or when it is worth it */
void random_report(u64 more, bool now);

/** Steps of all shares, per case of the command line. */
#define RANDOM_STEPS_EACH 16

/** How many shares the steps are dealt out to; of which the last are at
 * CPL 3, and all from RANDOM_MMIO on have MMIO. */
#define RANDOM_SHARES 32
#define RANDOM_MMIO 16
#define RANDOM_USER 20
#define RANDOM_REAL_SHARES 8

#endif
