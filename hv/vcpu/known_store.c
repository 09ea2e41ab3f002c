/** @file
 * Learning: from the instruction that the emulator has just done.
 *
 * The emulator has decoded it, fetch_cache.h knows the way to its bytes, and
 * the store has not changed the register that it goes by.  What is learnt is
 * tried on the spot: if it would not find the access that has just been, it is
 * of no use.
 *
 *	exit 49 --> whole way: decode, walk, look up, ring --> learn()
 *	exit 49 --> rip, cs, cr3 equal, known_store_holds() --> ring
 *
 * Believing wrongly is worse than never believing. A load taken for a store
 * would ring a bell that nobody rang and leave a register unchanged; a store of
 * another length would move RIP into the middle of an instruction. Hence a list
 * of conditions in which each line shuts out one such case, and dropping it all
 * when in doubt costs one slow access.
 */
#include "hv/vcpu/known_store.h"

#include "emulator/opcodes.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/**
 * A move to memory, flat, by at most one register, which is not RSP: the vCPU's
 * gpr[] has that one only while it emulates. "Flat" is no FS or GS, whose base
 * may change without a word; an index register would be one more value to add.
 * What drivers write, `mov %eax,(%rdx)`, is all of that.
 */
static bool is_plain(const struct insn *insn)
{
	const struct operand *dst = &insn->dst;

	return insn->mode == MODE_64 && insn->row.op == OP_MOV &&
	       insn->length <= KNOWN_STORE_BYTES &&
	       dst->kind == OPERAND_MEMORY && dst->from == FROM_MODRM &&
	       dst->flat && insn->index == REG_NONE && insn->base != GPR_RSP &&
	       insn->address_size == 8;
}

/**
 * The bytes at RIP, if the page is the one that the emulator knows. The whole
 * of INSN_MAX bytes must be on that page, so the eight that are compared are.
 * Without EPT the cache's CR3 is the real one, a root of the shadow, and says
 * nothing: the guest's own is taken.
 */
static bool find_code(struct known_store *store, const struct vcpu *vcpu)
{
	const struct fetch_cache *from = &vcpu->emulation->fetch;
	u64 offset = store->rip - from->page.v;

	if (offset > PAGE_SIZE - INSN_MAX) {
		return false;
	}
	store->code = (const u64 *)(from->code + offset);
	store->cr3 = vcpu->vm->with_ept ? from->cr3 : vcpu->cr3;
	store->generation = from->generation;
	store->trail = from->trail;
	return true;
}

/**
 * Where the operand is; without a register it is where it was. The address of
 * the *last* byte is what is remembered, and `page` is less by the same amount:
 * then one addition gives the address of the first byte when both are on one
 * page, and a wrong one, which matches nothing, when the operand crosses.
 */
static void find_operand(struct known_store *store, const struct vcpu *vcpu,
			 gpa_t addr)
{
	const struct insn *insn = &vcpu->emulation->e.insn;
	u64 more = insn->dst.size - 1;

	store->base = insn->base == REG_NONE ? &store->zero
					     : &vcpu->gpr[insn->base];
	store->displacement = insn->dst.at.address.v - *store->base + more;
	store->page = gpa_page(addr).v - more;
}

/** Would it find the access that has just been, and is that no memory's? */
static bool is_good(const struct known_store *store, const struct vcpu *vcpu,
		    gpa_t addr)
{
	struct memslot_set *slots = memslot_read(&vcpu->vm->slots);

	return known_store_holds(store, slots, addr) &&
	       !memslot_find(slots, addr);
}

/*
 * First it is forgotten, so that any return in the middle leaves nothing half
 * learnt. If RIP is not behind the instruction it has faulted, or was cut in
 * two. Guests of guests have addresses of another kind, and are left out.
 */
void known_store_learn(struct vcpu *vcpu, u64 rip, gpa_t addr)
{
	const struct vcpu_emulation *em = vcpu->emulation;
	struct known_store *store = &vcpu->store;
	const struct insn *insn = &em->e.insn;

	known_store_drop(store);
	if (vcpu->known.mode.nested || !is_plain(insn) ||
	    vcpu->rip != rip + insn->length) {
		return;
	}
	store->rip = rip;
	store->cs = em->cs;
	store->length = insn->length;
	__builtin_memcpy(&store->bytes, insn->bytes, KNOWN_STORE_BYTES);
	find_operand(store, vcpu, addr);
	if (!find_code(store, vcpu) || !is_good(store, vcpu, addr)) {
		known_store_drop(store);
	}
}
