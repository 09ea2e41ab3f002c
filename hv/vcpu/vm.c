/** @file
 * A virtual machine: putting memory, EPT and buses together.
 *
 * mmu/ and bus/ are pure C and know nothing of processors: they say *what* has
 * to be true ("nobody reads the old slots any more", "forget this mapping on
 * all CPUs, now") and call back for it.  Here is *how*: by the two words that
 * each vCPU shows to the others.
 *
 *	reader    odd while inside a read section (read_section.h); a change
 *		  of slots waits until it has moved
 *	in_guest  set while the guest may use what the tables said; whoever
 *		  takes a right away kicks the CPU by an interrupt and waits
 *		  until it is clear.  The next entry sees the new count of
 *		  invalidations and begins with an INVEPT, or an INVVPID
 *
 * What of a VM is whose:
 *
 *	memory behind slots	the VMM's; it outlives the VM
 *	struct vm, vCPUs, tables, bitmaps, rings
 *				pages of the VM's owner: vm_destroy() gives all
 *				back at one stroke, whatever had become of them
 *	devices, doorbells	of whoever has registered them; the buses only
 *				have pointers
 */
#include "hv/vcpu/vm.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/panic.h"
#include "hv/stale/stale.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm_memory.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"

/**
 * A number names a VM's pages and VPIDs. Two CPUs may make VMs at once; each
 * takes a number by an atomic exchange, and no lock.
 */
static bool number_used[VM_MAX];

static int alloc_table(void *ctx, hpa_t *table)
{
	return vm_memory_alloc_table(ctx, table);
}

static void free_table(void *ctx, hpa_t table)
{
	vm_memory_free_table(ctx, table);
}

/**
 * The EPT has changed: all vCPUs of the VM walk it, so each is made to leave
 * its guest. One that is only now being made enters later, and sees the count
 * then. Called under the MMU lock by mmu/ept.c.
 */
static void kick(void *ctx)
{
	struct vm *vm = ctx;

	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		struct vcpu *vcpu = READ_ONCE(vm->vcpu[i]);

		if (vcpu) {
			vm_memory_kick(vcpu);
		}
	}
}

static const struct ept_ops ept_ops = {
	.alloc_table = alloc_table,
	.free_table = free_table,
	.kick = kick,
};

/** The bus' tables: whole pages, with their number in front. */
struct table_head {
	size_t pages;
	u64 spare[7]; /* the table begins on a cache line of its own */
};

/**
 * A bus never changes its table in place, as vCPUs search it without a lock:
 * each registration makes a new one. Freeing comes after a grace period, and
 * perhaps on another CPU; it must know the size, hence the head.
 */
static void *alloc_bus_table(void *owner, size_t bytes)
{
	struct vm *vm = owner;
	size_t pages =
		(bytes + sizeof(struct table_head) + PAGE_SIZE - 1) / PAGE_SIZE;
	struct table_head *head = page_alloc_contig(vm->owner, pages, 1);

	if (!head) {
		return NULL;
	}
	head->pages = pages;
	vm->bus_pages += pages;
	return head + 1;
}

static void free_bus_table(void *owner, void *table)
{
	struct table_head *head = (struct table_head *)table - 1;
	struct vm *vm = owner;

	vm->bus_pages -= head->pages;
	/* Nobody may be given this pointer any more, however old it is. */
	stale_forget(head, head->pages * PAGE_SIZE);
	page_free_contig(head, head->pages);
}

/**
 * Release and acquire: who takes a number sees that the pages of its last owner
 * are back.
 */
static void give_number(unsigned int number)
{
	__atomic_store_n(&number_used[number], false, __ATOMIC_RELEASE);
}

static int take_number(unsigned int *out)
{
	for (unsigned int i = 0; i < VM_MAX; i++) {
		if (!__atomic_exchange_n(&number_used[i], true,
					 __ATOMIC_ACQUIRE)) {
			*out = i;
			return 0;
		}
	}
	return -ENOSPC;
}

/** Both buses are read in the sections of one domain, that of the slots: an
 * exit opens one section and may look into all three. */
static void init_buses(struct vm *vm)
{
	struct bus_memory memory = {alloc_bus_table, free_bus_table, vm};

	srcu_init(&vm->srcu);
	bus_init(&vm->mmio_bus, &memory, &vm->srcu, bus_addr(~0ull));
	bus_init(&vm->port_bus, &memory, &vm->srcu, bus_addr(0xffff));
}

/**
 * Made in a VM without EPT, too, where no VMCS ever points to it: the one page
 * is cheaper than two kinds of VM here.
 */
static int init_ept(struct vm *vm)
{
	int error;

	vm->ept.direct_map = DIRECT_MAP_BASE;
	vm->ept.phys_bits = cpuid(0x80000008, 0).eax & 0xff;
	vm->ept.ops = &ept_ops;
	vm->ept.ctx = vm;
	error = ept_create(&vm->ept);
	if (error) {
		return error;
	}
	/* Four levels, and the tables themselves are cached: SDM 3C 25.6.11. */
	vm->eptp = vm->ept.root.v | EPTP_MEMORY_TYPE_WB | EPTP_WALK_LENGTH_4;
	return 0;
}

/** Labs' code runs under these; what they protect goes with the VM. */
static void init_locks(struct vm *vm)
{
	vm->slots_lock.stoppable = true;
	vm->mmu_lock.stoppable = true;
	vm->bus_lock.stoppable = true;
}

/*
 * From the number on all pages carry the VM as their owner, struct vm being the
 * first of them. So a failure at any later point is vm_destroy()'s, which needs
 * no more than the number.
 */
int vm_create(struct vm **out)
{
	size_t pages = (sizeof(struct vm) + PAGE_SIZE - 1) / PAGE_SIZE;
	unsigned int number;
	struct vm *vm;
	int error;

	error = take_number(&number);
	if (error) {
		return error;
	}
	vm = page_alloc_contig(PAGE_OWNER_VM(number), pages, 1);
	if (!vm) {
		give_number(number);
		return -ENOMEM;
	}
	vm->number = number;
	vm->owner = PAGE_OWNER_VM(number);
	vm->with_ept = options.ept;
	/* Without EPT there is no such thing (SDM 3C 27.2.1.1). */
	vm->unrestricted = options.ept && options.ug &&
			   vmx_caps.unrestricted_guest;
	init_locks(vm);
	init_buses(vm);
	vm_memory_init(vm);
	error = init_ept(vm);
	if (error) {
		vm_destroy(vm);
		return error;
	}
	*out = vm;
	return 0;
}

/** Called on its CPU, where its VMCS may be current: only there can that end
 * (SDM 3C 25.11.1). */
static void destroy_vcpu(void *vcpu)
{
	vcpu_destroy(vcpu);
}

/** No list of what it had is needed: the page allocator knows. */
size_t vm_destroy(struct vm *vm)
{
	unsigned int number = vm->number;
	size_t pages;
	int error;

	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		if (!vm->vcpu[i]) {
			continue;
		}
		error = cpu_run_on(vm->vcpu[i]->cpu, destroy_vcpu, vm->vcpu[i]);
		if (error) {
			panic("vCPU %u cannot be destroyed on CPU %u", i,
			      vm->vcpu[i]->cpu);
		}
	}
	/* The number last: pages that carry it must be this VM's. */
	pages = page_free_all(PAGE_OWNER_VM(number));
	give_number(number);
	return pages;
}

/** Looking before trying: an exchange pulls the line over each time.  Who waits
 * tells the watchdog so, as it is the holder's code that may loop. */
void vm_wait_mmu(struct vm *vm)
{
	u32 nobody;

	cpu_begin_waiting();
	do {
		cpu_relax();
		nobody = 0;
	} while (READ_ONCE(vm->mmu_lock.locked) ||
		 !__atomic_compare_exchange_n(&vm->mmu_lock.locked, &nobody,
					      vm_mmu_holder(), false,
					      __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	cpu_end_waiting();
}

/**
 * A bus is changed by one at a time, which is what the bus_lock is for; vCPUs
 * that are just searching keep the table that they have. Taking away waits for
 * those, so that afterwards nobody calls the device any more and its memory may
 * go. Hence not from inside a device or a read section: it would wait for
 * itself. -ENOMEM there is a real answer (spec 10.8): the device is still on
 * the bus then.
 */
int vm_register_device(struct vm *vm, struct bus *bus,
		       const struct bus_device *device)
{
	int error;

	spinlock_lock(&vm->bus_lock);
	error = bus_register(bus, device);
	spinlock_unlock(&vm->bus_lock);
	return error;
}

int vm_unregister_device(struct vm *vm, struct bus *bus,
			 const struct bus_device *device)
{
	int error;

	spinlock_lock(&vm->bus_lock);
	error = bus_unregister(bus, device);
	spinlock_unlock(&vm->bus_lock);
	return error;
}

/** Whoever does not see the change yet takes the long way, which rings, too. */
static void update_at_fault(struct vm *vm)
{
	WRITE_ONCE(vm->at_fault, vm->quick_doorbells || vm->fault_hook);
}

/**
 * A doorbell of any length is the one that may be rung without decoding the
 * store (exit_doorbell.c). Only in a VM that has such do exits look for them;
 * all others pay for one test of at_fault. The bus_lock is held.
 * @param more 1, or -1
 */
static void count_quick(struct vm *vm, const struct bus *bus,
			const struct bus_doorbell *doorbell, int more)
{
	if (bus == &vm->mmio_bus && !doorbell->length) {
		vm->quick_doorbells += (u32)more;
		update_at_fault(vm);
	}
}

int vm_register_doorbell(struct vm *vm, struct bus *bus,
			 const struct bus_doorbell *doorbell)
{
	int error;

	spinlock_lock(&vm->bus_lock);
	error = bus_register_doorbell(bus, doorbell);
	if (!error) {
		count_quick(vm, bus, doorbell, 1);
	}
	spinlock_unlock(&vm->bus_lock);
	return error;
}

int vm_unregister_doorbell(struct vm *vm, struct bus *bus,
			   const struct bus_doorbell *doorbell)
{
	int error;

	spinlock_lock(&vm->bus_lock);
	error = bus_unregister_doorbell(bus, doorbell);
	if (!error) {
		count_quick(vm, bus, doorbell, -1);
	}
	spinlock_unlock(&vm->bus_lock);
	return error;
}

void vm_set_fault_hook(struct vm *vm, void (*hook)(struct vm *vm, gpa_t gpa),
		       void *data)
{
	vm->fault_hook = hook;
	vm->fault_hook_data = data;
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		if (vm->vcpu[i]) { /* a hook wants to see all exits */
			known_store_drop(&vm->vcpu[i]->store);
		}
	}
	update_at_fault(vm);
}
