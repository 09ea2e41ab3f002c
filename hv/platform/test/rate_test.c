/** @file
 * The 8254 and the local APIC's timer, both set to 1,000 Hz, for a minute.
 *
 * Who serves them is late by some random time, as a hypervisor is; a guest that
 * counts the ticks of both must come to the same time within 1 %.
 *
 * links: hv/platform/pit.c hv/platform/pit_counter.c
 * links: hv/platform/vlapic.c hv/platform/vlapic_regs.c
 * links: hv/platform/vlapic_bus.c hv/platform/vlapic_timer.c
 * links: hv/platform/test/spinlock.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/platform/pit.h"
#include "hv/platform/vlapic.h"

#define HZ 1000u
#define SECONDS 60u
#define PIT_DIVISOR 1193u /* 1,193,182 Hz / 1,000 */
#define LATE_MAX_PART 4	  /* of a period */

static struct pit pit;
static struct vlapic_bus bus;
static struct vlapic apic;
static u64 now, apic_at;
static unsigned int pit_ticks, apic_ticks;
static bool line;

static void see_line(void *data, unsigned int number, bool high)
{
	(void)data;
	(void)number;
	pit_ticks += high && !line;
	line = high;
}

static void wake(struct vlapic *a)
{
	(void)a;
}

static void arm(struct vlapic *a, u64 when)
{
	(void)a;
	apic_at = when;
}

static void end(struct vlapic *a, u8 vector)
{
	(void)a;
	(void)vector;
}

static const struct vlapic_ops ops = { wake, arm, end };

static void out(u16 port, u8 value)
{
	struct bus_access a = { .address = bus_addr(port), .length = 1,
				.is_write = true, .value = value };

	pit_access(&pit, &a, now);
}

static void begin(u64 tsc_hz)
{
	struct irq_line irq = { see_line, NULL, 0 };

	now = 12345;
	pit_ticks = apic_ticks = 0;
	line = false;
	pit_init(&pit, tsc_hz, now, irq);
	out(0x43, 0x34); /* counter 0, both bytes, mode 2 */
	out(0x40, PIT_DIVISOR & 0xff);
	out(0x40, PIT_DIVISOR >> 8);
	memset(&apic, 0, sizeof(apic));
	apic.ops = &ops;
	vlapic_init(&apic, &bus, 0);
	vlapic_regs_write(&apic, VLAPIC_SVR, 0x1ff, now);
	vlapic_regs_write(&apic, VLAPIC_LVT, 0x20080, now);
	vlapic_regs_write(&apic, VLAPIC_TIMER_DIVIDE, 0xb, now);
	vlapic_regs_write(&apic, VLAPIC_TIMER_INITIAL, (u32)(tsc_hz / HZ),
			  now);
}

/** Take the APIC's interrupt, if there is one, and end it at once. */
static void serve(void)
{
	vlapic_timer_check(&apic, now);
	if (vlapic_pending(&apic) == 0x80) {
		vlapic_take(&apic, 0x80);
		vlapic_regs_write(&apic, VLAPIC_EOI, 0, now);
		apic_ticks++;
	}
}

static void run(u64 tsc_hz)
{
	u64 stop = now + tsc_hz * SECONDS;
	u64 late_max = tsc_hz / HZ / LATE_MAX_PART;

	while (now < stop) {
		u64 next = pit_deadline(&pit);

		next = apic_at < next ? apic_at : next;
		now = next + (u64)rand() % late_max;
		pit_advance(&pit, now);
		serve();
	}
}

/** Of fast processors and of one that counts a tick an instruction. */
static void keep_rate(void **state)
{
	static const u64 hz[] = { 3000000000, 2598804123, 999999937, 4000000 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(hz); i++) {
		begin(hz[i]);
		run(hz[i]);
		assert_in_range(pit_ticks, HZ * SECONDS * 99 / 100,
				HZ * SECONDS * 101 / 100);
		assert_in_range(apic_ticks, HZ * SECONDS * 99 / 100,
				HZ * SECONDS * 101 / 100);
		assert_in_range(apic_ticks, pit_ticks * 99 / 100,
				pit_ticks * 101 / 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keep_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
