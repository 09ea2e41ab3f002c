/** @file
 * The emulator's questions: where is this operand, is it memory, who answers?
 *
 *	gva --translate()--> gpa --ram()----> memory
 *				 --device()-> core
 *				 else: the VMM
 *
 * Pages are asked of the guest's own tables, memory of the slots, devices of
 * the bus.  All of it happens in one read section, with one snapshot of the
 * slots.  What only system instructions ask is in emulate_system.c.
 *
 * The emulator sees none of that: it is plain C, and on the host its tests have
 * answers of their own (struct emul_ops).  In the order in which an access asks
 * and from the cheapest to the dearest:
 *
 *	walk_cache    the page of last time, entries compared
 *	place 2       the MMIO cache by linear address (without EPT)
 *	walk()        the guest's tables, up to four loads; may be a #PF
 *	place 3       the MMIO cache by physical address: not memory
 *	slots         memory?
 *	bus           a device in the core?
 *
 * The MMIO cache is asked before a page is translated and before memory is
 * tried: places 2 and 3 of spec 2.1.
 */
#include "hv/vcpu/emulate_ops.h"

#include "bus/bus.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/emulate_system.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"

static struct vcpu_emulation *emulation_of(struct emulator *e)
{
	return container_of(e, struct vcpu_emulation, e);
}

/**
 * How the guest translates is read once a pass, if at all.
 *
 * A program at CPL 3 may touch user pages only.  What the processor reads on
 * its own account, such as descriptor tables and the TSS, it reads as a
 * supervisor whatever CPL is (SDM 3A 4.6.1), so these two have no "user".
 */
static __noinline void read_mode(struct vcpu_emulation *em)
{
	u32 user = guest_mode_cpl() == 3 ? GUEST_WALK_USER : 0;

	em->paging = guest_mode_paging(em->vcpu, &em->mode);
	em->walk_access[EMUL_READ] = user;
	em->walk_access[EMUL_WRITE] = user | GUEST_WALK_WRITE;
	em->walk_access[EMUL_FETCH] = user | GUEST_WALK_FETCH;
	em->walk_access[EMUL_SYSTEM_READ] = 0;
	em->walk_access[EMUL_SYSTEM_WRITE] = GUEST_WALK_WRITE;
	em->walk_ready = true;
}

/**
 * Two very different ends of a walk.  An entry that says no is the guest's own
 * business: #PF, with the error code that its tables call for.  A table where
 * there is no memory has no entry that could say anything: a processor would
 * ask the bus, here it is not supported.
 */
static enum emul_result translate_failed(struct emulator *e,
					 enum guest_walk_status status,
					 const struct guest_walk *walk)
{
	if (status == GUEST_WALK_FAULT) {
		e->exception = (struct exception){VECTOR_PF, true,
						  walk->error_code, walk->addr};
		return EMUL_FAULT;
	}
	e->error = "a page table of the guest lies where there is no memory";
	return EMUL_UNHANDLEABLE;
}

/**
 * Place 2 of spec 2.1: has this linear page been a device's last time?  Then
 * the walk can be spared.  A generation is the number of the slots' version;
 * what was remembered in an older one counts for nothing, as there may be
 * memory now.
 */
static bool known_gva(struct vcpu_emulation *em, gva_t address, u32 access,
		      gpa_t *out)
{
	struct mmio_cache_query query = {
		.gva = address,
		.access = access,
		.generation = memslot_generation(em->slots),
	};

	return mmio_known_gva(&em->vcpu->known, &query, out);
}

/**
 * Another page than last time, or an entry on the way has changed.  Code and
 * data have a memory each: they lie on different pages, and one for both would
 * forget the one for the other at each instruction.
 */
static __noinline enum emul_result walk(struct vcpu_emulation *em,
					gva_t address, enum emul_access kind,
					gpa_t *out)
{
	struct guest_walk walk = {
		.addr = address, .access = em->walk_access[kind]
	};
	enum guest_walk_status status;

	if (kind == EMUL_FETCH) {
		status = fetch_cache_walk(&em->fetch, em->paging, em->slots,
					  &walk);
	} else {
		em->data.kind = kind;
		status = walk_cache_fill(&em->data, em->paging, em->slots,
					 &walk);
	}
	if (unlikely(status)) {
		return translate_failed(&em->e, status, &walk);
	}
	*out = walk.gpa;
	return EMUL_DONE;
}

/** What is not known from last time. */
static __noinline enum emul_result look_up(struct vcpu_emulation *em,
					   gva_t address,
					   enum emul_access kind, gpa_t *out)
{
	if (!em->walk_ready) {
		read_mode(em);
	}
	if (kind != EMUL_FETCH &&
	    known_gva(em, address, em->walk_access[kind], out)) {
		return EMUL_DONE;
	}
	return walk(em, address, kind, out);
}

/** With EPT place 2 has nothing to say (spec 10.6): a walk that still holds
 * comes before it. */
static enum emul_result translate(struct emulator *e, gva_t address,
				  enum emul_access kind, gpa_t *out)
{
	struct vcpu_emulation *em = emulation_of(e);

	if (!walk_cache_holds(&em->data, em->slots, address, kind) ||
	    !em->vcpu->vm->with_ept) {
		return look_up(em, address, kind, out);
	}
	*out = gpa_add(em->data.gpa, gva_offset(address));
	return EMUL_DONE;
}

/** Has the page that was walked to last been looked for in these slots? */
static inline bool is_no_ram(const struct walk_cache *data,
			     const struct memslot_set *slots, gpa_t address)
{
	return data->no_ram && gpa_page(address).v == data->gpa.v &&
	       memslot_generation(slots) == data->generation;
}

/**
 * Place 3 of spec 2.1, then the slots.  One that is going away is memory until
 * it has gone.
 *
 * NULL means "ask the devices": that is also so for a store to a read-only
 * slot, as to a ROM or flash, whose loads come from memory (spec 1.4).
 *
 * The emulator stores past the EPT, which is how a dirty page is noticed
 * otherwise.  So it is marked here, or a migration would leave it behind.
 */
static void *ram(struct emulator *e, gpa_t address, bool write)
{
	struct vcpu_emulation *em = emulation_of(e);
	const struct memslot *slot;

	if (mmio_known_gpa(&em->vcpu->known, address,
			   memslot_generation(em->slots))) {
		return NULL;
	}
	if (is_no_ram(&em->data, em->slots, address)) {
		return NULL;
	}
	slot = memslot_find(em->slots, address);
	if (!slot) {
		em->data.no_ram = gpa_page(address).v == em->data.gpa.v &&
				  memslot_generation(em->slots) ==
					  em->data.generation;
	}
	if (!slot || (write && (slot->flags & MEMSLOT_READONLY))) {
		return NULL;
	}
	if (write && unlikely(slot->flags & MEMSLOT_LOG_DIRTY)) {
		memslot_mark_dirty(slot, address);
	}
	return memslot_pointer(slot, address);
}

/**
 * Offer a piece of up to 8 bytes to the devices in the core.  The bus compares
 * addresses by a search; mmio_hint is where the last one ended, and a driver
 * mostly goes on with the same device.  Both sides of a value are copied as 8
 * bytes, one load and one store; who reads it looks at length only.
 */
static int device(struct emulator *e, struct mmio_piece *piece)
{
	struct vcpu *vcpu = emulation_of(e)->vcpu;
	struct bus_access access;
	int result;

	access.address = bus_addr(piece->gpa.v);
	access.length = piece->len;
	access.is_write = piece->is_write;
	__builtin_memcpy(&access.value, piece->data, sizeof(u64));
	result = bus_dispatch_hint(&vcpu->vm->mmio_bus, &access,
				   &vcpu->mmio_hint);
	__builtin_memcpy(piece->data, &access.value, sizeof(u64));
	return result;
}

/** In the VMCS, whatever the instruction is: nothing of the pass is needed. */
static unsigned int cpl(struct emulator *e)
{
	(void)e;
	return guest_mode_cpl();
}

/**
 * As the guest would read it, which is not what the processor has: of the bits
 * that are the host's it is the read shadow (guest_mode.c).  Of EFER the
 * emulator looks at LMA, and that one is the same in both.
 */
static u64 control(struct emulator *e, unsigned int n)
{
	if (n == SYSTEM_CR0) {
		return guest_mode_cr0();
	}
	if (n == SYSTEM_CR4) {
		return guest_mode_cr4();
	}
	if (n == SYSTEM_EFER) {
		return vmread(GUEST_IA32_EFER);
	}
	return exit_cr_get(emulation_of(e)->vcpu, n);
}

static const u8 trace_kinds[] = {
	[MMIO_READ_UNSATISFIED] = TRACE_MMIO_READ_UNSATISFIED,
	[MMIO_READ] = TRACE_MMIO_READ,
	[MMIO_WRITE] = TRACE_MMIO_WRITE,
};

/** KVM's kvm_mmio: one for each piece, so that a record tells a split access as
 * it was made.  The emulator has asked e->traced before it calls. */
static void trace(struct emulator *e, const struct mmio_trace *event)
{
	struct vcpu *vcpu = emulation_of(e)->vcpu;
	struct trace_record *r = trace_begin(
		vcpu->trace,
		trace_head(vcpu->trace_tag, TRACE_KVM_MMIO, event->len) |
			trace_kind(trace_kinds[event->event]));
	if (r) {
		r->a = event->gpa.v;
		r->b = event->value;
	}
}

const struct emul_ops emulate_ops = {
	.system = &emulate_system_ops,
	.translate = translate,
	.ram = ram,
	.device = device,
	.cpl = cpl,
	.control = control,
	.trace = trace,
};
