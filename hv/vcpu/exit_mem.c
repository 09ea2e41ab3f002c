/** @file
 * EPT violations and misconfigurations: where the way of an access begins.
 *
 * The decision is the first lab's (mmu/ept_fault.h), unless the second lab's
 * cache knows the page (mmu/mmio_known.h).  Here is what surrounds
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
 *
 * One violation, then misconfigurations (spec 1.1): the first touch of a page
 * without memory finds no EPT entry and exits with 48.  The fault handler
 * leaves an MMIO SPTE there, an entry that is illegal on purpose.  From then on
 * each touch exits with 49, which says "a device" with no look at the slots.
 *
 * Locks.  A read section around all of it keeps the slots and the devices where
 * they are; a change of slots waits for it to end.  Inside, vm->mmu_lock is
 * taken for the tables only, and given back before anything is emulated.  A
 * page that the MMIO cache knows needs no lock: the cache is the vCPU's own.
 */
#include "hv/vcpu/exit.h"

#include "hv/lib/trace.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/interrupts.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
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

/* An interrupt of the host's is a sample of where the guest is.  At another
 * place than the fault, it has got on. */
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
 *
 * A fault or two in a row are nothing: another CPU has changed the entry, or an
 * operand lies on two pages.  A thousand are a fault handler that says "go on"
 * and changes nothing, as in a first lab that is not finished yet.  Without the
 * count the guest would hang and nobody could say where.
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

enum exit_action exit_mem_resume(struct vcpu *vcpu, gpa_t gpa,
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

/**
 * While another CPU is at a change of the slots, which takes as long as it
 * takes, turns do not count: if it hangs, its own watchdog says so.
 */
enum exit_action exit_mem_retry(struct vcpu *vcpu, gpa_t gpa)
{
	vcpu->count.retries++;
	if (READ_ONCE(vcpu->vm->slots_lock.locked)) {
		cpu_relax();
		return EXIT_RESUME;
	}
	return exit_mem_resume(vcpu, gpa, "retry");
}

enum exit_action exit_mem_stop_delivering(struct vcpu *vcpu, gpa_t gpa)
{
	return exit_stop(vcpu, VCPU_INTERNAL_DELIVERY, gpa,
			 "event 0x%x was being delivered and touched "
			 "guest-physical 0x%llx, which is no memory",
			 vcpu->event.info, (unsigned long long)gpa.v);
}

/**
 * An illegal entry that is no MMIO SPTE: a bug of ours.  It is read without the
 * lock, for the message; nobody will run with it again.
 */
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

/**
 * Every answer but "emulate", and that one too if an event came first.
 *
 * A violation in the middle of an IRET has opened NMIs already, though the IRET
 * will be executed again; that is put right before anything else (SDM 3C
 * 28.2.3).  A misconfiguration has no qualification that could tell.
 */
static __noinline enum exit_action follow(struct vcpu *vcpu, gpa_t gpa,
					  enum ept_fault_result result)
{
	if (vcpu->exit_reason == EXIT_REASON_EPT_VIOLATION) {
		interrupts_block_nmi_again(
			vcpu, vcpu->qualification & EPT_QUAL_NMI_UNBLOCKING);
	}
	switch (result) {
	case EPT_FAULT_EMULATE:
		return exit_mem_stop_delivering(vcpu, gpa);
	case EPT_FAULT_RESUME:
		return exit_mem_resume(vcpu, gpa, "resume");
	case EPT_FAULT_RETRY:
		return exit_mem_retry(vcpu, gpa);
	case EPT_FAULT_NO_MEMORY:
		return exit_stop(vcpu, VCPU_INTERNAL_MMU, gpa,
				 "no memory for a table of the EPT");
	case EPT_FAULT_ERROR:
		break;
	}
	return stop_broken(vcpu, gpa);
}

/**
 * Do the entries as they are now allow what was wanted?  For the count.
 *
 * The processor may have used a translation that another CPU has replaced in
 * the meantime; such a fault is spurious.  The instruction must run again and
 * never be emulated, as its operand is memory (spec 1.4).
 */
static void count_spurious(struct vcpu *vcpu, const struct ept_access *access)
{
	if (!(access->wanted & ~ept_find_rights(&vcpu->vm->ept, access->gpa))) {
		vcpu->count.spurious++;
	}
}

/**
 * Data accesses only: a fetch or a page walk is no operand.
 *
 * The hint is what the exit has said of the address.  If it is the operand's
 * the emulator need not walk the guest's tables (spec 3.7 says when it is not
 * to be believed).  A violation also knows the linear address.  What it does
 * not know is whether there is memory: hence no mmio_page.
 */
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

/* Cheaper than to tell each vCPU of each change: they compare numbers. */
void exit_mem_slots_changed(struct vcpu *vcpu, u64 generation)
{
	vcpu->slots_seen = generation;
	mmio_known_event(&vcpu->known, MMIO_CACHE_SLOTS, gva(0));
}

/**
 * What the fault handler wants emulated and no slot has, is a device's.
 *
 * But not a store to a read-only slot: it is emulated as well, but loads from
 * the page are memory's, so the cache must not hear of it.  The generation is
 * that of the snapshot; if the slots have changed since, the entry is too old
 * before it is used.
 */
static void remember(struct vcpu *vcpu, struct memslot_set *slots, gpa_t addr,
		     enum ept_fault_result result)
{
	struct mmio_cache_page page = {
		.gva = gva(addr.v), /* not a linear one: never to be kept */
		.gpa = addr,
		.generation = vcpu->slots_seen,
	};

	if (result == EPT_FAULT_EMULATE && !memslot_find(slots, addr)) {
		mmio_known_fill(&vcpu->known, &page);
	}
}

/**
 * Ask the first lab.  The qualification's bits 2:0 say what was tried, 5:3 what
 * the entries allowed then (SDM 3C table 28-7); both are laid out like an EPT
 * entry's R, W and X.
 */
static enum ept_fault_result judge_violation(struct vcpu *vcpu,
					     struct memslot_set *slots,
					     gpa_t gpa)
{
	struct vm *vm = vcpu->vm;
	u64 q = vcpu->qualification;
	struct ept_access access = {gpa, q & EPT_RWX, bits(q, 5, 3)};
	enum ept_fault_result result;

	vcpu->count.slow_paths++;
	vm_lock_mmu(vm);
	count_spurious(vcpu, &access);
	result = ept_fault_violation(&vm->ept, slots, &access);
	vm_unlock_mmu(vm);
	remember(vcpu, slots, gpa, result);
	return result;
}

/*
 * The order counts.  The hook comes before the read section: whoever changes
 * slots waits for all readers to end, and would wait for himself.  Judgement
 * and emulation are in one section, with one snapshot: both speak of the same
 * slots.
 */
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
	slots = read_section_slots(vcpu);
	result = judge_violation(vcpu, slots, addr);
	action = result == EPT_FAULT_EMULATE && !delivering
			 ? emulate_run(vcpu, slots)
			 : follow(vcpu, addr, result);
	read_section_end(vcpu);
	return action;
}

/**
 * Whether this misconfiguration takes the slow path, its entry not being an
 * MMIO SPTE of this generation: those are counted.
 */
static void count_slow(struct vcpu *vcpu, gpa_t addr, u64 generation)
{
	int level = EPT_PTE;
	u64 entry = *ept_find_entry(&vcpu->vm->ept, addr, &level);

	if ((entry & EPT_MMIO_MASK) != EPT_MMIO_VALUE ||
	    ept_fault_mmio_stale(entry, generation)) {
		vcpu->count.slow_paths++;
	}
}

/**
 * The MMIO cache does not know the page: ask the entry, then the slots.
 *
 * The entry may be stale, made under an older generation: memory may have come
 * since, so e->mmio_page must not say "no memory" any longer.
 */
static __noinline enum ept_fault_result judge_misconfig(
	struct vcpu *vcpu, struct memslot_set *slots, gpa_t addr)
{
	struct vm *vm = vcpu->vm;
	enum ept_fault_result result;

	vcpu->emulation->e.mmio_page = gpa_none();
	vm_lock_mmu(vm);
	count_slow(vcpu, addr, memslot_generation(slots));
	result = ept_fault_misconfig(&vm->ept, slots, addr);
	vm_unlock_mmu(vm);
	remember(vcpu, slots, addr, result);
	return result;
}

/** Place 1 of spec 2.1: the very page of last time. */
static inline bool is_known(struct vcpu *vcpu, gpa_t addr, u64 generation)
{
	struct mmio_cache_query query = {
		.gva = gva(addr.v),
		.generation = generation,
	};

	return mmio_known_fault(&vcpu->known, &query, &addr);
}

/** Exit 49 tells the physical address and nothing else.  But what has met such
 * an entry is a device's page, at least until judge_misconfig() doubts it. */
static inline void hint_misconfig(struct vcpu *vcpu, gpa_t addr)
{
	struct emulator *e = &vcpu->emulation->e;

	e->hint.gpa = addr;
	e->hint.valid = true;
	e->hint.gva_valid = false;
	e->mmio_page = gpa_page(addr);
}

/**
 * The way of nearly every access to a device, and so the one that is kept
 * short: a known page takes no lock and asks no table.
 */
static inline enum exit_action handle_misconfig(struct vcpu *vcpu)
{
	gpa_t addr = gpa(vmread(GUEST_PHYSICAL_ADDRESS));
	bool delivering = events_requeue(vcpu);
	enum ept_fault_result result = EPT_FAULT_EMULATE;
	struct memslot_set *slots;
	enum exit_action action;

	hint_misconfig(vcpu, addr);
	read_section_begin(vcpu);
	slots = read_section_slots(vcpu); /* one snapshot for all of it */
	if (unlikely(!is_known(vcpu, addr, vcpu->slots_seen))) {
		result = judge_misconfig(vcpu, slots, addr);
	}
	action = likely(result == EPT_FAULT_EMULATE && !delivering)
			 ? emulate_run(vcpu, slots)
			 : follow(vcpu, addr, result);
	read_section_end(vcpu);
	return action;
}

/*
 * EXIT_RESUME does not say that the instruction has retired: it may have
 * faulted, or be tried again.  RIP is not behind it then, and
 * known_store_learn() sees that.
 */
enum exit_action exit_mem_watched(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	gpa_t addr = gpa(vmread(GUEST_PHYSICAL_ADDRESS));
	u64 rip = vcpu->rip;
	enum exit_action action;

	if (vm->fault_hook) {
		vm->fault_hook(vm, addr);
	}
	action = handle_misconfig(vcpu);
	if (action == EXIT_RESUME) {
		read_section_begin(vcpu);
		exit_doorbell_learn(vcpu, rip, addr);
		read_section_end(vcpu);
	}
	return action;
}

/**
 * Most VMs have neither a hook nor doorbells of any length: one test for both.
 */
enum exit_action exit_mem_misconfig(struct vcpu *vcpu)
{
	if (unlikely(vcpu->vm->at_fault)) {
		return vcpu->rip == vcpu->store.rip
			       ? exit_doorbell_misconfig(vcpu)
			       : exit_mem_watched(vcpu);
	}
	return handle_misconfig(vcpu);
}
