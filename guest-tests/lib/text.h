/** @file
 * Strings, as far as a guest program needs them.
 *
 * The four mem* functions, which the compiler may call by itself, are in
 * string.c; their prototypes stand in bus/types.h.
 */
#ifndef GUEST_TESTS_LIB_TEXT_H
#define GUEST_TESTS_LIB_TEXT_H

#include "bus/types.h"

/** @return whether two strings are equal */
bool text_equal(const char *a, const char *b);

/** A line being put together; always terminated, cut at its end. */
struct text {
	char buffer[128];
	unsigned int length;
};

/** Append a string. */
void text_add(struct text *text, const char *s);

/** Append a number in hexadecimal with 0x, without leading zeros. */
void text_add_hex(struct text *text, u64 value);

/** Append a number in decimal. */
void text_add_decimal(struct text *text, u64 value);

/** Show it to people, on COM1. */
void text_print(const struct text *text);

#endif
