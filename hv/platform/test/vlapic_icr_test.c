/** @file
 * What the local APIC's ICR sends, who accepts it, and its two lines.
 *
 * links: hv/platform/vlapic.c hv/platform/vlapic_regs.c
 * links: hv/platform/vlapic_bus.c hv/platform/vlapic_timer.c
 */
#include "hv/platform/test/vlapic_bed.h"

#define SELF 0x40000u
#define ALL 0x80000u
#define OTHERS 0xc0000u
#define LOGICAL 0x800u
#define ASSERT 0x4000u

static int begin_enabled(void **state)
{
	(void)state;
	begin_apics(APICS);
	enable_apics(APICS);
	return 0;
}

/* Messages ----------------------------------------------------------------- */

/** Who has an interrupt of vector 0x40, which then is gone, or a signal. */
static unsigned int sent(u32 icr, u8 to)
{
	unsigned int who = 0;

	put(0, VLAPIC_ICR_HIGH, (u32)to << 24);
	put(0, VLAPIC_ICR_LOW, icr);
	for (unsigned int i = 0; i < APICS; i++) {
		if (vlapic_waits(&apic[i], 0x40)) {
			vlapic_take(&apic[i], 0x40);
			put(i, VLAPIC_EOI, 0);
			who |= BIT(i);
		}
		who |= apic[i].signals ? BIT(i) : 0;
		apic[i].signals = 0;
	}
	return who;
}

static void shorthands(void **state)
{
	(void)state;
	assert_int_equal(sent(0x40, 2), 4);
	assert_int_equal(wakes, 1);
	assert_int_equal(sent(SELF | 0x40, 2), 1);
	assert_int_equal(sent(ALL | 0x40, 2), 7);
	assert_int_equal(sent(OTHERS | 0x40, 0), 6);
	assert_int_equal(sent(0x40, 0xff), 7);
	assert_int_equal(sent(0x440, 1), 2);
	assert_int_equal(sent(OTHERS | 0x400, 1), 6);
	assert_int_equal(sent(OTHERS | 0x500 | ASSERT, 1), 6);
	assert_int_equal(sent(0x500, 1), 2); /* an edge needs no assertion */
	assert_int_equal(sent(0x200, 1), 0); /* SMI: there is none */
	assert_int_equal(errors(0), 0);
	put(1, VLAPIC_LDR, 0x02000000);
	assert_int_equal(sent(LOGICAL | 0x40, 0x02), 2);
	assert_int_equal(sent(LOGICAL | 0x40, 0x01), 0);
}

/** SDM 3A table 11-3: those that are invalid send nothing. */
static void invalid_commands(void **state)
{
	(void)state;
	for (u32 mode = 1; mode < 8; mode++) {
		assert_int_equal(sent(SELF | ASSERT | mode << 8 | 0x40, 0), 0);
		assert_int_equal(sent(ALL | ASSERT | mode << 8 | 0x40, 0), 0);
	}
	assert_int_equal(sent(0x340, 1), 0);
	assert_int_equal(sent(0x740, 1), 0);
	assert_int_equal(errors(0), 0);
	for (u32 vector = 0; vector < 16; vector++) {
		assert_int_equal(sent(vector, 1), 0);
		assert_int_equal(errors(0), VLAPIC_ERROR_SEND_VECTOR);
		assert_int_equal(sent(0x100 | vector, 1), 0);
		assert_int_equal(errors(0), VLAPIC_ERROR_SEND_VECTOR);
		assert_int_equal(errors(1), 0);
	}
	put(0, VLAPIC_ICR_HIGH, 1u << 24);
	put(0, VLAPIC_ICR_LOW, 16);
	assert_int_equal(errors(0), 0);
	assert_true(vlapic_waits(&apic[1], 16));
}

static void lowest_priority_looks_at_what_is_served(void **state)
{
	struct vlapic_message m = { .vector = 0x91 };

	(void)state;
	for (unsigned int busy = 0; busy < 2; busy++) {
		vlapic_accept(&apic[busy], &m);
		vlapic_take(&apic[busy], 0x91);
	}
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sent(0x140, 0xff), 4);
	}
	assert_int_equal(sent(OTHERS | 0x140, 0), 4);
	assert_true(vlapic_set_base(&apic[2], 0xfee00000, 40));
	assert_int_not_equal(sent(0x140, 0xff), 4);
	put(0, VLAPIC_EOI, 0);
	put(0, VLAPIC_TPR, 0x10);
	assert_int_equal(sent(0x140, 0xff), 1);
	assert_int_equal(sent(0x140, 7), 0);
}

static void what_is_accepted(void **state)
{
	static const bool accepted[] = { true, true, true, false,
					 true, true, true, true };

	(void)state;
	for (unsigned int mode = 0; mode < 8; mode++) {
		struct vlapic_message m = { .mode = (u8)mode,
					    .vector = 0x40 };

		apic[1].awaits_startup = true;
		assert_int_equal(vlapic_accept(&apic[1], &m), accepted[mode]);
	}
	assert_int_equal(vlapic_pending(&apic[1]), 0x40);
}

/* Lines -------------------------------------------------------------------- */

static void lint0_is_an_edge(void **state)
{
	(void)state;
	put(0, LVT(LINT0), 0x10055);
	vlapic_set_lint0(&apic[0], true);
	assert_int_equal(vlapic_pending(&apic[0]), -1);
	put(0, LVT(LINT0), 0x55);
	vlapic_set_lint0(&apic[0], true); /* it is up already */
	assert_int_equal(vlapic_pending(&apic[0]), -1);
	vlapic_set_lint0(&apic[0], false);
	assert_int_equal(vlapic_pending(&apic[0]), -1);
	vlapic_set_lint0(&apic[0], true);
	assert_int_equal(vlapic_pending(&apic[0]), 0x55);
	assert_false(vlapic_extint(&apic[0]));
	wakes = 0;
	put(0, LVT(LINT0), 0x700);
	vlapic_set_lint0(&apic[0], false);
	assert_int_equal(wakes, 0);
	vlapic_set_lint0(&apic[0], true);
	assert_int_equal(wakes, 1);
	assert_true(vlapic_extint(&apic[0]));
	put(0, LVT(LINT0), 0x10700);
	assert_false(vlapic_extint(&apic[0]));
}

static void extint_messages_wait_for_the_cycle(void **state)
{
	struct vlapic_message m = { .mode = VLAPIC_EXTINT };

	(void)state;
	assert_false(vlapic_extint(&apic[0]));
	assert_true(vlapic_accept(&apic[0], &m));
	assert_int_equal(wakes, 1);
	assert_true(vlapic_extint(&apic[0]));
	vlapic_set_lint0(&apic[0], true); /* masked */
	assert_true(vlapic_extint(&apic[0]));
	apic[0].signals |= VLAPIC_SIGNAL_NMI;
	vlapic_take_extint(&apic[0]);
	assert_int_equal(apic[0].signals, VLAPIC_SIGNAL_NMI);
	assert_false(vlapic_extint(&apic[0]));
	vlapic_take_extint(&apic[0]);
	put(0, VLAPIC_SVR, 0xff);
	assert_false(vlapic_accept(&apic[0], &m));
	assert_false(vlapic_extint(&apic[0]));
}

static void lines_get_through_when_it_is_off(void **state)
{
	(void)state;
	assert_true(vlapic_set_base(&apic[0], 0xfee00000, 40));
	wakes = 0;
	vlapic_set_lint0(&apic[0], true);
	assert_int_equal(wakes, 1);
	assert_true(vlapic_extint(&apic[0]));
	vlapic_pulse_lint1(&apic[0]);
	assert_int_equal(apic[0].signals, VLAPIC_SIGNAL_NMI);
	assert_int_equal(wakes, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(shorthands, begin_enabled),
		cmocka_unit_test_setup(invalid_commands, begin_enabled),
		cmocka_unit_test_setup(lowest_priority_looks_at_what_is_served,
				       begin_enabled),
		cmocka_unit_test_setup(what_is_accepted, begin_enabled),
		cmocka_unit_test_setup(lint0_is_an_edge, begin_enabled),
		cmocka_unit_test_setup(extint_messages_wait_for_the_cycle,
				       begin_enabled),
		cmocka_unit_test_setup(lines_get_through_when_it_is_off,
				       begin_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
