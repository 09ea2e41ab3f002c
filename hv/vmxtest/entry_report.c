/** @file
 * Result lines of the tests of VM entry: TAP, as all results of exit49.
 */
#include "hv/vmxtest/entry_report.h"

#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/x86/cpu.h"
#include "hv/x86/uart.h"

#define NAME_SIZE 96
#define SAY_SIZE 600

static unsigned int number;

void entry_report_begin(unsigned int tests)
{
	number = 0;
	uart_printf(UART_RESULTS, "TAP version 14\n1..%u\n", tests);
}

bool entry_report_chosen(const char *name)
{
	char full[NAME_SIZE];

	snprintf(full, sizeof(full), "entry.%s", name);
	return string_glob(options.test, full);
}

bool entry_report_named(const char *name)
{
	return entry_report_chosen(name) && !strchr(options.test, '*');
}

/** Text as it may stand between double quotes. */
static void unquote(char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') {
			*text = '\'';
		}
	}
}

void entry_report_result(const char *name, const char *wrong)
{
	char text[SAY_SIZE];

	cpu_progress();
	uart_printf(UART_RESULTS, "%sok %u - entry.%s", wrong ? "not " : "",
		    ++number, name);
	if (options.nonce[0]) {
		uart_printf(UART_RESULTS, " [%s]", options.nonce);
	}
	uart_printf(UART_RESULTS, "\n");
	if (!wrong) {
		return;
	}
	string_copy(text, wrong, sizeof(text));
	unquote(text);
	uart_printf(UART_RESULTS, "  ---\n  seen: \"");
	uart_write(UART_RESULTS, text, strlen(text));
	uart_printf(UART_RESULTS, "\"\n  stop: \"check\"\n  ...\n");
}

void entry_report_broken(const char *sentence)
{
	uart_printf(UART_RESULTS, "# broken: %s\n", sentence);
}

const char *entry_report_say(const char *format, ...)
{
	static char text[SAY_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

const char *entry_report_name(const char *format, ...)
{
	static char text[NAME_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}
