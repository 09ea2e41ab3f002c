/** @file
 * All of a vCPU as one value: saved here, restored into another VM.
 *
 * A VM is moved to another machine by copying its memory, its devices, and
 * what is in here.  The moment is the VMM's to choose, between any two calls
 * of vcpu_run(), and one of those moments is the middle of an instruction: a
 * device register has been read, the VMM has answered the first piece, the
 * second is due.  KVM's save ioctls do not know of that state: a pending read
 * is repeated after the restore, and what remains of a write is lost (spec
 * 4.3).  Here it is part of the state (spec 10.9).  It can be, because nothing
 * in it points anywhere: a read fragment says by offset where its bytes go, a
 * write fragment owns them, the instruction is kept as it was decoded.
 *
 * The older way works too.  *Draining* completes what is pending: set
 * immediate_exit, answer the exits that still come, until vcpu_run() says
 * -EINTR.
 */
#ifndef HV_VCPU_VCPU_STATE_H
#define HV_VCPU_VCPU_STATE_H

#include "bus/types.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_regs.h"

/** How many more fields of the VMCS there are (vcpu_state.c has the list). */
#define VCPU_STATE_FIELDS 12

/** No pointer in here: it may be copied as bytes. */
struct vcpu_state {
	/* what the guest could find out itself */
	struct vcpu_regs regs;
	struct vcpu_sregs system;
	struct vcpu_extra extra;
	u64 field[VCPU_STATE_FIELDS];
	u64 cr8;
	u64 apic_base;
	u64 misc_enable;

	/* on its way into the guest */
	struct vcpu_event event;
	u16 irq;

	/* an exit that has not been completed */
	u8 pending; /* enum vcpu_pending */
	u8 in_length;
	u64 qualification;
	struct vcpu_run run;
	struct emulate_state emulation;
};

/**
 * Save a vCPU, which stays as it is and may also go on.
 * @param vcpu  of this CPU, not inside vcpu_run()
 * @param state all of it is written
 * @return 0; -EIO: the vCPU has reported an internal error, there is nothing to
 *	save
 */
int vcpu_state_save(struct vcpu *vcpu, struct vcpu_state *state) __must_check;

/**
 * Make a vCPU what another one was.  Of the VM's slots and devices it is
 * assumed that they are the same; the next vcpu_run() goes on where the saved
 * vCPU would have.
 * @param vcpu  of this CPU, not inside vcpu_run(); in any state
 * @param state from vcpu_state_save()
 * @return 0; -EINVAL: not a state (the vCPU is in its reset state then)
 */
int vcpu_state_restore(struct vcpu *vcpu,
		       const struct vcpu_state *state) __must_check;

#endif
