/** @file
 * Ringing a doorbell at once: the shortest way that an access can take.
 *
 * A doorbell of any length does not care what is stored, so its store need not
 * be emulated, only skipped (spec 6.6).  KVM skips whatever instruction met the
 * page, by a length that the processor need not give, and so rings for loads,
 * which then return what their register happened to hold.  Here the bus says
 * first whether there is such a doorbell, and known_store.h whether it is a
 * store:
 *
 *	exit 49 --> a doorbell? --> known store? --> ring, step over it
 *	                | no            | no
 *	                +---------------+---> emulate; if that was a store which
 *	                                      the doorbell took, remember it
 *
 * Both ways ring once for each store, so that it does not matter which one is
 * taken: the first touch of a page, one after the slots have changed, stores in
 * two pieces, and whatever is no plain move take the long one.
 *
 * While an event is being delivered it is not the instruction at RIP that has
 * touched the page: then nothing is rung here.
 */
#include "hv/vcpu/exit.h"

#include "bus/bus.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/step.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/** KVM's event for it: the address is all there is to tell. */
static __noinline void trace_rung(struct vcpu *vcpu, gpa_t addr)
{
	struct trace_record *r =
		trace_begin(vcpu->trace, trace_head(vcpu->trace_tag,
						    TRACE_KVM_FAST_MMIO, 0));

	if (r) {
		r->a = addr.v;
	}
}

/** What seldom has to be done, too: RF ends with the instruction, TF traps. */
static __noinline void end_flags(struct vcpu *vcpu, u64 rflags)
{
	vmwrite(GUEST_RFLAGS, rflags & ~RFLAGS_RF);
	events_step_trap(vcpu, rflags);
}

static __noinline void end_blocking(u64 blocking)
{
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, blocking & ~STEP_BLOCKING);
}

/**
 * The epilogue (step.h), where the length is known and 64-bit code runs.  The
 * length is what was decoded then: exit 49 need not give one.  RIP needs no
 * wrap at 4 GiB there, and nothing is learnt of other code.
 */
static __force_inline void step(struct vcpu *vcpu, bool soft)
{
	u64 rip = vcpu->rip + vcpu->store.length;
	u64 blocking, rflags;

	vcpu->rip = rip;
	vcpu->stuck.times = 0;
	if (soft) {
		softvmx_vmwrite(GUEST_RIP, rip);
	} else {
		vmwrite_native(GUEST_RIP, rip);
	}
	blocking = step_read(soft, GUEST_INTERRUPTIBILITY_STATE);
	if (unlikely(blocking & STEP_BLOCKING)) {
		end_blocking(blocking);
	}
	rflags = step_read(soft, GUEST_RFLAGS);
	if (unlikely(rflags & (RFLAGS_TF | RFLAGS_RF))) {
		end_flags(vcpu, rflags);
	}
}

/**
 * Is it the store that is known?  Inside a read section.  The callers have
 * compared RIP.  CR3 is the guest's, which without EPT is not the VMCS's.
 */
static __force_inline bool is_known(const struct vcpu *vcpu, bool soft, u64 cr3,
				    gpa_t addr)
{
	const struct known_store *store = &vcpu->store;

	return step_read(soft, GUEST_CS_AR_BYTES) == store->cs &&
	       cr3 == store->cr3 &&
	       known_store_holds(store, memslot_read(&vcpu->vm->slots), addr);
}

/**
 * Ring the doorbell there.  Inside a read section, which is what keeps it: one
 * that was taken off the bus is freed when no reader can have it any more.  So
 * it is looked for each time and not remembered with the store.
 */
static __force_inline bool ring(struct vcpu *vcpu, gpa_t addr)
{
	const struct bus_doorbell *doorbell =
		bus_find_doorbell(&vcpu->vm->mmio_bus, bus_addr(addr.v));

	if (unlikely(!doorbell)) {
		return false;
	}
	doorbell->ring(doorbell->opaque);
	return true;
}

/** It has been rung: the instruction is over. */
static __force_inline void finish(struct vcpu *vcpu, bool soft, gpa_t addr)
{
	vcpu->count.rings++;
	if (unlikely(trace_on)) {
		trace_rung(vcpu, addr);
	}
	step(vcpu, soft);
}

/** Exit 49 on either unit; soft is a constant at each call. */
static __force_inline bool ring_at_misconfig(struct vcpu *vcpu, bool soft)
{
	gpa_t addr;
	bool rung;

	if (unlikely(step_read(soft, IDT_VECTORING_INFO) & INTR_INFO_VALID)) {
		return false;
	}
	addr = gpa(step_read(soft, GUEST_PHYSICAL_ADDRESS));
	read_section_begin(vcpu);
	rung = is_known(vcpu, soft, step_read(soft, GUEST_CR3), addr) &&
	       ring(vcpu, addr);
	read_section_end(vcpu);
	if (likely(rung)) {
		finish(vcpu, soft, addr);
	}
	return rung;
}

static __noinline enum exit_action misconfig_soft(struct vcpu *vcpu)
{
	return ring_at_misconfig(vcpu, true) ? EXIT_RESUME
					     : exit_mem_watched(vcpu);
}

enum exit_action exit_doorbell_misconfig(struct vcpu *vcpu)
{
	if (unlikely(vmx_unit_is_soft)) {
		return misconfig_soft(vcpu);
	}
	return likely(ring_at_misconfig(vcpu, false)) ? EXIT_RESUME
						      : exit_mem_watched(vcpu);
}

/* A page fault has set RF in RFLAGS, which end_flags() clears. */
bool exit_doorbell_fault(struct vcpu *vcpu, gpa_t addr)
{
	bool soft = vmx_unit_is_soft;

	if (vcpu->rip != vcpu->store.rip ||
	    !is_known(vcpu, soft, vcpu->cr3, addr) || !ring(vcpu, addr)) {
		return false;
	}
	finish(vcpu, soft, addr);
	return true;
}

/* With a hook nothing is learnt: it is to see each access on its long way. */
void exit_doorbell_learn(struct vcpu *vcpu, u64 rip, gpa_t addr)
{
	struct vm *vm = vcpu->vm;

	if (vm->quick_doorbells && !vm->fault_hook &&
	    bus_find_doorbell(&vm->mmio_bus, bus_addr(addr.v))) {
		known_store_learn(vcpu, rip, addr);
	}
}
