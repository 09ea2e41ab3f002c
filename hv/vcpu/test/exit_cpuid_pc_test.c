/** @file
 * The processors of a PC know how many they are, in each of the ways that CPUID
 * has for it, and these ways agree with each other: a kernel may look at any.
 *
 * links: hv/vcpu/exit_cpuid_pc.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hv/lib/timer.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/pvclock.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

static struct vm vm;
static struct vcpu vcpu;
static u64 hz;

/** Stands in for hv/lib/timer.c. */
u64 timer_hz(void)
{
	return hz;
}

/** What is there after hv/vcpu/exit_cpuid.c has been at it. */
static struct cpuid_result ask(u32 number, u32 subleaf,
			       struct cpuid_result before)
{
	exit_cpuid_pc(&vcpu, number, subleaf, &before);
	return before;
}

static const struct cpuid_result none;

static void begin(unsigned int cpus, unsigned int number)
{
	vm.cpus = cpus;
	vcpu.vm = &vm;
	vcpu.number = number;
	hz = 2500000000;
}

/** The smallest power of two that has a number for each. */
static u32 room(unsigned int cpus)
{
	return cpus <= 1 ? 1 : cpus <= 2 ? 2 : cpus <= 4 ? 4 : 8;
}

static void each_way_of_counting_gives_the_same(void **state)
{
	(void)state;
	for (unsigned int cpus = 1; cpus <= 8; cpus++) {
		struct cpuid_result one, caches, thread, core;

		begin(cpus, cpus - 1);
		one = ask(1, 0, none);
		assert_int_equal(one.ebx >> 16 & 0xff,
				 cpus > 1 ? room(cpus) : 0);
		assert_int_equal(one.edx >> 28 & 1, cpus > 1);
		caches = ask(4, 0, (struct cpuid_result){ .eax = ~0u });
		assert_int_equal((caches.eax >> 26) + 1, room(cpus));
		assert_int_equal(caches.eax >> 14 & 0xfff, 0); /* not shared */
		thread = ask(0xb, 0, none);
		core = ask(0xb, 1, none);
		assert_int_equal(thread.eax, 0);
		assert_int_equal(thread.ebx, 1);
		assert_int_equal(1u << core.eax, room(cpus));
		assert_int_equal(core.ebx, cpus);
		assert_int_equal(ask(0x80000008, 0, none).ecx, cpus - 1);
		assert_int_equal(ask(0x80000001, 0, none).ecx,
				 cpus > 1 ? 2 : 0);
	}
}

static void levels_name_themselves_and_the_processor(void **state)
{
	(void)state;
	begin(4, 3);
	assert_int_equal(ask(0xb, 0, none).ecx, 0x100);
	assert_int_equal(ask(0xb, 1, none).ecx, 0x201);
	assert_int_equal(ask(0xb, 2, none).ecx, 2); /* no third level */
	assert_int_equal(ask(0xb, 2, none).ebx, 0);
	for (u32 level = 0; level < 3; level++) {
		assert_int_equal(ask(0xb, level, none).edx, 3);
	}
}

static void no_cache_is_described_behind_the_last(void **state)
{
	(void)state;
	begin(4, 0);
	assert_int_equal(ask(4, 5, none).eax, 0);
}

static void what_was_there_stays(void **state)
{
	const struct cpuid_result before = { 1, 0x800, 4, 8 };
	struct cpuid_result one;

	(void)state;
	begin(1, 0);
	one = ask(1, 0, before);
	assert_int_equal(one.eax, 1);
	assert_int_equal(one.ebx, 0x800);
	assert_int_equal(one.ecx, 4);
	assert_int_equal(one.edx, 8 | 1u << 12); /* MTRRs */
	one = ask(7, 0, before);
	assert_memory_equal(&one, &before, sizeof(one));
}

static void the_rate_of_the_tsc_is_told_twice(void **state)
{
	struct cpuid_result r;

	(void)state;
	begin(1, 0);
	assert_true(ask(0, 0, none).eax >= 0x15);
	r = ask(0x15, 0, none);
	assert_int_equal(r.eax, 1);
	assert_int_equal(r.ebx, 1);
	assert_int_equal(r.ecx, 2500000000);
	assert_int_equal(ask(0x40000010, 0, none).eax, 2500000);
	assert_int_equal(ask(0x40000010, 0, none).ebx, 2500000);
	hz = 5000000000; /* more than the register holds: then nothing */
	assert_int_equal(ask(0x15, 0, none).ecx, 0);
	assert_int_equal(ask(0x40000010, 0, none).eax, 5000000);
}

static void kvm_is_found_behind_our_own_leaves(void **state)
{
	struct cpuid_result r;

	(void)state;
	begin(1, 0);
	assert_true(ask(0x40000000, 0, none).eax >= 0x40000010);
	r = ask(0x40000100, 0, none);
	assert_int_equal(r.eax, 0x40000101);
	assert_memory_equal(&r.ebx, "KVMKVMKVM\0\0\0", 12);
	assert_int_equal(ask(0x40000101, 0, none).eax, PVCLOCK_FEATURES);
	assert_int_equal(ask(0x40000102, 0, none).eax, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_of_counting_gives_the_same),
		cmocka_unit_test(levels_name_themselves_and_the_processor),
		cmocka_unit_test(no_cache_is_described_behind_the_last),
		cmocka_unit_test(what_was_there_stays),
		cmocka_unit_test(the_rate_of_the_tsc_is_told_twice),
		cmocka_unit_test(kvm_is_found_behind_our_own_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
