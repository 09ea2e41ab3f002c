/** @file
 * Looking at the MMIO cache, and bringing about what no guest can by itself.
 *
 * The counters are kept outside of the lab's file (mmu/mmio_known.h), so they
 * say what it did.  The rest makes moments that are rare, or somebody else's:
 * an emulated instruction that has not faulted, a vCPU that is restored from a
 * saved state, an address that belongs to a guest's guest.
 *
 * What the cache knows is one thing: "the last MMIO access of this vCPU was to
 * this page". It has two halves, the virtual page and the physical one, as
 * either can be asked for. It is right until the guest's mapping changes (CR3,
 * INVLPG, a mode) or the slots do: hence the events, and hence a generation in
 * it (spec 2.1).
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/vcpu_regs.h"

/**
 * The number of events and two of them: whoever adds one to one list only is
 * told here.
 */
_Static_assert((int)CACHE_EVENTS == (int)MMIO_CACHE_EVENTS, "mmio_cache.h");
_Static_assert((int)CACHE_INVLPG == (int)MMIO_CACHE_INVLPG, "mmio_cache.h");
_Static_assert((int)CACHE_SLOTS == (int)MMIO_CACHE_SLOTS, "mmio_cache.h");

/**
 * Field by field, since the guest's struct is a contract of its own: the core
 * may add counters without breaking guest programs.
 */
static void read_counts(const struct bed *bed,
			struct hypercall_cache_counts *to)
{
	const struct mmio_known_counters *from = &bed->vcpu->known.count;

	to->fault_hits = from->fault_hits;
	to->fault_misses = from->fault_misses;
	to->gva_hits = from->gva_hits;
	to->gva_misses = from->gva_misses;
	to->gpa_hits = from->gpa_hits;
	to->gpa_misses = from->gpa_misses;
	to->fills = from->fills;
	to->gva_fills = from->gva_fills;
	to->fills_in_progress = from->fills_in_progress;
	memcpy(to->events, from->events, sizeof(to->events));
	memcpy(to->clears, from->clears, sizeof(to->clears));
}

/** All of them stay 0 with EPT, where the core makes no shadow tables. */
static void read_shadow_counts(const struct bed *bed,
			       struct hypercall_cache_counts *to)
{
	const struct shadow_counters *from = &bed->vcpu->shadow.counters;

	to->fast_switches = from->fast_switches;
	to->slow_switches = from->slow_switches;
	to->builds = from->builds;
	to->syncs = from->syncs;
	to->marks = from->marks;
	to->walks = from->slow_paths;
	to->guest_faults = from->injected;
}

s64 calls_mmio_cache(struct bed *bed, const u64 *args)
{
	const struct mmio_cache *cache = &bed->vcpu->known.cache;
	struct hypercall_cache now = {
		.gva = cache->gva.v,
		.gfn = cache->gfn,
		.rights = cache->rights,
		.generation = cache->generation,
	};
	void *to = bed_memory(bed, args[0], sizeof(now));

	if (!to) {
		return -EFAULT;
	}
	read_counts(bed, &now.count);
	read_shadow_counts(bed, &now.count);
	memcpy(to, &now, sizeof(now));
	return 0;
}

/**
 * Some numbers of exits differ between the modes; a test asks for the mode and
 * expects accordingly.
 */
s64 calls_mmio_is_shadow(struct bed *bed, const u64 *args)
{
	(void)args;
	return !bed->vcpu->known.mode.ept;
}

/**
 * It takes effect at the next CPUID, which exits always and at any privilege.
 * So it works for code at CPL 3 as well, which could not make this hypercall.
 */
s64 calls_mmio_emulate(struct bed *bed, const u64 *args)
{
	bed->vcpu->emulate_next = args[0] ? (u32)args[0] : 1;
	return 0;
}

/**
 * In a nested guest a "guest-physical" address is that of the inner guest and
 * must not be found under the outer one's. There are no nested guests here,
 * only the flag, and the cache must go by it. What is known about a store was
 * learnt under the old flag, so it is dropped.
 */
s64 calls_mmio_nested(struct bed *bed, const u64 *args)
{
	if (args[0] > 1) {
		return -EINVAL;
	}
	bed->vcpu->known.mode.nested = args[0];
	known_store_drop(&bed->vcpu->store);
	return 0;
}

/**
 * As after a move to another machine: everything that the vCPU knew is gone,
 * while the guest finds itself where it was.
 */
s64 calls_mmio_restore(struct bed *bed, const u64 *args)
{
	struct vcpu *vcpu = bed->vcpu;
	struct vcpu_sregs system;
	struct vcpu_regs regs;
	int error;

	(void)args;
	vcpu_regs_get(vcpu, &regs);
	vcpu_regs_get_system(vcpu, &system);
	vcpu_reset(vcpu);
	error = vcpu_regs_set_system(vcpu, &system);
	regs.gpr[GPR_RAX] = (u64)error; /* the hypercall is over by now */
	vcpu_regs_set(vcpu, &regs);
	return error;
}
