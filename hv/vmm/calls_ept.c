/** @file
 * Looking at entries, spoiling them, and being "the other CPU".
 *
 * Some rules of the fault path are about what another CPU does between an exit
 * and our look at the tables.  There it takes luck to see them broken; here a
 * hook is called in that very moment (struct vm, fault_hook) and does what the
 * other CPU would have done.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/irqchip.h"
#include "hv/vmm/calls_shadow.h"
#include "hv/vmm/calls_slots.h"
#include "mmu/ept_fault.h"

#define WIDTH_MIN 36
#define WIDTH_MAX 52

/** May the tables be asked about this address at this level? */
static bool can_find(u64 address, u64 level)
{
	return address < BIT(EPT_GPA_BITS) && level >= EPT_PTE &&
	       level <= EPT_PML4E;
}

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

/** Change an entry; if it is not there, nothing. @return 0 or -ENOENT */
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

/** Whoever writes entries reads and writes any memory there is. */
static bool may_poke(const struct bed *bed)
{
	return !(bed->plan.test->flags & TEST_HOSTILE);
}

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

/** Is it a range of pages that the EPT can translate? */
static bool is_range(const struct bed *bed, u64 address, u64 pages)
{
	u64 limit = BIT(EPT_GPA_BITS - PAGE_SHIFT);

	if (!bed->vm->with_ept && pages > CALLS_SHADOW_PAGES) {
		return false;
	}
	return !gpa_offset(gpa(address)) && address >> PAGE_SHIFT < limit &&
	       pages && pages <= limit - (address >> PAGE_SHIFT);
}

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

s64 calls_ept_physical_width(struct bed *bed, const u64 *args)
{
	if (args[0] < WIDTH_MIN || args[0] > WIDTH_MAX) {
		return -EINVAL;
	}
	bed->vm->ept.phys_bits = (unsigned int)args[0];
	bed->vcpu->shadow.phys_bits = (unsigned int)args[0];
	return 0;
}

/** @return whether the first vCPU's APIC has taken it */
static bool send(struct bed *bed, u32 icr)
{
	const struct vlapic_message message = { .mode = (u8)bits(icr, 10, 8),
						.vector = (u8)icr };

	return bed->vm->irqchip && irqchip_send(bed->vm, &message);
}

/** Called at each EPT exit, before the fault handler looks at anything. */
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
