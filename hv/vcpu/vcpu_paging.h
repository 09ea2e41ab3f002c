/** @file
 * Shadow paging of a vCPU: between the exits and mmu/shadow.h.
 *
 * Used for VMs without EPT (vm->with_ept false) and for no others, but where a
 * function says so.  The vCPU's own thread calls them, its VMCS being current;
 * what is done for all vCPUs of a VM is marked.
 */
#ifndef HV_VCPU_VCPU_PAGING_H
#define HV_VCPU_VCPU_PAGING_H

#include "bus/types.h"

struct vcpu;
struct vm;

/**
 * Make the shadow of a new vCPU; with EPT, only choose what it watches.
 * @return 0; -EINVAL: this machine's addresses are too narrow or too wide
 */
int vcpu_paging_create(struct vcpu *vcpu) __must_check;

/** The vCPU was reset, or its registers were set: nothing is kept. */
void vcpu_paging_reset(struct vcpu *vcpu);

/** CR0, CR4 or EFER has changed, and with it what an address means. */
void vcpu_paging_new_mode(struct vcpu *vcpu);

/**
 * CR3 was loaded, and under PAE the PDPTEs.
 * @param no_flush CR4.PCIDE is 1 and bit 63 was set
 */
void vcpu_paging_new_cr3(struct vcpu *vcpu, bool no_flush);

/** INVLPG. @param addr linear, canonical or not */
void vcpu_paging_invlpg(struct vcpu *vcpu, gva_t addr);

/**
 * INVPCID.
 * @param type       the register operand
 * @param descriptor the memory operand
 * @return 0; -EINVAL: #GP(0)
 */
int vcpu_paging_invpcid(struct vcpu *vcpu, u64 type,
		   const u64 descriptor[2]) __must_check;

/** The guest is about to get a #PF for an address.  Does nothing with EPT. */
void vcpu_paging_page_fault(struct vcpu *vcpu, gva_t addr);

/**
 * Before an entry, when vcpu->work is set: there is a root, in line with the
 * guest's flushes.
 * @return false: vcpu->run says why this guest cannot be entered
 */
bool vcpu_paging_load(struct vcpu *vcpu) __must_check;

/**
 * Part of an entry, interrupts off: the processor forgets what was asked for
 * since last time.  With EPT as well, where that is INVEPT.
 */
void vcpu_paging_invalidate(struct vcpu *vcpu);

/**
 * For struct memslot_ops, on all vCPUs of a VM; under vm->mmu_lock.
 * @param base a range in one slot, which is there (MEMSLOT_INVALID or not)
 */
void vcpu_paging_zap(struct vm *vm, gpa_t base, u64 pages);
void vcpu_paging_write_protect(struct vm *vm, gpa_t base, u64 pages);
void vcpu_paging_new_generation(struct vm *vm, u64 generation);

#endif
