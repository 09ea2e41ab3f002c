/** @file
 * The shares of the random cases: a VM each.
 */
#include "guest-tests/hostile/hostile.h"
#include "guest-tests/hostile/random.h"

#define SHARE(n) \
	TEST(random_bytes_##n) \
	{ \
		random_share((n), (n) >= RANDOM_USER); \
	}

#define REAL_SHARE(n) \
	TEST(random_real_bytes_##n) \
	{ \
		random_real_share(n); \
	}

/* table */
SHARE(0)
SHARE(1)
SHARE(2)
SHARE(3)
SHARE(4)
SHARE(5)
SHARE(6)
SHARE(7)
SHARE(8)
SHARE(9)
SHARE(10)
SHARE(11)
SHARE(12)
SHARE(13)
SHARE(14)
SHARE(15)
SHARE(16)
SHARE(17)
SHARE(18)
SHARE(19)
SHARE(20)
SHARE(21)
SHARE(22)
SHARE(23)
SHARE(24)
SHARE(25)
SHARE(26)
SHARE(27)
SHARE(28)
SHARE(29)
SHARE(30)
SHARE(31)
REAL_SHARE(0)
REAL_SHARE(1)
REAL_SHARE(2)
REAL_SHARE(3)
REAL_SHARE(4)
REAL_SHARE(5)
REAL_SHARE(6)
REAL_SHARE(7)
/* end of table */
