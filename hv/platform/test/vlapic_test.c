/** @file
 * The model of the local APIC: two of them on a bus, and a clock of ours.
 *
 * links: hv/platform/vlapic.c hv/platform/vlapic_regs.c
 * links: hv/platform/vlapic_bus.c hv/platform/vlapic_timer.c
 */
#include "hv/platform/test/vlapic_bed.h"

#define MASKED BIT(16)
#define PERIODIC BIT(17)
#define DEADLINE BIT(18)
#define LINT0 LVT(LINT0)
#define LINT1 LVT(LINT1)

static int begin(void **state)
{
	(void)state;
	begin_apics(2);
	enable_apics(2);
	return 0;
}

static bool fixed(unsigned int n, u8 vector, bool level)
{
	struct vlapic_message m = { .vector = vector, .level = level };

	return vlapic_accept(&apic[n], &m);
}

static int take(unsigned int n)
{
	int vector = vlapic_pending(&apic[n]);

	if (vector >= 0) {
		vlapic_take(&apic[n], (u8)vector);
	}
	return vector;
}

static void priorities(void **state)
{
	(void)state;
	assert_int_equal(take(0), -1);
	fixed(0, 0x45, false);
	fixed(0, 0x47, false);
	assert_int_equal(take(0), 0x47);
	assert_int_equal(take(0), -1); /* the same priority class */
	fixed(0, 0x50, false);
	assert_int_equal(take(0), 0x50);
	assert_int_equal(get(0, VLAPIC_PPR), 0x50);
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(get(0, VLAPIC_PPR), 0x40);
	put(0, VLAPIC_TPR, 0x45); /* of equal classes the task's counts */
	assert_int_equal(get(0, VLAPIC_PPR), 0x45);
	put(0, VLAPIC_EOI, 0);
	put(0, VLAPIC_TPR, 0x40);
	assert_int_equal(take(0), -1);
	vlapic_set_cr8(&apic[0], 3);
	assert_int_equal(take(0), 0x45);
	assert_int_equal(vlapic_get_cr8(&apic[0]), 3);
}

/** All 240 vectors, in rising order in, in falling order out. */
static void every_vector(void **state)
{
	(void)state;
	for (unsigned int v = 16; v < 256; v++) {
		assert_true(fixed(0, (u8)v, false));
	}
	for (unsigned int v = 255; v >= 16; v--) {
		assert_int_equal(take(0), (int)v);
		assert_true(get(0, VLAPIC_ISR + v / 32 * 16) & BIT(v % 32));
		assert_false(get(0, VLAPIC_IRR + v / 32 * 16) & BIT(v % 32));
		put(0, VLAPIC_EOI, 0);
	}
	for (unsigned int v = 0; v < 16; v++) {
		assert_false(fixed(0, (u8)v, false));
	}
	put(0, VLAPIC_ESR, 0);
	assert_int_equal(get(0, VLAPIC_ESR), VLAPIC_ERROR_RECEIVE_VECTOR);
}

static void level_is_told(void **state)
{
	(void)state;
	fixed(0, 0x60, true);
	assert_int_equal(take(0), 0x60);
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(ends, 1);
	assert_int_equal(last_end, 0x60);
	fixed(0, 0x60, false);
	take(0);
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(ends, 1); /* edge-triggered this time */
}

/** Who has got it: bit n for APIC n; and none of it is left. */
static unsigned int sent(u8 to, bool logical, u8 mode)
{
	struct vlapic_message m = { .vector = 0x40, .destination = to,
				    .logical = logical, .mode = mode };
	unsigned int accepted = vlapic_bus_send(&bus, &m), who = 0;

	for (unsigned int i = 0; i < 2; i++) {
		if (take(i) == 0x40) {
			who |= 1u << i;
			put(i, VLAPIC_EOI, 0);
		}
	}
	assert_int_equal(accepted, __builtin_popcount(who));
	return who;
}

static void destinations(void **state)
{
	(void)state;
	assert_int_equal(sent(0, false, VLAPIC_FIXED), 1);
	assert_int_equal(sent(1, false, VLAPIC_FIXED), 2);
	assert_int_equal(sent(2, false, VLAPIC_FIXED), 0);
	assert_int_equal(sent(0xff, false, VLAPIC_FIXED), 3);
	put(0, VLAPIC_LDR, 0x11u << 24);
	put(1, VLAPIC_LDR, 0x22u << 24);
	assert_int_equal(sent(0x01, true, VLAPIC_FIXED), 1);
	assert_int_equal(sent(0x20, true, VLAPIC_FIXED), 2);
	assert_int_equal(sent(0x33, true, VLAPIC_FIXED), 3);
	assert_int_equal(sent(0x44, true, VLAPIC_FIXED), 0);
	put(0, VLAPIC_DFR, 0);
	put(1, VLAPIC_DFR, 0x0fffffff);
	assert_int_equal(sent(0x11, true, VLAPIC_FIXED), 1);
	assert_int_equal(sent(0x12, true, VLAPIC_FIXED), 0);
	assert_int_equal(sent(0x2f, true, VLAPIC_FIXED), 2);
	assert_int_equal(sent(0xf3, true, VLAPIC_FIXED), 3);
}

static void lowest_priority(void **state)
{
	unsigned int first;

	(void)state;
	first = sent(0xff, false, VLAPIC_LOWEST);
	assert_true(first == 1 || first == 2);
	assert_int_equal(sent(0xff, false, VLAPIC_LOWEST), 3 - first);
	assert_int_equal(sent(0xff, false, VLAPIC_LOWEST), first);
	put(0, VLAPIC_TPR, 0x20);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sent(0xff, false, VLAPIC_LOWEST), 2);
	}
	put(1, VLAPIC_SVR, 0xff); /* disabled by software */
	assert_int_equal(sent(0xff, false, VLAPIC_LOWEST), 1);
}

static void init_and_startup(void **state)
{
	struct vlapic_message init = { .mode = VLAPIC_INIT };
	struct vlapic_message startup = { .mode = VLAPIC_STARTUP,
					  .vector = 0x9a };

	(void)state;
	assert_false(vlapic_accept(&apic[1], &startup));
	assert_true(vlapic_accept(&apic[1], &init));
	assert_true(vlapic_accept(&apic[1], &startup));
	startup.vector = 0x10;
	assert_true(vlapic_accept(&apic[1], &startup));
	assert_int_equal(apic[1].startup, 0x9a); /* the first one counts */
	assert_true(vlapic_accept(&apic[1], &init));
	assert_int_equal(apic[1].signals, VLAPIC_SIGNAL_INIT);
	put(0, VLAPIC_ICR_HIGH, 1u << 24);
	apic[1].signals = 0;
	put(0, VLAPIC_ICR_LOW, 0x8500); /* level, de-assert */
	assert_int_equal(apic[1].signals, 0);
	put(0, VLAPIC_ICR_LOW, 0xc500);
	assert_int_equal(apic[1].signals, VLAPIC_SIGNAL_INIT);
}

static void lines(void **state)
{
	(void)state;
	vlapic_set_lint0(&apic[0], true);
	assert_false(vlapic_extint(&apic[0])); /* masked */
	put(0, LINT0, 0x700);
	assert_true(vlapic_extint(&apic[0]));
	vlapic_set_lint0(&apic[0], false);
	assert_false(vlapic_extint(&apic[0]));
	put(0, LINT0, 0x55);
	vlapic_set_lint0(&apic[0], true);
	assert_int_equal(take(0), 0x55);
	put(0, LINT1, 0x400);
	vlapic_pulse_lint1(&apic[0]);
	assert_int_equal(apic[0].signals, VLAPIC_SIGNAL_NMI);
	put(0, LINT1, 0x10400);
	apic[0].signals = 0;
	vlapic_pulse_lint1(&apic[0]);
	assert_int_equal(apic[0].signals, 0);
	assert_true(vlapic_set_base(&apic[0], 0xfee00100, 40));
	vlapic_set_lint0(&apic[0], true);
	assert_true(vlapic_extint(&apic[0])); /* off, it lets it through */
	assert_false(fixed(0, 0x60, false));
}

static void bases(void **state)
{
	(void)state;
	assert_false(vlapic_set_base(&apic[1], 0xfee00c00, 40)); /* EXTD */
	assert_false(vlapic_set_base(&apic[1], 0xfee00801, 40));
	assert_false(vlapic_set_base(&apic[1], 1ull << 40 | 0x800, 40));
	assert_true(vlapic_set_base(&apic[1], 0xe0000900, 40));
	assert_int_equal(apic[1].base, 0xe0000800); /* not made the BSP */
}

/** @return how often it has struck until then */
static unsigned int run_until(u64 moment)
{
	unsigned int strikes = 0;

	while (armed[0] <= moment) {
		now = armed[0] > now ? armed[0] : now;
		vlapic_timer_check(&apic[0], now);
		strikes += take(0) == 0x80;
		put(0, VLAPIC_EOI, 0);
	}
	now = moment;
	return strikes;
}

static void timer_one_shot(void **state)
{
	static const u32 code[8] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };

	(void)state;
	for (unsigned int shift = 0; shift < 8; shift++) {
		put(0, VLAPIC_LVT, 0x80);
		put(0, VLAPIC_TIMER_DIVIDE, code[shift]);
		put(0, VLAPIC_TIMER_INITIAL, 1000);
		assert_int_equal(armed[0], now + (1000ull << shift));
		now += 400ull << shift;
		assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 600);
		assert_int_equal(run_until(now + (599ull << shift)), 0);
		assert_int_equal(run_until(now + (1000ull << shift)), 1);
		assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 0);
		assert_int_equal(armed[0], VLAPIC_NEVER);
	}
}

static void timer_periodic(void **state)
{
	u64 start;

	(void)state;
	put(0, VLAPIC_LVT, PERIODIC | 0x80);
	put(0, VLAPIC_TIMER_DIVIDE, 0xb);
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	start = now;
	assert_int_equal(run_until(start + 100500), 100); /* exactly */
	assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 500);
	now += 5000; /* nobody has looked: five are one, the phase stays */
	vlapic_timer_check(&apic[0], now);
	assert_int_equal(take(0), 0x80);
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(armed[0], start + 106000);
	put(0, VLAPIC_LVT, PERIODIC | MASKED | 0x80);
	assert_int_equal(armed[0], VLAPIC_NEVER);
	now += 10000;
	put(0, VLAPIC_LVT, PERIODIC | 0x80);
	assert_int_equal(armed[0], start + 116000); /* not made up for */
	put(0, VLAPIC_TIMER_INITIAL, 0);
	assert_int_equal(armed[0], VLAPIC_NEVER);
}

/** It takes longer to serve than the period: there is a pause after it. */
static void timer_too_fast(void **state)
{
	(void)state;
	put(0, VLAPIC_LVT, PERIODIC | 0x80);
	put(0, VLAPIC_TIMER_INITIAL, 1);
	now += 100;
	vlapic_timer_check(&apic[0], now);
	assert_int_equal(armed[0], VLAPIC_NEVER); /* the last one waits */
	take(0);
	assert_true(armed[0] >= now + 10);
	now += 300;
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(armed[0], now + 600);
}

static void timer_deadline(void **state)
{
	(void)state;
	vlapic_timer_set_deadline(&apic[0], 5000, 6000);
	assert_int_equal(armed[0], VLAPIC_NEVER); /* another mode */
	put(0, VLAPIC_LVT, DEADLINE | 0x80);
	vlapic_timer_set_deadline(&apic[0], 5000, 6000);
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], now), 5000);
	assert_int_equal(run_until(7000), 1);
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], now), 0);
	vlapic_timer_set_deadline(&apic[0], 8000, 9000);
	put(0, VLAPIC_LVT, 0x80);
	assert_int_equal(armed[0], VLAPIC_NEVER); /* left the mode */
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], now), 0);
}

static void timer_current_follows_its_clock(void **state)
{
	(void)state;
	put(0, VLAPIC_LVT, 0x80);
	put(0, VLAPIC_TIMER_DIVIDE, 0xb);
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	now += 400;
	put(0, VLAPIC_TIMER_DIVIDE, 1); /* by 4 from here on */
	assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 600);
	assert_int_equal(armed[0], now + 4 * 600);
	now += 4 * 600;
	assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 0);
	vlapic_timer_check(&apic[0], now);
	assert_int_equal(take(0), 0x80);
	put(0, VLAPIC_EOI, 0);
	put(0, VLAPIC_TIMER_DIVIDE, 0xb); /* at its end: nothing follows */
	assert_int_equal(armed[0], VLAPIC_NEVER);
	assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 0);
	/* a masked period goes round, whether or not somebody looks */
	put(0, VLAPIC_LVT, PERIODIC | MASKED | 0x80);
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	now += 2300;
	assert_int_equal(get(0, VLAPIC_TIMER_CURRENT), 700);
}

static void timer_modes_change(void **state)
{
	u64 start;

	(void)state;
	put(0, VLAPIC_TIMER_DIVIDE, 0xb);
	put(0, VLAPIC_LVT, 0x80);
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	start = now;
	assert_int_equal(run_until(now + 1500), 1);
	put(0, VLAPIC_LVT, PERIODIC | 0x80); /* it had ended */
	assert_int_equal(armed[0], start + 2000);
	vlapic_timer_set_deadline(&apic[0], 5000, now + 9000);
	assert_int_equal(armed[0], start + 2000); /* another mode */
	put(0, VLAPIC_LVT, 0x80); /* it goes on, once */
	assert_int_equal(armed[0], start + 2000);
	assert_int_equal(run_until(start + 9000), 1);
	put(0, VLAPIC_LVT, DEADLINE | 0x80);
	assert_int_equal(get(0, VLAPIC_TIMER_INITIAL), 0);
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	assert_int_equal(get(0, VLAPIC_TIMER_INITIAL), 0);
	vlapic_timer_set_deadline(&apic[0], 70000, 60000);
	put(0, VLAPIC_TIMER_DIVIDE, 1);
	assert_int_equal(armed[0], 60000);
	now = 59999;
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], now), 70000);
	now = 60000; /* reached, though nobody has looked yet */
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], now), 0);
	vlapic_timer_set_deadline(&apic[0], 0, 0); /* disarmed */
	assert_int_equal(armed[0], VLAPIC_NEVER);
}

/** Whatever is written wherever, nothing breaks, and registers keep to what
 * they may hold. */
static void any_access(void **state)
{
	u64 seed = 49;

	(void)state;
	for (unsigned int i = 0; i < 200000; i++) {
		u32 offset, value;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		offset = seed >> 40 & 0xff0;
		value = seed >> 16;
		now += value & 0xffff;
		put(i % 2, offset, value);
		vlapic_regs_read(&apic[i % 2], seed >> 30 & 0xfff,
				 1 + i % 8, now);
		vlapic_timer_check(&apic[i % 2], now);
		if (i % 3 == 0) {
			take(i % 2);
		}
		vlapic_set_lint0(&apic[0], i & 4);
		assert_true(get(0, VLAPIC_TPR) < 256);
		assert_false(get(0, VLAPIC_LVT) & ~0x700ffu);
		assert_false(get(1, VLAPIC_SVR) & ~0x1ffu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(priorities, begin),
		cmocka_unit_test_setup(every_vector, begin),
		cmocka_unit_test_setup(level_is_told, begin),
		cmocka_unit_test_setup(destinations, begin),
		cmocka_unit_test_setup(lowest_priority, begin),
		cmocka_unit_test_setup(init_and_startup, begin),
		cmocka_unit_test_setup(lines, begin),
		cmocka_unit_test_setup(bases, begin),
		cmocka_unit_test_setup(timer_one_shot, begin),
		cmocka_unit_test_setup(timer_periodic, begin),
		cmocka_unit_test_setup(timer_too_fast, begin),
		cmocka_unit_test_setup(timer_deadline, begin),
		cmocka_unit_test_setup(timer_current_follows_its_clock, begin),
		cmocka_unit_test_setup(timer_modes_change, begin),
		cmocka_unit_test_setup(any_access, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
