/** @file
 * Bytes of the guest's program.
 *
 * Nearly every exit needs the instruction at RIP: its length at least, since
 * QEMU's SVM has no next RIP (NRIPS, APM 2 15.7.1) and no decode assists
 * (15.33.1).  That takes a walk of the guest's page tables, and each of its
 * entries one of the EPT: some three hundred instructions for the same page
 * again and again.
 *
 * So the last page is kept, together with the entries that led there.  They are
 * compared each time, with what is in memory now: software that changes its
 * page tables is seen at once, and needs no INVLPG for it.  What may have
 * become wrong without a trace there, the EPT, counts its changes
 * (ept_shadow_generation()).
 */
#include "hv/softvmx/svm_fetch.h"

#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcs_memory.h"

/**
 * Is what was kept still the translation of this page? Everything that the walk
 * depends on is compared: root, mode, EPT, and each entry.
 */
static bool is_kept(struct softvmx_cpu *cpu, u64 page)
{
	const struct softvmx_fetch_page *kept = &cpu->fetch;

	if (!kept->page || kept->linear != page ||
	    kept->cr3 != cpu->guest->save.cr3 ||
	    kept->mode != svm_walk_mode(cpu) ||
	    kept->eptp != vmcs_memory_get(cpu, EPT_POINTER) ||
	    kept->generation != ept_shadow_generation(cpu->shadow)) {
		return false;
	}
	for (unsigned int i = 0; i < kept->count; i++) {
		if (*kept->entry[i] != kept->value[i]) {
			return false;
		}
	}
	return true;
}

/**
 * Keep a translation, with the places that it depends on. A table that is not
 * in memory cannot be watched, and then nothing is kept.
 */
static void keep(struct softvmx_cpu *cpu, u64 page,
		 const struct svm_walk *walk)
{
	struct softvmx_fetch_page *kept = &cpu->fetch;

	kept->page = NULL;
	kept->mode = svm_walk_mode(cpu);
	kept->cr3 = cpu->guest->save.cr3;
	kept->linear = page;
	kept->eptp = vmcs_memory_get(cpu, EPT_POINTER);
	kept->generation = ept_shadow_generation(cpu->shadow);
	kept->count = walk->count;
	for (unsigned int i = 0; i < walk->count; i++) {
		kept->entry[i] = (const u64 *)svm_walk_memory(
			cpu, walk->entry_gpa[i]);
		kept->value[i] = walk->entry[i];
		if (!kept->entry[i]) {
			return;
		}
	}
	kept->page = svm_walk_memory(cpu, walk->gpa);
}

/**
 * The page of an instruction, by what was kept or by a walk.  Entries of four
 * bytes are not kept: they could not be compared eight bytes at a time.
 */
static const u8 *fetch_page(struct softvmx_cpu *cpu, gva_t page)
{
	struct svm_walk walk;

	if (likely(is_kept(cpu, page.v))) {
		return cpu->fetch.page;
	}
	svm_walk_translate(cpu, page, &walk);
	if (walk.end != SVM_WALK_MAPPED) {
		return NULL;
	}
	if (walk.levels && walk.entry_size == 4) {
		return svm_walk_memory(cpu, walk.gpa);
	}
	keep(cpu, page.v, &walk);
	return cpu->fetch.page;
}

/* Page by page, since the second may lie anywhere or nowhere. */
size_t svm_fetch_bytes(struct softvmx_cpu *cpu, gva_t linear, u8 *to,
		       size_t size)
{
	size_t done = 0;

	while (done < size) {
		gva_t at = gva_add(linear, done);
		size_t part = PAGE_SIZE - gva_offset(at);
		const u8 *page = fetch_page(cpu, gva_page(at));

		if (!page) {
			break;
		}
		if (part > size - done) {
			part = size - done;
		}
		memcpy(to + done, page + gva_offset(at), part);
		done += part;
	}
	return done;
}
