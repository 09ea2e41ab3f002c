/** @file
 * Putting lines of text together.
 */
#include "guest-tests/lib/text.h"

#include "guest-tests/lib/vmcall.h"

bool text_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void add_char(struct text *text, char c)
{
	if (text->length < sizeof(text->buffer) - 1) {
		text->buffer[text->length++] = c;
		text->buffer[text->length] = 0;
	}
}

void text_add(struct text *text, const char *s)
{
	while (*s) {
		add_char(text, *s++);
	}
}

static void add_number(struct text *text, u64 value, unsigned int base)
{
	if (value >= base) {
		add_number(text, value / base, base);
	}
	add_char(text, "0123456789abcdef"[value % base]);
}

void text_add_hex(struct text *text, u64 value)
{
	text_add(text, "0x");
	add_number(text, value, 16);
}

void text_add_decimal(struct text *text, u64 value)
{
	add_number(text, value, 10);
}

void text_print(const struct text *text)
{
	vmcall1(HYPERCALL_PRINT, vmcall_address(text->buffer));
}
