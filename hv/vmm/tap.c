/** @file
 * Writing TAP, with strings that no reader can misunderstand.
 *
 * The line is shared by all that a test says, and what a guest or a lab's file
 * has put into a string is not to be trusted: quotes are escaped, and whatever
 * is not printable becomes a blank, so that no text can end its line and begin
 * another one that looks like a result.  A result line has the run's nonce
 * besides, which only the command line knows.
 *
 *	ok 3 - name [nonce]          a result, with the run's nonce
 *	  ---                        then a YAML block about it
 *	  seen: "..."
 *	  ...
 *	# text                       a comment; readers of TAP skip it
 *
 * COM1 is for people and may be full of anything; COM2 carries TAP and nothing
 * else.
 */
#include "hv/vmm/tap.h"

#include "hv/lib/backtrace.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/x86/uart.h"

void tap_begin(unsigned int tests)
{
	uart_printf(UART_RESULTS, "TAP version 14\n1..%u\n", tests);
}

/**
 * What is longer than the line is cut off: the stack is small, and this is also
 * called from within an exit (exit_lines.c).
 */
void tap_comment(const char *format, ...)
{
	char line[256];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	uart_printf(UART_RESULTS, "# %s\n", line);
}

/**
 * Copy text as it may stand between double quotes, on one line. `n + 3 < size`
 * leaves room for an escaped character, two bytes, and the end. Bytes above '~'
 * are blanked too: a half UTF-8 sequence would make the whole output unreadable
 * for a strict reader.
 */
static void quote(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 3 < size; text++) {
		char c = *text;

		if (c == '"' || c == '\\') {
			to[n++] = '\\';
		}
		to[n++] = c < ' ' || c > '~' ? ' ' : c;
	}
	to[n] = 0;
}

/** `  key: "text"`, unless there is no text. */
static void put_text(const char *key, const char *text)
{
	char quoted[2 * VERDICT_TEXT];

	if (text[0]) {
		quote(quoted, sizeof(quoted), text);
		uart_printf(UART_RESULTS, "  %s: \"%s\"\n", key, quoted);
	}
}

static void put_count(const char *key, u64 count)
{
	uart_printf(UART_RESULTS, "  %s: %llu\n", key,
		    (unsigned long long)count);
}

static void put_backtrace(const struct backtrace *trace)
{
	char place[160], quoted[2 * sizeof(place)];

	if (trace->count) {
		uart_printf(UART_RESULTS, "  backtrace:\n");
	}
	for (unsigned int i = 0; i < trace->count; i++) {
		backtrace_format(trace, i, place, sizeof(place));
		quote(quoted, sizeof(quoted), place);
		uart_printf(UART_RESULTS, "    - \"%s\"\n", quoted);
	}
}

/**
 * Fields without text are left out, so each kind of stop shows what it has: a
 * check its values, a crash its backtrace.
 */
static void put_failure(const struct verdict *verdict)
{
	put_text("rule", verdict->rule);
	put_text("seen", verdict->seen);
	put_text("expected", verdict->expected);
	put_text("at", verdict->at);
	put_text("stop", verdict_stop_name(verdict));
	put_text("message", verdict->message);
	if (verdict->stop == VERDICT_CRASH) {
		put_text("step", verdict->crash.step);
		put_backtrace(&verdict->crash.trace);
	}
}

/**
 * "ok ... # SKIP" is TAP's own form; a reader which does not know it takes the
 * test for passed, one that does counts it apart.
 */
void tap_skip(unsigned int number, const char *name, const char *why)
{
	uart_printf(UART_RESULTS, "ok %u - %s", number, name);
	if (options.nonce[0]) {
		uart_printf(UART_RESULTS, " [%s]", options.nonce);
	}
	uart_printf(UART_RESULTS, " # SKIP %s\n", why);
}

/**
 * The counts come with each result, also a good one: how many exits a test
 * costs is worth watching.
 */
void tap_result(unsigned int number, const char *name,
		const struct verdict *verdict)
{
	bool passed = verdict->stop == VERDICT_PASSED;

	uart_printf(UART_RESULTS, "%sok %u - %s", passed ? "" : "not ", number,
		    name);
	if (options.nonce[0]) {
		uart_printf(UART_RESULTS, " [%s]", options.nonce);
	}
	uart_printf(UART_RESULTS, "\n  ---\n");
	if (!passed) {
		put_failure(verdict);
	}
	put_count("exits", verdict->exits);
	put_count("violations", verdict->violations);
	put_count("misconfigs", verdict->misconfigs);
	put_count("emulations", verdict->emulations);
	put_count("checks", verdict->checks);
	uart_printf(UART_RESULTS, "  ...\n");
}
