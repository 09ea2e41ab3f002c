/** @file
 * The handshake of spec 6.5, as often as a test wants it.
 *
 *	CPU 0, here                       CPU 1, in the guest
 *	wait until turns goes up          turns++, look at flag, again ...
 *	register the device
 *	flag = round (a release)          ... until flag == round
 *	wait until done == round          the next instruction: the device
 *	was the device touched?           done = round
 *	unregister it
 *	gone = round                      ... until gone == round
 *
 * A vCPU that is seen to wait has begun to look before the device was there:
 * whatever it may have looked up early, it has looked up by then.
 */
#include "hv/vmm/bus_rounds.h"

#include "bus/access.h"
#include "hv/vmm/bed_vcpus.h"
#include "hv/vmm/bus_devices.h"

/** Half of what the watchdog allows. */
#define PATIENCE_TICKS 30

/** Wait until a word of the guest's is at least so much. */
struct wait {
	const u64 *word;
	u64 least;
};

static bool is_reached(const void *argument)
{
	const struct wait *wait = argument;

	return smp_load_acquire(wait->word) >= wait->least;
}

static int wait_for(struct bed *bed, const u64 *word, u64 least)
{
	struct wait wait = { word, least };

	return bed_vcpus_wait_until(bed, is_reached, &wait, PATIENCE_TICKS)
		       ? 0
		       : -EINTR;
}

/**
 * `turns` must go up by two: the first may have been counted before we looked,
 * the second is a whole look at the flag that began after it.
 * @return 0, or why the rounds cannot go on; found: the guest has found it
 */
static int play(struct bed *bed, struct hypercall_bus *b,
		struct hypercall_bus_meeting *meeting, u64 round)
{
	struct bus_devices_one *one = &bed->numbered->one[b->number];
	int error = wait_for(bed, &meeting->turns,
			     READ_ONCE(meeting->turns) + 2);

	if (!error) {
		error = bus_devices_add(bed->numbered, b);
	}
	if (error) {
		return error;
	}
	smp_store_release(&meeting->flag, round);
	error = wait_for(bed, &meeting->done, round);
	b->accesses += one->accesses == 1;
	if (!error) {
		error = bus_devices_remove(bed->numbered, b->number,
					   &b->inside);
	}
	smp_store_release(&meeting->gone, round);
	return error;
}

int bus_rounds_play(struct bed *bed, struct hypercall_bus *b)
{
	struct hypercall_bus_meeting *meeting =
		bed_memory(bed, b->meeting, sizeof(*meeting));
	int error = meeting ? 0 : -EFAULT;

	b->accesses = 0;
	for (u64 round = 1; round <= b->rounds && !error; round++) {
		error = play(bed, b, meeting, round);
	}
	return error;
}
