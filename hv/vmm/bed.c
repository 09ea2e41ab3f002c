/** @file
 * Making a test's VM, and taking it away.
 *
 * All memory is allocated under the VM's own owner number: what a crash leaves
 * behind is found by that number and by nothing else.
 *
 * A VM is made anew for each test, so that no test depends on what another one
 * has left, and may be thrown away at any point: nothing in bed_destroy() asks
 * whether what it takes away is in order.  Making it may fail at each stage,
 * since some tests let the page allocator fail on purpose; whatever stage it
 * is, the verdict is "environment".
 *
 * What the guest hands over (an address, a size) is its own: bed_memory() is
 * the one way from there to memory of ours.
 */
#include "hv/vmm/bed.h"

#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/string.h"
#include "hv/stale/stale.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vmm/calls_storm.h"
#include "hv/vmm/secret.h"
#include "hv/vmm/start.h"

/*
 * 2 MiB in pages. Guest RAM is aligned to it, so that the EPT may map it by
 * large pages, and whole tests are about splitting those.
 */
#define LARGE_PAGE_PAGES 512

/**
 * The core answers these itself, while the guest's exit is being handled: no
 * return to the VMM, no bed lock. It costs an exit and no more.
 */
static int add_core_device(struct bed *bed, struct bus_device *slot,
			   struct device *device, const char *name)
{
	*slot = (struct bus_device){
		.name = name,
		.base = bus_addr(device->base),
		.length = device->length,
		.widths = BUS_WIDTH_ANY,
		.opaque = device,
		.access = device_access,
	};
	return vm_register_device(bed->vm, &bed->vm->mmio_bus, slot);
}

/**
 * Those that the test has made, when its vCPU moves. Devices on the VMM's side
 * need nothing: the bed itself stays when the VM goes.
 */
static int add_made_devices(struct bed *bed)
{
	int error = 0;

	for (unsigned int i = 0; i < bed->made.count && !error; i++) {
		struct made_device *made = &bed->made.device[i];

		if (made->side == DEVICE_IN_CORE) {
			error = vm_register_device(
				bed->vm, &bed->vm->mmio_bus, &made->bus);
		}
	}
	return error;
}

/**
 * And what it has hung up. A doorbell is a store of which only the fact matters
 * (KVM's ioeventfd). It lies on a bus as a device does, so a new VM has to be
 * told of it.
 */
static int add_doorbells(struct bed *bed)
{
	int error = 0;

	for (u64 i = 0; i < DOORBELLS_MADE_MAX && !error; i++) {
		struct made_doorbell *made =
			made_doorbell_numbered(&bed->doorbells, i);

		if (made) {
			error = vm_register_doorbell(
				bed->vm,
				made->is_port ? &bed->vm->port_bus
					      : &bed->vm->mmio_bus,
				&made->bus);
		}
	}
	return error;
}

int bed_add_core_devices(struct bed *bed)
{
	int error;

	error = add_core_device(bed, &bed->core[0],
				&bed->devices.core_scratch.device,
				"core scratch");
	if (error) {
		return error;
	}
	error = add_core_device(bed, &bed->core[1], &bed->devices.core_pattern,
				"core pattern");
	if (!error) {
		error = add_made_devices(bed);
	}
	return error ? error : add_doorbells(bed);
}

/**
 * The RAM and the backing RAM are two blocks of the host. The first is in slot
 * 0 from the start; the second is in no slot until the test makes one of it.
 * The caller cleans up: bed_destroy() takes away whatever there is.
 */
int bed_make_vm(struct bed *bed)
{
	u64 size = bed->plan.memory_size;
	int error = vm_create(&bed->vm);

	if (error) {
		return error;
	}
	bed->ram = page_alloc_contig(bed->vm->owner, size >> PAGE_SHIFT,
				     LARGE_PAGE_PAGES);
	bed->backing = page_alloc_contig(bed->vm->owner,
					 BACKING_SIZE >> PAGE_SHIFT,
					 LARGE_PAGE_PAGES);
	return bed->ram && bed->backing ? 0 : -ENOMEM;
}

/**
 * From GPA 0 on. Everything else is a hole until something is put there, and a
 * hole is what makes an access MMIO.
 */
static int add_memory(struct bed *bed)
{
	struct vm_region region = {
		.slot = GUEST_RAM_SLOT,
		.size = bed->plan.memory_size,
		.hpa = virt_to_hpa(bed->ram),
	};

	return vm_set_memory_region(bed->vm, &region);
}

/**
 * The boot page tells the program which of its tests this is: one ELF file
 * holds many, and each of them runs in a VM of its own.
 */
static void load(struct bed *bed)
{
	const struct bed_plan *plan = &bed->plan;
	struct boot_info info = {
		.magic = BOOT_MAGIC,
		.function = plan->test->function,
		.memory_size = plan->memory_size,
		.flags = plan->test->flags,
		.iterations = plan->iterations,
		.warm_up = plan->warm_up,
		.seed = options.seed,
		.cases = options.cases,
	};

	memcpy(info.name, plan->test->name, sizeof(info.name));
	start_write_memory(bed->ram, &info);
	loader_load(plan->program, bed->ram);
}

/**
 * The stages; each may say no. The order is what each stage stands on: memory
 * belongs to a VM, the APIC has to be there when a vCPU is made, the registers
 * are the vCPU's. The stale loads begin when the buses are complete. The
 * neighbour comes last but for the program: from then on another CPU is at
 * work.
 */
static int build(struct bed *bed)
{
	int error = bed_make_vm(bed);

	devices_init(&bed->devices);
	if (!error) {
		bed->vm->mmio_cache_off =
			bed->plan.test->flags & TEST_NO_MMIO_CACHE;
		error = add_memory(bed);
	}
	if (!error && (bed->plan.test->flags & TEST_NEEDS_APIC)) {
		error = irqchip_create(bed->vm);
	}
	if (!error) {
		error = bed_add_core_devices(bed);
	}
	if (!error) {
		error = vcpu_create(bed->vm, 0, &bed->vcpu);
	}
	if (!error && options.stale) {
		error = stale_begin(bed->vm);
	}
	if (!error && (bed->plan.test->flags & TEST_HOSTILE)) {
		error = secret_hide(bed);
	}
	if (!error && (bed->plan.test->flags & TEST_HOSTILE)) {
		error = neighbour_start(&bed->neighbour);
	}
	if (!error) {
		load(bed);
		error = start_set_registers(bed->vcpu,
					    bed->plan.program->entry);
	}
	return error;
}

void bed_prepare(struct bed *bed)
{
	int error = build(bed);

	if (error) {
		verdict_stop(&bed->verdict, VERDICT_ENVIRONMENT,
			     "the test's VM cannot be made: %s",
			     error == -ENOMEM ? "the machine has too little "
						"memory for it (QEMU: -m 256)"
					      : "a part of it was refused");
	}
}

/**
 * Exits that depend on nothing but the guest and us. Interrupts of the host
 * come when they come. Left in, they would make two equal runs differ, and the
 * counts of a result line useless for comparing.
 */
static bool is_deterministic(unsigned int reason)
{
	return reason != EXIT_REASON_EXTERNAL_INTERRUPT &&
	       reason != EXIT_REASON_PREEMPTION_TIMER;
}

/**
 * Add those of one vCPU. bed_read_faults() reads those of bed->vcpu, which is
 * nobody's by now: the test is over and its CPUs have stopped.
 */
static void fill_counts(struct bed *bed, struct vcpu *vcpu)
{
	struct verdict *verdict = &bed->verdict;
	const struct vcpu_counters *count = &vcpu->count;
	struct bed_faults faults;

	for (unsigned int i = 0; i <= EXIT_REASON_MAX; i++) {
		verdict->exits += is_deterministic(i) ? count->exits[i] : 0;
	}
	bed->vcpu = vcpu;
	bed_read_faults(bed, &faults);
	verdict->violations += faults.absent;
	verdict->misconfigs += faults.marked;
	verdict->emulations += count->emulations;
}

void bed_fill_counts(struct bed *bed)
{
	for (unsigned int i = 0; bed->vm && i < VM_VCPUS; i++) {
		if (bed->vm->vcpu[i]) {
			fill_counts(bed, bed->vm->vcpu[i]);
		}
	}
}

/**
 * First whoever is still at work on another CPU: the storm changes this VM's
 * slots, the neighbour runs beside it. Then the test's own switches (stale
 * loads, allocations that fail), as a destructor that fails for them would be
 * our bug and not the lab's. The VMs come last. Each pointer is cleared before
 * it is followed, so that a crash in here does not find the same VM again.
 */
void bed_destroy(struct bed *bed)
{
	struct vm *vm = bed->vm;

	calls_storm_stop(bed);
	neighbour_destroy(&bed->neighbour);
	stale_end();
	page_alloc_fail_after(-1); /* the lab stopped where it was to fail */
	bed->vcpu = NULL;
	bed->vm = NULL;
	if (vm) {
		vm_destroy(vm);
	}
	vm = bed->other;
	bed->other = NULL;
	if (vm) {
		vm_destroy(vm);
	}
}

/**
 * The sum `address + size` is not formed: it could wrap, and a huge size would
 * then look like a small one. RAM begins at GPA 0, so an address is an offset.
 *
 * What this gives back is memory that another vCPU may write to at any time.
 * Callers copy a struct first and check the copy.
 */
void *bed_memory(struct bed *bed, u64 address, u64 size)
{
	u64 limit = bed->plan.memory_size;

	if (address > limit || size > limit - address) {
		return NULL;
	}
	return bed->ram + address;
}

/**
 * A guest's string may lack its end, or run out of RAM. So a fixed number of
 * bytes is copied and ended by us.
 */
void bed_text(struct bed *bed, u64 address, char *to)
{
	u64 limit = bed->plan.memory_size;
	u64 room = address < limit ? limit - address : 0;
	size_t size = HYPERCALL_TEXT_SIZE;

	if (!room) {
		string_copy(to, "?", size);
		return;
	}
	size = room < size ? room : size;
	memcpy(to, bed->ram + address, size);
	to[size - 1] = 0;
}

/**
 * Without EPT all faults are #PF exits. `marked_faults` are those that a
 * reserved bit in a shadow entry has caused: there the same trick as with EPT
 * says "MMIO". A hit of the cache in the fault path comes before the entry is
 * looked at, so it counts with them.
 */
static void read_shadow_faults(const struct vcpu *vcpu, struct bed_faults *out)
{
	const struct shadow_counters *shadow = &vcpu->shadow.counters;

	*out = (struct bed_faults){
		.absent = vcpu->count.faults,
		.marked = vcpu->count.marked_faults +
			  vcpu->known.count.fault_hits,
		.spurious = shadow->spurious,
		.slow_paths = shadow->slow_paths - shadow->injected,
		.invalidations = shadow->invalidations,
	};
}

/**
 * Shadow tables belong to a vCPU, the EPT to the VM: so invalidations are the
 * vCPU's in one case and the VM's in the other.
 */
void bed_read_faults(const struct bed *bed, struct bed_faults *out)
{
	const struct vcpu_counters *count = &bed->vcpu->count;

	if (!bed->vm->with_ept) {
		read_shadow_faults(bed->vcpu, out);
		return;
	}
	*out = (struct bed_faults){
		.absent = count->exits[EXIT_REASON_EPT_VIOLATION],
		.marked = count->exits[EXIT_REASON_EPT_MISCONFIG],
		.spurious = count->spurious,
		.slow_paths = count->slow_paths,
		.invalidations = bed->vm->ept.counters.invalidations,
	};
}

u64 bed_ept_exits(const struct bed *bed)
{
	struct bed_faults faults;

	bed_read_faults(bed, &faults);
	return faults.absent + faults.marked;
}
