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
 * Wait until no vCPU is inside a read section that has begun before this call.
 * Not from inside one: it would wait for itself (its own CPU's are skipped).
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
