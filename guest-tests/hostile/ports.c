/** @file
 * Every port, in every width, in and out, also by strings.
 *
 * No port of a test's VM ends it.  A short run takes every seventh port by one
 * byte, and fewer of them in the other ways.
 */
#include "guest-tests/hostile/hostile.h"

#define PORTS 0x10000u
/** Of a short run; no powers of two. */
#define THINNED 251u
#define THINNED_BYTES 7u
#define COUNT 3ul   /* of a string */

static u32 words[16];

#define WAYS(bytes, suffix, reg) \
	static void in_and_out_##bytes(u32 port) \
	{ \
		u32 value = 0; \
\
		asm volatile("in" suffix " %w1, %" reg "0\n\t" \
			     "out" suffix " %" reg "0, %w1" \
			     : "+a"(value) \
			     : "d"(port)); \
		hostile_look(value); \
	} \
\
	static void strings_##bytes(u32 port) \
	{ \
		void *to = words; \
		const void *from = words; \
		u64 in = COUNT, out = COUNT; \
\
		asm volatile("rep ins" suffix \
			     : "+D"(to), "+c"(in) \
			     : "d"(port) \
			     : "memory"); \
		asm volatile("rep outs" suffix \
			     : "+S"(from), "+c"(out) \
			     : "d"(port) \
			     : "memory"); \
		hostile_look(words[0]); \
	}

WAYS(1, "b", "b")
WAYS(2, "w", "w")
WAYS(4, "l", "k")

static void visit(void (*way)(u32 port), u32 step)
{
	hostile_begin();
	for (u32 port = 0; port < PORTS; port += step) {
		way(port);
	}
	hostile_end();
}

static u32 thinned(void)
{
	return hostile_is_short() ? THINNED : 1;
}

TEST(every_port_by_1)
{
	visit(in_and_out_1, hostile_is_short() ? THINNED_BYTES : 1);
}

TEST(every_port_by_2)
{
	visit(in_and_out_2, thinned());
}

TEST(every_port_by_4)
{
	visit(in_and_out_4, thinned());
}

TEST(every_port_by_strings_of_1)
{
	visit(strings_1, thinned());
}

TEST(every_port_by_strings_of_2)
{
	visit(strings_2, thinned());
}

TEST(every_port_by_strings_of_4)
{
	visit(strings_4, thinned());
}
