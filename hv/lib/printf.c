/** @file
 * Formatted output.
 *
 * A conversion is read by printf_spec.c, one function per kind of value
 * produces the digits, and emit() lays prefix, zeroes, digits and padding side
 * by side:
 *
 *	|<-------- width -------->|
 *	  blanks  prefix  zeroes digits      (right-aligned; '-' puts the
 *	                                      blanks behind)
 *
 * It is called by fault reports, on a stack of unknown depth, perhaps with a
 * lock held by the very code that crashed.  So it takes no lock, allocates
 * nothing, needs a few hundred bytes of stack, and hands each character on at
 * once: a report that dies half-way has at least been printed half-way.
 */
#include "hv/lib/printf.h"

#include "hv/lib/printf_spec.h"
#include "hv/lib/string.h"
#include "hv/x86/uart.h"

#define DIGITS_MAX 22 /* 64 bits in octal */

/**
 * What is to be laid out: a sign or 0x, and the text itself.  They are apart
 * because zeroes go between them: "-0042", "0x00ff".
 */
struct text {
	const char *prefix;
	const char *body;
	size_t length;
	size_t zeroes; /* to stand before the body */
};

/** Where the characters go, counted: snprintf()'s caller wants to know how
 * long the whole text would have been, also where the sink drops some. */
struct output {
	struct printf_sink *sink;
	int count;
};

static void put(struct output *out, char c)
{
	out->sink->put(out->sink, c);
	out->count++;
}

static void put_many(struct output *out, char c, size_t n)
{
	while (n--) {
		put(out, c);
	}
}

/** Lay a text out in its field, as drawn above.  All conversions end here. */
static void emit(struct output *out, const struct printf_spec *spec,
		 const struct text *text)
{
	size_t used = strlen(text->prefix) + text->zeroes + text->length;
	size_t blanks = spec->width > used ? spec->width - used : 0;

	if (!spec->left) {
		put_many(out, ' ', blanks);
	}
	for (const char *c = text->prefix; *c; c++) {
		put(out, *c);
	}
	put_many(out, '0', text->zeroes);
	for (size_t i = 0; i < text->length; i++) {
		put(out, text->body[i]);
	}
	if (spec->left) {
		put_many(out, ' ', blanks);
	}
}

/**
 * Write a number's digits to the end of a buffer: the last is known first. Zero
 * has none, so that "%.0d" of it prints nothing, as C has it; whoever wants a
 * digit asks for zeroes. Division by a variable base, as speed does not matter:
 * the serial port is slower by far.
 * @return where they start
 */
static char *digits_of(u64 value, unsigned int base, bool upper, char *end)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	while (value) {
		*--end = digits[value % base];
		value /= base;
	}
	return end;
}

/** @param prefix what stands before the digits and belongs to the field */
static void emit_number(struct output *out, const struct printf_spec *spec,
			u64 value, const char *prefix)
{
	unsigned int base = 10;
	char buffer[DIGITS_MAX];
	struct text text = { .prefix = prefix };
	size_t least = spec->precision < 0 ? 1 : spec->precision;

	if (spec->letter == 'x' || spec->letter == 'X') {
		base = 16;
	} else if (spec->letter == 'o') {
		base = 8;
	}
	text.body = digits_of(value, base, spec->letter == 'X',
			      buffer + DIGITS_MAX);
	text.length = buffer + DIGITS_MAX - text.body;
	/* A precision counts digits and so overrules '0', which fills up the
	 * field; '-' does too, since nothing may follow the digits. */
	if (spec->zero && !spec->left && spec->precision < 0 &&
	    spec->width > strlen(prefix)) {
		least = spec->width - strlen(prefix);
		least = least ? least : 1;
	}
	if (text.length < least) {
		text.zeroes = least - text.length;
	}
	emit(out, spec, &text);
}

static void emit_signed(struct output *out, const struct printf_spec *spec,
			s64 value)
{
	const char *prefix = spec->plus ? "+" : spec->space ? " " : "";

	if (value < 0) {
		/* Negated as unsigned: -2^63 has no positive counterpart. */
		emit_number(out, spec, -(u64)value, "-");
	} else {
		emit_number(out, spec, value, prefix);
	}
}

/**
 * A string, as far as the precision says.  It need not be terminated before
 * that, so it is measured with the limit and not before it.
 */
static void emit_string(struct output *out, const struct printf_spec *spec,
			const char *s)
{
	struct text text = { .prefix = "", .body = s ? s : "(null)" };
	size_t max = spec->precision < 0 ? ~0ul : (size_t)spec->precision;

	text.length = strnlen(text.body, max);
	emit(out, spec, &text);
}

/** Not a string: the character may be 0. */
static void emit_char(struct output *out, const struct printf_spec *spec,
		      char c)
{
	struct text text = { .prefix = "", .body = &c, .length = 1 };

	emit(out, spec, &text);
}

/** Always with 0x: an address should look like one. */
static void emit_pointer(struct output *out, struct printf_spec *spec,
			 u64 value)
{
	spec->letter = 'x';
	emit_number(out, spec, value, "0x");
}

/**
 * One conversion.  An unknown one is printed as it stands and takes no
 * argument; the compiler checks formats, so this is for those in variables.
 */
static void convert(struct output *out, struct printf_spec *spec, va_list *args)
{
	u64 value;

	switch (spec->letter) {
	case 'd':
	case 'i':
		emit_signed(out, spec, printf_spec_signed(spec, args));
		break;
	case 'u':
	case 'o':
		emit_number(out, spec, printf_spec_unsigned(spec, args), "");
		break;
	case 'x':
	case 'X':
		value = printf_spec_unsigned(spec, args);
		emit_number(out, spec, value,
			    spec->alternate && value ? "0x" : "");
		break;
	case 'p':
		emit_pointer(out, spec, va_arg(*args, u64));
		break;
	case 'c':
		emit_char(out, spec, va_arg(*args, int));
		break;
	case 's':
		emit_string(out, spec, va_arg(*args, const char *));
		break;
	case '%':
		put(out, '%');
		break;
	default:
		put(out, '%');
		put_many(out, spec->letter, spec->letter != '\0');
		break;
	}
}

/* The list is copied because a va_list parameter may be an array, whose
 * address has another type than that of a va_list. */
int printf_to(struct printf_sink *sink, const char *format, va_list list)
{
	struct output out = { .sink = sink };
	struct printf_spec spec;
	va_list args;

	va_copy(args, list);
	while (*format) {
		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format = printf_spec_parse(format + 1, &args, &spec);
		convert(&out, &spec, &args);
	}
	va_end(args);
	return out.count;
}

/** A sink of limited size. */
struct buffer_sink {
	struct printf_sink sink; /* must be first */
	char *next, *end;	 /* end is where the terminator would go last */
};

/** What does not fit is counted by the engine and dropped here. */
static void put_bounded(struct printf_sink *sink, char c)
{
	struct buffer_sink *buffer =
		container_of(sink, struct buffer_sink, sink);

	if (buffer->next < buffer->end) {
		*buffer->next++ = c;
	}
}

/**
 * With size 0 nothing may be written, not even the terminator, and `buffer` may
 * be NULL. Else the last byte is kept for it.
 */
int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct buffer_sink sink = {
		.sink.put = put_bounded,
		.next = buffer,
		.end = size ? buffer + size - 1 : buffer,
	};
	int count = printf_to(&sink.sink, format, args);

	if (size) {
		*sink.next = '\0';
	}
	return count;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(buffer, size, format, args);
	va_end(args);
	return count;
}

int printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	uart_vprintf(UART_PEOPLE, format, args);
	va_end(args);
	return 0;
}
