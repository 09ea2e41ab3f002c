/** @file
 * From a command line's words to devices.
 *
 *	word: kind '@' bus ':' number [',' number]
 *
 * Whatever is wrong is said with the word in which it was found: the sentence
 * reaches the user as it is, who has typed several of them.
 *
 * The checks that concern one list are made here: kinds, numbers, the end of
 * the address space, two words that overlap.  Whether something lies over a
 * chip of the board is found by the bus when it is registered (lab 5's
 * -EEXIST).
 */
#include "hv/platform/dev.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"

#define PORTS 0x10000ull
#define ADDRESSES BIT(46)

/** What a kind wants: its bus, and what its second number is. */
struct kind {
	const char *name;
	const char *second; /* NULL: there is none */
	bool is_memory;
	u64 length;	    /* without a second number */
	u64 most;	    /* of the second number */
};

/*
 * A device of memory without a second number has one page, since a page is what
 * the MMU can keep unmapped; one of ports has the four of a 32-bit access.
 */
static const struct kind kinds[DEV_KINDS] = {
	[DEV_MIRROR] = { "mirror", "SIZE", true, 0, DEV_MIRROR_MAX },
	[DEV_FIFO] = { "fifo", NULL, true, PAGE_SIZE, 0 },
	[DEV_LOG] = { "log", NULL, true, PAGE_SIZE, 0 },
	[DEV_LATCH] = { "latch", "WIDTH", false, 0, 8 },
	[DEV_ZAP] = { "zap", NULL, false, 4, 0 },
	[DEV_IRQ] = { "irq", "N", false, 0, IOAPIC_LINES },
	[DEV_EXIT] = { "exit", NULL, false, 4, 0 },
};

/** A word of the text. */
struct word {
	const char *text;
	int length;
};

/**
 * Of a long word only its beginning is shown: the sentence has to fit.
 * @return false, for its caller to return
 */
static bool refuse(struct dev_list *out, const struct word *word,
		   const char *why)
{
	snprintf(out->why, sizeof(out->why), "DEV=%.*s: %s",
		 word->length < 60 ? word->length : 60, word->text, why);
	return false;
}

/** Does it begin with that text? Then go behind it. */
static bool skip(const char **at, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*at, text, length)) {
		return false;
	}
	*at += length;
	return true;
}

/** @return its value, or -1: it is none of that base */
static int digit(char c, unsigned int base)
{
	int value = c >= '0' && c <= '9'   ? c - '0'
		    : c >= 'a' && c <= 'f' ? c - 'a' + 10
		    : c >= 'A' && c <= 'F' ? c - 'A' + 10
					   : 99;

	return value < (int)base ? value : -1;
}

/**
 * A number of up to 60 bits, decimal or after 0x.  The check is made before the
 * multiplication: a number below 2^56 times 16 cannot wrap, nor can the sum of
 * two of those.
 */
static bool number(const char **at, u64 *out)
{
	unsigned int base = skip(at, "0x") ? 16 : 10;

	if (digit(**at, base) < 0) {
		return false;
	}
	*out = 0;
	for (; digit(**at, base) >= 0; ++*at) {
		if (*out >> 56) {
			return false;
		}
		*out = *out * base + (u64)digit(**at, base);
	}
	return true;
}

/** No kind's name is the beginning of another's. */
static enum dev_kind find_kind(const char **at)
{
	enum dev_kind kind = 0;

	while (kind < DEV_KINDS && !skip(at, kinds[kind].name)) {
		kind++;
	}
	return kind;
}

/**
 * The part behind the '@'.  Each step goes on from where the last one stopped,
 * and the end of the word is the last thing to be asked for.
 * @return NULL, or what is wrong
 */
static const char *parse_place(const char *at, const char *end,
			       struct dev_spec *spec)
{
	const struct kind *kind = &kinds[spec->kind];

	if (!skip(&at, kind->is_memory ? "@mmio:" : "@pio:")) {
		return kind->is_memory ? "it is a device of @mmio:"
				       : "it is a device of @pio:";
	}
	if (!number(&at, &spec->base)) {
		return "its address is not a number";
	}
	if (kind->second && (!skip(&at, ",") || !number(&at, &spec->length))) {
		return "a number is missing behind the address";
	}
	if (at != end) {
		return "there is something behind its end";
	}
	if (kind->second && (!spec->length || spec->length > kind->most)) {
		return "its second number is 0 or too large";
	}
	if (spec->base + spec->length >
	    (kind->is_memory ? ADDRESSES : PORTS)) {
		return "it ends behind the last address";
	}
	return NULL;
}

/**
 * Ranges are compared half-open, [base, base + length), on the same bus only:
 * port 0xf4 and address 0xf4 are two places.
 */
static bool parse_word(struct dev_list *out, const struct word *word)
{
	const char *at = word->text, *why;
	struct dev_spec spec;

	if (out->count == DEV_MAX) {
		return refuse(out, word, "there are more than 16 devices");
	}
	spec.kind = find_kind(&at);
	if (spec.kind == DEV_KINDS || *at != '@') {
		return refuse(out, word, "the kinds are mirror, fifo, log, "
					 "latch, zap, irq and exit");
	}
	spec.is_memory = kinds[spec.kind].is_memory;
	spec.length = kinds[spec.kind].length;
	why = parse_place(at, word->text + word->length, &spec);
	if (why) {
		return refuse(out, word, why);
	}
	for (unsigned int i = 0; i < out->count; i++) {
		const struct dev_spec *other = &out->spec[i];

		if (other->is_memory == spec.is_memory &&
		    other->base < spec.base + spec.length &&
		    spec.base < other->base + other->length) {
			return refuse(out, word,
				      "another one is there already");
		}
	}
	out->spec[out->count++] = spec;
	return true;
}

/* Stops at the first mistake: the user mends it and sees the next. */
bool dev_parse(const char *text, struct dev_list *out)
{
	out->count = 0;
	out->why[0] = 0;
	while (*text) {
		struct word word = { .text = text };

		while (*text && *text != ' ') {
			text++;
		}
		word.length = (int)(text - word.text);
		if (word.length && !parse_word(out, &word)) {
			return false;
		}
		text += *text == ' ';
	}
	return true;
}
