/** @file
 * kvm_mmio events: what somebody who looks from outside is told.
 *
 *	unsatisfied   once per chunk that had to wait, when it was refused
 *	write	      once per chunk, with all of its bytes
 *	read	      once per piece that the core served, and once per
 *		      fragment that the VMM has completed
 *
 * Each says where, how long and which value: those of the thing itself, so that
 * a person can put the events beside the exits and find them equal (spec
 * 10.10; KVM's single completion event is not exact).
 */
#include "guest-tests/lab4/lab4.h"

#define PATTERN DEVICE_PATTERN_GPA
#define SCRATCH DEVICE_SCRATCH_GPA
#define CORE DEVICE_CORE_PATTERN_GPA
#define LAST(page, n) ((page) + PAGE_SIZE - (n))

/** One page, one piece. */
TEST(trace_of_an_unsplit_access)
{
	u64 value = lab4_pattern(PATTERN + 8, 4);

	lab4_begin();
	mmio_read4(PATTERN + 8);
	CHECK_EVENTS("a load of the VMM's is unsatisfied, then read (spec 5-1)",
		     UNSATISFIED(4, PATTERN + 8), READ(4, PATTERN + 8, value));
	mmio_write4(PATTERN + 8, 0x1234);
	CHECK_EVENTS("a store is one write (spec 5)",
		     WRITE(4, PATTERN + 8, 0x1234));
	mmio_read8(CORE + 8);
	CHECK_EVENTS("a load of the core's is read at once (spec 5-6)",
		     READ(8, CORE + 8, lab4_pattern(CORE + 8, 8)));
	mmio_write2(CORE + 8, 0x1234);
	CHECK_EVENTS("a store of the core's is one write (spec 5)",
		     WRITE(2, CORE + 8, 0x1234));
}

/** Both chunks are asked for before the first exit, and are read apart. */
TEST(trace_of_a_split_load)
{
	u64 middle = lab4_window(PATTERN, NOBODY_FAR);
	u64 low = LAST(PATTERN, 3);

	lab4_begin();
	mmio_read8(middle - 3);
	CHECK_EVENTS("each chunk of a load is unsatisfied before the first "
		     "exit; each fragment is one read with its own address, "
		     "length and value (spec 5-2, 5-16)",
		     UNSATISFIED(3, low), UNSATISFIED(5, NOBODY_FAR),
		     READ(3, low, lab4_pattern(low, 3)),
		     READ(5, NOBODY_FAR, 0xffffffffff));

	middle = lab4_window(lab4_ram_gpa(0), PATTERN);
	lab4_begin();
	mmio_read8(middle - 3);
	CHECK_EVENTS("RAM is not traced, only the second page (spec 5-3)",
		     UNSATISFIED(5, PATTERN),
		     READ(5, PATTERN, lab4_pattern(PATTERN, 5)));

	middle = lab4_window(PATTERN, lab4_ram_gpa(0));
	lab4_begin();
	mmio_read8(middle - 3);
	CHECK_EVENTS("RAM is not traced, only the first page (spec 5-4)",
		     UNSATISFIED(3, low), READ(3, low, lab4_pattern(low, 3)));

	middle = lab4_window(CORE, PATTERN);
	lab4_begin();
	mmio_read8(middle - 4);
	CHECK_EVENTS("what the core gives is read at once, the rest later",
		     READ(4, LAST(CORE, 4), lab4_pattern(LAST(CORE, 4), 4)),
		     UNSATISFIED(4, PATTERN),
		     READ(4, PATTERN, lab4_pattern(PATTERN, 4)));
}

TEST(trace_of_a_split_store)
{
	u64 middle = lab4_window(PATTERN, NOBODY_FAR);

	lab4_begin();
	mmio_write8(middle - 3, VALUE);
	CHECK_EVENTS("each chunk of a store is one write with its own address, "
		     "length and value (spec 5-9)",
		     WRITE(3, LAST(PATTERN, 3), 0x332211),
		     WRITE(5, NOBODY_FAR, 0x8877665544));

	middle = lab4_window(NOBODY_FAR, lab4_ram_gpa(0));
	lab4_begin();
	mmio_write8(middle - 3, VALUE);
	CHECK_EVENTS("a store to RAM is not traced (spec 5-10)",
		     WRITE(3, LAST(NOBODY_FAR, 3), 0x332211));
}

/** It costs no exit, and still it is a store to a device. */
TEST(trace_of_a_coalesced_store)
{
	struct hypercall_coalesced zone = { .action = COALESCED_ADD,
					    .gpa = NOBODY_NEAR, .length = 64 };

	CHECK_DONE(vmcall1(HYPERCALL_COALESCED, vmcall_address(&zone)));
	lab4_begin();
	mmio_write8(NOBODY_NEAR + 8, VALUE);
	CHECK_LEAVES(0, "a coalesced store costs no exit");
	CHECK_EVENTS("a coalesced store is traced like any other (spec 5-11)",
		     WRITE(8, NOBODY_NEAR + 8, VALUE));
}

/** Memory for loads, a device's business for stores. */
TEST(trace_of_a_readonly_slot)
{
	slots_add(1, gpa(SLOTS_GPA), 1, SLOT_READONLY);
	lab4_begin();
	mmio_read8(SLOTS_GPA);
	CHECK_NO_EVENT("a load from a read-only slot is not traced");
	mmio_write8(SLOTS_GPA + 8, VALUE);
	CHECK_EVENTS("a store to a read-only slot is a write (spec 5-10)",
		     WRITE(8, SLOTS_GPA + 8, VALUE));
}

TEST(trace_of_a_read_modify_write)
{
	u64 value = lab4_pattern(PATTERN, 4);

	lab4_begin();
	asm volatile("addl $1, (%0)" : : "r"(PATTERN) : "memory", "cc");
	CHECK_EVENTS("an RMW is unsatisfied, read, written, in this order "
		     "(spec 5-12)",
		     UNSATISFIED(4, PATTERN), READ(4, PATTERN, value),
		     WRITE(4, PATTERN, value + 1));
}

/** One element after the other; a completed one is not traced again. */
TEST(trace_of_a_repeated_move)
{
	u64 from = PATTERN, to = SCRATCH, count = 3;

	lab4_begin();
	asm volatile("rep movsw"
		     : "+S"(from), "+D"(to), "+c"(count)
		     :
		     : "memory");
	CHECK_EVENTS("each element of a REP MOVS is traced once (spec 5-8, "
		     "5-13)",
		     UNSATISFIED(2, PATTERN),
		     READ(2, PATTERN, lab4_pattern(PATTERN, 2)),
		     WRITE(2, SCRATCH, lab4_pattern(PATTERN, 2)),
		     UNSATISFIED(2, PATTERN + 2),
		     READ(2, PATTERN + 2, lab4_pattern(PATTERN + 2, 2)),
		     WRITE(2, SCRATCH + 2, lab4_pattern(PATTERN + 2, 2)),
		     UNSATISFIED(2, PATTERN + 4),
		     READ(2, PATTERN + 4, lab4_pattern(PATTERN + 4, 2)),
		     WRITE(2, SCRATCH + 4, lab4_pattern(PATTERN + 4, 2)));
}
