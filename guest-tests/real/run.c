/** @file
 * Real mode at all: a vCPU goes there and comes back.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/real/code16.h"

TEST(a_vcpu_runs_in_real_mode)
{
	struct hypercall_real r;

	real_prepare(&r, code16_add, code16_add_end);
	r.gpr[3] = 0x12340000;
	real_run(&r);
	CHECK_EQ(r.gpr[5], 0x12340005, "16-bit code computes what it says");
	CHECK_EQ(r.cr0 & 1, 0, "the vCPU was in real mode");
}

TEST(real_mode_can_be_emulated_as_a_whole)
{
	struct hypercall_real r;

	real_prepare(&r, code16_add, code16_add_end);
	r.flags = REAL_EMULATED;
	real_run(&r);
	CHECK_EQ(r.gpr[5], 5, "16-bit code computes what it says");
	CHECK_COUNT(r.emulations, 5,
		    "the emulator has done every instruction of it");
}

TEST(code_of_64_bits_runs_in_the_loop)
{
	u64 sum = 0, before;

	vmcall1(HYPERCALL_EMULATE_ALL, 1);
	before = vmcall_counter(COUNTER_EMULATIONS);
	for (volatile unsigned int i = 0; i < 1000; i++) {
		sum += i;
	}
	before = vmcall_counter(COUNTER_EMULATIONS) - before;
	vmcall1(HYPERCALL_EMULATE_ALL, 0);
	CHECK_EQ(sum, 499500, "emulated code computes what it says");
	CHECK_TRUE(before > 4000, "the emulator has done every instruction");
}
