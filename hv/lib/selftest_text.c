/** @file
 * Self-tests of formatting, strings and the command line.
 *
 * Every other test's numbers and names go through these functions; a wrong
 * digit here is a wrong "seen" and "expected" everywhere.  The expected texts
 * are what C's printf would print.
 */
#include "hv/lib/selftest_cases.h"

#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"

static char why[200];

/** Compare a formatted text with what it should be; sticky in `why`, so that a
 * column of calls needs no `if` each and the first difference is told. */
static __format(printf, 2, 3) void expect(const char *expected,
					  const char *format, ...)
{
	char text[64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, expected) != 0 && !why[0]) {
		snprintf(why, sizeof(why), "%s printed <%s>, expected <%s>",
			 format, text, expected);
	}
}

static const char *verdict(void)
{
	return why[0] ? why : NULL;
}

/** Where printf()s go wrong: the extreme numbers, zero, and zeroes against
 * blanks against signs in one field. */
const char *selftest_printf_numbers(void)
{
	why[0] = '\0';
	expect("0 -1 2147483647", "%d %d %d", 0, -1, 0x7fffffff);
	expect("-9223372036854775808", "%ld", (long)BIT(63));
	expect("18446744073709551615", "%lu", ~0ul);
	expect("4294967295", "%u", ~0u);
	expect("dead BEEF 0xff 0", "%x %X %#x %#x", 0xdead, 0xbeef, 255, 0);
	expect("000000000000abcd", "%016lx", 0xabcdul);
	expect("123456789abcdef0", "%llx", 0x123456789abcdef0ull);
	expect("   42|42   |00042|+42| 42", "%5d|%-5d|%05d|%+d|% d", 42, 42,
	       42, 42, 42);
	expect("-0042|  -42|042", "%05d|%5d|%.3d", -42, -42, 42);
	expect("ff ffff -1 34", "%hhx %hx %hhd %zu", (u8)~0u, (u16)~0u,
	       (s8)-1, (size_t)34);
	expect("17 0x10", "%o %p", 15, (void *)16);
	expect("   7", "%*d", 4, 7);
	return verdict();
}

/**
 * A buffer that is too small is the normal case for a message with a guest's
 * text in it, and the length that comes back is the one it should have had.
 */
const char *selftest_printf_strings(void)
{
	char small[6];
	int length;

	why[0] = '\0';
	expect("a|  b|c  |de", "%s|%3s|%-3s|%.2s", "a", "b", "c", "def");
	expect("x%y", "%c%%%c", 'x', 'y');
	/* By a detour, since the compiler warns of a NULL that it can see. */
	expect("(null)", "%s", *(char *volatile *)&(char *){ NULL });
	expect("ab", "%.*s", 2, "abc");
	length = snprintf(small, sizeof(small), "%s", "overflow");
	if (length != 8 || strcmp(small, "overf") != 0) {
		return "snprintf does not stop at the end of its buffer";
	}
	small[0] = 'z';
	if (snprintf(small, 0, "%d", 12) != 2 || small[0] != 'z') {
		return "snprintf writes into a buffer of size 0";
	}
	return verdict();
}

/** memmove() by all distances, against a copy made byte by byte.  All 64 bytes
 * are compared: one written beside the target counts as well. */
static bool moves_right(size_t from, size_t to, size_t n)
{
	char moved[64], expected[64], source[64];

	for (unsigned int i = 0; i < sizeof(moved); i++) {
		source[i] = moved[i] = expected[i] = i;
	}
	for (unsigned int i = 0; i < n; i++) {
		expected[to + i] = source[from + i];
	}
	memmove(moved + to, moved + from, n);
	return memcmp(moved, expected, sizeof(moved)) == 0;
}

/** Lengths around 8 and 16 matter, where words end and single bytes begin. */
const char *selftest_string_memory(void)
{
	char bytes[20];

	for (size_t n = 0; n <= 24; n++) {
		for (size_t to = 0; to < 40; to++) {
			if (!moves_right(20, to, n)) {
				return "memmove moved wrong bytes";
			}
		}
	}
	memset(bytes, 'a', sizeof(bytes));
	memset(bytes + 1, 'b', 17);
	if (bytes[0] != 'a' || bytes[1] != 'b' || bytes[17] != 'b' ||
	    bytes[18] != 'a') {
		return "memset wrote too little or too much";
	}
	if (memcmp("ab", "aa", 2) <= 0 || memcmp("\xff", "\x01", 1) <= 0) {
		return "memcmp compares wrongly";
	}
	return NULL;
}

/** With stars that have to take back what they matched at first. */
const char *selftest_string_glob(void)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{ "*", "", true },	   { "", "a", false },
		{ "a*c", "abc", true },	   { "a*c", "abcd", false },
		{ "?b*", "abc", true },	   { "*b", "aabab", true },
		{ "a?", "a", false },	   { "*a*b*", "xxaxxbxx", true },
		{ "lab1.*", "lab1.x", true }, { "lab1.*", "lab2.x", false },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		if (string_glob(cases[i].pattern, cases[i].text) !=
		    cases[i].matches) {
			return cases[i].pattern;
		}
	}
	return NULL;
}

/** Lines that must be refused, and a word that the sentence must have: being
 * refused for another reason would not be a pass. */
static const struct {
	const char *line, *word;
} bad_lines[] = {
	{ "tset=x", "tset is not known" },
	{ "test=a test=b", "given twice" },
	{ "test", "needs a value" },
	{ "test=", "needs a value" },
	{ "nonce=12g4", "hexadecimal" },
	{ "unit=vmx", "auto, native or soft" },
	{ "exits=2", "neither 0 nor 1" },
	{ "ug=no", "neither 0 nor 1" },
	{ "ept=no", "neither 0 nor 1" },
	{ "watchdog=1", "from 2 to" },
	{ "watchdog=99999999999999999999", "from 2 to" },
	{ "genbits=20", "from 2 to 19" },
	{ "stale=2", "neither 0 nor 1" },
};

static bool contains(const char *text, const char *word)
{
	for (; *text; text++) {
		if (strncmp(text, word, strlen(word)) == 0) {
			return true;
		}
	}
	return false;
}

/** The real command line stands in `options` while this runs, so the parser
 * fills a struct of its own; what it leaves in it after a mistake is of no
 * interest, only that it says so. */
const char *selftest_options(void)
{
	static struct options parsed;
	char message[160];

	if (options_try(" test=lab1/*  exits nonce=0aF9 bench=x  ", &parsed,
			message, sizeof(message)) ||
	    strcmp(parsed.test, "lab1/*") != 0 || !parsed.exits ||
	    strcmp(parsed.nonce, "0aF9") != 0 || parsed.poison) {
		return "a correct line is misread";
	}
	if (options_try("", &parsed, message, sizeof(message)) ||
	    !parsed.poison || !parsed.ept || strcmp(parsed.unit, "auto") != 0) {
		return "the defaults are wrong";
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		if (options_try(bad_lines[i].line, &parsed, message,
				sizeof(message)) != -EINVAL ||
		    !contains(message, bad_lines[i].word)) {
			return bad_lines[i].line;
		}
	}
	return NULL;
}
