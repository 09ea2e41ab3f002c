/** @file
 * Reading one conversion of a format, and the argument that belongs to it.
 *
 * Arguments are fetched here as well, since it is the length that says how wide
 * they are.  What is shorter than int was widened by the call, with its sign: a
 * cast takes that off again, else "%hhx" of -1 would print ffffffff.
 *
 *	%  flags   width   .precision  length   letter
 *	   -0#+ '  12, *   .3, .*      l ll z   d u x s ...
 *	                               h hh
 *
 * All but the letter may be missing. What is not understood is handed on as the
 * letter, and printf.c prints it as it stands: a format with a mistake must not
 * eat arguments that belong to others.
 */
#include "hv/lib/printf_spec.h"

/**
 * va_arg must be told the type as it was passed, not as it is meant: `short`
 * travels as int.
 */
u64 printf_spec_unsigned(const struct printf_spec *spec, va_list *args)
{
	switch (spec->length) {
	case 'l':
		return va_arg(*args, u64);
	case 'h':
		return (u16)va_arg(*args, unsigned int);
	case 'c':
		return (u8)va_arg(*args, unsigned int);
	default:
		return va_arg(*args, unsigned int);
	}
}

s64 printf_spec_signed(const struct printf_spec *spec, va_list *args)
{
	switch (spec->length) {
	case 'l':
		return va_arg(*args, s64);
	case 'h':
		return (s16)va_arg(*args, int);
	case 'c':
		return (s8)va_arg(*args, int);
	default:
		return va_arg(*args, int);
	}
}

/**
 * A number, or the argument that '*' stands for. No number is 0. Formats are
 * written by us and are short, so n cannot overflow in practice; a guest's text
 * is never a format.
 */
static int parse_number(const char **format, va_list *args)
{
	int n = 0;

	if (**format == '*') {
		(*format)++;
		return va_arg(*args, int);
	}
	while (**format >= '0' && **format <= '9') {
		n = n * 10 + *(*format)++ - '0';
	}
	return n;
}

/**
 * Flags come in any order and as often as one likes. Which flag wins when two
 * contradict each other is decided later, where the text is laid out.
 */
static const char *parse_flags(const char *format, struct printf_spec *spec)
{
	for (;; format++) {
		switch (*format) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		default:
			return format;
		}
	}
}

/**
 * Lengths: l, ll and z are all 64 bits here. "hh" is kept as 'c', for char, so
 * that a length is one letter.
 */
static const char *parse_length(const char *format, struct printf_spec *spec)
{
	while (*format == 'l' || *format == 'z') {
		spec->length = 'l';
		format++;
	}
	while (*format == 'h') {
		spec->length = spec->length == 'h' ? 'c' : 'h';
		format++;
	}
	return format;
}

/* A negative width from an argument means '-', and a negative precision is
 * none (C11 7.21.6.1). */
const char *printf_spec_parse(const char *format, va_list *args,
			      struct printf_spec *spec)
{
	int width;

	*spec = (struct printf_spec){ .precision = -1 };
	format = parse_flags(format, spec);
	width = parse_number(&format, args);
	spec->left |= width < 0;
	spec->width = width < 0 ? -width : width;
	if (*format == '.') {
		format++;
		spec->precision = parse_number(&format, args);
	}
	format = parse_length(format, spec);
	spec->letter = *format;
	return *format ? format + 1 : format;
}
