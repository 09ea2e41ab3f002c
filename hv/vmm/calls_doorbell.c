/** @file
 * Doorbells: hung up, taken down, and how often they were rung.
 *
 * A ring leaves nothing behind in the guest, neither an exit to the VMM nor a
 * value, so its counter (bus/doorbell_event.h) is all there is to ask for.
 * Reading it and taking it are two calls: a test that counts rings while
 * another vCPU rings must lose none in between.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/x86/cpu.h"

static struct bus *bus_of(struct bed *bed, const struct made_doorbell *made)
{
	return made->is_port ? &bed->vm->port_bus : &bed->vm->mmio_bus;
}

/**
 * The bus checks what the plan says (length, overlap, a value that does not
 * fit); here it is only copied. If the bus refuses, the place is free again.
 */
s64 calls_doorbell_make(struct bed *bed, const u64 *args)
{
	const struct hypercall_doorbell *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_doorbell plan;
	struct made_doorbell *made;
	int error;

	if (!from) {
		return -EFAULT;
	}
	memcpy(&plan, from, sizeof(plan));
	made = made_doorbell_make(&bed->doorbells, &plan);
	if (!made) {
		return -ENOSPC;
	}
	error = vm_register_doorbell(bed->vm, bus_of(bed, made), &made->bus);
	if (error) {
		made_doorbell_free(&bed->doorbells, made);
		return error;
	}
	return (s64)made_doorbell_number(&bed->doorbells, made);
}

/** Its count goes with it: whoever wants it asks before. */
s64 calls_doorbell_remove(struct bed *bed, const u64 *args)
{
	struct made_doorbell *made =
		made_doorbell_numbered(&bed->doorbells, args[0]);
	int error;

	if (!made) {
		return -ENOENT;
	}
	error = vm_unregister_doorbell(bed->vm, bus_of(bed, made), &made->bus);
	if (!error) {
		made_doorbell_free(&bed->doorbells, made);
	}
	return error;
}

/** Nothing is taken: a test may look as often as it likes. */
s64 calls_doorbell_count(struct bed *bed, const u64 *args)
{
	const struct made_doorbell *made =
		made_doorbell_numbered(&bed->doorbells, args[0]);

	return made ? (s64)doorbell_event_peek(&made->event) : -ENOENT;
}

/**
 * One atomic exchange: a ring in the same moment is either in the number that
 * comes back or still there.
 */
s64 calls_doorbell_take(struct bed *bed, const u64 *args)
{
	struct made_doorbell *made =
		made_doorbell_numbered(&bed->doorbells, args[0]);

	return made ? (s64)doorbell_event_take(&made->event) : -ENOENT;
}

/** The bed's lock is held meanwhile: who rings must not need it.  If it does,
 * the watchdog of its CPU says so. */
s64 calls_doorbell_wait(struct bed *bed, const u64 *args)
{
	struct made_doorbell *made =
		made_doorbell_numbered(&bed->doorbells, args[0]);
	u64 rings;

	if (!made) {
		return -ENOENT;
	}
	if (bed->vm->vcpus < 2) {
		return -EINVAL; /* nobody would ring */
	}
	cpu_begin_waiting();
	rings = doorbell_event_wait(&made->event, &bed->crashed);
	cpu_end_waiting();
	return (s64)rings;
}
