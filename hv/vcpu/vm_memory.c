/** @file
 * A VM's memory slots, and what their changes do to the EPT or shadow tables.
 *
 * The sequence of a change is memslot.c's; here are the four things that it
 * needs done, and the VMM's view of it: one call that says what a slot shall
 * be, from which the kind of the change follows.
 *
 * Locks: slots_lock is taken first and held over the whole change, grace
 * periods included; mmu_lock inside of it, for the tables only.  A reader of
 * the slots takes neither: it is in a read section, and so must not wait for
 * who holds slots_lock.
 *
 * vm_memory_kick() is the other half of run.c's enter_tables(): who has changed
 * the tables counts up, then looks whether the guest runs; who enters says that
 * it runs, then looks at the count.  With a full barrier on both sides at least
 * one of the two sees the other.
 *
 * What an access meets in the middle of a change is this. Old slots until the
 * swap; then, for a slot that goes away, the flag "invalid" and the answer "try
 * again"; then the new slots. A vCPU never waits for the change, the change
 * waits for it: up to the end of its read section, and no longer, as none is
 * held while a guest runs.
 */
#include "hv/vcpu/vm_memory.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "mmu/ept_fault.h"

void vm_memory_wait_readers(struct vm *vm)
{
	const struct vcpu *own = this_cpu()->vcpu;

	/* Our own section cannot end while we wait in it: it does not count. */
	cpu_begin_waiting();
	srcu_wait_for_others(&vm->srcu, own ? &own->reader : NULL);
	cpu_end_waiting();
}

/*
 * Pages come zeroed from the allocator, and an entry of 0 is "not present" in
 * all formats of tables. The owner is the VM: if a crash loses all pointers to
 * a table, the page still goes back with the VM.
 */
int vm_memory_alloc_table(struct vm *vm, hpa_t *table)
{
	void *page = page_alloc(vm->owner);

	if (!page) {
		return -ENOMEM;
	}
	*table = virt_to_hpa(page);
	return 0;
}

void vm_memory_free_table(struct vm *vm, hpa_t table)
{
	(void)vm;
	page_free(hpa_to_virt(table));
}

/*
 * The vCPU's own CPU need not be kicked: if this is its CPU, it is not in the
 * guest just now, and looks at the count before it is again.
 *
 * Two reasons end the waiting. `in_guest` may never be seen clear, as the vCPU
 * may be out and in again between two looks; but then it has passed its check
 * and shows the new count in asked_seen. Under the MMU lock this wait is
 * allowed since the other CPU needs no lock to come out.
 */
void vm_memory_kick(struct vcpu *vcpu)
{
	smp_mb(); /* the new count before our look at in_guest: run.c, enter */
	if (vcpu->cpu == this_cpu()->id || !smp_load_acquire(&vcpu->in_guest)) {
		return;
	}
	/* It has left when in_guest is clear; or it has entered anew and seen
	 * the count, which is as good. */
	lapic_send_ipi(cpu_get(vcpu->cpu)->apic_id, IRQ_VECTOR_WAKEUP);
	cpu_begin_waiting();
	while (smp_load_acquire(&vcpu->in_guest) &&
	       READ_ONCE(vcpu->asked_seen) != READ_ONCE(*vcpu->asked)) {
		cpu_relax();
	}
	cpu_end_waiting();
}

/* What a change of slots needs --------------------------------------------- */

static void wait_readers(void *ctx)
{
	vm_memory_wait_readers(ctx);
}

/*
 * The order inside of each: entries change under the lock, then the kick, and
 * only when it returns may the memory be used for something else. Returning
 * early would leave a TLB entry of another CPU that leads to a page of somebody
 * else: the worst bug that a hypervisor can have.
 */
static void zap(void *ctx, gpa_t base, u64 pages)
{
	struct vm *vm = ctx;

	vm_lock_mmu(vm);
	if (vm->with_ept) {
		ept_fault_unmap(&vm->ept, base, pages);
	} else {
		vcpu_paging_zap(vm, base, pages);
	}
	vm_unlock_mmu(vm);
}

static void write_protect(void *ctx, gpa_t base, u64 pages)
{
	struct vm *vm = ctx;

	vm_lock_mmu(vm);
	if (vm->with_ept) {
		ept_write_protect(&vm->ept, base, pages);
	} else {
		vcpu_paging_write_protect(vm, base, pages);
	}
	vm_unlock_mmu(vm);
}

/*
 * MMIO entries carry a piece of the generation that they were made in and die
 * by it, with no walk through the tables. Only when that piece comes round to a
 * value that has been used before must all of them be removed by hand (spec
 * 1.3).
 */
static void new_generation(void *ctx, u64 generation)
{
	struct vm *vm = ctx;

	vm_lock_mmu(vm);
	if (vm->with_ept) {
		ept_new_generation(&vm->ept, generation);
	} else {
		vcpu_paging_new_generation(vm, generation);
	}
	vm_unlock_mmu(vm);
}

static const struct memslot_ops memslot_ops = {
	.wait_readers = wait_readers,
	.zap = zap,
	.write_protect = write_protect,
	.new_generation = new_generation,
};

void vm_memory_init(struct vm *vm)
{
	memslot_init(&vm->slots, &memslot_ops, vm);
	/* With fewer bits a test sees the generation come round. */
	vm->slots.step = (u64)MEMSLOT_GEN_STEP
			 << (OPTIONS_GENBITS_MAX - options.genbits);
}

/**
 * All of the backing must be RAM of this machine, and ours to give. A VMM that
 * could name any address would let its guest write to the hypervisor, or to the
 * registers of a real device. `end` is checked for wrapping first, as the loop
 * below would not even begin.
 */
static bool backing_valid(const struct vm_region *region)
{
	u64 end = region->hpa.v + region->size;

	if (end < region->hpa.v || region->hpa.v % PAGE_SIZE) {
		return false;
	}
	for (u64 page = region->hpa.v; page < end; page += PAGE_SIZE) {
		if (!page_is_ram(hpa(page))) {
			return false;
		}
	}
	return true;
}

/** A bitmap of one bit a page, of the VM's owner; lives as long as the VM. */
static u64 *alloc_dirty(struct vm *vm, u64 pages)
{
	size_t bytes = (pages + 63) / 64 * 8;

	return page_alloc_contig(vm->owner, (bytes + PAGE_SIZE - 1) / PAGE_SIZE,
				 1);
}

/*
 * The bitmap is made for every slot, not only for those that log now:
 * MEMSLOT_LOG_DIRTY may be set later, and that change must not fail for want of
 * memory.
 */
static int plan_add(struct vm *vm, const struct vm_region *region,
		    struct memslot_change *change)
{
	struct memslot *slot = &change->slot;

	if (region->size % PAGE_SIZE || !backing_valid(region)) {
		return -EINVAL;
	}
	change->kind = MEMSLOT_ADD;
	slot->base = region->gpa;
	slot->pages = region->size / PAGE_SIZE;
	slot->flags = region->flags;
	slot->hpa = region->hpa;
	slot->mem = hpa_to_virt(region->hpa);
	slot->dirty = alloc_dirty(vm, slot->pages);
	return slot->dirty ? 0 : -ENOMEM;
}

/*
 * The VMM says what it wants, not what is to be done (as with KVM's ioctl of
 * that purpose). What kind of change that is follows from what is there:
 *
 *	size 0				delete
 *	no slot of that id		add
 *	same size and backing,
 *	    at another address		move
 *	    where it is			set flags
 *	another size or backing		refused: delete it first
 *
 * slots_lock is held, so `old` stays what it is without a read section.
 */
int vm_plan_region(struct vm *vm, const struct vm_region *region,
		   struct memslot_change *change)
{
	const struct memslot *old =
		memslot_by_id(memslot_read(&vm->slots), region->slot);

	memset(change, 0, sizeof(*change));
	change->slot.id = region->slot;
	if (!region->size) {
		change->kind = MEMSLOT_DELETE;
		return 0;
	}
	if (!old) {
		return plan_add(vm, region, change);
	}
	if (old->pages << PAGE_SHIFT != region->size ||
	    old->hpa.v != region->hpa.v) {
		return -EINVAL;
	}
	change->slot.base = region->gpa;
	change->slot.flags = region->flags;
	change->kind = MEMSLOT_SET_FLAGS;
	if (old->base.v != region->gpa.v) {
		change->kind = MEMSLOT_MOVE;
	}
	return 0;
}

int vm_set_memory_region(struct vm *vm, const struct vm_region *region)
{
	struct memslot_change change;
	int error;

	spinlock_lock(&vm->slots_lock);
	error = vm_plan_region(vm, region, &change);
	if (!error) {
		error = memslot_apply(&vm->slots, &change);
	}
	spinlock_unlock(&vm->slots_lock);
	return error;
}

/** Take one word of the bitmap, so that no page is lost that is marked now. */
static unsigned int take_word(u64 *dirty, u64 *out)
{
	unsigned int pages = 0;

	*out = __atomic_exchange_n(dirty, 0, __ATOMIC_SEQ_CST);
	for (u64 rest = *out; rest; rest &= rest - 1) {
		pages++;
	}
	return pages;
}

/*
 * Live migration asks again and again which pages were written since it asked
 * last. The bit is taken first and the page protected after that, and both
 * before the VMM copies the page. In the other order a store between the two
 * would fault, be marked, get its right back, and lose its mark: what the guest
 * stores to that page after the copy would go unseen.
 */
int vm_get_dirty_log(struct vm *vm, u32 slot, u64 *out, size_t words)
{
	const struct memslot *s;
	int pages = 0;

	spinlock_lock(&vm->slots_lock);
	s = memslot_by_id(memslot_read(&vm->slots), slot);
	if (!s || !(s->flags & MEMSLOT_LOG_DIRTY)) {
		spinlock_unlock(&vm->slots_lock);
		return -ENOENT;
	}
	for (size_t i = 0; i < words && i < (s->pages + 63) / 64; i++) {
		pages += take_word(&s->dirty[i], &out[i]);
	}
	/* A store in between is in the copy that the VMM makes from now on;
	 * one behind it faults, and is marked anew. */
	write_protect(vm, s->base, s->pages);
	spinlock_unlock(&vm->slots_lock);
	return pages;
}

/*
 * For the VMM and its loader, and for the few exits that write to guest memory
 * as hardware would (a clock page, a table). The pages are marked dirty as if
 * the guest had stored there, or a migration would lose what we wrote. Only the
 * bytes of one slot are contiguous for us; a range that crosses two slots is no
 * range here.
 */
void *vm_memory(struct vm *vm, gpa_t gpa, size_t bytes, bool write)
{
	struct memslot_set *set = memslot_read(&vm->slots);
	const struct memslot *slot = memslot_find(set, gpa);

	if (!slot || !bytes || gpa.v + bytes - 1 < gpa.v ||
	    !memslot_covers(slot, gpa_add(gpa, bytes - 1))) {
		return NULL;
	}
	if (write && (slot->flags & MEMSLOT_READONLY)) {
		return NULL;
	}
	for (u64 page = 0; write && page < bytes; page += PAGE_SIZE) {
		memslot_mark_dirty(slot, gpa_add(gpa, page));
	}
	if (write) {
		memslot_mark_dirty(slot, gpa_add(gpa, bytes - 1));
	}
	return memslot_pointer(slot, gpa);
}

/*
 * The whole entry goes, not just a right: the next access faults, and is
 * decided from the slots alone.
 */
void vm_forget_page(struct vm *vm, gpa_t page)
{
	if (vm_memory(vm, page, PAGE_SIZE, false)) {
		zap(vm, page, 1);
	}
}
