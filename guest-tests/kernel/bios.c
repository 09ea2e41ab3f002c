/** @file
 * Five calls, each in a visit of real mode of its own.
 */
#include "guest-tests/kernel/bios.h"

/** Below 1 MiB, where no loader puts anything. */
#define LOW 0x20000u

#define CARRY BIT(0)
#define ZERO BIT(6)

/** bios_entry.S; the code is copied before it is called. */
extern const u8 bios_code[], bios_code_end[];
extern u8 bios_vector[];
u32 bios_visit(u32 ax);

static void call(const struct chips_console *console, u8 vector, u32 ax)
{
	volatile u8 *to = (volatile u8 *)LOW;
	u32 seen, flags;

	*(volatile u8 *)bios_vector = vector;
	for (const u8 *from = bios_code; from < bios_code_end; from++) {
		*to++ = *from;
	}
	seen = bios_visit(ax);
	flags = seen >> 16;
	console->say(" ");
	console->say_hex((seen & 0xffff) | (flags & CARRY ? BIT(16) : 0) |
			 (flags & ZERO ? BIT(17) : 0));
}

void bios_call_all(const struct chips_console *console)
{
	console->say("kernel: the BIOS says");
	call(console, 0x12, 0xffff);
	call(console, 0x11, 0xffff);
	call(console, 0x15, 0xe820);
	call(console, 0x10, 0x4f00);
	call(console, 0x16, 0x0100);
	console->say("\n");
}
