/** @file
 * Each vCPU has an FPU of its own, and one TSC serves them all.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/fpu.h"
#include "guest-tests/lib/test.h"

#define ROUNDS 300
#define LOOKS 2000

static struct meeting meeting;

/** @return how often its registers were not its own any more */
static u64 keep_own(u64 seed)
{
	struct fpu mine;
	u64 lost = 0;

	for (u64 i = 0; i < ROUNDS; i++) {
		fpu_make(&mine, (u8)(2 * i + seed));
		fpu_load(&mine);
		mmio_read4(seed ? DEVICE_COUNTER_GPA
				: DEVICE_CORE_PATTERN_GPA);
		vmcall_counter(COUNTER_VIOLATIONS);
		lost += !fpu_holds(&mine);
	}
	return lost;
}

static u64 keep_own_too(void *argument)
{
	second_meet(&meeting, 1);
	return keep_own((u64)argument);
}

TEST(each_vcpu_has_its_own_fpu)
{
	u64 mine;

	second_start(keep_own_too, (void *)1);
	second_meet(&meeting, 1);
	mine = keep_own(0);
	CHECK_COUNT(second_wait(), 0,
		    "the second vCPU finds its registers as it left them");
	CHECK_COUNT(mine, 0,
		    "the first vCPU finds its registers as it left them");
}

static u64 last, lock, looks[2];

static u64 tsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return low | (u64)high << 32;
}

static bool enough(void)
{
	return __atomic_load_n(&looks[0], __ATOMIC_RELAXED) >= LOOKS &&
	       __atomic_load_n(&looks[1], __ATOMIC_RELAXED) >= LOOKS;
}

/** Either of them may be asleep for long: it is over when both have looked.
 * @return how often the TSC stood below what somebody has read before */
static u64 look(u64 which)
{
	u64 backwards = 0, now;

	while (!enough()) {
		while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {
			asm volatile("pause");
		}
		now = tsc();
		backwards += now < last;
		last = now;
		looks[which]++;
		__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
	}
	return backwards;
}

static u64 look_too(void *argument)
{
	second_meet(&meeting, 1);
	second_be_open();
	return look((u64)argument);
}

TEST(the_tsc_never_goes_back_between_vcpus)
{
	u64 mine;

	second_start(look_too, (void *)1);
	second_meet(&meeting, 1);
	mine = look(0);
	CHECK_COUNT(second_wait() + mine, 0,
		    "what a vCPU reads from its TSC is never below what the "
		    "other one has read before");
}
