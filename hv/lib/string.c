/** @file
 * Strings and memory.
 *
 * The processor's string instructions do the bulk in words of eight bytes;
 * on Bochs, where each iteration counts as an instruction, that is an eighth
 * of the price.  The byte loops hide their induction from the compiler, which
 * would otherwise recognise memset() in memset() and call it.
 *
 * mem* and str* are C's; GCC and clang call the first four even where nobody
 * wrote a call, for a struct assignment or a large initialiser, so they must
 * exist under these names and keep exactly C's contract.  What C got wrong for
 * fixed buffers (strncpy(), atoi()) is replaced by the string_* functions,
 * which terminate always and report what did not fit or was no number.
 */
#include "hv/lib/string.h"

#include "bus/errno.h"

/** Keep the compiler from turning a loop into a call of this function. */
#define no_idiom() asm volatile("")

/*
 * The direction flag is clear: the ABI wants it so at each call, and entries
 * from interrupts clear it. Three registers hold all of the state: RSI, RDI and
 * RCX, which the instruction counts down. It can be interrupted between any two
 * words and goes on from there.
 */
void *memcpy(void *dst, const void *src, size_t n)
{
	void *d = dst;
	size_t words = n / 8;
	size_t rest = n % 8;

	asm volatile("rep movsq"
		     : "+D"(d), "+S"(src), "+c"(words) : : "memory");
	asm volatile("rep movsb"
		     : "+D"(d), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

/**
 * Copy from the end to the start: first the odd bytes, then the words.  With
 * the direction flag set, the pointers stand on the last byte to be copied, but
 * on the first byte of the last word; hence the 7 in between. CLD at once at
 * the end: no other code expects the flag set. An interrupt in between clears
 * it for itself, and IRET brings it back.
 */
static void copy_down(char *dst, const char *src, size_t n)
{
	size_t words = n / 8;
	size_t rest = n % 8;

	dst += n - 1;
	src += n - 1;
	asm volatile("std\n\t"
		     "rep movsb\n\t"
		     "subq $7, %%rdi\n\t"
		     "subq $7, %%rsi\n\t"
		     "movq %3, %%rcx\n\t"
		     "rep movsq\n\t"
		     "cld"
		     : "+D"(dst), "+S"(src), "+c"(rest)
		     : "r"(words)
		     : "memory", "cc");
}

void *memmove(void *dst, const void *src, size_t n)
{
	/* One unsigned comparison: true when dst lies below src (it wraps
	 * round) or behind its end; then copying upwards reads each byte
	 * before it is overwritten. */
	if ((unsigned long)dst - (unsigned long)src >= n) {
		return memcpy(dst, src, n);
	}
	copy_down(dst, src, n);
	return dst;
}

/** The product puts the byte into all eight places of a word. */
void *memset(void *dst, int byte, size_t n)
{
	u64 pattern = (u8)byte * 0x0101010101010101ull;
	void *d = dst;
	size_t words = n / 8;
	size_t rest = n % 8;

	asm volatile("rep stosq"
		     : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	asm volatile("rep stosb"
		     : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return dst;
}

/* As unsigned bytes, whatever the sign of char is. */
int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (size_t i = 0; i < n; i++) {
		no_idiom();
		if (x[i] != y[i]) {
			return x[i] - y[i];
		}
	}
	return 0;
}

/* Never looks at s[max]: the text may end with its page. */
size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n]) {
		no_idiom();
		n++;
	}
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, ~0ul);
}

/**
 * Equal ends end the comparison, or what stands behind the terminators would be
 * compared.
 */
int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		no_idiom();
		if (a[i] != b[i] || !a[i]) {
			return (u8)a[i] - (u8)b[i];
		}
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, ~0ul);
}

/* The terminator is part of the string: looking for 0 finds it. */
char *strchr(const char *s, int c)
{
	for (;; s++) {
		no_idiom();
		if (*s == (char)c) {
			return (char *)s;
		}
		if (!*s) {
			return NULL;
		}
	}
}

/**
 * strnlen() and not strlen(): a source without an end, from a guest or a boot
 * loader, is read no further than there is room.
 */
bool string_copy(char *dst, const char *src, size_t size)
{
	size_t length = strnlen(src, size);
	bool fits = length < size;

	if (!fits) {
		length = size - 1;
	}
	memcpy(dst, src, length);
	dst[length] = '\0';
	return fits;
}

/**
 * Match with one point to come back to: after a `*`, a mismatch lets the star
 * swallow one more character and tries again from there.  Only the last star
 * matters, because an earlier one that has matched as little as it could
 * leaves the most for the rest: so no recursion, and no pattern from the
 * command line that takes for ever.
 */
bool string_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *resume = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*') {
		pattern++;
	}
	return !*pattern;
}

/** @return the value of a digit, 16 when it is none */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20; /* to lower case; what was no letter does not become one */
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

/**
 * Unlike strtoul() it takes no sign, no blanks and no rest: "12x" is a mistake
 * and not 12.
 */
int string_to_u64(const char *s, u64 *value)
{
	unsigned int base = 10;
	u64 sum = 0;

	if (s[0] == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		s += 2;
	}
	if (!*s) {
		return -EINVAL;
	}
	for (; *s; s++) {
		unsigned int digit = digit_value(*s);

		if (digit >= base) {
			return -EINVAL;
		}
		/* A number that was too large must not come back as a small
		 * one that is accepted. */
		if (__builtin_mul_overflow(sum, (u64)base, &sum) ||
		    __builtin_add_overflow(sum, (u64)digit, &sum)) {
			return -ERANGE;
		}
	}
	*value = sum;
	return 0;
}
