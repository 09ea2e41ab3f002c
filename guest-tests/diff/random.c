/** @file
 * Random numbers for the cases (xorshift64, Marsaglia 2003): the same from the
 * same seed on every machine, so that a case can be tried again.
 */
#include "guest-tests/diff/diff.h"

u64 random_next(struct random *random)
{
	random->x ^= random->x << 13;
	random->x ^= random->x >> 7;
	random->x ^= random->x << 17;
	return random->x;
}

u64 random_below(struct random *random, u64 n)
{
	return (random_next(random) >> 16) % n;
}

u64 random_value(struct random *random)
{
	static const u64 edges[] = {
		0,	    1,		0x7f,	     0x80,	 0xff,
		0x7fff,	    0x8000,	0xffff,	     0x7fffffff, 0x80000000,
		0xffffffff, BIT(63) - 1, BIT(63),    ~0ull,	 BIT(32),
		0x55,	    31,		32,	     63,	 64,
	};

	if (random_below(random, 3) == 0) {
		return edges[random_below(random, ARRAY_SIZE(edges))];
	}
	return random_next(random);
}
