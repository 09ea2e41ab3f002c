/** @file
 * A test's further vCPUs, and the lock under which all are answered.
 */
#ifndef HV_VMM_BED_VCPUS_H
#define HV_VMM_BED_VCPUS_H

#include "bus/access.h"
#include "hv/vmm/bed.h"

/** What the lock's word is while a vCPU of that number holds it. */
static inline u32 bed_vcpus_holder(unsigned int number)
{
	return number + 1;
}

/** The rest of bed_vcpus_lock(): another vCPU holds it. */
bool bed_vcpus_wait_lock(struct bed *bed, u32 me) __must_check;

/**
 * Take the bed's lock.  Whoever ends the test under it never gives it up.
 * @param me bed_vcpus_holder()
 * @return false: the test is over, and the lock was not taken
 */
static inline __must_check bool bed_vcpus_lock(struct bed *bed, u32 me)
{
	u32 nobody = 0;

	return likely(__atomic_compare_exchange_n(&bed->lock, &nobody, me,
						  false, __ATOMIC_ACQUIRE,
						  __ATOMIC_RELAXED)) ||
	       bed_vcpus_wait_lock(bed, me);
}

/** Give it up; the test is not over. */
static inline void bed_vcpus_unlock(struct bed *bed)
{
	smp_store_release(&bed->lock, 0);
}

/**
 * Make a vCPU on the CPU of its number and let it run there.
 * @param begin where; its number was checked by nobody yet
 * @return 0; -EINVAL no such number; -EEXIST it runs; -ENODEV no such CPU;
 *	-EBUSY the CPU is at something else; -ENOMEM
 * The lock is held, by the vCPU whose system registers it shall have.
 */
int bed_vcpus_start(struct bed *bed,
		    const struct hypercall_vcpu *begin) __must_check;

/**
 * Wait until a vCPU has ended, or the test has, the lock given up meanwhile.
 * @param number of one that was started
 */
void bed_vcpus_wait(struct bed *bed, unsigned int number);

/**
 * Wait until something is so, or the test has ended; the lock is given up
 * meanwhile.
 * @param is_so looks, without the lock
 * @param ticks of this CPU's watchdog that it may take
 * @return whether it is
 */
bool bed_vcpus_wait_until(struct bed *bed, bool (*is_so)(const void *),
			  const void *argument, u64 ticks) __must_check;

/**
 * Send a vCPU a signal and wait until its vcpu_run() has come back for it, or
 * the test has ended; the lock is given up meanwhile.
 * @param number of one that runs; not of the caller
 */
void bed_vcpus_kick(struct bed *bed, unsigned int number);

/** The vCPU being answered was interrupted. @return whether it goes on */
bool bed_vcpus_interrupted(struct bed *bed);

/** A vCPU's CPU has crashed, and recovery_run() has returned there. */
void bed_vcpus_crashed(struct bed *bed, unsigned int number,
		       const struct crash *crash);

/**
 * The test is over: call all further vCPUs back and wait until their CPUs have
 * nothing to do.  On CPU 0, without the lock; also if there are none.
 */
void bed_vcpus_stop(struct bed *bed);

#endif
