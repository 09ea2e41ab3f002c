/** @file
 * Each end is a few instructions; the second processor's stand in second.S and
 * are copied to where a start-up message can send it: a page of low memory.
 */
#include "guest-tests/kernel/ends.h"

#include "guest-tests/kernel/ports.h"

#define EXIT_PORT 0xf4
#define SECOND_PAGE 0x80u
#define LAPIC_SVR 0xfee000f0u
#define LAPIC_ICR 0xfee00300u
#define LAPIC_ICR_HIGH 0xfee00310u
#define ICR_INIT 0x4500u
#define ICR_STARTUP 0x4600u

void kernel_triple_fault(void);

extern const u8 second_triple[], second_hang[], second_exit[], second_end[];

const char *ends_find(const char *line, const char *word)
{
	for (; *line; line++) {
		const char *a = line, *b = word;

		while (*b && *a == *b) {
			a++;
			b++;
		}
		if (!*b) {
			return a;
		}
	}
	return NULL;
}

static void write(u32 address, u32 value)
{
	*(volatile u32 *)address = value;
}

/** The second processor begins there, in real mode. */
static void start_second(const u8 *code)
{
	u8 *page = (u8 *)(SECOND_PAGE << 12);

	for (const u8 *end = second_end; code < end; code++) {
		*page++ = *code;
	}
	write(LAPIC_SVR, 0x1ff);
	write(LAPIC_ICR_HIGH, 1u << 24);
	write(LAPIC_ICR, ICR_INIT);
	write(LAPIC_ICR_HIGH, 1u << 24);
	write(LAPIC_ICR, ICR_STARTUP | SECOND_PAGE);
}

static void reset(const char *way)
{
	if (*way == '8') {
		out(0x64, 0xfe);
	} else if (*way == '9') {
		out(0x92, 1);
	} else {
		out(0xcf9, 6);
	}
}

static void exit(const char *digits)
{
	u32 code = 0;

	while (digits && *digits >= '0' && *digits <= '9') {
		code = code * 10 + (u32)(*digits++ - '0');
	}
	out(EXIT_PORT, (u8)code);
}

void ends_take(const char *line)
{
	const char *second = ends_find(line, "second=");
	const char *way = ends_find(line, "reset=");

	if (second) {
		start_second(*second == 't'   ? second_triple
			     : *second == 'h' ? second_hang
					      : second_exit);
	} else if (way) {
		reset(way);
	} else if (ends_find(line, "triple")) {
		kernel_triple_fault();
	} else if (ends_find(line, "hang")) {
		asm volatile("cli; 1: jmp 1b");
	} else if (!ends_find(line, "halt")) {
		exit(ends_find(line, "exit="));
	}
}
