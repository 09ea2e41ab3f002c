/** @file
 * What hostile tests share: looking for the hypervisor's secret.
 *
 * Everything that the guest can read it looks at.  It knows the secret only as
 * its complement, so that its own memory does not hold what it looks for.
 */
#ifndef GUEST_TESTS_HOSTILE_HOSTILE_H
#define GUEST_TESTS_HOSTILE_HOSTILE_H

#ifndef TEST_FLAGS
#define TEST_FLAGS (TEST_HOSTILE | TEST_NEEDS_CPUS)
#endif
#include "guest-tests/lib/test.h"

/** Where look_at() maps what it looks at. */
#define HOSTILE_WINDOW PAGES_FREE_GVA

/** Ask for the secret; before anything is looked at. */
void hostile_begin(void);

/** Something has been read: is it the secret, whole or one half? */
void hostile_look(u64 value);

/** The same for several; counts as one look. */
void hostile_look_at(const u64 *values, unsigned int count);

/** @return whether fewer cases are wanted than usual: where the processor is
 * interpreted */
bool hostile_is_short(void);

/** The guest's own memory, below 4 MiB. */
void hostile_look_at_ram(void);

/** @return how often the secret was seen */
u64 hostile_found(void);

/** The check with which a test ends. */
void hostile_end(void);

/** Random numbers from a seed (xorshift64, Marsaglia 2003). */
static inline u64 hostile_random(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

#endif
