/** @file
 * Changing slots and looking at entries.
 */
#include "guest-tests/lib/slots.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

static void change(const struct hypercall_slot *slot, s64 expected)
{
	check_equal(CHECK_PLACE("the slots can be changed", FORMAT_DECIMAL),
		    (u64)vmcall1(HYPERCALL_SLOT_CHANGE, vmcall_address(slot)),
		    (u64)expected);
}

/** Where in the backing RAM a slot's bytes begin: slot 1 has the first 2 MiB
 * for itself, all others share the second. */
static u64 backing_of(u32 slot)
{
	return slot == 1 ? 0 : SLOTS_LARGE * PAGE_SIZE;
}

void slots_add(u32 slot, gpa_t base, u64 pages, u32 flags)
{
	struct hypercall_slot add = {
		.kind = SLOT_ADD,
		.slot = slot,
		.flags = flags,
		.gpa = base.v,
		.pages = pages,
		.backing = backing_of(slot),
	};

	change(&add, 0);
}

void slots_delete(u32 slot)
{
	struct hypercall_slot delete = { .kind = SLOT_DELETE, .slot = slot };

	change(&delete, 0);
}

void slots_set_flags(u32 slot, u32 flags)
{
	struct hypercall_slot set = {
		.kind = SLOT_FLAGS, .slot = slot, .flags = flags
	};

	change(&set, 0);
}

void slots_hold(const struct hypercall_slot *held)
{
	change(held, 1);
}

void slots_change(const struct hypercall_slot *slot)
{
	change(slot, 0);
}

void slots_finish(void)
{
	CHECK_DONE(vmcall1(HYPERCALL_SLOT_FINISH, ~0ull));
}

u64 slots_peek(u32 slot, u64 offset)
{
	return (u64)vmcall1(HYPERCALL_BACKING_READ,
			    backing_of(slot) + offset);
}

void slots_poke(u32 slot, u64 offset, u64 value)
{
	CHECK_DONE(vmcall2(HYPERCALL_BACKING_WRITE,
			   backing_of(slot) + offset, value));
}

struct hypercall_ept slots_entry(gpa_t address)
{
	struct hypercall_ept entry = { 0 };

	CHECK_DONE(vmcall3(HYPERCALL_EPT_PEEK, vmcall_address(&entry),
			   address.v, 1));
	return entry;
}
