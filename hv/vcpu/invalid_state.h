/** @file
 * Guest state that the processor does not enter: real mode and the steps out
 * of it, without an unrestricted guest.  The emulator runs the guest then.
 */
#ifndef HV_VCPU_INVALID_STATE_H
#define HV_VCPU_INVALID_STATE_H

#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/**
 * A segment register, CR0.PE or PG, or RFLAGS.VM has been written by somebody
 * else than the guest's own instructions: before the next entry it is asked
 * again whether there may be one.  Costs nothing where guests are unrestricted.
 */
static inline void invalid_state_changed(struct vcpu *vcpu)
{
	if (unlikely(!vcpu->vm->unrestricted)) {
		vcpu->state_changed = true;
		vcpu->work = true;
	}
}

/**
 * Emulate every instruction, whatever the state is, or no longer; for tests.
 * @param vcpu of this CPU, not inside vcpu_run() or to be entered next
 */
void invalid_state_force(struct vcpu *vcpu, bool on);

/** Ask, if something has changed.  @return the emulator is to run the guest */
bool invalid_state_look(struct vcpu *vcpu) __must_check;

/**
 * Run the guest in the emulator: one read section, at most
 * INVALID_STATE_BOUND instructions.  After invalid_state_look() has said so,
 * with interrupts on.
 * @return 1: the run loop goes on; 0: vcpu->run says why not; -EINTR: a signal,
 *	never before the guest has moved in this call of vcpu_run()
 */
int invalid_state_run(struct vcpu *vcpu) __must_check;

/** Instructions in a read section (spec 9). */
#define INVALID_STATE_BOUND 130

#endif
