/** @file
 * The glue between a vCPU and the emulator.
 *
 * Before a pass the emulator gets the registers; after it they are written back
 * if the instruction has retired.  What it asks in between, about memory and
 * devices, is answered by the operations of emulate_ops.c.  A pass is one try
 * from the start: a read that the VMM has to answer ends it, and the next one
 * finds the answer in the read cache.
 *
 *	EMUL_DONE           retired: on with the guest, TF trap first
 *	EMUL_IO_NEEDED      the VMM is asked, vcpu_run() returns.  All
 *			    that is remembered is in struct vcpu_emulation
 *	EMUL_FAULT          the guest's mistake: inject it
 *	EMUL_RETRY          enter the guest, which does it itself
 *	EMUL_UNHANDLEABLE   #UD for a program at CPL 3, which must not be able
 *			    to stop its VM (spec 3.8); else the VM ends
 */
#include "hv/vcpu/emulate.h"

#include "hv/lib/trace.h"
#include "hv/vcpu/activity.h"
#include "hv/vcpu/emulate_ops.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/** READ_CACHE_READS reads of MEM_ACCESS_MAX bytes each are 256 questions. */
#define ASK_LIMIT 1000

#define BLOCKING (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)

struct vcpu_emulation *emulate_create(struct vcpu *vcpu, page_owner_t owner)
{
	size_t pages =
		(sizeof(struct vcpu_emulation) + PAGE_SIZE - 1) / PAGE_SIZE;
	struct vcpu_emulation *em = page_alloc_contig(owner, pages, 1);

	if (!em) {
		return NULL;
	}
	em->vcpu = vcpu;
	emulator_init(&em->e, &emulate_ops);
	em->e.gpr = vcpu->gpr;
	fetch_cache_drop(&em->fetch);
	walk_cache_drop(&em->data);
	return em;
}

void emulate_cancel(struct vcpu *vcpu)
{
	struct emulator *e = &vcpu->emulation->e;

	if (emulator_has_pending(e)) {
		emulator_cancel(e);
	}
}

void emulate_save(struct vcpu *vcpu, struct emulate_state *state)
{
	const struct vcpu_emulation *em = vcpu->emulation;

	emulator_save(&em->e, &state->e);
	state->old_rflags = em->old_rflags;
}

/** The mode of the code is in there; what else follows from CS is not. */
void emulate_restore(struct vcpu *vcpu, const struct emulate_state *state)
{
	struct vcpu_emulation *em = vcpu->emulation;

	emulator_restore(&em->e, &state->e);
	em->old_rflags = state->old_rflags;
	em->cs = 0;
	em->last_cs = 0;
}

struct emulator *emulate_borrow(struct vcpu *vcpu)
{
	struct vcpu_emulation *em = vcpu->emulation;

	vcpu_load(vcpu);
	em->slots = memslot_read(&vcpu->vm->slots);
	em->walk_ready = false;
	em->e.hint.valid = false;
	em->e.mmio_page = EMULATOR_NO_PAGE;
	return &em->e;
}

void emulate_mode_changed(struct vcpu *vcpu)
{
	known_store_drop(&vcpu->store);
	fetch_cache_drop(&vcpu->emulation->fetch);
	walk_cache_drop(&vcpu->emulation->data);
	emulator_forget_pages(&vcpu->emulation->e);
}

/** Where SS.B counts: outside of 64-bit code. */
static void read_stack_size(struct vcpu_emulation *em)
{
	em->e.stack_size = vmread(GUEST_SS_AR_BYTES) & SEG_AR_DB ? 4 : 2;
}

/**
 * Other code runs than last time: in IA-32e mode CS.L, else CS.D, say how wide
 * it is (SDM 3A 3.4.5).  Of 64-bit code alone it is remembered: elsewhere
 * there is more to look at each time.  @param cs its access rights
 */
static __noinline void change_code(struct vcpu_emulation *em, u64 cs)
{
	if (cs != em->last_cs) {
		fetch_cache_drop(&em->fetch);
		walk_cache_drop(&em->data);
	}
	em->last_cs = cs;
	em->cs = 0;
	if ((cs & SEG_AR_L) && (vmread(GUEST_IA32_EFER) & EFER_LMA)) {
		em->cs = cs;
		em->e.mode = MODE_64;
	} else {
		em->e.mode = cs & SEG_AR_DB ? MODE_32 : MODE_16;
		read_stack_size(em);
		fetch_cache_keep(&em->fetch, em->vcpu->rip);
	}
}

/** What every pass needs, the first and the later ones. */
static inline void begin_pass(struct vcpu_emulation *em,
			      struct memslot_set *slots)
{
	em->slots = slots;
	em->walk_ready = false;
}

/** What the emulator has to know of the instruction at RIP. */
static __force_inline void begin_insn(struct vcpu *vcpu,
				     struct memslot_set *slots)
{
	struct vcpu_emulation *em = vcpu->emulation;
	u64 cs = vmread(GUEST_CS_AR_BYTES);
	u64 rip, rsp, rflags;

	if (unlikely(cs != em->cs)) {
		change_code(em, cs);
	}
	rip = vcpu->rip;
	rsp = vmread(GUEST_RSP);
	rflags = vmread(GUEST_RFLAGS);
	em->e.code = fetch_cache_find(&em->fetch, slots, gva(rip));
	em->e.rip = rip;
	em->e.rflags = rflags;
	em->e.traced = trace_on;
	em->old_rflags = rflags;
	vcpu->gpr[GPR_RSP] = rsp;
}

/** The instruction at vcpu->rip, which has not moved yet. */
static __noinline void trace_insn(struct vcpu *vcpu, bool failed)
{
	const struct insn *insn = &vcpu->emulation->e.insn;
	u32 length = insn->length ? insn->length : insn->fetched;
	struct trace_record *r = trace_begin(
		vcpu->trace,
		trace_head(vcpu->trace_tag, TRACE_KVM_EMULATE_INSN, length) |
			trace_kind(failed));

	if (r) {
		r->a = vcpu->rip;
		__builtin_memcpy(&r->b, insn->bytes, sizeof(u64));
		__builtin_memcpy(&r->c, insn->bytes + sizeof(u64), sizeof(u64));
	}
}

/**
 * What most instructions leave as it is: RSP, blocking.  STI and loads
 * of SS hold interrupts off for an instruction, unless it is their second in a
 * row (SDM 2B STI, 3A 6.8.3).
 */
static __noinline void write_back_more(struct vcpu *vcpu, u64 blocking)
{
	const struct emulator *e = &vcpu->emulation->e;
	u64 now = 0;

	if (e->dirty & EMUL_OPENS_NMI) { /* with a dirty RSP */
		blocking &= ~(u64)INTERRUPTIBILITY_NMI;
	}
	if ((e->dirty & EMUL_BLOCKS) && !(blocking & BLOCKING)) {
		now = e->dirty & EMUL_BLOCKS_STI ? INTERRUPTIBILITY_STI
						 : INTERRUPTIBILITY_MOV_SS;
	}
	vmwrite(GUEST_RSP, vcpu->gpr[GPR_RSP]);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, (blocking & ~BLOCKING) | now);
}

/** The instruction has retired: RIP moves, and what ends with it. */
static inline void write_back(struct vcpu *vcpu, struct vcpu_emulation *em)
{
	u64 blocking = vmread(GUEST_INTERRUPTIBILITY_STATE);

	vcpu->stuck.times = 0;
	vcpu->rip = em->e.rip;
	vmwrite(GUEST_RIP, em->e.rip);
	if (em->e.rflags != em->old_rflags) {
		vmwrite(GUEST_RFLAGS, em->e.rflags);
	}
	if (unlikely((blocking & BLOCKING) ||
		     (em->e.dirty & (BIT(GPR_RSP) | EMUL_BLOCKS)))) {
		write_back_more(vcpu, blocking);
	}
}

/** The emulator wants an answer and does not say to what. */
static __noinline enum exit_action stop_no_question(struct vcpu *vcpu)
{
	return exit_stop(
		vcpu, VCPU_INTERNAL_EMULATION, gpa(~0ull),
		"the emulator waits for an answer but has no question");
}

/** An element of a string instruction on ports, or an IN or OUT. */
static __noinline enum exit_action ask_vmm_port(struct vcpu *vcpu)
{
	struct vcpu_run *run = &vcpu->run;
	struct port_piece piece;
	u64 value;

	if (!emulator_port(&vcpu->emulation->e, &piece)) {
		return stop_no_question(vcpu);
	}
	value = piece.value;
	run->exit_reason = VCPU_EXIT_IO;
	run->io.port = piece.port;
	run->io.size = piece.size;
	run->io.count = 1;
	run->io.is_write = piece.is_write;
	__builtin_memcpy(run->io.data, &value, sizeof(value));
	vcpu->pending = VCPU_PENDING_MMIO;
	vcpu->count.io_exits++;
	return EXIT_TO_VMM;
}

/** More questions than any instruction has, and it has not retired. */
static __noinline enum exit_action stop_asking(struct vcpu *vcpu)
{
	return exit_stop(vcpu, VCPU_INTERNAL_LIVELOCK, vcpu->run.mmio.gpa,
			 "one instruction asks the VMM again and again");
}

/** The next piece goes into the exit record. */
static __noinline enum exit_action ask_vmm(struct vcpu *vcpu)
{
	struct vcpu_emulation *em = vcpu->emulation;
	struct vcpu_run *run = &vcpu->run;

	if (unlikely(!emulator_piece(&em->e, &run->mmio))) {
		return ask_vmm_port(vcpu);
	}
	if (unlikely(++vcpu->stuck.times > ASK_LIMIT)) {
		return stop_asking(vcpu);
	}
	run->exit_reason = VCPU_EXIT_MMIO;
	vcpu->pending = VCPU_PENDING_MMIO;
	vcpu->count.mmio_exits++;
	vcpu->count.mmio_writes += run->mmio.is_write;
	return EXIT_TO_VMM;
}

/**
 * All exceptions that come from here are faults: the RFLAGS which they leave on
 * the stack have RF set, so that a code breakpoint at the instruction does not
 * come twice (SDM 3B 18.3.1.1).  Injection itself does not see to that.
 */
static enum exit_action inject(struct vcpu *vcpu)
{
	const struct exception *e = &vcpu->emulation->e.exception;

	vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_RF);
	if (e->vector == VECTOR_PF) {
		vcpu_paging_page_fault(vcpu, e->address);
	}
	return events_inject(vcpu, e) ? EXIT_RESUME : exit_stop_shutdown(vcpu);
}

static enum exit_action give_up(struct vcpu *vcpu)
{
	struct vcpu_emulation *em = vcpu->emulation;
	const struct insn *insn = &em->e.insn;
	u64 fault = vmread(GUEST_PHYSICAL_ADDRESS);
	enum exit_action action;

	if (guest_mode_cpl() == 3) {
		events_inject_ud(vcpu);
		return EXIT_RESUME;
	}
	action = exit_stop(vcpu, VCPU_INTERNAL_EMULATION, gpa(fault), "%s",
			   em->e.error ? em->e.error : "no reason given");
	if (insn->fetched) {
		vcpu->run.internal.insn_len =
			insn->fetched < INSN_MAX ? insn->fetched : INSN_MAX;
		memcpy(vcpu->run.internal.insn, insn->bytes, INSN_MAX);
	}
	return action;
}

/**
 * Not behind MOV SS, which holds it off for an instruction (SDM 3A 6.8.3), nor
 * in the handler that INT n has gone to.
 */
static __noinline void step_trap(struct vcpu *vcpu,
				 const struct vcpu_emulation *em)
{
	if (!(em->e.dirty & EMUL_NO_STEP) &&
	    !(vmread(GUEST_INTERRUPTIBILITY_STATE) & INTERRUPTIBILITY_MOV_SS)) {
		events_step_trap(vcpu, em->old_rflags);
	}
}

/** HLT and VMCALL have retired. */
static __noinline enum exit_action leave_for_vmm(struct vcpu *vcpu)
{
	if (vcpu->emulation->e.dirty & EMUL_CALLS) {
		return exit_hypercall_ask(vcpu);
	}
	return activity_halt(vcpu);
}

/** The instruction is over: the single-step trap is due, by TF as it was. */
static inline enum exit_action end_insn(struct vcpu *vcpu,
					const struct vcpu_emulation *em)
{
	if (unlikely(em->old_rflags & RFLAGS_TF)) {
		step_trap(vcpu, em);
	}
	if (unlikely(em->e.dirty & (EMUL_HALTS | EMUL_CALLS))) {
		return leave_for_vmm(vcpu);
	}
	return EXIT_RESUME;
}

/** What is neither done nor a question. */
static __noinline enum exit_action leave_undone(struct vcpu *vcpu,
						enum emul_result result)
{
	switch (result) {
	case EMUL_FAULT:
		return inject(vcpu);
	case EMUL_UNHANDLEABLE:
		return give_up(vcpu);
	case EMUL_DONE:
	case EMUL_IO_NEEDED:
	case EMUL_RETRY:
		break;
	}
	return EXIT_RESUME;
}

/** After a pass, or after an answer that needed none. */
static __force_inline enum exit_action finish(struct vcpu *vcpu,
				      enum emul_result result)
{
	struct vcpu_emulation *em = vcpu->emulation;

	if (em->e.retired) {
		write_back(vcpu, em);
	}
	if (likely(result == EMUL_DONE)) {
		return end_insn(vcpu, em);
	}
	if (likely(result == EMUL_IO_NEEDED)) {
		return ask_vmm(vcpu);
	}
	return leave_undone(vcpu, result);
}

enum exit_action emulate_run(struct vcpu *vcpu, struct memslot_set *slots)
{
	struct vcpu_emulation *em = vcpu->emulation;
	enum emul_result result;

	begin_insn(vcpu, slots);
	begin_pass(em, slots);
	vcpu->count.emulations++;
	result = emulator_run(&em->e);
	if (unlikely(em->e.traced)) {
		trace_insn(vcpu, result == EMUL_UNHANDLEABLE);
	}
	if (unlikely(result != EMUL_DONE)) {
		return finish(vcpu, result);
	}
	write_back(vcpu, em);
	return end_insn(vcpu, em);
}

enum exit_action emulate_alone(struct vcpu *vcpu, struct memslot_set *slots)
{
	struct emulator *e = &vcpu->emulation->e;

	e->hint.valid = false;
	e->mmio_page = EMULATOR_NO_PAGE;
	return emulate_run(vcpu, slots);
}

enum exit_action emulate_forced(struct vcpu *vcpu, u32 count)
{
	enum exit_action action;

	read_section_begin(vcpu);
	do {
		bus_next_instruction(&vcpu->vm->mmio_bus);
		action = emulate_alone(vcpu, read_section_slots(vcpu));
	} while (--count && action == EXIT_RESUME && !vcpu->work);
	read_section_end(vcpu);
	return action;
}

/** An answer that needs no pass: the last one to a write, or a bad one. */
static __noinline enum exit_action finish_answered(struct vcpu *vcpu,
						   enum emul_result result)
{
	return finish(vcpu, result);
}

/** An NMI is being delivered: no other until IRET (SDM 3A 6.7.1). */
static void block_nmi(const struct vcpu *vcpu)
{
	if ((vcpu->event.info & INTR_INFO_TYPE) >> 8 == INTR_TYPE_NMI) {
		vmwrite(GUEST_INTERRUPTIBILITY_STATE,
			vmread(GUEST_INTERRUPTIBILITY_STATE) |
				INTERRUPTIBILITY_NMI);
	}
}

enum exit_action emulate_deliver(struct vcpu *vcpu, struct memslot_set *slots)
{
	struct vcpu_emulation *em = vcpu->emulation;
	struct emul_event event;
	enum emul_result result;

	em->e.hint.valid = false;
	em->e.mmio_page = EMULATOR_NO_PAGE;
	begin_insn(vcpu, slots);
	begin_pass(em, slots);
	events_describe(vcpu, &event);
	result = emulator_deliver(&em->e, &event);
	if (em->e.retired) {
		block_nmi(vcpu);
		events_delivered(vcpu);
	}
	return finish_answered(vcpu, result);
}

/** The value that has been waited for is there: run it again. */
static __noinline enum exit_action run_again(struct vcpu *vcpu)
{
	struct vcpu_emulation *em = vcpu->emulation;
	enum exit_action action;

	read_section_begin(vcpu);
	begin_pass(em, memslot_read(&vcpu->vm->slots));
	action = finish(vcpu, emulator_rerun(&em->e));
	read_section_end(vcpu);
	return action;
}

/** A port's value is there. */
static __noinline enum exit_action complete_port(struct vcpu *vcpu)
{
	struct vcpu_emulation *em = vcpu->emulation;
	enum exit_action action;

	read_section_begin(vcpu);
	begin_pass(em, memslot_read(&vcpu->vm->slots));
	action = finish(vcpu, emulator_complete(&em->e, vcpu->run.io.data));
	read_section_end(vcpu);
	return action;
}

/** Taking an answer, and asking the next one, needs no memory. */
enum exit_action emulate_complete(struct vcpu *vcpu)
{
	struct emulator *e = &vcpu->emulation->e;
	bool is_write = emulator_is_write(e);
	enum emul_result result;

	if (unlikely(emulator_waits_for_port(e))) {
		return complete_port(vcpu);
	}
	result = emulator_answer(e, vcpu->run.mmio.data);
	if (result == EMUL_IO_NEEDED) {
		return ask_vmm(vcpu);
	}
	return result || is_write ? finish_answered(vcpu, result)
				  : run_again(vcpu);
}
