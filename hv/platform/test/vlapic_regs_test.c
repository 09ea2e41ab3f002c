/** @file
 * The local APIC's registers one by one, and what reset makes of them.
 *
 * links: hv/platform/vlapic.c hv/platform/vlapic_regs.c
 * links: hv/platform/vlapic_bus.c hv/platform/vlapic_timer.c
 */
#include "hv/platform/test/vlapic_bed.h"

static int begin(void **state)
{
	(void)state;
	begin_apics(APICS);
	return 0;
}

/** A register, what it is after power-up, and which of its bits can be set. */
static const struct {
	u32 offset, reset, writable;
} registers[] = {
	{ VLAPIC_VERSION, 0x50014, 0 },
	{ VLAPIC_TPR, 0, 0xff },
	{ VLAPIC_APR, 0, 0 },
	{ VLAPIC_RRD, 0, 0 },
	{ VLAPIC_LDR, 0, 0xff000000 },
	{ VLAPIC_DFR, 0xffffffff, 0xf0000000 },
	{ VLAPIC_SVR, 0xff, 0x1ff },
	{ VLAPIC_ICR_HIGH, 0, 0xff000000 },
	{ LVT(TIMER), 0x10000, 0x700ff },
	{ LVT(THERMAL), 0x10000, 0x107ff },
	{ LVT(PERFORMANCE), 0x10000, 0x107ff },
	{ LVT(LINT0), 0x10000, 0x1a7ff },
	{ LVT(LINT1), 0x10000, 0x1a7ff },
	{ LVT(ERROR), 0x10000, 0x100ff },
	{ VLAPIC_TIMER_CURRENT, 0, 0 },
	{ VLAPIC_TIMER_DIVIDE, 0, 0xb },
};

static void assert_reset(unsigned int n)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
		assert_int_equal(get(n, registers[i].offset),
				 registers[i].reset);
	}
	for (u32 at = VLAPIC_ISR; at < VLAPIC_ESR; at += 16) {
		assert_int_equal(get(n, at), 0);
	}
	assert_int_equal(get(n, VLAPIC_PPR), 0);
	assert_int_equal(get(n, VLAPIC_EOI), 0);
	assert_int_equal(get(n, VLAPIC_ESR), 0);
	assert_int_equal(get(n, VLAPIC_ICR_LOW), 0);
	assert_int_equal(get(n, VLAPIC_TIMER_INITIAL), 0);
	assert_int_equal(errors(n), 0);
	assert_true(armed[0] == VLAPIC_NEVER || n);
}

static void registers_begin_as_the_manual_says(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < APICS; n++) {
		assert_int_equal(get(n, VLAPIC_ID), n << 24);
		assert_reset(n);
	}
}

static void registers_hold_what_they_may(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++) {
		u32 at = registers[i].offset, mask = registers[i].writable;
		u32 fixed = registers[i].reset & ~mask;

		put(0, VLAPIC_SVR, ENABLE);
		put(0, at, ~0u);
		assert_int_equal(get(0, at), fixed | mask);
		put(0, at, 0);
		assert_int_equal(get(0, at), fixed);
	}
	put(0, VLAPIC_TIMER_INITIAL, ~0u);
	assert_int_equal(get(0, VLAPIC_TIMER_INITIAL), ~0u);
	put(0, VLAPIC_ID, ~0u);
	assert_int_equal(get(0, VLAPIC_ID), 0xff000000);
	put(0, VLAPIC_ICR_LOW, ~0u); /* a reserved mode: nothing is sent */
	assert_int_equal(get(0, VLAPIC_ICR_LOW), 0xcdfff);
	for (u32 at = VLAPIC_ISR; at < VLAPIC_ESR; at += 16) {
		put(0, at, ~0u);
		assert_int_equal(get(0, at), 0);
	}
	put(0, VLAPIC_PPR, ~0u);
	assert_int_equal(get(0, VLAPIC_PPR), 0);
	assert_int_equal(errors(0), 0);
}

/** Write something everywhere, and have interrupts in all stages. */
static void disturb(unsigned int n)
{
	struct vlapic_message m = { .vector = 0x61, .level = true };

	put(n, VLAPIC_SVR, ENABLE | 0x3f);
	assert_true(vlapic_accept(&apic[n], &m));
	vlapic_take(&apic[n], 0x61);
	m.vector = 0x33;
	assert_true(vlapic_accept(&apic[n], &m));
	put(n, LVT(TIMER), 0x55);
	put(n, VLAPIC_TIMER_DIVIDE, 0xa);
	put(n, VLAPIC_TIMER_INITIAL, 1000);
	put(n, LVT(TIMER), 0x40055);
	vlapic_timer_set_deadline(&apic[n], 5000, 5000);
	put(n, VLAPIC_TPR, 0x20);
	put(n, VLAPIC_LDR, ~0u);
	put(n, VLAPIC_DFR, 0);
	put(n, LVT(LINT0), 0x700);
	put(n, LVT(ERROR), 0x44);
	put(n, VLAPIC_ICR_HIGH, ~0u);
	put(n, VLAPIC_ICR_LOW, 0x300);
	get(n, 0x3f0);
	errors(n);
	get(n, 0x3f0);
}

static void init_leaves_id_and_base(void **state)
{
	(void)state;
	put(0, VLAPIC_ID, 0x5000000);
	disturb(0);
	put(0, LVT(TIMER), 0x55); /* leaves no count behind either */
	put(0, VLAPIC_TIMER_INITIAL, 1000);
	vlapic_reset(&apic[0]);
	assert_int_equal(get(0, VLAPIC_ID), 0x5000000);
	assert_reset(0);
	assert_true(vlapic_is_on(&apic[0]));
	put(0, VLAPIC_SVR, ENABLE | 0xff);
	put(0, LVT(TIMER), 0x55);
	assert_int_equal(vlapic_timer_get_deadline(&apic[0], 0), 0);
	now = 1u << 30;
	vlapic_timer_check(&apic[0], now);
	assert_int_equal(vlapic_pending(&apic[0]), -1);
}

static void switched_off_it_forgets(void **state)
{
	struct vlapic_message m = { .mode = VLAPIC_NMI };

	(void)state;
	disturb(0);
	assert_true(vlapic_set_base(&apic[0], 0xfee00900, 40));
	assert_int_equal(get(0, VLAPIC_TPR), 0x20); /* it was on, and is */
	assert_true(vlapic_accept(&apic[0], &m));
	assert_true(vlapic_set_base(&apic[0], 0xfee00100, 40));
	assert_false(vlapic_is_on(&apic[0]));
	assert_reset(0);
	assert_int_equal(apic[0].signals, 0);
	assert_false(vlapic_accept(&apic[0], &m));
	assert_true(vlapic_set_base(&apic[0], 0xfee00900, 40));
	assert_true(vlapic_accept(&apic[0], &m));
	assert_reset(0);
}

static void software_disable_masks_for_good(void **state)
{
	struct vlapic_message m = { .vector = 0x33 };

	(void)state;
	put(0, VLAPIC_SVR, ENABLE | 0xff);
	put(0, LVT(LINT1), 0x400);
	assert_true(vlapic_accept(&apic[0], &m));
	put(0, VLAPIC_SVR, 0xff);
	assert_int_equal(get(0, LVT(LINT1)), 0x10400);
	put(0, LVT(LINT1), 0x400);
	assert_int_equal(get(0, LVT(LINT1)), 0x10400);
	assert_false(vlapic_accept(&apic[0], &m));
	assert_int_equal(vlapic_pending(&apic[0]), 0x33); /* it waits */
	m.mode = VLAPIC_NMI;
	assert_true(vlapic_accept(&apic[0], &m)); /* these get through */
	m.mode = VLAPIC_INIT;
	assert_true(vlapic_accept(&apic[0], &m));
	put(0, VLAPIC_SVR, ENABLE | 0xff);
	assert_int_equal(get(0, LVT(LINT1)), 0x10400);
	put(0, LVT(LINT1), 0x400);
	assert_int_equal(get(0, LVT(LINT1)), 0x400);
	put(0, VLAPIC_SVR, ENABLE | 0x3f);
	assert_int_equal(get(0, LVT(LINT1)), 0x400);
}

static void holes_are_errors(void **state)
{
	static const u32 holes[] = { 0, 0x10, 0x40, 0x70, 0x290, 0x2f0,
				     0x3a0, 0x3d0, 0x3f0, 0x400, 0xff0 };

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(holes); i++) {
		assert_int_equal(get(0, holes[i]), 0);
		assert_int_equal(errors(0), VLAPIC_ERROR_REGISTER);
		put(0, holes[i], 1);
		assert_int_equal(errors(0), VLAPIC_ERROR_REGISTER);
		assert_int_equal(errors(0), 0);
	}
	/* the error's interrupt: one until the ESR is written */
	put(0, VLAPIC_SVR, ENABLE | 0xff);
	put(0, LVT(ERROR), 0x77);
	get(0, 0);
	assert_int_equal(vlapic_pending(&apic[0]), 0x77);
	vlapic_take(&apic[0], 0x77);
	get(0, 0);
	put(0, VLAPIC_EOI, 0);
	assert_int_equal(vlapic_pending(&apic[0]), -1);
	errors(0);
	get(0, 0);
	assert_int_equal(vlapic_pending(&apic[0]), 0x77);
}

static void parts_can_be_read(void **state)
{
	(void)state;
	assert_int_equal(vlapic_regs_read(&apic[1], 0x32, 1, now), 5);
	assert_int_equal(vlapic_regs_read(&apic[1], 0x30, 2, now), 0x14);
	assert_int_equal(vlapic_regs_read(&apic[1], 0x31, 4, now), 0x500);
	assert_true(vlapic_regs_read(&apic[1], 0x20, 8, now) == 1u << 24);
	/* the four bytes before a register are nothing's, and no error */
	assert_true(vlapic_regs_read(&apic[1], 0x2c, 8, now) ==
		    0x50014ull << 32);
	assert_int_equal(errors(1), 0);
	assert_int_equal(vlapic_regs_read(&apic[1], 0xffe, 8, now), 0);
	assert_int_equal(errors(1), 0);
	for (unsigned int v = 16; v < 256; v += 37) {
		struct vlapic_message m = { .vector = (u8)v, .level = true };

		put(1, VLAPIC_SVR, ENABLE);
		assert_true(vlapic_accept(&apic[1], &m));
		assert_int_equal(get(1, VLAPIC_TMR + v / 32 * 16),
				 BIT(v % 32));
		assert_int_equal(get(1, VLAPIC_IRR + v / 32 * 16),
				 BIT(v % 32));
		vlapic_take(&apic[1], (u8)v);
		assert_int_equal(get(1, VLAPIC_ISR + v / 32 * 16),
				 BIT(v % 32));
		put(1, VLAPIC_EOI, 0);
		m.level = false;
		vlapic_accept(&apic[1], &m);
		assert_int_equal(get(1, VLAPIC_TMR + v / 32 * 16), 0);
		assert_int_equal(get(1, VLAPIC_IRR + v / 32 * 16),
				 BIT(v % 32));
		vlapic_take(&apic[1], (u8)v);
		put(1, VLAPIC_EOI, 0);
	}
	assert_int_equal(ends, 7);
	put(1, VLAPIC_EOI, 0); /* nothing is in service */
	assert_int_equal(ends, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(registers_begin_as_the_manual_says,
				       begin),
		cmocka_unit_test_setup(registers_hold_what_they_may, begin),
		cmocka_unit_test_setup(init_leaves_id_and_base, begin),
		cmocka_unit_test_setup(switched_off_it_forgets, begin),
		cmocka_unit_test_setup(software_disable_masks_for_good, begin),
		cmocka_unit_test_setup(holes_are_errors, begin),
		cmocka_unit_test_setup(parts_can_be_read, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
