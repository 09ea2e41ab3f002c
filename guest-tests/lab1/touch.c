/** @file
 * The first touch of a device's page, and every later one.
 *
 * Only the first may be an EPT violation.  It leaves an MMIO entry behind, and
 * from then on the processor reports a misconfiguration, which says by itself
 * that there is no memory (spec 1.1).
 */
#include "guest-tests/lab1/lab1.h"

#define TIMES 1000
/** 2^37: above the width that the test sets, below every processor's. */
#define HIGH_GPA (1ull << 37)
#define WIDTH 36

/**
 * The life of every device page: absent, then marked, then marked for ever.
 * The counter device gives another value at each load, so that neither a load
 * which is answered twice nor one which is not answered at all goes unseen.
 */
TEST(first_touch_is_one_violation)
{
	struct tally t;

	tally_start(&t);
	CHECK_COUNT(mmio_read4(DEVICE_COUNTER_GPA), 1,
		    "a load from a device gives the device's value (spec 1.1)");
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
		    "the first touch of a page without memory is exactly one "
		    "EPT violation (spec 1.5-1)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], 0,
		    "the first touch of a page without memory is emulated at "
		    "once, without a misconfiguration (spec 1.5-1)");

	tally_start(&t);
	for (u32 i = 0; i < TIMES; i++) {
		CHECK_COUNT(mmio_read4(DEVICE_COUNTER_GPA), i + 2,
			    "each load asks the device exactly once (spec "
			    "1.1)");
	}
	tally_stop(&t);
	CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 0,
		    "after the first touch no access to the page is an EPT "
		    "violation (spec 1.5-1)");
	CHECK_EXITS(t.count[COUNTER_MISCONFIGS], TIMES,
		    "after the first touch each access is one EPT "
		    "misconfiguration (spec 1.5-1)");
	CHECK_EXITS(t.count[COUNTER_MMIO_READS], TIMES,
		    "each load leaves to the VMM once");
}

/**
 * An entry has room for MAXPHYADDR bits of frame and no more: what lies above
 * is reserved, in an MMIO entry as in any other.  The test narrows the width,
 * since no processor lets a guest name an address that it cannot hold itself.
 * Each access is then a first touch.
 */
TEST(gfn_above_physical_width_is_emulated)
{
	gva_t high = gva(PAGES_FREE_GVA);
	struct tally t;

	CHECK_DONE(vmcall1(HYPERCALL_PHYSICAL_WIDTH, WIDTH));
	pages_map(high, gpa(HIGH_GPA), PAGES_WRITE);
	for (int i = 0; i < 3; i++) {
		tally_start(&t);
		CHECK_EQ(mmio_read4(high.v), 0xffffffff,
			 "a load from where nobody is gives all ones");
		tally_stop(&t);
		CHECK_EXITS(t.count[COUNTER_VIOLATIONS], 1,
			    "an address above the physical width is emulated "
			    "at each EPT violation (spec 1.5-17)");
		CHECK_EXITS(t.count[COUNTER_MMIO_READS], 1,
			    "an address above the physical width leaves to the "
			    "VMM (spec 1.5-17)");
		CHECK_EQ(slots_entry(gpa(HIGH_GPA)).entry, 0,
			 "no entry is written for an address above the "
			 "physical width (spec 1.5-17)");
	}
}
