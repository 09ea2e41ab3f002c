/** @file
 * A VM's memory, for vm.c; the rest of the world uses vm.h.
 */
#ifndef HV_VCPU_VM_MEMORY_H
#define HV_VCPU_VM_MEMORY_H

#include "bus/types.h"

struct vm;

/** Begin without slots; part of vm_create(). */
void vm_memory_init(struct vm *vm);

/**
 * Wait until no vCPU is inside a read section that has begun before this call.
 * Not from inside one: it would wait for itself (its own CPU's are skipped).
 */
void vm_memory_wait_readers(struct vm *vm);

#endif
