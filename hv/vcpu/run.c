/** @file
 * The run loop.
 *
 *	  +-> events, CR2, INVEPT or INVVPID        interrupts off
 *	  |   vmx_entry_run()                       ... the guest runs ...
 *	  |   what every exit needs: reason, RIP    interrupts on
 *	  |   exit_dispatch(), step_over()
 *	  +-- go on?  else return to the VMM
 *
 * This is the hottest code of exit49.  It reads from the VMCS only what every
 * exit needs and writes nothing that has not changed.
 *
 * An external interrupt that makes the guest exit stays pending; the handler
 * of exit 1 opens the interrupt flag and it arrives like any other.  A guest
 * that spins with its own interrupts off is no obstacle to that, but Bochs does
 * not make it exit, so where there is a VMX-preemption timer, it runs too.
 *
 * Words by which other CPUs, and interrupts of this one, reach a vCPU that is
 * on its way in:
 *
 *	work       look before the next entry; set last, after the next two
 *	signal     return to the VMM
 *	kicked     look again at what waits (APIC, timers)
 *	*asked     forget translations: compared in enter_tables()
 *
 * The first three are looked at with interrupts off. Whatever is set after that
 * look comes with an IPI, which stays pending until the guest is entered, and
 * makes it exit at once. So nothing is ever late by more than one exit.
 */
#include "hv/vcpu/run.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/lib/trace.h"
#include "hv/lib/watchdog.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vcpu/activity.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/exit_log.h"
#include "hv/vcpu/invalid_state.h"
#include "hv/vcpu/hang.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/preempt.h"
#include "hv/vcpu/step.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_error.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/**
 * Say that the guest may use our tables from now on, and then look whether they
 * have changed: in this order, and with a full barrier between the two, so that
 * either we see the change or vm_memory_kick() sees us.
 */
static inline void enter_tables(struct vcpu *vcpu)
{
	u64 asked;

	__atomic_fetch_or(&vcpu->in_guest, 1, __ATOMIC_SEQ_CST);
	asked = READ_ONCE(*vcpu->asked);
	if (unlikely(asked != vcpu->asked_seen)) {
		vcpu->asked_seen = asked;
		vcpu_paging_invalidate(vcpu);
	}
}

static inline void trace_entry(const struct vcpu *vcpu)
{
	struct trace_record *r;

	if (!trace_on) {
		return;
	}
	r = trace_begin(vcpu->trace,
			trace_head(vcpu->trace_tag, TRACE_KVM_ENTRY, 0));
	if (r) {
		r->a = vcpu->rip;
	}
}

static inline void trace_exit(const struct vcpu *vcpu)
{
	struct trace_record *r;

	if (!trace_on) {
		return;
	}
	r = trace_begin(vcpu->trace, trace_head(vcpu->trace_tag, TRACE_KVM_EXIT,
						vcpu->exit_reason));
	if (r) {
		r->a = vcpu->rip;
		r->b = exit_log_qualification(vcpu->exit_reason);
	}
}

/**
 * Read what every exit needs: two fields. A VMREAD of the native unit is an
 * instruction, one of the soft unit a function; asking once for both saves a
 * branch. The counters' number is a power of two above all reasons, so a broken
 * one cannot write elsewhere.
 */
static inline void take_exit(struct vcpu *vcpu, struct cpu *cpu)
{
	if (unlikely(vmx_unit_is_soft)) {
		vcpu->exit_reason = softvmx_vmread(EXIT_REASON);
		vcpu->rip = softvmx_vmread(GUEST_RIP);
	} else {
		vcpu->exit_reason = vmread_native(EXIT_REASON);
		vcpu->rip = vmread_native(GUEST_RIP);
	}
	vcpu->count.exits[vcpu->exit_reason % VCPU_EXIT_COUNTERS]++;
	cpu->exits++;
}

/**
 * vmx_check=1 on the native unit: make the checks of VM entry in software just
 * before the processor makes them, so that there is a sentence if it refuses.
 * Its verdict counts, not ours: what it accepts is told once, and goes on.
 */
static void check_entry(struct vcpu *vcpu)
{
	struct entry_verdict verdict;
	static bool told;

	if (vcpu->objected && !told) {
		told = true;
		printf("vmx_check: this processor has entered nevertheless\n");
	}
	vcpu->objected = !entry_checks_all(&verdict);
}

/** Why a guest is not entered. */
enum prepared {
	PREPARED,
	PREPARED_SIGNAL, /* somebody wants the VMM's attention */
	PREPARED_STOP,	 /* it cannot be: vcpu->run says why */
	PREPARED_EMULATE, /* its state is invalid: the emulator runs it */
};

/**
 * Bringing shadow tables in line takes its time: interrupts are let in. What
 * they ask for is seen, since the look at `signal` and `kicked` comes after
 * this.
 */
static bool load_tables(struct vcpu *vcpu)
{
	bool loaded;

	irq_enable();
	loaded = vcpu_paging_load(vcpu);
	irq_disable();
	return loaded;
}

/** A signal comes at once, but to the emulator's guest: invalid_state_run(). */
static bool is_signalled(struct vcpu *vcpu, enum activity activity)
{
	return (!vcpu->invalid || activity == ACTIVITY_SLEEPS) &&
	       unlikely(__atomic_exchange_n(&vcpu->signal, 0,
					    __ATOMIC_SEQ_CST));
}

/**
 * All that takes its time; a guest that is halted stays here. What comes after
 * `kicked` is cleared comes too late for this look, and kicks again.
 *
 * The order of the loop: sleep if the last look said so; may this state be
 * entered at all; are there tables to walk; only then what waits for the guest,
 * as an INIT or a SIPI may change its state, and the loop goes round once more
 * (ACTIVITY_CHANGED).
 */
static enum prepared wait_until_runs(struct vcpu *vcpu)
{
	enum activity activity = ACTIVITY_RUNS;

	do {
		if (activity == ACTIVITY_SLEEPS && !activity_sleep(vcpu)) {
			return PREPARED_STOP;
		}
		if (!invalid_state_look(vcpu) && !vcpu->vm->with_ept &&
		    !load_tables(vcpu)) {
			return PREPARED_STOP;
		}
		__atomic_store_n(&vcpu->kicked, 0, __ATOMIC_SEQ_CST);
		if (vcpu->apic) {
			activity = activity_look(vcpu);
		}
		if (is_signalled(vcpu, activity)) {
			return PREPARED_SIGNAL;
		}
	} while (unlikely(activity));
	return unlikely(vcpu->invalid) ? PREPARED_EMULATE : PREPARED;
}

/**
 * What has to be done before an entry, if anything.  A signal comes before the
 * events, which must not be in the VMCS already when the VMM looks.
 */
static __noinline enum prepared prepare(struct vcpu *vcpu)
{
	enum prepared prepared = wait_until_runs(vcpu);

	if (unlikely(prepared)) {
		return prepared;
	}
	events_prepare(vcpu);
	if (unlikely(options.vmx_check) && !vmx_unit_is_soft) {
		check_entry(vcpu);
		vcpu->work = true; /* the next time, too */
	}
	smp_mb(); /* work was cleared before this look at the two */
	if (unlikely(READ_ONCE(vcpu->signal) | READ_ONCE(vcpu->kicked))) {
		vcpu->work = true;
	}
	return PREPARED;
}

/** There is no entry.  @return what run_loop() returns, or 1: it goes on */
static __noinline int stay_out(struct vcpu *vcpu, enum prepared prepared)
{
	if (prepared == PREPARED_EMULATE) {
		return invalid_state_run(vcpu);
	}
	return prepared == PREPARED_SIGNAL ? -EINTR : 0;
}

/**
 * The VMLAUNCH or VMRESUME itself failed: nothing has happened at all. That is
 * the earlier one of two ways to fail (SDM 3C 27.2): the controls or the host
 * state are wrong, and VMX says so in the flags and an error number. Wrong
 * *guest* state is found later, and looks like an exit with bit 31 set in its
 * reason.
 *
 * Any other error number, "VMRESUME of a VMCS that is clear" for one, is the
 * hypervisor's own bug and ends it.
 */
static void fail_entry(struct vcpu *vcpu, enum vmx_result result)
{
	u32 error = 0;

	vcpu->objected = false;
	if (result == VMX_FAIL_VALID) {
		error = vmread(VM_INSTRUCTION_ERROR);
	}
	if (error != VMX_ERROR_ENTRY_CONTROLS &&
	    error != VMX_ERROR_ENTRY_HOST_STATE) {
		vmx_unit_panic("VM entry", ~0u, result);
	}
	vcpu->run.exit_reason = VCPU_EXIT_FAIL_ENTRY;
	vcpu->run.fail_entry.reason = error;
	vcpu->run.fail_entry.qualification = 0;
	snprintf(vcpu->run.fail_entry.sentence,
		 sizeof(vcpu->run.fail_entry.sentence),
		 "%s (VM-instruction error %u, SDM 3C 31.4)%s",
		 vmx_unit_entry_failure(vmx_error_sentence(error)), error,
		 entry_checks_hint());
	entry_checks_forget();
}

/**
 * One turn: enter, and come back with an exit.  Interrupts are off between
 * the two stores to in_guest, which is what the kick relies on.
 * @param result VMX_SUCCEED, or why there was no entry
 * @return vcpu
 */
static inline struct vcpu *enter(struct vcpu *vcpu, enum vmx_result *result)
{
	u64 *gpr;

	enter_tables(vcpu);
	write_cr2(vcpu->guest_cr2); /* VMX does not switch it */
	trace_entry(vcpu);
	gpr = vmx_entry_run(vcpu->gpr, result);
	vcpu = container_of(gpr, struct vcpu, gpr[0]);
	vcpu->guest_cr2 = read_cr2();
	smp_store_release(&vcpu->in_guest, 0);
	return vcpu;
}

/** Look at the exit that has just come, and show it to those who watch. */
static inline void note_exit(struct vcpu *vcpu)
{
	take_exit(vcpu, this_cpu());
	trace_exit(vcpu);
	if (unlikely(vcpu->exit_log)) {
		exit_log_report(vcpu);
	}
}

/** Exits that are none of the guest's doing: interrupts, and our timer. */
static inline bool is_hosts(u32 reason)
{
	return BIT(reason % 64) & (BIT(EXIT_REASON_EXTERNAL_INTERRUPT) |
				   BIT(EXIT_REASON_PREEMPTION_TIMER));
}

/**
 * Let the interrupt in while it still counts as one that has met the guest.
 * Such exits are no sign of a guest that exits in circles.
 *
 * The interrupt is not acknowledged by the exit: it is still pending in the
 * local APIC. With interrupts on again it comes through our IDT, as if the
 * hypervisor had been interrupted here, and its handler needs to know nothing
 * of guests.
 */
static void take_host_exit(struct vcpu *vcpu)
{
	this_cpu()->exits--;
	exit_mem_moved(vcpu);
	if (vcpu->vm->foreign) {
		hang_look(vcpu);
	}
	if (vcpu->exit_reason == EXIT_REASON_PREEMPTION_TIMER) {
		preempt_expired(gva(vcpu->rip));
	} else {
		watchdog_guest_tick(gva(vcpu->rip));
	}
	irq_enable();
}

/**
 * Interrupts are off from the last look at what is to be done before an entry
 * until its exit is known: what an interrupt asks for in between makes the
 * guest exit at once.
 */
int run_loop(struct vcpu *vcpu)
{
	enum exit_action action;
	enum prepared prepared;
	enum vmx_result result;
	int error;

	for (;;) {
		irq_disable();
		prepared = vcpu->work ? prepare(vcpu) : PREPARED;
		if (unlikely(prepared)) {
			irq_enable();
			error = stay_out(vcpu, prepared);
			if (error > 0) {
				continue;
			}
			return error;
		}
		vcpu = enter(vcpu, &result);
		if (unlikely(result)) {
			irq_enable();
			fail_entry(vcpu, result);
			return 0;
		}
		note_exit(vcpu);
		if (unlikely(is_hosts(vcpu->exit_reason))) {
			take_host_exit(vcpu);
			continue;
		}
		irq_enable();
		action = exit_dispatch(vcpu);
		if (action & EXIT_ADVANCE) {
			step_over(vcpu);
		}
		if (action & EXIT_TO_VMM) {
			return 0;
		}
	}
}
