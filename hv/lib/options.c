/** @file
 * The command line, as one struct.
 *
 * One table row per word: its key, what kind of value it takes, and where in
 * struct options that goes.  The parser knows the kinds and nothing else.
 *
 * It is strict, because its reader is a person who believes to have asked for
 * something.  `tset=readonly*` silently ignored would run everything and look
 * like a test that passes; `test=a test=b` would hide one half of what was
 * asked.  The first mistake ends the machine before any guest has run.
 *
 *	test=lab1.* exits nonce=4f2a
 *	word        word  word          by blanks, each
 *	key=value   key   key=value     found in `rows`
 *
 * The command line comes from the boot loader (hv/boot/multiboot.c). Text
 * values are copied into struct options, so nothing points into the line later.
 */
#include "hv/lib/options.h"

#include "bus/errno.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/lib/watchdog.h"
#include "hv/x86/cpu.h"
#include "hv/x86/machine.h"

struct options options;

enum kind {
	KIND_TEXT,   /* any characters but blanks, at least one */
	KIND_HEX,    /* hexadecimal digits */
	KIND_UNIT,   /* auto, native or soft */
	KIND_BOOL,   /* 0, 1, or the key alone */
	KIND_NUMBER, /* at least 2: fewer ticks would bark at anybody */
	KIND_CPUS,   /* 1 to CPU_MAX */
	KIND_MEM,    /* MiB: 2 to what lies below a PC's devices */
	KIND_BITS,   /* 2 to OPTIONS_GENBITS_MAX */
};

struct row {
	const char *key;
	enum kind kind;
	size_t offset; /* in struct options */
};

/*
 * The key and the field have the same name; a row for a field that there is not
 * does not compile.
 */
#define ROW(key, kind) { #key, kind, offsetof(struct options, key) }

static const struct row rows[] = {
	ROW(test, KIND_TEXT),
	ROW(nonce, KIND_HEX),
	ROW(unit, KIND_UNIT),
	ROW(bench, KIND_TEXT),
	ROW(exits, KIND_BOOL),
	ROW(ept, KIND_BOOL),
	ROW(ug, KIND_BOOL),
	ROW(trace, KIND_BOOL),
	ROW(list, KIND_BOOL),
	ROW(poison, KIND_BOOL),
	ROW(stale, KIND_BOOL),
	ROW(selftest, KIND_BOOL),
	ROW(vmxtest, KIND_TEXT),
	ROW(vmx_check, KIND_BOOL),
	ROW(seed, KIND_NUMBER),
	ROW(cases, KIND_NUMBER),
	ROW(watchdog, KIND_NUMBER),
	ROW(genbits, KIND_BITS),
	ROW(run, KIND_BOOL),
	ROW(mem, KIND_MEM),
	ROW(cpus, KIND_CPUS),
	ROW(rtc, KIND_NUMBER),
	ROW(guestlog, KIND_BOOL),
};

/**
 * The state of one parse; the sentence goes out through it, as a test of the
 * parser must not end the machine. `given` is by row and finds a key that comes
 * twice.
 */
struct parse {
	struct options *out;
	char *message;
	size_t size;
	bool given[ARRAY_SIZE(rows)];
};

/** Put the sentence into the message. @return -EINVAL */
static __format(printf, 2, 3) int complain(struct parse *parse,
					   const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parse->message, parse->size, format, args);
	va_end(args);
	return -EINVAL;
}

/**
 * The nonce is copied into result lines. Hexadecimal digits cannot end a line
 * or a quotation there.
 */
static bool is_hex(const char *s)
{
	while ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f') ||
	       (*s >= 'A' && *s <= 'F')) {
		s++;
	}
	return !*s;
}

/** The kinds that are kept as text; what stands in them is checked here, so
 * that those who read the option need not. */
static int set_text(struct parse *parse, const struct row *row,
		    const char *value)
{
	char *field = (char *)parse->out + row->offset;

	if (!*value) {
		return complain(parse, "the option %s needs a value: %s=...",
				row->key, row->key);
	}
	if (row->kind == KIND_HEX && !is_hex(value)) {
		return complain(parse, "%s=%s is not a hexadecimal number",
				row->key, value);
	}
	if (row->kind == KIND_UNIT && strcmp(value, "auto") != 0 &&
	    strcmp(value, "native") != 0 && strcmp(value, "soft") != 0) {
		return complain(parse, "%s=%s is not known: say auto, native "
				"or soft", row->key, value);
	}
	if (!string_copy(field, value, OPTIONS_TEXT_SIZE)) {
		return complain(parse, "the value of %s is longer than %d "
				"characters", row->key, OPTIONS_TEXT_SIZE - 1);
	}
	return 0;
}

/** 0 or 1 and nothing else: "yes" or "off" would have to mean something. */
static int set_bool(struct parse *parse, const struct row *row,
		    const char *value)
{
	bool *field = (bool *)((char *)parse->out + row->offset);

	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0) {
		return complain(parse, "%s=%s is neither 0 nor 1", row->key,
				value);
	}
	*field = value[0] == '1';
	return 0;
}

/**
 * The least and the most that a number may be. A list of limits by kind, in
 * place of two more columns that most rows would leave empty.
 */
static void limits(enum kind kind, unsigned int *least, unsigned int *most)
{
	*least = kind == KIND_CPUS ? 1 : 2;
	*most = kind == KIND_CPUS ? CPU_MAX :
		kind == KIND_MEM  ? OPTIONS_MEM_MAX :
		kind == KIND_BITS ? OPTIONS_GENBITS_MAX : ~0u;
}

/**
 * string_to_u64() refuses signs, blanks and what is too large for 64 bits; then
 * `most` makes sure that it fits into the field.
 */
static int set_number(struct parse *parse, const struct row *row,
		      const char *value)
{
	unsigned int *field =
		(unsigned int *)((char *)parse->out + row->offset);
	unsigned int least, most;
	u64 number;

	limits(row->kind, &least, &most);
	if (string_to_u64(value, &number) || number < least || number > most) {
		return complain(parse, "%s=%s is not a number from %u to %u",
				row->key, value, least, most);
	}
	*field = number;
	return 0;
}

/** @param value NULL when the word has no '=': then a bool is meant to be on,
 * and everything else lacks its value */
static int set_value(struct parse *parse, const struct row *row,
		     const char *value)
{
	switch (row->kind) {
	case KIND_TEXT:
	case KIND_HEX:
	case KIND_UNIT:
		return set_text(parse, row, value ? value : "");
	case KIND_BOOL:
		return set_bool(parse, row, value ? value : "1");
	case KIND_NUMBER:
	case KIND_CPUS:
	case KIND_MEM:
	case KIND_BITS:
		return set_number(parse, row, value ? value : "");
	}
	return -EINVAL;
}

/** Say what could have been meant: the reader has no manual at hand. */
static int complain_unknown(struct parse *parse, const char *word)
{
	char known[192] = "";

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t used = strlen(known);

		snprintf(known + used, sizeof(known) - used, "%s%s",
			 i ? ", " : "", rows[i].key);
	}
	return complain(parse, "the option %.40s is not known; known are: %s",
			word, known);
}

/**
 * One word, which is ours to write into. Cut in two at the first '=': a value
 * may contain others.
 */
static int parse_word(struct parse *parse, char *word)
{
	char *value = strchr(word, '=');

	if (value) {
		*value++ = '\0';
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].key, word) != 0) {
			continue;
		}
		if (parse->given[i]) {
			return complain(parse, "the option %s is given twice",
					word);
		}
		parse->given[i] = true;
		return set_value(parse, &rows[i], value);
	}
	return complain_unknown(parse, word);
}

/**
 * All else is 0, false or empty. The seed is fixed, so that two runs are alike
 * unless asked otherwise. `rtc` is the first second of 2026, in seconds since
 * 1970: a guest's clock that does not depend on the host's.
 */
static void set_defaults(struct options *out)
{
	memset(out, 0, sizeof(*out));
	string_copy(out->test, "*", sizeof(out->test));
	string_copy(out->unit, "auto", sizeof(out->unit));
	out->ept = true;
	out->ug = true;
	out->watchdog = WATCHDOG_TICKS_DEFAULT;
	out->seed = 49;
	out->cases = 10000;
	out->mem = 128;
	out->cpus = 1;
	out->rtc = 1767225600;
	out->genbits = OPTIONS_GENBITS_MAX;
}

/** The stack is poisoned in test runs, not where speed is measured: a default
 * that depends on another word, so it comes after all of them. */
static void set_poison(struct parse *parse)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].key, "poison") == 0 && !parse->given[i]) {
			parse->out->poison = !parse->out->bench[0];
		}
	}
}

/**
 * Words are copied one by one, since they are cut in two and the line is not
 * ours. Defaults come first, so that a mistake leaves something meaningful
 * behind as well.
 */
int options_try(const char *line, struct options *out, char *message,
		size_t size)
{
	struct parse parse = { .out = out, .message = message, .size = size };
	char word[OPTIONS_LINE_SIZE + 1];
	int error = 0;

	set_defaults(out);
	while (!error) {
		size_t length = 0;

		while (*line == ' ') {
			line++;
		}
		while (line[length] && line[length] != ' ') {
			length++;
		}
		if (!length) {
			break;
		}
		/* One that does not fit is cut, and refused as unknown or as
		 * too long by what follows. */
		string_copy(word, line, length + 1 < sizeof(word) ?
						length + 1 : sizeof(word));
		line += length;
		error = parse_word(&parse, word);
	}
	set_poison(&parse);
	return error;
}

void options_parse(const char *line)
{
	char message[320];

	if (options_try(line, &options, message, sizeof(message))) {
		machine_bail_out("%s", message);
	}
}
