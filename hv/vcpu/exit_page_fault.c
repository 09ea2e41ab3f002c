/** @file
 * Page faults of a guest without EPT: where the way of an access begins there.
 *
 * The processor walks our tables (mmu/shadow.h), not the guest's, and so every
 * page fault is ours at first.  Most are no fault of the guest's: an entry is
 * not there yet, or means MMIO.  mmu/shadow_fault.c decides; here is what
 * surrounds it, as exit_mem.c does for the EPT:
 *
 *	RESUME, RETRY   enter again, counted: a livelock is found
 *	EMULATE         the emulator, unless an event was being delivered
 *	INJECT          the guest gets the #PF, with CR2.  Or a double fault, if
 *			one was being delivered
 *	NO_RAM,         the VM is stopped
 *	NO_MEMORY, ERROR
 *
 * What was being delivered when the fault came is queued again first; a #PF of
 * the guest's takes its place, as on a processor.
 *
 * All exceptions that exit come here first, since nearly all are page faults.
 *
 * The error code tells most. A shadow entry for MMIO has a reserved bit set on
 * purpose, so the processor's own walk finds it and says RSVD: the exit is a
 * device access for sure, and with the MMIO cache even the guest-physical
 * address is known without a walk. That is the counterpart of an EPT
 * misconfiguration.
 *
 *	P=0            no shadow entry yet      judge()
 *	P=1, W/R, U/S  a right is missing       judge()
 *	P=1, RSVD      marked as MMIO           cache; if it misses, judge()
 */
#include "hv/vcpu/exit.h"

#include "hv/lib/trace.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cr.h"
#include "mmu/shadow.h"

/** What tells a page fault from other exceptions and NMIs. */
#define PAGE_FAULT_MASK (INTR_INFO_VECTOR | INTR_INFO_TYPE)
#define PAGE_FAULT (VECTOR_PF | INTR_TYPE_HARD_EXCEPTION << 8)

static __noinline void trace_fault(struct vcpu *vcpu,
				   const struct shadow_fault *fault)
{
	struct trace_record *r =
		trace_begin(vcpu->trace, trace_head(vcpu->trace_tag,
						    TRACE_KVM_PAGE_FAULT, 0));

	if (r) {
		r->a = vcpu->rip;
		r->b = fault->gpa.v;
		r->c = fault->error_code;
	}
}

/** What an address means to the guest, for people; ~0: nothing. */
static gpa_t gpa_of(const struct vcpu *vcpu, gva_t addr)
{
	struct memslot_set *slots = memslot_read(&vcpu->vm->slots);
	struct guest_mapping mapping;

	if (guest_walk_probe(&vcpu->shadow.paging, slots, addr, &mapping)) {
		return gpa(~0ull);
	}
	return mapping.gpa;
}

/** Show tests the exit before a look is taken, by its physical address. */
static __noinline void call_hook(struct vcpu *vcpu, gva_t addr)
{
	vcpu->vm->fault_hook(vcpu->vm, gpa_of(vcpu, addr));
}

/**
 * RFLAGS.AC lifts SMAP, but not at CPL 3, where SMAP means nothing (SDM 3A
 * 4.6.1). The error code does not tell AC, so it must be read now, while it is
 * still what it was at the fault. Only a guest with SMAP pays the two VMREADs.
 */
static inline u32 smap_lifted(const struct vcpu *vcpu)
{
	if (likely(!(vcpu->shadow.paging.flags & GUEST_WALK_SMAP)) ||
	    !(vmread(GUEST_RFLAGS) & RFLAGS_AC) || guest_mode_cpl() == 3) {
		return 0;
	}
	return GUEST_WALK_AC;
}

/**
 * A #PF that exits leaves CR2 alone; the guest finds its address there as the
 * event brings it. If it cannot be injected, it came in the delivery of a
 * double fault.
 */
static enum exit_action inject(struct vcpu *vcpu,
			       const struct shadow_fault *fault)
{
	struct exception e = {VECTOR_PF, true, fault->inject, fault->addr};

	if (events_inject(vcpu, &e)) {
		return EXIT_RESUME;
	}
	return exit_stop_shutdown(vcpu);
}

/**
 * Reserved bits that are not our MMIO mark: nobody has written such an entry,
 * so some memory has been damaged, or a lab's code is at work.
 */
static enum exit_action stop_broken(struct vcpu *vcpu,
				    const struct shadow_fault *fault)
{
	return exit_stop(vcpu, VCPU_INTERNAL_MMU, gpa_of(vcpu, fault->addr),
			 "the shadow entry for linear address 0x%llx is "
			 "broken: it has a reserved bit set and is no MMIO "
			 "entry",
			 (unsigned long long)fault->addr.v);
}

/**
 * Every answer but "emulate", and that one too if an event came first: the
 * emulator cannot go on with half a delivery.
 *
 * An IRET that faults has unblocked NMIs already; as it is going to be executed
 * again they must be blocked until then, or a second NMI would come into the
 * first one's handler. If the guest gets a #PF instead, it has its IRET's
 * fault, and NMIs stay as the processor has left them.
 */
static __noinline enum exit_action follow(struct vcpu *vcpu,
					  const struct shadow_fault *fault,
					  enum shadow_fault_result result)
{
	if (result == SHADOW_FAULT_RESUME || result == SHADOW_FAULT_RETRY) {
		interrupts_block_nmi_again(vcpu,
					   vmread(VM_EXIT_INTR_INFO) &
						   INTR_INFO_NMI_UNBLOCKING);
	}
	switch (result) {
	case SHADOW_FAULT_EMULATE:
		return exit_mem_stop_delivering(vcpu, fault->gpa);
	case SHADOW_FAULT_RESUME:
		return exit_mem_resume(vcpu, fault->gpa, "resume");
	case SHADOW_FAULT_RETRY:
		return exit_mem_retry(vcpu, fault->gpa);
	case SHADOW_FAULT_INJECT:
		return inject(vcpu, fault);
	case SHADOW_FAULT_NO_RAM:
		return exit_stop(vcpu, VCPU_INTERNAL_EMULATION, fault->gpa,
				 "a page table of the guest lies where there "
				 "is no memory");
	case SHADOW_FAULT_NO_MEMORY:
		return exit_stop(vcpu, VCPU_INTERNAL_MMU, fault->gpa,
				 "no memory for a shadow table");
	case SHADOW_FAULT_ERROR:
		break;
	}
	return stop_broken(vcpu, fault);
}

/** As with EPT, a marked page is counted and not traced; the MMIO cache counts
 * those that it knows. */
static void count(struct vcpu *vcpu, const struct shadow_fault *fault,
		  enum shadow_fault_result result)
{
	if (fault->error_code & GUEST_WALK_RESERVED) {
		vcpu->count.marked_faults++;
		return;
	}
	vcpu->count.faults += result != SHADOW_FAULT_INJECT;
	trace_fault(vcpu, fault);
}

/** A page that the cache knows is a device's: tell the emulator. */
static inline void hint(struct emulator *e, const struct shadow_fault *fault)
{
	e->hint.valid = true;
	e->hint.gva_valid = true;
	e->hint.gva = fault->addr;
	e->hint.gpa = fault->gpa;
	e->mmio_page = gpa_page(fault->gpa);
}

/** emulate_run(), where the VM has doorbells that may be rung quickly, or a
 * hook.  A load has no W in its error code. */
static __noinline enum exit_action watch(struct vcpu *vcpu,
					 struct memslot_set *slots,
					 const struct shadow_fault *fault)
{
	u64 rip = vcpu->rip;
	enum exit_action action;

	if ((fault->error_code & GUEST_WALK_WRITE) &&
	    exit_doorbell_fault(vcpu, fault->gpa)) {
		return EXIT_RESUME;
	}
	action = emulate_run(vcpu, slots);
	if (action == EXIT_RESUME) {
		exit_doorbell_learn(vcpu, rip, fault->gpa);
	}
	return action;
}

static inline enum exit_action emulate(struct vcpu *vcpu,
				       struct memslot_set *slots,
				       const struct shadow_fault *fault)
{
	return unlikely(vcpu->vm->at_fault) ? watch(vcpu, slots, fault)
					    : emulate_run(vcpu, slots);
}

/**
 * The MMIO cache does not know the page: ask the tables, ours and theirs. Under
 * the MMU lock, since a change of slots may be zapping just what is being made
 * here; the guest itself runs elsewhere only with shadows of its own.
 *
 * The fault's address is left as a hint for the emulator, unless it was that of
 * a fetch, which is no operand.
 */
static __noinline enum exit_action judge(struct vcpu *vcpu,
					 struct memslot_set *slots,
					 struct shadow_fault *fault)
{
	struct emulator *e = &vcpu->emulation->e;
	enum shadow_fault_result result;

	fault->gpa = gpa(~0ull);
	vm_lock_mmu(vcpu->vm);
	result = shadow_fault_judge(&vcpu->shadow, slots, fault);
	vm_unlock_mmu(vcpu->vm);
	count(vcpu, fault, result);
	/* What was being delivered is queued again. */
	if (result != SHADOW_FAULT_EMULATE ||
	    (vcpu->event.info & INTR_INFO_VALID)) {
		return follow(vcpu, fault, result);
	}
	hint(e, fault);
	e->hint.valid = !(fault->error_code & GUEST_WALK_FETCH);
	e->mmio_page = EMULATOR_NO_PAGE;
	return emulate(vcpu, slots, fault);
}

/**
 * The qualification of a #PF exit is the linear address; the processor has not
 * written CR2 (SDM 3C 28.2.1).
 */
static inline void read_exit(const struct vcpu *vcpu,
			     struct shadow_fault *fault)
{
	fault->addr = gva(vmread(EXIT_QUALIFICATION));
	fault->error_code = vmread(VM_EXIT_INTR_ERROR_CODE);
	fault->ac = smap_lifted(vcpu);
}

/*
 * One read section from the first look at the slots until the emulator is done:
 * it may use memory that a slot leads to, and the slots must be the same in all
 * steps of the decision.
 */
enum exit_action exit_page_fault_handle(struct vcpu *vcpu)
{
	u32 info = vmread(VM_EXIT_INTR_INFO);
	struct memslot_set *slots;
	struct shadow_fault fault;
	enum exit_action action;
	bool delivering;

	if (unlikely((info & PAGE_FAULT_MASK) != PAGE_FAULT)) {
		return exit_exception_handle(vcpu, info);
	}
	delivering = events_requeue(vcpu);
	read_exit(vcpu, &fault);
	read_section_begin(vcpu);
	if (unlikely(vcpu->vm->fault_hook)) {
		call_hook(vcpu, fault.addr);
	}
	slots = read_section_slots(vcpu);
	if (unlikely(!shadow_fault_known(&vcpu->shadow, vcpu->slots_seen,
					 &fault))) {
		action = judge(vcpu, slots, &fault);
	} else if (unlikely(delivering)) {
		action = follow(vcpu, &fault, SHADOW_FAULT_EMULATE);
	} else {
		hint(&vcpu->emulation->e, &fault);
		action = emulate(vcpu, slots, &fault);
	}
	read_section_end(vcpu);
	return action;
}
