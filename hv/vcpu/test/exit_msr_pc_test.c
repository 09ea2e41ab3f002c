/** @file
 * The MSRs of a PC for kernels of others are those of docs/guests.md, and no
 * others: an MSR that reads as 0 by mistake tells a kernel of a feature that
 * is not there.
 *
 * links: hv/vcpu/exit_msr_pc.c hv/vcpu/mtrr.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bus/errno.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/mtrr.h"
#include "hv/vcpu/pvclock.h"
#include "hv/vcpu/vcpu.h"

static struct vcpu vcpu;
static u32 clock_msr;
static u64 clock_value;

/** Stands in for hv/vcpu/pvclock.c. */
int pvclock_set(struct vcpu *of, u32 msr, u64 value)
{
	assert_ptr_equal(of, &vcpu);
	clock_msr = msr;
	clock_value = value;
	return 0;
}

/** Those that are 0, and stay so. */
static const u32 zeroes[] = {
	0x17, 0x8b, 0x179, 0x17a, 0xc0010000, 0xc0010001, 0xc0010002,
	0xc0010003, 0xc0010004, 0xc0010005, 0xc0010006, 0xc0010007, 0xc0010010,
	0xc0010015, 0xc001001f, 0xc0010055, 0xc0010140, 0xc0010141,
};

static bool is_zero(u32 msr)
{
	for (size_t i = 0; i < ARRAY_SIZE(zeroes); i++) {
		if (zeroes[i] == msr) {
			return true;
		}
	}
	return false;
}

static bool is_mtrr(u32 msr)
{
	return msr == 0xfe || (msr >= 0x200 && msr <= 0x20f) || msr == 0x250 ||
	       msr == 0x258 || msr == 0x259 ||
	       (msr >= 0x268 && msr <= 0x26f) || msr == 0x2ff;
}

static void check_range(u32 first, u32 count)
{
	for (u32 msr = first; msr - first < count; msr++) {
		bool known = is_zero(msr) || is_mtrr(msr) ||
			     msr == PVCLOCK_MSR_SYSTEM;
		u64 value = 1;

		assert_int_equal(exit_msr_pc_get(&vcpu, msr, &value),
				 known ? 0 : -EINVAL);
		if (is_zero(msr)) {
			assert_int_equal(value, 0);
		}
	}
}

static void no_other_msr_can_be_read(void **state)
{
	(void)state;
	mtrr_reset(&vcpu.mtrr, 40);
	check_range(0, 0x10000);
	check_range(0x40000000, 0x1000);
	check_range(PVCLOCK_MSR_WALL - 0x100, 0x200);
	check_range(0xc0000000, 0x20000);
}

static void a_zero_takes_every_value_and_stays(void **state)
{
	u64 value = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(zeroes); i++) {
		assert_int_equal(exit_msr_pc_set(&vcpu, zeroes[i], ~0ull), 0);
		assert_int_equal(exit_msr_pc_get(&vcpu, zeroes[i], &value), 0);
		assert_int_equal(value, 0);
	}
	assert_int_equal(exit_msr_pc_set(&vcpu, 0x8c, 0), -EINVAL);
	assert_int_equal(exit_msr_pc_set(&vcpu, 0xc0010008, 0), -EINVAL);
}

static void mtrrs_keep_what_is_written(void **state)
{
	u64 value = 0;

	(void)state;
	mtrr_reset(&vcpu.mtrr, 40);
	assert_int_equal(exit_msr_pc_set(&vcpu, 0x201, 0x800), 0);
	assert_int_equal(exit_msr_pc_get(&vcpu, 0x201, &value), 0);
	assert_int_equal(value, 0x800);
	assert_int_equal(exit_msr_pc_set(&vcpu, 0xfe, 0), -EINVAL);
}

static void both_msrs_of_the_clock_lead_to_it(void **state)
{
	u64 value = 0;

	(void)state;
	assert_int_equal(exit_msr_pc_set(&vcpu, PVCLOCK_MSR_WALL, 0x5000), 0);
	assert_int_equal(clock_msr, PVCLOCK_MSR_WALL);
	assert_int_equal(exit_msr_pc_set(&vcpu, PVCLOCK_MSR_SYSTEM, 0x6001), 0);
	assert_int_equal(clock_msr, PVCLOCK_MSR_SYSTEM);
	assert_int_equal(clock_value, 0x6001);
	vcpu.pvclock = 0x6001;
	assert_int_equal(exit_msr_pc_get(&vcpu, PVCLOCK_MSR_SYSTEM, &value), 0);
	assert_int_equal(value, 0x6001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_other_msr_can_be_read),
		cmocka_unit_test(a_zero_takes_every_value_and_stays),
		cmocka_unit_test(mtrrs_keep_what_is_written),
		cmocka_unit_test(both_msrs_of_the_clock_lead_to_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
