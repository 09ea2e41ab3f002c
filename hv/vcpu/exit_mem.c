/** @file
 * EPT violations and misconfigurations: where the way of an access begins.
 *
 * The decision is the first lab's (mmu/ept_fault.h).  Here is what surrounds
 * it: the address and the qualification from the VMCS, the locks, and what
 * follows from each of its answers:
 *
 *	RESUME, RETRY   enter again.  If that happens at the same place over
 *			and over with nothing retired, the VM is stopped: a
 *			livelock is found by counting, not by a clock
 *	EMULATE         the emulator, unless an event was being delivered: there
 *			 is no instruction to emulate (spec 1.4)
 *	NO_MEMORY,      the VM is stopped
 *	ERROR
 */
#include "hv/vcpu/exit.h"

#include "hv/lib/trace.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "mmu/ept_fault.h"

/** So often the same access may fault in a row with nothing retired. */
#define STUCK_LIMIT 1000

/** "No address", for a page that is not known. */
static inline gpa_t gpa_none(void)
{
	return gpa(~0ull);
}

static void trace_fault(struct vcpu *vcpu, gpa_t gpa)
{
	struct trace_record *r =
		trace_begin(vcpu->trace, trace_head(vcpu->trace_tag,
						    TRACE_KVM_PAGE_FAULT, 0));

	if (r) {
		r->a = vcpu->rip;
		r->b = gpa.v;
		r->c = vcpu->qualification;
	}
}

void exit_mem_moved(struct vcpu *vcpu)
{
	if (vcpu->rip != vcpu->stuck.rip) {
		vcpu->stuck.times = 0;
	}
}

/**
 * Is this fault the same as the last one, and nothing has happened since?
 * Registers tell: an instruction that was retired in between and came back to
 * the same place has left a trace in one of them, or has exited.
 */
static bool is_stuck(struct vcpu *vcpu, gpa_t gpa)
{
	u64 rflags = vmread(GUEST_RFLAGS);

	if (vcpu->stuck.times && vcpu->stuck.rip == vcpu->rip &&
	    vcpu->stuck.gpa.v == gpa.v && vcpu->stuck.rflags == rflags &&
	    !memcmp(vcpu->stuck.gpr, vcpu->gpr, sizeof(vcpu->stuck.gpr))) {
		vcpu->stuck.times++;
		return vcpu->stuck.times > STUCK_LIMIT;
	}
	memcpy(vcpu->stuck.gpr, vcpu->gpr, sizeof(vcpu->stuck.gpr));
	vcpu->stuck.rip = vcpu->rip;
	vcpu->stuck.rflags = rflags;
	vcpu->stuck.gpa = gpa;
	vcpu->stuck.times = 1;
	return false;
}

static enum exit_action resume(struct vcpu *vcpu, gpa_t gpa,
			       const char *decision)
{
	if (likely(!is_stuck(vcpu, gpa))) {
		return EXIT_RESUME;
	}
	return exit_stop(vcpu, VCPU_INTERNAL_LIVELOCK, gpa,
			 "the access at rip 0x%llx to guest-physical 0x%llx "
			 "faults again and again; the fault handler said %s "
			 "each time",
			 (unsigned long long)vcpu->rip,
			 (unsigned long long)gpa.v, decision);
}

static enum exit_action stop_delivering(struct vcpu *vcpu, gpa_t gpa)
{
	return exit_stop(vcpu, VCPU_INTERNAL_DELIVERY, gpa,
			 "event 0x%x was being delivered and touched "
			 "guest-physical 0x%llx, which is no memory",
			 vcpu->event.info, (unsigned long long)gpa.v);
}

static enum exit_action stop_broken(struct vcpu *vcpu, gpa_t gpa)
{
	struct ept *ept = &vcpu->vm->ept;
	int level = EPT_PTE;
	u64 *entry = ept_find_entry(ept, gpa, &level);

	return exit_stop(vcpu, VCPU_INTERNAL_MMU, gpa,
			 "the EPT entry for guest-physical 0x%llx is broken: "
			 "0x%llx at level %d",
			 (unsigned long long)gpa.v,
			 (unsigned long long)*entry, level);
}

/** Every answer but "emulate", and that one too if an event came first. */
static __noinline enum exit_action follow(struct vcpu *vcpu, gpa_t gpa,
					  enum ept_fault_result result)
{
	switch (result) {
	case EPT_FAULT_EMULATE:
		return stop_delivering(vcpu, gpa);
	case EPT_FAULT_RESUME:
		return resume(vcpu, gpa, "resume");
	case EPT_FAULT_RETRY:
		vcpu->count.retries++;
		return resume(vcpu, gpa, "retry");
	case EPT_FAULT_NO_MEMORY:
		return exit_stop(vcpu, VCPU_INTERNAL_MMU, gpa,
				 "no memory for a table of the EPT");
	case EPT_FAULT_ERROR:
		break;
	}
	return stop_broken(vcpu, gpa);
}

/** Do the entries as they are now allow what was wanted?  For the count. */
static void count_spurious(struct vcpu *vcpu, const struct ept_access *access)
{
	if (!(access->wanted & ~ept_find_rights(&vcpu->vm->ept, access->gpa))) {
		vcpu->count.spurious++;
	}
}

/** Data accesses only: a fetch or a page walk is no operand. */
static void hint_violation(struct vcpu *vcpu, gpa_t gpa)
{
	struct emul_hint *hint = &vcpu->emulation->e.hint;
	u64 q = vcpu->qualification;

	hint->gpa = gpa;
	hint->valid = (q & EPT_QUAL_NOT_WALK) && !(q & EPT_QUAL_FETCH);
	hint->gva_valid = hint->valid && (q & EPT_QUAL_GLA_VALID);
	if (hint->gva_valid) {
		hint->gva = gva(vmread(GUEST_LINEAR_ADDRESS));
	}
	vcpu->emulation->e.mmio_page = gpa_none();
}

static enum ept_fault_result judge_violation(struct vcpu *vcpu,
					     struct memslot_set *slots,
					     gpa_t gpa)
{
	struct vm *vm = vcpu->vm;
	u64 q = vcpu->qualification;
	struct ept_access access = {gpa, q & EPT_RWX, bits(q, 5, 3)};
	enum ept_fault_result result;

	vcpu->count.slow_paths++;
	vm_lock_ept(vm);
	count_spurious(vcpu, &access);
	result = ept_fault_violation(&vm->ept, slots, &access);
	vm_unlock_ept(vm);
	return result;
}

enum exit_action exit_mem_violation(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	gpa_t addr = gpa(vmread(GUEST_PHYSICAL_ADDRESS));
	bool delivering = events_requeue(vcpu);
	enum ept_fault_result result;
	struct memslot_set *slots;
	enum exit_action action;

	vcpu->qualification = vmread(EXIT_QUALIFICATION);
	hint_violation(vcpu, addr);
	trace_fault(vcpu, addr);
	if (unlikely(vm->fault_hook)) {
		vm->fault_hook(vm, addr);
	}
	read_section_begin(vcpu);
	slots = memslot_read(&vm->slots);
	result = judge_violation(vcpu, slots, addr);
	action = result == EPT_FAULT_EMULATE && !delivering
			 ? emulate_run(vcpu, slots)
			 : follow(vcpu, addr, result);
	read_section_end(vcpu);
	return action;
}

/** This page is not known: look at its entry. @return as is_slow() */
static __noinline bool look_at_entry(struct vcpu *vcpu, gpa_t addr,
				     u64 generation)
{
	int level = EPT_PTE;
	u64 entry = *ept_find_entry(&vcpu->vm->ept, addr, &level);

	if ((entry & EPT_MMIO_MASK) != EPT_MMIO_VALUE ||
	    ept_fault_mmio_stale(entry, generation)) {
		vcpu->count.slow_paths++;
		return true;
	}
	vcpu->known_page = gpa_page(addr);
	vcpu->known_generation = generation;
	return false;
}

/**
 * Will this misconfiguration take the slow path, its entry not being an MMIO
 * SPTE of this generation?  Those are counted.  The answer is remembered for
 * the page, so that the question costs nothing in a loop of accesses.
 */
static inline bool is_slow(struct vcpu *vcpu, gpa_t addr, u64 generation)
{
	if (likely(vcpu->known_page.v == gpa_page(addr).v &&
		   vcpu->known_generation == generation)) {
		return false;
	}
	return look_at_entry(vcpu, addr, generation);
}

static inline void hint_misconfig(struct vcpu *vcpu, gpa_t addr, bool slow)
{
	struct emulator *e = &vcpu->emulation->e;

	e->hint.gpa = addr;
	e->hint.valid = true;
	e->hint.gva_valid = false;
	e->mmio_page = slow ? gpa_none() : gpa_page(addr);
}

enum exit_action exit_mem_misconfig(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	gpa_t addr = gpa(vmread(GUEST_PHYSICAL_ADDRESS));
	bool delivering = events_requeue(vcpu);
	enum ept_fault_result result;
	struct memslot_set *slots;
	enum exit_action action;

	if (unlikely(vm->fault_hook)) {
		vm->fault_hook(vm, addr);
	}
	read_section_begin(vcpu);
	slots = memslot_read(&vm->slots); /* one snapshot for all of it */
	vm_lock_ept(vm);
	hint_misconfig(vcpu, addr,
		       is_slow(vcpu, addr, memslot_generation(slots)));
	result = ept_fault_misconfig(&vm->ept, slots, addr);
	vm_unlock_ept(vm);
	action = likely(result == EPT_FAULT_EMULATE && !delivering)
			 ? emulate_run(vcpu, slots)
			 : follow(vcpu, addr, result);
	read_section_end(vcpu);
	return action;
}
