/** @file
 * The emulation loop for invalid guest state.
 *
 * Without "unrestricted guest" VM entry wants protected mode, with EPT also
 * paging, and segment registers that agree with each other (SDM 3C 27.3.1.2).
 * Real mode is none of that, big real mode least of all, and a guest on its
 * way from the one to the other passes through states that no table describes.
 * Until it is through, the emulator is its processor:
 *
 *	  +-> read section: slots and devices stay
 *	  |     +-> an event waits?  deliver it through its vector or gate
 *	  |     |   else fetch, decode, execute one instruction
 *	  |     +-- state still invalid, fewer than 130, no question, no signal?
 *	  |   end of the section
 *	  +-- still invalid?  else the next thing is an entry
 *
 * Each instruction begins with the read barrier (spec 6.5), so what it has
 * seen another one do binds what it looks up next; and looks at the slots
 * anew.  The section ends after so many instructions whatever the guest does,
 * so who waits for readers waits a bounded time.
 *
 * Events come between two instructions, as with a processor, and the emulator
 * takes them to their handlers (emulator/interrupt.c).  One thing it does not
 * know is tasks: a task gate ends the VM with a sentence (spec 9).
 *
 * Protected mode without paging is one of these states with EPT: the guest's
 * CR0.PG is the real one.  KVM enters it over a page table that maps everything
 * onto itself; here the emulator runs it, as it runs real mode, all of it.
 */
#include "hv/vcpu/invalid_state.h"

#include "bus/access.h"
#include "bus/bus.h"
#include "bus/errno.h"
#include "hv/lib/watchdog.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vcpu/breakpoints.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/hang.h"
#include "hv/vcpu/read_section.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/** With EPT the guest's CR0.PG is the real one, and it must be set. */
static bool is_invalid(const struct vcpu *vcpu)
{
	u64 must = CR0_PE | (vcpu->vm->with_ept ? CR0_PG : 0);

	return (guest_mode_cr0() & must) != must ||
	       !entry_checks_segments_hold();
}

static void ask(struct vcpu *vcpu)
{
	vcpu->state_changed = false;
	vcpu->invalid = vcpu->forced ||
			(!vcpu->vm->unrestricted && is_invalid(vcpu));
}

void invalid_state_force(struct vcpu *vcpu, bool on)
{
	vcpu->forced = on;
	vcpu->state_changed = true;
	vcpu->work = true;
}

bool invalid_state_look(struct vcpu *vcpu)
{
	if (vcpu->state_changed) {
		ask(vcpu);
	}
	return vcpu->invalid;
}

/** An instruction, or the event that comes before it. */
static inline enum exit_action step(struct vcpu *vcpu)
{
	bus_next_instruction(&vcpu->vm->mmio_bus);
	if (unlikely(events_is_due(vcpu))) {
		return emulate_deliver(vcpu, read_section_slots(vcpu));
	}
	return emulate_alone(vcpu, read_section_slots(vcpu));
}

/** May the state that has just changed be entered? */
static __noinline bool has_become_valid(struct vcpu *vcpu)
{
	ask(vcpu);
	return !vcpu->invalid;
}

/**
 * A string instruction in its middle has done as much as a section may: it has
 * left RIP where it was.
 */
static enum exit_action run_section(struct vcpu *vcpu, unsigned int left)
{
	enum exit_action action;
	u64 rip;

	read_section_begin(vcpu);
	do {
		rip = vcpu->rip;
		action = step(vcpu);
		if (unlikely(vcpu->state_changed) && has_become_valid(vcpu)) {
			break;
		}
	} while (!action && vcpu->rip != rip && --left && !vcpu->halted &&
		 !(READ_ONCE(vcpu->signal) | READ_ONCE(vcpu->kicked)));
	read_section_end(vcpu);
	return action;
}

/** With breakpoints armed each instruction has a section of its own. */
static enum exit_action run_some(struct vcpu *vcpu)
{
	if (likely(!breakpoints_armed())) {
		return run_section(vcpu, INVALID_STATE_BOUND);
	}
	breakpoints_look(vcpu);
	return run_section(vcpu, 1);
}

/** The watchdog hears that it is the guest which runs, and where. */
static void show_progress(struct vcpu *vcpu)
{
	this_cpu()->turns++;
	if (vcpu->vm->foreign) {
		hang_look(vcpu);
	}
	irq_disable();
	watchdog_guest_tick(gva(vcpu->rip));
	irq_enable();
}

static bool take_signal(struct vcpu *vcpu)
{
	return unlikely(READ_ONCE(vcpu->signal)) &&
	       __atomic_exchange_n(&vcpu->signal, 0, __ATOMIC_SEQ_CST);
}

/**
 * A signal that is there from the beginning does not keep the guest from its
 * next instruction, or a storm of them would stop it for ever.  If the VMM has
 * just answered one, that was it.
 */
int invalid_state_run(struct vcpu *vcpu)
{
	bool moved = vcpu->left_asking;
	enum exit_action action;

	vcpu->left_asking = false;
	if (moved && take_signal(vcpu)) {
		return -EINTR;
	}
	action = run_some(vcpu);
	show_progress(vcpu);
	if (action) {
		vcpu->left_asking = true;
		return 0;
	}
	return take_signal(vcpu) ? -EINTR : 1;
}
