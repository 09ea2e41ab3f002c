/** @file
 * Looking at the MMIO cache, and bringing about what no guest can by itself.
 *
 * The counters are kept outside of the lab's file (mmu/mmio_known.h), so they
 * say what it did.  The rest makes moments that are rare, or somebody else's:
 * an emulated instruction that has not faulted, a vCPU that is restored from a
 * saved state, an address that belongs to a guest's guest.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/vcpu_regs.h"

_Static_assert((int)CACHE_EVENTS == (int)MMIO_CACHE_EVENTS, "mmio_cache.h");
_Static_assert((int)CACHE_INVLPG == (int)MMIO_CACHE_INVLPG, "mmio_cache.h");
_Static_assert((int)CACHE_SLOTS == (int)MMIO_CACHE_SLOTS, "mmio_cache.h");

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

s64 calls_mmio_is_shadow(struct bed *bed, const u64 *args)
{
	(void)args;
	return !bed->vcpu->known.mode.ept;
}

s64 calls_mmio_emulate(struct bed *bed, const u64 *args)
{
	bed->vcpu->emulate_next = args[0] ? (u32)args[0] : 1;
	return 0;
}

s64 calls_mmio_nested(struct bed *bed, const u64 *args)
{
	if (args[0] > 1) {
		return -EINVAL;
	}
	bed->vcpu->known.mode.nested = args[0];
	known_store_drop(&bed->vcpu->store);
	return 0;
}

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
