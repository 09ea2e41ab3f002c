/** @file
 * Memslots from inside the guest: one line a change.
 *
 * Each of these is a hypercall that has to succeed; where a test wants to see
 * a refusal, it makes the hypercall itself.
 */
#ifndef GUEST_TESTS_LIB_SLOTS_H
#define GUEST_TESTS_LIB_SLOTS_H

#include "hv/vmm/hypercall.h"

/** Where tests put slots: 2 MiB-aligned, nothing there at first. */
#define SLOTS_GPA 0x40000000ull

/** Pages of 4 KiB in 2 MiB. */
#define SLOTS_LARGE 512ull

/**
 * Add a slot.
 * @param slot its number, 1 to SLOT_MAX - 1
 * @param base where it begins in guest-physical memory
 * @param pages how long it is
 * @param flags SLOT_READONLY, SLOT_LOG_DIRTY
 * Slot 1 has the first 2 MiB of the backing RAM, all others share the second.
 */
void slots_add(u32 slot, gpa_t base, u64 pages, u32 flags);

/** Make any change that has to succeed; for what slots_add() cannot say. */
void slots_change(const struct hypercall_slot *change);

/** Delete it. */
void slots_delete(u32 slot);

/** Change its flags. */
void slots_set_flags(u32 slot, u32 flags);

/** Make any change, stopping after the step `hold`; the guest goes on in the
 * middle of it until slots_finish(). */
void slots_hold(const struct hypercall_slot *change);
void slots_finish(void);

/** 8 bytes of a slot's memory, seen by the VMM; @param offset in the slot */
u64 slots_peek(u32 slot, u64 offset);
void slots_poke(u32 slot, u64 offset, u64 value);

/** What stands in the EPT for an address, looking down to the last level. */
struct hypercall_ept slots_entry(gpa_t address);

#endif
