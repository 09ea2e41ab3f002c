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

static const struct shadow_ops shadow_ops = {
	.alloc_table = alloc_table,
	.free_table = free_table,
	.kick = kick,
};

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

/** The next entry looks at root, GUEST_CR3 and TLB. */
static void look_again(struct vcpu *vcpu)
{
	vcpu->asked_seen = ~0ull;
	vcpu->work = true;
}

/* The guest's events ------------------------------------------------------- */

static u16 pcid_of(const struct vcpu *vcpu)
{
	return guest_mode_cr4() & CR4_PCIDE ? bits(vcpu->cr3, 11, 0) : 0;
}

void vcpu_paging_new_mode(struct vcpu *vcpu)
{
	struct guest_paging paging;

	guest_mode_read(vcpu, &paging);
	vm_lock_mmu(vcpu->vm);
	shadow_new_mode(&vcpu->shadow, &paging, pcid_of(vcpu));
	vm_unlock_mmu(vcpu->vm);
	look_again(vcpu);
}

void vcpu_paging_reset(struct vcpu *vcpu)
{
	vm_lock_mmu(vcpu->vm);
	shadow_unload(&vcpu->shadow);
	vm_unlock_mmu(vcpu->vm);
	vcpu_paging_new_mode(vcpu);
}

void vcpu_paging_new_cr3(struct vcpu *vcpu, bool no_flush)
{
	struct guest_paging paging;

	guest_mode_read(vcpu, &paging);
	vm_lock_mmu(vcpu->vm);
	shadow_new_pgd(&vcpu->shadow, &paging, pcid_of(vcpu), no_flush);
	vm_unlock_mmu(vcpu->vm);
	look_again(vcpu);
}

static bool canonical(gva_t addr)
{
	return (u64)((s64)(addr.v << 16) >> 16) == addr.v;
}

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

/** Build the current root, or sync it. @return 0 or -ENOMEM */
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

/** Where the memory of a range is, or 0. */
static hpa_t backing(const struct vm *vm, gpa_t base)
{
	const struct memslot *slot =
		memslot_find(memslot_read(&vm->slots), base);

	return slot ? memslot_hpa(slot, base) : hpa(0);
}

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
