/** @file
 * Shadow paging of a vCPU.
 *
 * mmu/shadow.c keeps the tables and knows what follows from what; it must be
 * told.  This is who tells it.  Each of the guest's events has three steps
 * here: take the lock, pass it on, and see that the next entry looks.
 *
 *	MOV to CR, INVLPG ...   ..._new_cr3()     shadow_new_pgd(), work = true
 *	run loop, work is set   ..._load()        build, sync
 *	enter, interrupts off   ..._invalidate()  GUEST_CR3, INVVPID
 *
 * The last step is the EPT's as well: both count requests for an invalidation,
 * and an entry compares the count that its VM has with what it saw last.
 *
 * Locks: each function takes the VM's MMU lock for its call into mmu/shadow.c
 * and no longer. Whoever needs the slots as well opens a read section around
 * it, as the tables lead to the memory of those slots. Nobody who holds the
 * lock waits for readers: a change of slots has done so before it takes it
 * (vm.h).
 *
 * What is at stake: a translation that the guest has flushed and that is used
 * once more is a store to a page which now belongs to somebody else in the
 * guest. So all of these happen before the guest executes its next instruction,
 * never "soon".
 */
#include "hv/vcpu/vcpu_paging.h"

#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vcpu/vm_memory.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"

/** So many pages may one vCPU's tables take: 16 MiB. */
/*
 * A guest may have any number of address spaces, and each wants tables. At this
 * limit mmu/shadow.c throws old ones away; the guest does not notice but for
 * the page faults. Without a limit one guest could take all memory.
 */
#define TABLES_MAX 4096

/* Life --------------------------------------------------------------------- */

static int alloc_table(void *ctx, hpa_t *table)
{
	struct vcpu *vcpu = ctx;

	return vm_memory_alloc_table(vcpu->vm, table);
}

static void free_table(void *ctx, hpa_t table)
{
	struct vcpu *vcpu = ctx;

	vm_memory_free_table(vcpu->vm, table);
}

static void kick(void *ctx)
{
	vm_memory_kick(ctx);
}

/*
 * The kick is for this vCPU only: nobody else walks its tables. With EPT all
 * vCPUs of a VM share one set, and vm.c kicks each of them.
 */
static const struct shadow_ops shadow_ops = {
	.alloc_table = alloc_table,
	.free_table = free_table,
	.kick = kick,
};

/*
 * `asked` points to a count of invalidations that the next entry compares with
 * what it has seen: the EPT's, one for all vCPUs, or that of this vCPU's
 * shadow.
 */
int vcpu_paging_create(struct vcpu *vcpu)
{
	struct shadow *shadow = &vcpu->shadow;

	vcpu->asked = &vcpu->vm->ept.counters.invalidations;
	if (vcpu->vm->with_ept) {
		return 0;
	}
	vcpu->asked = &shadow->counters.invalidations;
	shadow->direct_map = DIRECT_MAP_BASE;
	shadow->phys_bits = cpuid(0x80000008, 0).eax & 0xff;
	shadow->table_limit = TABLES_MAX;
	shadow->ops = &shadow_ops;
	shadow->ctx = vcpu;
	shadow->known = &vcpu->known;
	return shadow_create(shadow);
}

/**
 * The next entry looks at root, GUEST_CR3 and TLB. The count of invalidations
 * never reaches ~0, so this value is always "another one than last time".
 */
static void look_again(struct vcpu *vcpu)
{
	vcpu->asked_seen = ~0ull;
	vcpu->work = true;
}

/* The guest's events ------------------------------------------------------- */

/**
 * Bits 11:0 of CR3 are a PCID only while CR4.PCIDE is 1 (SDM 3A 4.10.1); else
 * bits 3 and 4 are caching hints and the rest is ignored, and all of the
 * guest's translations have PCID 0.
 */
static u16 pcid_of(const struct vcpu *vcpu)
{
	return guest_mode_cr4() & CR4_PCIDE ? bits(vcpu->cr3, 11, 0) : 0;
}

/*
 * A mode is more than CR0.PG: WP, SMEP, SMAP, NXE and PSE all change what an
 * entry of the guest permits or means. The right that an old shadow entry gives
 * may be too much under the new mode. So after any of them each root is brought
 * in line anew before it is used.
 */
void vcpu_paging_new_mode(struct vcpu *vcpu)
{
	struct guest_paging paging;

	guest_mode_read(vcpu, &paging);
	vm_lock_mmu(vcpu->vm);
	shadow_new_mode(&vcpu->shadow, &paging, pcid_of(vcpu));
	vm_unlock_mmu(vcpu->vm);
	look_again(vcpu);
}

/*
 * After INIT, or when the VMM has set registers, no flush of the guest's has
 * told what is stale: nothing is kept at all. It is seldom, so a rebuild is
 * cheap enough.
 */
void vcpu_paging_reset(struct vcpu *vcpu)
{
	vm_lock_mmu(vcpu->vm);
	shadow_unload(&vcpu->shadow);
	vm_unlock_mmu(vcpu->vm);
	vcpu_paging_new_mode(vcpu);
}

/*
 * The hottest of them: a guest's kernel switches address spaces thousands of
 * times a second. If the root is among those kept nothing is built anew; and
 * with bit 63 set (`no_flush`) it need not even be synced.
 */
void vcpu_paging_new_cr3(struct vcpu *vcpu, bool no_flush)
{
	struct guest_paging paging;

	guest_mode_read(vcpu, &paging);
	vm_lock_mmu(vcpu->vm);
	shadow_new_pgd(&vcpu->shadow, &paging, pcid_of(vcpu), no_flush);
	vm_unlock_mmu(vcpu->vm);
	look_again(vcpu);
}

/** Bits 63:47 of a linear address with 4 levels are all equal. */
static bool canonical(gva_t addr)
{
	return (u64)((s64)(addr.v << 16) >> 16) == addr.v;
}

/*
 * INVLPG of an address that is not canonical does nothing, and does not fault
 * either (SDM 2A INVLPG). For the shadow such an address would be the alias of
 * another page.
 */
void vcpu_paging_invlpg(struct vcpu *vcpu, gva_t addr)
{
	if (!canonical(addr)) {
		return;
	}
	vm_lock_mmu(vcpu->vm);
	shadow_invlpg(&vcpu->shadow, addr);
	vm_unlock_mmu(vcpu->vm);
}

int vcpu_paging_invpcid(struct vcpu *vcpu, u64 type, const u64 descriptor[2])
{
	bool pcide = guest_mode_cr4() & CR4_PCIDE;
	int error;

	vm_lock_mmu(vcpu->vm);
	error = shadow_invpcid(&vcpu->shadow, type, descriptor, pcide);
	vm_unlock_mmu(vcpu->vm);
	look_again(vcpu);
	return error;
}

/*
 * A page fault flushes, too: the processor drops what it has cached for the
 * address that faults (SDM 3A 4.10.4.1). Guests rely on it: after giving a page
 * *more* rights they do not flush, take one spurious fault at most, and go on.
 * A stale shadow entry would fault for ever.
 */
void vcpu_paging_page_fault(struct vcpu *vcpu, gva_t addr)
{
	if (vcpu->vm->with_ept) {
		return;
	}
	vm_lock_mmu(vcpu->vm);
	shadow_page_fault(&vcpu->shadow, addr);
	vm_unlock_mmu(vcpu->vm);
}

/* Before an entry ---------------------------------------------------------- */

static bool stop(struct vcpu *vcpu, u32 subreason, const char *sentence)
{
	return exit_stop(vcpu, subreason, gpa(~0ull), "%s", sentence) ==
	       EXIT_RESUME;
}

/**
 * Build the current root, or sync it. The slots must stay while it is done, as
 * leaves lead to their memory; the lock is taken inside the section, see above.
 * @return 0 or -ENOMEM
 */
static int bring_in_line(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	int error;

	read_section_begin(vcpu);
	vm_lock_mmu(vm);
	error = shadow_load(&vcpu->shadow, memslot_read(&vm->slots));
	vm_unlock_mmu(vm);
	read_section_end(vcpu);
	return error;
}

/*
 * In the run loop, before interrupts are off for good. A change that comes
 * after it is seen by the entry itself, which looks at `asked` with interrupts
 * off and calls vcpu_paging_invalidate().
 */
bool vcpu_paging_load(struct vcpu *vcpu)
{
	if (!shadow_loaded(&vcpu->shadow) && bring_in_line(vcpu)) {
		return stop(vcpu, VCPU_INTERNAL_MMU,
			    "no memory for a root of shadow tables");
	}
	/* The entry does it again; this is for who checks the VMCS first. */
	vmwrite(GUEST_CR3, shadow_cr3(&vcpu->shadow).v);
	return true;
}

/*
 * What the processor caches under EPT hangs on the EPT pointer, what it caches
 * of shadow tables on the VPID, as they are its ordinary page tables; hence two
 * instructions (SDM 3C 29.4.3.1). GUEST_CR3 goes with the second: a root may
 * have been replaced by the one who asked.
 */
void vcpu_paging_invalidate(struct vcpu *vcpu)
{
	if (vcpu->vm->with_ept) {
		vmx_cpu_invept(vcpu->vm->eptp);
		return;
	}
	vmwrite(GUEST_CR3, shadow_cr3(&vcpu->shadow).v);
	vmx_cpu_invvpid(vcpu->vpid);
}

/* The slots' changes ------------------------------------------------------- */

/**
 * Where the memory of a range is, or 0. Shadow entries know host addresses and
 * no guest-physical ones, so what is to go is named by the memory behind it. If
 * two slots have the same backing both lose their entries: that costs faults
 * and is no error.
 */
static hpa_t backing(const struct vm *vm, gpa_t base)
{
	const struct memslot *slot =
		memslot_find(memslot_read(&vm->slots), base);

	return slot ? memslot_hpa(slot, base) : hpa(0);
}

/*
 * The three below are struct memslot_ops for a VM without EPT. They run on the
 * CPU of whoever changes the slots, under the MMU lock, and go through the
 * shadows of all vCPUs, which may be in their guests on other CPUs: the shadow
 * kicks those before anything is given back.
 */
void vcpu_paging_zap(struct vm *vm, gpa_t base, u64 pages)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		if (vm->vcpu[i]) {
			shadow_zap(&vm->vcpu[i]->shadow, backing(vm, base),
				   pages);
		}
	}
}

void vcpu_paging_write_protect(struct vm *vm, gpa_t base, u64 pages)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		if (vm->vcpu[i]) {
			shadow_write_protect(&vm->vcpu[i]->shadow,
					     backing(vm, base), pages);
		}
	}
}

void vcpu_paging_new_generation(struct vm *vm, u64 generation)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		if (vm->vcpu[i]) {
			shadow_new_generation(&vm->vcpu[i]->shadow,
					      generation);
		}
	}
}
