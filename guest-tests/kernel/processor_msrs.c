/** @file
 * Which MSRs there are: each is read, and what it held is written back.
 */
#include "guest-tests/kernel/processor.h"

#include "guest-tests/kernel/trap.h"

/** Where processors, hypervisors and KVM's clock have theirs. */
static const struct {
	u32 first, count;
} areas[] = {
	{ 0, 0x2000 },
	{ 0x40000000, 0x200 },
	{ 0x4b564d00, 0x10 },
	{ 0xc0000000, 0x400 },
	{ 0xc0010000, 0x400 },
	{ 0xc0011000, 0x40 },
};

static bool can_read(u32 msr)
{
	u64 value = 0;

	return trap_rdmsr(msr, &value);
}

/** Only those that can be read are asked. */
static bool cannot_write(u32 msr)
{
	u64 value = 0;

	return trap_rdmsr(msr, &value) && !trap_wrmsr(msr, value);
}

static void list(const struct chips_console *console, const char *title,
		 bool (*wanted)(u32 msr))
{
	console->say(title);
	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++) {
		u32 end = areas[i].first + areas[i].count, first;

		for (u32 msr = areas[i].first; msr < end; msr++) {
			if (!wanted(msr)) {
				continue;
			}
			first = msr;
			while (msr + 1 < end && wanted(msr + 1)) {
				msr++;
			}
			console->say(" ");
			console->say_hex(first);
			console->say("-");
			console->say_hex(msr);
		}
	}
	console->say(".\n");
}

void processor_msrs_list(const struct chips_console *console)
{
	trap_load();
	list(console, "kernel: MSRs", can_read);
	list(console, "kernel: read-only MSRs", cannot_write);
	if (trap_odd()) {
		console->say("kernel: #GP with an ERROR CODE\n");
	}
}
