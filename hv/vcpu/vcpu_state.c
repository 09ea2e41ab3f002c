/** @file
 * Saving and restoring a vCPU.
 *
 *	registers, segments, control registers	vcpu_regs.c knows them
 *	FPU, SSE, MSRs, debug registers		vcpu_load.c
 *	the rest of the VMCS' guest area	the table below
 *	an instruction in the middle		emulate.c, emulator.c
 *
 * What is not here follows from the rest: the interrupt window is asked for
 * again when an event waits, translations are cached anew, counters are the
 * observer's.
 *
 * Saving is no more than reading. It may be done between any two calls of
 * vcpu_run() and as often as one likes; nothing of the vCPU changes. Restoring
 * begins with a reset, so that nothing of the old vCPU shows through: caches,
 * the livelock's count, an event.
 *
 * The order of restoring is the order of what depends on what: control
 * registers before RIP and RFLAGS, as they decide what those mean; the table of
 * fields after both, as setting CR0 and CR3 writes PDPTEs of its own; the
 * instruction in the middle last.
 *
 * Not in here, as devices are not: the local APIC of a VM with an irqchip,
 * MTRRs and the clock page of a kernel that is not ours. A VM that has those is
 * not moved whole by this alone.
 */
#include "hv/vcpu/vcpu_state.h"

#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"

/** What of the guest-state area (SDM 3C 25.4) no one else takes care of. */
static const enum vmcs_field fields[VCPU_STATE_FIELDS] = {
	GUEST_IA32_PAT,	    GUEST_DR7,
	GUEST_SYSENTER_CS,  GUEST_SYSENTER_ESP,
	GUEST_SYSENTER_EIP, GUEST_INTERRUPTIBILITY_STATE,
	GUEST_ACTIVITY_STATE, GUEST_PENDING_DBG_EXCEPTIONS,
	GUEST_PDPTE0,	    GUEST_PDPTE1,
	GUEST_PDPTE2,	    GUEST_PDPTE3,
};

/**
 * What no register of the processor holds: the guest believes in it, as every
 * access to it exits and is answered from here.
 */
static void save_beliefs(const struct vcpu *vcpu, struct vcpu_state *state)
{
	state->cr8 = vcpu->cr8;
	state->apic_base = vcpu->apic_base;
	state->misc_enable = vcpu->misc_enable;
	state->event = vcpu->event;
	state->irq = vcpu->irq;
}

/*
 * A vCPU that has reported an internal error is in no state that an instruction
 * stream could lead to: an access is half done, or an event lost. There is
 * nothing to go on with elsewhere.
 */
int vcpu_state_save(struct vcpu *vcpu, struct vcpu_state *state)
{
	panic_unless(vcpu->cpu == this_cpu()->id);
	if (vcpu->pending == VCPU_PENDING_STOPPED) {
		return -EIO;
	}
	vcpu_regs_get(vcpu, &state->regs);
	vcpu_regs_get_system(vcpu, &state->system);
	vcpu_load_get(vcpu, &state->extra);
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		state->field[i] = vmread(fields[i]);
	}
	save_beliefs(vcpu, state);
	state->pending = vcpu->pending;
	state->in_length = vcpu->in_length;
	state->qualification = vcpu->qualification;
	state->run = vcpu->run;
	emulate_save(vcpu, &state->emulation);
	return 0;
}

static void restore_beliefs(struct vcpu *vcpu, const struct vcpu_state *state)
{
	vcpu->cr8 = state->cr8;
	vcpu->apic_base = state->apic_base;
	vcpu->misc_enable = state->misc_enable;
	vcpu->event = state->event;
	vcpu->irq = state->irq;
	vcpu->work = true; /* whatever waits is looked at before the entry */
}

/*
 * `pending` comes from a file or a network; what it may be is checked, as
 * complete() relies on it. Register values are checked by
 * vcpu_regs_set_system(), and all others by VM entry, which refuses with a
 * sentence.
 */
int vcpu_state_restore(struct vcpu *vcpu, const struct vcpu_state *state)
{
	int error;

	vcpu_reset(vcpu);
	if (state->pending >= VCPU_PENDING_STOPPED) {
		return -EINVAL;
	}
	error = vcpu_regs_set_system(vcpu, &state->system);
	if (error) {
		return error;
	}
	vcpu_regs_set(vcpu, &state->regs);
	vcpu_load_set(vcpu, &state->extra);
	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		vmwrite(fields[i], state->field[i]);
	}
	restore_beliefs(vcpu, state);
	vcpu->run = state->run;
	vcpu->pending = state->pending;
	vcpu->in_length = state->in_length;
	vcpu->qualification = state->qualification;
	emulate_restore(vcpu, &state->emulation);
	return 0;
}
