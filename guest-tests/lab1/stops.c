/** @file
 * Accesses that rightly end the VM, and have to end it at once.
 *
 * Each of these tests announces how its VM will end; the VMM judges.  What
 * must not happen is a loop: the same exit for ever, and no word about it
 * (spec 1.4, 10.11).
 */
#include "guest-tests/lab1/lab1.h"

#define EPT_READ BIT(0)
#define SHADOW_RESERVED BIT(51)
#define NOBODY DEVICE_NOBODY_GPA

/**
 * A leaf of ours loses its read permission and nothing else.  It now has
 * R/W/X = 110b like an MMIO entry, but it is marked present: this is memory.
 * A shadow leaf gets the reserved bit that an MMIO entry has.
 */
TEST(corrupt_entry_ends_the_run)
{
	bool shadow = cache_is_shadow();
	const struct hypercall_poke corrupt = {
		.gpa = SLOTS_GPA,
		.and = shadow ? ~0ull : ~EPT_READ,
		.or = shadow ? SHADOW_RESERVED : 0,
		.level = 2,
	};

	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	mmio_write8(SLOTS_GPA, 1);
	CHECK_DONE(vmcall1(HYPERCALL_EPT_POKE, vmcall_address(&corrupt)));
	CHECK_STOP(STOP_RUN_ERROR, SLOTS_GPA, 1,
		   "an entry for memory which is illegal is an error of ours: "
		   "the run ends, it is neither emulated nor retried (spec "
		   "1.5-15)");
	mmio_read8(SLOTS_GPA);
}

/**
 * A device has no instructions to give.
 */
TEST(jump_to_mmio_ends_in_emulation_failure)
{
	void (*device)(void) = (void (*)(void))NOBODY;

	CHECK_STOP(STOP_EMULATION, ~0ull, 1,
		   "a jump into MMIO ends in an emulation failure, not in a "
		   "loop (spec 1.5-18)");
	device();
}

/**
 * The processor reads the IDT by itself, while it delivers an exception:
 * there is no instruction that could be emulated.
 */
TEST(idt_in_mmio_is_a_delivery_error)
{
	trap_load_idt(NOBODY);
	CHECK_STOP(STOP_DELIVERY, ~0ull, 1,
		   "an exception whose IDT lies in MMIO ends the run with a "
		   "delivery error (spec 1.5-19)");
	asm volatile("ud2");
}
