/** @file
 * Filling the cache of the last fetch: the walk once more, for its entries.
 *
 * guest_walk_translate() has said that the fetch is allowed and has set the
 * accessed bits.  What is left is to note which entries it used.  Should one of
 * them change in between, the cache holds a value that is no longer there, and
 * fails at the next look.
 */
#include "hv/vcpu/fetch_cache.h"

#include "hv/vcpu/vm.h"

#define PTE_PRESENT BIT(0)
#define PTE_ACCESSED BIT(5)
#define PTE_LARGE BIT(7)
#define PTE_ADDRESS BITS(51, 12)

#define SHIFT_TOP 39 /* of the linear address: index into the PML4 */
#define SHIFT_LEVEL 9

/** Note the entry of one level. @return it, or 0 if there is none */
static u64 note_entry(struct fetch_cache *cache, struct vm *vm, gpa_t at)
{
	const u64 *entry = vm_memory(vm, at, sizeof(u64), false);
	unsigned int i = cache->levels++;

	if (!entry) {
		return 0;
	}
	cache->walk[i].entry = entry;
	cache->walk[i].value = READ_ONCE(*entry);
	return cache->walk[i].value;
}

/** @return whether the walk ended at a page, all its entries noted */
static bool note_walk(struct fetch_cache *cache, struct vm *vm, gva_t address)
{
	gpa_t table = gpa(cache->cr3 & PTE_ADDRESS);
	unsigned int shift = SHIFT_TOP;

	cache->levels = 0;
	while (cache->levels < FETCH_CACHE_LEVELS) {
		u64 index = bits(address.v, shift + SHIFT_LEVEL - 1, shift);
		u64 value = note_entry(cache, vm,
				       gpa_add(table, index * sizeof(u64)));

		if (!(value & PTE_PRESENT) || !(value & PTE_ACCESSED)) {
			return false;
		}
		if (value & PTE_LARGE) {
			return true;
		}
		table = gpa(value & PTE_ADDRESS);
		shift -= SHIFT_LEVEL;
	}
	return true;
}

void fetch_cache_fill(struct fetch_cache *cache, struct vm *vm, gva_t address,
		      gpa_t gpa)
{
	struct memslot_set *slots = memslot_read(&vm->slots);

	fetch_cache_drop(cache);
	if (!(vmread(GUEST_IA32_EFER) & EFER_LMA)) {
		return;
	}
	cache->cr3 = vmread(GUEST_CR3);
	cache->cpl = vmread(GUEST_SS_AR_BYTES) & SEG_AR_DPL;
	cache->generation = memslot_generation(slots);
	cache->gpa = gpa_page(gpa);
	if (cache->generation & MEMSLOT_GEN_IN_PROGRESS) {
		return;
	}
	if (note_walk(cache, vm, address)) {
		cache->page = gva_page(address).v;
	}
}
