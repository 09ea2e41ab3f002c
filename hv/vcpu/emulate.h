/** @file
 * Between a vCPU and the instruction emulator.
 */
#ifndef HV_VCPU_EMULATE_H
#define HV_VCPU_EMULATE_H

#include "bus/types.h"
#include "emulator/emulator.h"
#include "hv/lib/page.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/fetch_cache.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/walk_cache.h"
#include "mmu/memslot.h"

struct vcpu;

/** The emulator of one vCPU and what its callbacks need. */
struct vcpu_emulation {
	struct emulator e;
	struct vcpu *vcpu;

	/* one pass, inside a read section of the slots */
	struct memslot_set *slots;
	bool walk_ready;    /* paging and walk_access are those of now */
	/* GUEST_WALK_..., by enum emul_access */
	u32 walk_access[EMUL_ACCESS_COUNT];
	const struct guest_paging *paging; /* how the guest translates now */
	struct guest_mode mode; /* with EPT: what paging points into */

	/* between instructions */
	u64 cs; /* access rights of CS if it is 64-bit code, else 0 */
	u64 last_cs; /* ... whatever it is */
	struct fetch_cache fetch;
	struct walk_cache data;

	/* one instruction */
	u64 old_rflags; /* at its beginning */
};

/** An instruction in the middle, for vcpu_state.h; no pointer in it. */
struct emulate_state {
	struct emulator e; /* from emulator_save() */
	u64 old_rflags;
};

/** Allocate and initialise. @return NULL without memory */
struct vcpu_emulation *emulate_create(struct vcpu *vcpu,
				      page_owner_t owner) __must_check;

/**
 * Emulate the instruction at RIP: pass 1.  Inside a read section.
 * The caller has filled emulation->e.hint with what the exit said about the
 * access, and e.mmio_page with the page that is certain to be MMIO.
 * @param slots what memslot_read() returned
 * @return what the epilogue does; RIP has been moved already
 */
enum exit_action emulate_run(struct vcpu *vcpu, struct memslot_set *slots);

/**
 * Emulate what stands at RIP although nothing has faulted, as KVM does behind
 * its forced-emulation prefix.  Takes the read section itself, one for all.
 * @param count instructions, at least 1; the first one that needs the VMM is
 *	the last, and so is one behind which an event waits
 * @return as emulate_run(), of the last one
 */
enum exit_action emulate_forced(struct vcpu *vcpu, u32 count);

/**
 * The same inside a read section: nothing is known of what the instruction
 * accesses.  @param slots what read_section_slots() returned
 */
enum exit_action emulate_alone(struct vcpu *vcpu, struct memslot_set *slots);

/**
 * Deliver vcpu->event, which is valid.  In a read section.
 * @param slots  what read_section_slots() returned
 * @return as emulate_run(); if that is an exception of the delivery's, it is
 *	queued in place of the event
 */
enum exit_action emulate_deliver(struct vcpu *vcpu, struct memslot_set *slots);

/** The VMM has answered run->mmio: go on.  Takes the read section itself. */
enum exit_action emulate_complete(struct vcpu *vcpu);

/** The guest's mode has changed: forget what followed from it. */
void emulate_mode_changed(struct vcpu *vcpu);

/** Copy what is pending, if anything, and put such a copy into place. */
void emulate_save(struct vcpu *vcpu, struct emulate_state *state);
void emulate_restore(struct vcpu *vcpu, const struct emulate_state *state);

/** Forget what is pending. */
void emulate_cancel(struct vcpu *vcpu);

/**
 * Make the emulator of a vCPU ready to access the guest's memory, for tests
 * that call its parts by themselves.  @param vcpu of this CPU, not inside
 * vcpu_run(), nothing pending.  No slot may change meanwhile.
 */
struct emulator *emulate_borrow(struct vcpu *vcpu);

#endif
