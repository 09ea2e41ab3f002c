/** @file
 * One conversion of a format: what stands behind a percent sign.
 *
 *	%[flags][width][.precision][length]letter
 */
#ifndef HV_LIB_PRINTF_SPEC_H
#define HV_LIB_PRINTF_SPEC_H

#include <stdarg.h>

#include "bus/types.h"

/** One parsed conversion. */
struct printf_spec {
	bool left, zero, alternate, plus, space;
	unsigned int width;
	int precision; /* -1: none given */
	char length;   /* 'l' for 64 bits, 'h' for 16, 'c' for 8, 0 for 32 */
	char letter;
};

/**
 * Parse behind a '%'.
 * @param args where '*' takes its numbers from
 * @return the character behind the conversion; at the end of the format that
 *	is its terminator, so that a lone '%' is not read past
 */
const char *printf_spec_parse(const char *format, va_list *args,
			      struct printf_spec *spec);

/** Fetch an integer argument as wide as the length says. */
u64 printf_spec_unsigned(const struct printf_spec *spec, va_list *args);
s64 printf_spec_signed(const struct printf_spec *spec, va_list *args);

#endif
