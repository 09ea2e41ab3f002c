/** @file
 * A small kernel for multiboot loaders, with nothing of ours underneath.
 *
 * It knows a PC and the multiboot specification, and tells on the serial port
 * what it was given: so one look at the console says whether a loader is
 * right.  What it then does stands on its command line:
 *
 *	echo	sends back what comes in, up to a `q`
 *	clocks, ticks	a look at the machine's chips (chips.h, ticks.h)
 *	devices, leave	devices of DEV=, and the end by one of them (devices.h)
 *	questions	of a hypercall and of fw_cfg (questions.h)
 *	msrs, processor	a look at the processor (processor.h)
 *	bios	calls of a BIOS, from real mode (bios.h)
 *	disk	reads and writes the virtio disk (disk.h)
 *	wild	tries every port and device, in ways that are none (wild.h)
 *	nobody	looks at a port and an address that are nobody's
 *
 * and it ends as that wants it (ends.h).
 */
#include "bus/types.h"
#include "guest-tests/kernel/bios.h"
#include "guest-tests/kernel/chips.h"
#include "guest-tests/kernel/devices.h"
#include "guest-tests/kernel/disk.h"
#include "guest-tests/kernel/ends.h"
#include "guest-tests/kernel/ports.h"
#include "guest-tests/kernel/processor.h"
#include "guest-tests/kernel/questions.h"
#include "guest-tests/kernel/ticks.h"
#include "guest-tests/kernel/wild.h"

#define SERIAL 0x3f8
#define LINE_STATUS (SERIAL + 5)
#define NOBODYS_PORT 0x1234
#define NOBODYS_GPA 0xd0000000u
#define LOADER_MAGIC 0x2badb002u

/** The fields of the loader's information that are looked at. */
struct information {
	u32 flags, lower, upper, boot_device, command_line;
	u32 modules, module_table;
	u32 symbols[4];
	u32 map_length, map;
};

struct range {
	u32 size;
	u64 base, length;
	u32 type;
} __packed;

struct module {
	u32 start, end, string, reserved;
};

void main_begin(u32 magic, const struct information *info);

static void put(char c)
{
	while (!(in(LINE_STATUS) & 0x20)) {
	}
	out(SERIAL, c);
}

static void say(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			put('\r');
		}
		put(*text);
	}
}

static void say_hex(u64 value)
{
	say("0x");
	for (int shift = 60; shift >= 0; shift -= 4) {
		if (value >> shift || !shift) {
			put("0123456789abcdef"[value >> shift & 15]);
		}
	}
}

static void tell_map(const struct information *info)
{
	u32 offset = 0;

	while (offset < info->map_length) {
		const struct range *r = (const void *)(info->map + offset);

		say("kernel: range ");
		say_hex(r->base);
		say(" length ");
		say_hex(r->length);
		say(r->type == 1 ? " RAM\n" : " reserved\n");
		offset += r->size + sizeof(r->size);
	}
}

static void tell_modules(const struct information *info)
{
	const struct module *m = (const void *)info->module_table;

	for (u32 i = 0; i < info->modules; i++, m++) {
		u32 sum = 0;

		for (const u8 *b = (const void *)m->start;
		     b < (const u8 *)m->end; b++) {
			sum += *b;
		}
		say("kernel: module ");
		say((const char *)m->string);
		say(" bytes ");
		say_hex(m->end - m->start);
		say(" sum ");
		say_hex(sum);
		say("\n");
	}
}

/** What was loaded has an end, and behind it is zero. */
static u8 zeroes[4096];
static volatile u32 loaded = 0x49494949;

static void check_memory(void)
{
	u32 wrong = loaded != 0x49494949;

	for (u32 i = 0; i < sizeof(zeroes); i++) {
		wrong += ((volatile u8 *)zeroes)[i] != 0;
	}
	say(wrong ? "kernel: memory is WRONG\n" : "kernel: memory is right\n");
}

static void echo(void)
{
	u8 c = 0;

	say("kernel: say something\n");
	while (c != 'q') {
		while (!(in(LINE_STATUS) & 1)) {
		}
		c = in(SERIAL);
		put(c);
	}
	say("\n");
}

static void ask_nobody(void)
{
	say("kernel: nobody says ");
	say_hex(in(NOBODYS_PORT));
	say(" ");
	say_hex(in_long(NOBODYS_PORT));
	say(" ");
	say_hex(*(volatile u32 *)NOBODYS_GPA);
	say("\n");
}

static void look_at_chips(const char *line, const struct information *info)
{
	const struct chips_console console = { say, say_hex };
	const struct questions_map map = { info->map_length,
					   (const void *)info->map };

	if (ends_find(line, "devices")) {
		devices_try(&console);
	}
	if (ends_find(line, "clocks")) {
		chips_measure(&console);
	}
	if (ends_find(line, "wild")) {
		wild_do(&console);
	}
	if (ends_find(line, "disk")) {
		disk_try(&console);
	}
	if (ends_find(line, "msrs")) {
		processor_msrs_list(&console);
	}
	if (ends_find(line, "processor")) {
		processor_check(&console);
	}
	if (ends_find(line, "bios")) {
		bios_call_all(&console);
	}
	if (ends_find(line, "questions")) {
		questions_ask(&console, &map);
	}
	if (ends_find(line, "ticks")) {
		ticks_take(&console);
	}
	if (ends_find(line, "leave")) {
		devices_leave();
	}
}

void main_begin(u32 magic, const struct information *info)
{
	const char *line = (const char *)info->command_line;

	say("kernel: begins\n");
	if (magic != LOADER_MAGIC) {
		say("kernel: no multiboot loader\n");
		return;
	}
	say("kernel: command line: ");
	say(line);
	say("\nkernel: upper KiB ");
	say_hex(info->upper);
	say("\n");
	check_memory();
	tell_map(info);
	tell_modules(info);
	if (ends_find(line, "nobody")) {
		ask_nobody();
	}
	look_at_chips(line, info);
	if (ends_find(line, "echo")) {
		echo();
	}
	ends_take(line);
}
