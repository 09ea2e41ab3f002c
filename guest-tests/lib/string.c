/** @file
 * memcpy() and its siblings: the compiler takes them for granted.
 *
 * Written with string instructions where that is all there is to say.  They
 * are for RAM; on a device's registers use mmio.h, where the width of an
 * access is what it says.
 */
#include "bus/types.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	void *to = dst;

	asm volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(n) : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	char *to = dst;
	const char *from = src;

	if (to <= from || to >= from + n) {
		return memcpy(dst, src, n);
	}
	while (n--) {
		to[n] = from[n];
	}
	return dst;
}

void *memset(void *dst, int byte, size_t n)
{
	void *to = dst;

	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(byte) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		if (x[i] != y[i]) {
			return x[i] < y[i] ? -1 : 1;
		}
	}
	return 0;
}
