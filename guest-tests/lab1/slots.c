/** @file
 * Memory comes and goes where a device is.
 *
 * An MMIO entry remembers "there is no memory here".  A change of the slots
 * makes that doubtful, and a mapping that outlives its slot would show the
 * guest memory which is not its own any more (spec 1.3, 1.4).
 */
#include "guest-tests/lab1/lab1.h"

#define PAGE DEVICE_SCRATCH_GPA
#define DEVICE_BYTES 0x5a5a5a5a
#define RAM_WORD 0x1122334455667788ull

static void fill_device(void)
{
	CHECK_DONE(vmcall2(HYPERCALL_DEVICE_FILL, PAGE, DEVICE_BYTES & 0xff));
}

/**
 * A device's page becomes memory.  The MMIO entry is still there, but of a
 * generation that has passed: it must be asked about again, not believed, and
 * the store after it must find a leaf that is writable.
 */
TEST(slot_added_over_mmio_is_ram)
{
	struct tally t;

	fill_device();
	CHECK_EQ(mmio_read4(PAGE), DEVICE_BYTES,
		 "without a slot a load asks the device");
	slots_poke(1, 0, RAM_WORD);
	slots_add(1, gpa(PAGE), 1, 0);

	tally_start(&t);
	CHECK_EQ(mmio_read8(PAGE), RAM_WORD,
		 "after a slot is added, a load returns its memory (spec "
		 "1.5-2)");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MMIO_EXITS], 0,
		    "after a slot is added, no MMIO exit occurs there (spec "
		    "1.5-2)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "a stale MMIO entry over memory costs one exit (spec "
		    "1.3)");
	CHECK_COUNT(t.count[COUNTER_EMULATIONS], 0,
		    "an access to memory is retried, not emulated (spec 1.4)");

	tally_start(&t);
	mmio_write8(PAGE, ~RAM_WORD);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS] + t.count[COUNTER_MISCONFIGS],
		    0, "memory that has been mapped is accessed without an "
		    "exit");
	CHECK_EQ(slots_peek(1, 0), ~RAM_WORD,
		 "a store reaches the memory of the slot");
	CHECK_COUNT(vmcall_device(PAGE, DEVICE_WRITES), 0,
		    "a store to memory does not reach the device");
}

/**
 * The other way round.  If the leaf survived, the guest would go on reading
 * and writing memory that has been given to somebody else by then.
 */
TEST(slot_deleted_is_mmio)
{
	struct tally t;

	fill_device();
	slots_poke(1, 0, RAM_WORD);
	slots_add(1, gpa(PAGE), 1, 0);
	CHECK_EQ(mmio_read8(PAGE), RAM_WORD, "a slot's memory can be read");
	slots_delete(1);

	tally_start(&t);
	CHECK_EQ(mmio_read4(PAGE), DEVICE_BYTES,
		 "after a slot is deleted, a load never returns its memory "
		 "(spec 1.5-3)");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MMIO_READS], 1,
		    "after a slot is deleted, a load leaves as MMIO (spec "
		    "1.5-3)");
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "deleting a slot leaves no entry behind: the next access "
		    "is an EPT violation (spec 1.3)");

	tally_start(&t);
	mmio_write4(PAGE, 1);
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 1,
		    "where a slot was, later accesses are misconfigurations "
		    "(spec 1.1)");
	CHECK_EQ(slots_peek(1, 0), RAM_WORD,
		 "a store after the slot is deleted does not change its memory "
		 "(spec 1.5-3)");
}

/**
 * A slot is deleted in two swaps.  Between them it is flagged invalid, and a
 * fault that meets the flag has learnt nothing: neither "memory" nor "no
 * memory".  The deletion is held there; the "other CPU" finishes it when the
 * guest has faulted for the third time.
 */
TEST(slot_going_away_is_retried)
{
	const struct hypercall_slot delete = {
		.kind = SLOT_DELETE, .slot = 1, .hold = SLOT_STEP_ZAP
	};
	const struct hypercall_hook finish = {
		.action = HOOK_FINISH, .nth = 3, .poke = { .gpa = PAGE }
	};
	struct tally t;

	fill_device();
	slots_add(1, gpa(PAGE), 1, 0);
	mmio_write8(PAGE, RAM_WORD);
	slots_hold(&delete);
	CHECK_DONE(vmcall1(HYPERCALL_HOOK, vmcall_address(&finish)));

	tally_start(&t);
	CHECK_EQ(mmio_read4(PAGE), DEVICE_BYTES,
		 "when a slot has gone, its addresses are MMIO (spec 1.3)");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 3,
		    "while a slot is going away an access is retried, and no "
		    "MMIO entry is made for it (spec 1.3)");
	CHECK_COUNT(t.count[COUNTER_RETRIES], 2,
		    "a fault that meets a slot which is going away is retried "
		    "(spec 1.3)");
	CHECK_EXITS(t.count[COUNTER_MMIO_READS], 1,
		    "a retried access reaches the device exactly once");
}
