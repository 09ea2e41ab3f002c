/** @file
 * KVM's clock.
 *
 * The host's TSC never stops and all CPUs count alike, so what is written once
 * stays right until the guest moves its own TSC.  Nanosecond 0 is TSC 0 of the
 * host.
 *
 * The guest computes ns = time + ((its TSC - tsc) << shift) * multiplier >> 32,
 * so the page says what the TSC was at nanosecond 0 and how fast it is.  A
 * guest that has this clock need not calibrate its TSC by the 8254, each look
 * at which is an exit.
 *
 * With a TSC of 2 GHz, say, one tick is half a nanosecond, so the multiplier is
 * 0.5 * 2^32 = 0x80000000 and the shift 0. At 1 GHz and below the multiplier
 * would need a 33rd bit: the ticks are shifted left first.
 *
 * The guest reads `version` before and after the rest; an odd one, or two that
 * differ, mean that it has met a change and must read again. Here the page is
 * written while its only reader, this vCPU, is outside of the guest, so the
 * version is even at all times.
 */
#include "hv/vcpu/pvclock.h"

#include "bus/errno.h"
#include "hv/lib/timer.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define NANOSECONDS 1000000000ull
#define ENABLED BIT(0)
#define FLAG_STABLE BIT(0)

/** struct pvclock_vcpu_time_info; an even version: it is whole. */
struct system_time {
	u32 version;
	u32 pad;
	u64 tsc;
	u64 nanoseconds; /* at that TSC */
	u32 multiplier;
	s8 shift; /* of the difference, to the left, before */
	u8 flags;
	u8 rest[2];
};

/** struct pvclock_wall_clock: the date at nanosecond 0. */
struct wall_time {
	u32 version;
	u32 seconds;
	u32 nanoseconds;
};

/**
 * ns = (ticks << shift) * multiplier >> 32, with 32 bits of precision. The
 * multiplier shall be as large as fits, with bit 31 set: what it is rounded by
 * adds up over weeks. `scale` is 2^32 / 2^shift; each turn of a loop doubles or
 * halves it, and moves the shift by one.
 */
static void set_rate(struct system_time *time)
{
	u64 scale = 1ull << 32;
	u64 multiplier = timer_scale(NANOSECONDS, scale, timer_hz());

	while (multiplier >> 32) {
		scale >>= 1;
		time->shift++;
		multiplier = timer_scale(NANOSECONDS, scale, timer_hz());
	}
	while (!(multiplier & BIT(31))) {
		scale <<= 1;
		time->shift--;
		multiplier = timer_scale(NANOSECONDS, scale, timer_hz());
	}
	time->multiplier = (u32)multiplier;
}

/*
 * The guest's TSC is the host's plus TSC_OFFSET. At nanosecond 0 the host's is
 * 0, so the guest's is the offset itself: that is all there is to say of
 * "when". If the page has no memory any more, the slot having gone, nothing is
 * written; the guest has done that to itself.
 */
void pvclock_update(struct vcpu *vcpu)
{
	struct system_time time = {
		.version = 2,
		.tsc = vmread(TSC_OFFSET),
		.flags = FLAG_STABLE,
	};
	void *at;

	if (!(vcpu->pvclock & ENABLED)) {
		return;
	}
	at = vm_memory(vcpu->vm, gpa(vcpu->pvclock & ~ENABLED), sizeof(time),
		       true);
	if (at) {
		set_rate(&time);
		memcpy(at, &time, sizeof(time));
	}
}

/**
 * The other half of time: on which date was nanosecond 0? A guest adds the two.
 * It is written once for each WRMSR, as it never changes.
 */
static int set_wall(const struct vcpu *vcpu, gpa_t where)
{
	struct wall_time time = {.version = 2};
	void *at = vm_memory(vcpu->vm, where, sizeof(time), true);

	if (!at) {
		return -EINVAL;
	}
	time.seconds = (u32)(vcpu->vm->date_at_zero / NANOSECONDS);
	time.nanoseconds = (u32)(vcpu->vm->date_at_zero % NANOSECONDS);
	memcpy(at, &time, sizeof(time));
	return 0;
}

/*
 * An address of no memory is #GP at the WRMSR: so a guest that is wrong hears
 * it at the place. The address may cross a page; all of it must be in one slot,
 * as vm_memory() says. Bit 0 clear switches the clock off, wherever it was.
 */
int pvclock_set(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (msr == PVCLOCK_MSR_WALL) {
		return set_wall(vcpu, gpa(value & ~3ull));
	}
	if ((value & ENABLED) &&
	    !vm_memory(vcpu->vm, gpa(value & ~ENABLED),
		       sizeof(struct system_time), true)) {
		return -EINVAL;
	}
	vcpu->pvclock = value;
	pvclock_update(vcpu);
	return 0;
}
