/** @file
 * A VM's memory, for vm.c; the rest of the world uses vm.h.
 */
#ifndef HV_VCPU_VM_MEMORY_H
#define HV_VCPU_VM_MEMORY_H

#include "bus/types.h"

struct vcpu;
struct vm;

/** Begin without slots; part of vm_create(). */
void vm_memory_init(struct vm *vm);

/**
 * Wait until no other CPU's vCPU is inside a read section that has begun before
 * this call.  This CPU's own may be: a fault hook changes slots in the middle
 * of a fault, which then goes on with those that it has.
 */
void vm_memory_wait_readers(struct vm *vm);

/**
 * A zeroed page for a table, of the VM's owner.
 * @return 0; -ENOMEM
 */
int vm_memory_alloc_table(struct vm *vm, hpa_t *table) __must_check;
/** Give it back. */
void vm_memory_free_table(struct vm *vm, hpa_t table);

/**
 * If the vCPU is in the guest on another CPU, make it leave, and wait until it
 * has or has seen what was asked for (vcpu->asked).
 */
void vm_memory_kick(struct vcpu *vcpu);

#endif
