/** @file
 * A virtual machine: its memory, its buses, its vCPUs.
 *
 * Every page that a VM takes, its own struct included, belongs to one owner of
 * the page allocator.  Destroying a VM therefore needs no list of what it had
 * and works after a crash in the middle of anything.
 *
 * Two locks.  slots_lock serialises changes of the slots and is held by the
 * changer only: vCPUs read slots in a *read section* instead, which a change
 * waits for (spec 1.3).  mmu_lock protects the EPT, or the shadow tables of all
 * vCPUs, and is taken inside it.
 *
 *	slots_lock  ->  wait for read sections  ->  mmu_lock
 */
#ifndef HV_VCPU_VM_H
#define HV_VCPU_VM_H

#include "bus/access.h"
#include "bus/bus.h"
#include "bus/srcu.h"
#include "bus/types.h"
#include "hv/lib/page.h"
#include "hv/lib/spinlock.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "mmu/ept.h"
#include "mmu/memslot.h"

struct irqchip;
struct vcpu;
struct vm_coalesced;

#define VM_VCPUS 8 /* a VM's vCPUs have numbers 0 to VM_VCPUS - 1 */
#define VM_MAX 64  /* VMs that exist at once */

/** A slot as the VMM asks for it, as in KVM_SET_USER_MEMORY_REGION. */
struct vm_region {
	u32 slot;  /* the VMM's name for it, any number */
	u32 flags; /* MEMSLOT_READONLY, MEMSLOT_LOG_DIRTY */
	gpa_t gpa; /* page-aligned; another one than before moves the slot */
	u64 size;  /* bytes, whole pages; 0 deletes the slot */
	hpa_t hpa; /* the backing: contiguous, page-aligned, page_is_ram() */
};

struct vm {
	/* --- fixed after vm_create() --- */
	unsigned int number;
	page_owner_t owner; /* of every page of this VM */
	bool with_ept;	    /* else each vCPU has a struct shadow */
	bool unrestricted;  /* its real mode runs on the processor */
	u64 eptp;	    /* the EPT pointer for the VMCS */
	struct irqchip *irqchip; /* irqchip_create(); NULL: none */

	/* --- under slots_lock; vCPUs read `slots` in read sections --- */
	struct spinlock slots_lock;
	struct memslots slots;

	/* --- under mmu_lock, which says whose it is: vm_lock_mmu() --- */
	struct spinlock mmu_lock;
	struct ept ept;

	/* --- devices in the core; changed under bus_lock, read by vCPUs --- */
	struct spinlock bus_lock; /* call_srcu() wants it, too */
	struct srcu srcu;	  /* each vCPU is a reader */
	struct bus mmio_bus;
	struct bus port_bus;
	size_t bus_pages; /* that tables of the buses take */
	u32 quick_doorbells; /* of any length, on the mmio_bus */
	struct vm_coalesced *coalesced; /* vm_coalesced.h; NULL: never used */

	/** Exits of device accesses have something more to look at: there are
	 * quick_doorbells, or a fault_hook. */
	bool at_fault;

	/* --- changed by vcpu_create() and vcpu_destroy() --- */
	struct vcpu *vcpu[VM_VCPUS];
	unsigned int vcpus;

	/* --- set while no vCPU runs --- */
	/** A kernel that is not ours runs in it, which owes us no sign of
	 * life (hang.h), and gets a PC's processor (exit_cpuid_pc.c). */
	bool foreign;
	unsigned int cpus; /* that a foreign one has */
	u64 date_at_zero;  /* nanoseconds since 1970 at the host's TSC 0 */

	/* --- for tests, set while no vCPU runs --- */
	/** Called at each EPT exit before a look is taken; may be NULL. */
	void (*fault_hook)(struct vm *vm, gpa_t gpa); /* vm_set_fault_hook() */
	void *fault_hook_data;
	/** vCPUs made from now on do without the MMIO cache. */
	bool mmio_cache_off;
};

/**
 * Make a VM without memory, devices or vCPUs.
 * @param out the VM
 * @return 0; -ENOMEM; -ENOSPC when VM_MAX exist
 * Needs vmx_caps_read().  One caller at a time.
 */
int vm_create(struct vm **out) __must_check;

/**
 * Destroy a VM with all that it has; vCPUs of other CPUs are taken off there.
 * Works on a VM that crashed.  No vCPU may be inside vcpu_run().  The memory
 * behind the slots is the VMM's and stays, unless it was allocated with
 * vm->owner.
 * @return how many pages were given back
 */
size_t vm_destroy(struct vm *vm);

/**
 * Add, change, move or delete a slot, with all that follows in the EPT.
 * @param region what it shall be; copied
 * @return 0, or as memslot_start(); -EINVAL also when the backing is not RAM
 *	of this machine; -ENOMEM for the dirty bitmap
 * Takes slots_lock; not from inside vcpu_run() of a vCPU of this VM.
 */
int vm_set_memory_region(struct vm *vm,
			 const struct vm_region *region) __must_check;

/**
 * What vm_set_memory_region() would do, for tests that want to do it step by
 * step with memslot_start() and memslot_step(), slots_lock held.
 * @param change filled when the result is 0
 * @return 0; -EINVAL; -ENOMEM
 */
int vm_plan_region(struct vm *vm, const struct vm_region *region,
		   struct memslot_change *change) __must_check;

/**
 * Read a slot's dirty bitmap, clear it, and catch stores again.
 * @param slot  its id
 * @param out   one bit a 4 KiB page, bit 0 first
 * @param words 64-bit words in out
 * @return how many pages were dirty; -ENOENT no such slot or no bitmap
 */
int vm_get_dirty_log(struct vm *vm, u32 slot, u64 *out,
		     size_t words) __must_check;

/**
 * Put a device into the core.
 * @param bus    &vm->mmio_bus or &vm->port_bus
 * @param device must live as long as the VM
 * @return as bus_register()
 */
int vm_register_device(struct vm *vm, struct bus *bus,
		       const struct bus_device *device) __must_check;

/**
 * Take it out again; no vCPU is inside of it once this has returned.
 * @return as bus_unregister()
 */
int vm_unregister_device(struct vm *vm, struct bus *bus,
			 const struct bus_device *device) __must_check;

/**
 * Hang up a doorbell: a store there rings, and needs no exit to the VMM.  One
 * of any length is rung without even emulating the store, where that can be
 * (exit_doorbell.c).
 *
 * A doorbell comes before devices of the core: a store into a coalesced zone
 * that rings one is rung and not coalesced.
 * @param bus      &vm->mmio_bus or &vm->port_bus
 * @param doorbell must live until vm_unregister_doorbell() has returned; its
 *	ring() may be doorbell_event_ring()
 * @return as bus_register_doorbell()
 */
int vm_register_doorbell(struct vm *vm, struct bus *bus,
			 const struct bus_doorbell *doorbell) __must_check;

/**
 * Take it down again; no vCPU rings it once this has returned.
 * @return as bus_unregister_doorbell()
 */
int vm_unregister_doorbell(struct vm *vm, struct bus *bus,
			   const struct bus_doorbell *doorbell) __must_check;

/**
 * For tests: have something called at each EPT exit.
 * @param hook vm and what was touched; may be NULL
 * @param data for the hook: vm->fault_hook_data
 * While no vCPU of the VM runs but the caller's.
 */
void vm_set_fault_hook(struct vm *vm, void (*hook)(struct vm *vm, gpa_t gpa),
		       void *data);

/**
 * The hypervisor's pointer to guest memory, for the VMM and its loader.
 * @param gpa   first byte
 * @param bytes how many; all must lie in one slot
 * @param write it will be written: marks the pages dirty; refused in a
 *	read-only slot
 * @return NULL when it is not memory
 * Call while no slot changes (the VMM makes the changes itself).
 */
void *vm_memory(struct vm *vm, gpa_t gpa, size_t bytes, bool write);

/**
 * Drop a page's translation: the guest's next access faults and finds it anew.
 * Nothing happens where there is no memory.  On a vCPU's CPU, also from inside
 * a device; interrupts on.
 */
void vm_forget_page(struct vm *vm, gpa_t page);

/** What the MMU lock's word is while this CPU holds it by vm_lock_mmu(). */
static inline u32 vm_mmu_holder(void)
{
	return BIT(16) + this_cpu()->id;
}

/** Take the MMU lock from whoever holds it, once it is free. */
void vm_wait_mmu(struct vm *vm);

/**
 * Take the MMU lock, in the few instructions that a device access can spare.
 *
 * It is a spinlock like any other, but not on the CPU's list of locks that a
 * crash releases: the word says who holds it, and vcpu_abandon() looks there.
 * Interrupts stay on, so that the watchdog stops an endless loop of the code
 * that runs under it.
 */
static inline void vm_lock_mmu(struct vm *vm)
{
	u32 nobody = 0;

	if (unlikely(!__atomic_compare_exchange_n(
		    &vm->mmu_lock.locked, &nobody, vm_mmu_holder(), false,
		    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))) {
		vm_wait_mmu(vm);
	}
}

/** Release it. */
static inline void vm_unlock_mmu(struct vm *vm)
{
	smp_store_release(&vm->mmu_lock.locked, 0);
}

#endif
