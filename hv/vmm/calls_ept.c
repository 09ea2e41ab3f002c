/** @file
 * Looking at entries, spoiling them, and being "the other CPU".
 *
 * Some rules of the fault path are about what another CPU does between an exit
 * and our look at the tables.  There it takes luck to see them broken; here a
 * hook is called in that very moment (struct vm, fault_hook) and does what the
 * other CPU would have done.
 *
 * The tables belong to the VM and are shared by its vCPUs: each look and each
 * change is made under vm->mmu_lock. A processor also keeps translations in its
 * TLB, which does not notice a store to an entry. So whoever takes rights away
 * has to ask for an invalidation, which is carried out before the next VM
 * entry.
 *
 *	peek       the entry, taken apart
 *	poke       (entry & and) | or: spoil it
 *	unmap      as a change of slots does
 *	protect    as dirty logging does
 *	hook       one of them, but in the middle of an EPT exit
 *
 * A VM without EPT has shadow tables instead. Then calls_shadow.c answers, by
 * the same structs.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/irqchip.h"
#include "hv/vmm/calls_shadow.h"
#include "hv/vmm/calls_slots.h"
#include "mmu/ept_fault.h"

/*
 * What processors have as MAXPHYADDR. The width decides which bits of an entry
 * are reserved, and so which ones a misconfiguration can be made of.
 */
#define WIDTH_MIN 36
#define WIDTH_MAX 52

/**
 * May the tables be asked about this address at this level? An address beyond
 * EPT_GPA_BITS has no index at the top level, a level beyond the PML4 has no
 * table: either would read past an array.
 */
static bool can_find(u64 address, u64 level)
{
	return address < BIT(EPT_GPA_BITS) && level >= EPT_PTE &&
	       level <= EPT_PML4E;
}

/**
 * `level` goes in as where to stop at the latest and comes back as where the
 * walk did stop: at a large page, or at an entry that is absent.
 *
 * The generation says how old an MMIO entry is: a number that goes up with each
 * change of the slots. It is kept in bits that the processor ignores, in two
 * pieces, since one run of free bits is too short for it (spec 1.2,
 * mmu/ept_fault.h).
 */
static void peek_ept(struct bed *bed, u64 address, int level,
		     struct hypercall_ept *to)
{
	to->entry = READ_ONCE(
		*ept_find_entry(&bed->vm->ept, gpa(address), &level));
	to->level = (u32)level;
	to->is_mmio = (to->entry & EPT_MMIO_MASK) == EPT_MMIO_VALUE;
	to->generation = bits(to->entry, 10, 3) |
			 bits(to->entry, 62, 52) << EPT_MMIO_GEN_LOW_BITS;
	to->gpa = to->entry & EPT_ADDRESS;
}

/**
 * The answer is collected in a struct of ours and copied out after the lock is
 * gone.
 */
s64 calls_ept_peek(struct bed *bed, const u64 *args)
{
	struct hypercall_ept peek = { 0 };
	void *to = bed_memory(bed, args[0], sizeof(peek));

	if (!to) {
		return -EFAULT;
	}
	if (!can_find(args[1], args[2])) {
		return -EINVAL;
	}
	spinlock_lock(&bed->vm->mmu_lock);
	if (bed->vm->with_ept) {
		peek_ept(bed, args[1], (int)args[2], &peek);
	} else {
		calls_shadow_peek(bed, args[1], (int)args[2], &peek);
	}
	spinlock_unlock(&bed->vm->mmu_lock);
	memcpy(to, &peek, sizeof(peek));
	return 0;
}

/**
 * Change an entry; if it is not there, nothing. READ_ONCE and WRITE_ONCE: the
 * processor walks these tables at the same time, and an entry must never be
 * seen in halves. An entry that stands higher than the caller thinks belongs to
 * more pages than he has named, so it is left alone.
 * @return 0 or -ENOENT
 */
static int poke_ept(struct bed *bed, const struct hypercall_poke *p)
{
	int level = (int)p->level;
	u64 *entry = ept_find_entry(&bed->vm->ept, gpa(p->gpa), &level);

	if ((u64)level != p->level) {
		return -ENOENT;
	}
	WRITE_ONCE(*entry, (READ_ONCE(*entry) & p->and) | p->or);
	ept_ask_invalidation(&bed->vm->ept);
	return 0;
}

static int poke(struct bed *bed, const struct hypercall_poke *p)
{
	int error;

	spinlock_lock(&bed->vm->mmu_lock);
	error = bed->vm->with_ept ? poke_ept(bed, p) :
				    calls_shadow_poke(bed, p);
	spinlock_unlock(&bed->vm->mmu_lock);
	return error;
}

/**
 * Whoever writes entries reads and writes any memory there is. An EPT entry
 * holds a host-physical address: to write one is to map any page of the host.
 * For an honest test that is the point. For a hostile one it would be a hole in
 * the very wall that it tests.
 */
static bool may_poke(const struct bed *bed)
{
	return !(bed->plan.test->flags & TEST_HOSTILE);
}

/**
 * The struct is copied before it is checked. Another vCPU may write to the
 * original between the check and the use.
 */
s64 calls_ept_poke(struct bed *bed, const u64 *args)
{
	const struct hypercall_poke *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_poke p;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&p, from, sizeof(p));
	return may_poke(bed) && can_find(p.gpa, p.level) ? poke(bed, &p) :
							   -EINVAL;
}

/**
 * Is it a range of pages that the EPT can translate? Never address + pages,
 * which could wrap: one bound is checked first, then what is left. With shadow
 * paging the work is done page by page, so the number of pages has a limit of
 * its own.
 */
static bool is_range(const struct bed *bed, u64 address, u64 pages)
{
	u64 limit = BIT(EPT_GPA_BITS - PAGE_SHIFT);

	if (!bed->vm->with_ept && pages > CALLS_SHADOW_PAGES) {
		return false;
	}
	return !gpa_offset(gpa(address)) && address >> PAGE_SHIFT < limit &&
	       pages && pages <= limit - (address >> PAGE_SHIFT);
}

/**
 * What the core does when a slot goes: the entries become absent, and the next
 * access faults and asks the slots again.
 */
s64 calls_ept_unmap(struct bed *bed, const u64 *args)
{
	if (!is_range(bed, args[0], args[1])) {
		return -EINVAL;
	}
	spinlock_lock(&bed->vm->mmu_lock);
	if (bed->vm->with_ept) {
		ept_fault_unmap(&bed->vm->ept, gpa(args[0]), args[1]);
	} else {
		calls_shadow_unmap(bed, args[0], args[1]);
	}
	spinlock_unlock(&bed->vm->mmu_lock);
	return 0;
}

/**
 * What the core does when dirty logging begins: pages stay readable, and the
 * first store to each exits and is noted.
 */
s64 calls_ept_protect(struct bed *bed, const u64 *args)
{
	if (!is_range(bed, args[0], args[1])) {
		return -EINVAL;
	}
	spinlock_lock(&bed->vm->mmu_lock);
	if (bed->vm->with_ept) {
		ept_write_protect(&bed->vm->ept, gpa(args[0]), args[1]);
	} else {
		calls_shadow_protect(bed, args[0], args[1]);
	}
	spinlock_unlock(&bed->vm->mmu_lock);
	return 0;
}

/**
 * No table is touched. The functions that make and read an MMIO entry are pure,
 * so a test can try any address and generation, also those that it could not
 * bring about in a running VM.
 */
s64 calls_ept_codec(struct bed *bed, const u64 *args)
{
	struct hypercall_codec *codec =
		bed_memory(bed, args[0], sizeof(*codec));

	if (!codec) {
		return -EFAULT;
	}
	codec->entry = ept_fault_mmio_make(gpa(codec->gpa), codec->generation);
	codec->gpa_back = ept_fault_mmio_gpa(codec->entry).v;
	codec->generation_back = ept_fault_mmio_generation(codec->entry);
	codec->is_mmio = ept_fault_mmio_is(codec->entry);
	codec->is_stale = ept_fault_mmio_stale(codec->entry, codec->now);
	return 0;
}

/**
 * Only what our own handler goes by. The processor under us keeps its width; a
 * test with a small one sees what the software side does with it.
 */
s64 calls_ept_physical_width(struct bed *bed, const u64 *args)
{
	if (args[0] < WIDTH_MIN || args[0] > WIDTH_MAX) {
		return -EINVAL;
	}
	bed->vm->ept.phys_bits = (unsigned int)args[0];
	bed->vcpu->shadow.phys_bits = (unsigned int)args[0];
	return 0;
}

/**
 * An ICR as the guest would write it: the vector in bits 7:0, the delivery mode
 * in 10:8. Without an APIC in the VM there is nobody to send to, and the hook
 * does not count.
 * @return whether the first vCPU's APIC has taken it
 */
static bool send(struct bed *bed, u32 icr)
{
	const struct vlapic_message message = { .mode = (u8)bits(icr, 10, 8),
						.vector = (u8)icr };

	return bed->vm->irqchip && irqchip_send(bed->vm, &message);
}

/**
 * Called at each EPT exit, before the fault handler looks at anything.
 *
 *	guest touches the page --> EPT exit --> act() --> fault handler
 *
 * Only exits for the hook's own page count down `nth`. The hook is cleared
 * before it acts: what it does may lead to an exit for the same page.
 * `hooks_run` counts those that had an effect, so that a test can tell "the
 * moment never came" from "it came and made no difference".
 *
 * No lock is held here: the bed's not, as the vCPU is inside vcpu_run(), and
 * mmu_lock not yet, which poke() takes for itself.
 */
static void act(struct vm *vm, gpa_t address)
{
	struct bed *bed = vm->fault_hook_data;
	struct hypercall_hook *hook = &bed->hook;

	if (!bed->hook_set ||
	    gpa_frame(address) != gpa_frame(gpa(hook->poke.gpa)) ||
	    --hook->nth) {
		return;
	}
	bed->hook_set = false;
	switch ((enum hypercall_hook_action)hook->action) {
	case HOOK_FINISH:
		bed->hooks_run += calls_slots_finish_change(bed) != 0;
		break;
	case HOOK_SEND:
		bed->hooks_run += send(bed, (u32)hook->poke.or);
		break;
	case HOOK_POKE:
		bed->hooks_run += poke(bed, &hook->poke) == 0;
		break;
	case HOOK_ACTION_COUNT:
		break;
	}
}

/**
 * One hook at a time: two would have to agree on an order. All that act()
 * relies on is checked here, since at its time nobody is left to be told
 * -EINVAL.
 */
s64 calls_ept_hook(struct bed *bed, const u64 *args)
{
	const struct hypercall_hook *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_hook hook;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&hook, from, sizeof(hook));
	if (hook.action >= HOOK_ACTION_COUNT || !hook.nth ||
	    !can_find(hook.poke.gpa, EPT_PTE) ||
	    (hook.action == HOOK_POKE && !may_poke(bed)) ||
	    (hook.action == HOOK_POKE &&
	     !can_find(hook.poke.gpa, hook.poke.level))) {
		return -EINVAL;
	}
	if (bed->hook_set) {
		return -EBUSY;
	}
	bed->hook = hook;
	bed->hook_set = true;
	vm_set_fault_hook(bed->vm, act, bed);
	return 0;
}
