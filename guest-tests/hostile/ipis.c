/** @file
 * Every form of an IPI.
 *
 * Interrupts are off, so what comes to this vCPU itself waits, but for NMIs,
 * which are caught.  An INIT to itself ends the test by design: a test of its
 * own, in expected.txt.
 */
#define TEST_FLAGS (TEST_HOSTILE | TEST_NEEDS_CPUS | TEST_NEEDS_APIC)
#include "guest-tests/hostile/hostile.h"

#define APIC 0xfee00000ull
#define ICR_LOW 0x300
#define ICR_HIGH 0x310
#define ENABLE 0x1ff
#define SVR 0xf0
#define INIT 5

static u32 low, high;

static void send(void)
{
	mmio_write4(APIC + ICR_HIGH, high);
	mmio_write4(APIC + ICR_LOW, low);
	hostile_look(mmio_read4(APIC + ICR_LOW));
}

static void send_caught(void)
{
	struct trap trap;

	trap_catch(send, &trap);
}

/** Delivery mode, destination mode, level, trigger, shorthand: bits 8 to 19. */
static void send_all_modes(void)
{
	static const u8 vectors[] = { 0, 2, 15, 16, 0x49, 0xff };

	for (u32 mode = 0; mode < BIT(12); mode++) {
		if ((mode & 7) == INIT && high == 0) {
			continue; /* perhaps to itself */
		}
		low = mode << 8 | vectors[mode % ARRAY_SIZE(vectors)];
		if ((mode & 7) == INIT && (mode >> 10 & 3) != 3) {
			low |= 0xc0000; /* all but itself */
		}
		send_caught();
	}
}

TEST(every_form_of_ipi)
{
	static const u8 destinations[] = { 1, 0xff, 0, 0x80 };
	unsigned int count = hostile_is_short() ? 2 : 4;

	hostile_begin();
	mmio_write4(APIC + SVR, ENABLE);
	for (unsigned int i = 0; i < count; i++) {
		high = (u32)destinations[i] << 24;
		send_all_modes();
	}
	hostile_end();
}

TEST(init_to_itself)
{
	hostile_begin();
	mmio_write4(APIC + SVR, ENABLE);
	mmio_write4(APIC + ICR_HIGH, 0);
	mmio_write4(APIC + ICR_LOW, INIT << 8 | 0x4000);
	hostile_end();
}
