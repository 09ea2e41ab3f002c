/** @file
 * The guest's own page tables, walked in software.
 *
 * SVM as QEMU emulates it says neither which instruction caused an exit, nor
 * how long it is, nor for which linear address a nested page fault happened.
 * VMX says all three.  To find out we read the instruction at RIP and check
 * where its operand leads, and both take a walk of the guest's page tables
 * (SDM 3A 4.3 to 4.5), each of whose entries is reached through the EPT.
 *
 * For the instruction this happens at nearly every exit, so the page it lies in
 * is kept together with the entries that led there.  They are compared each
 * time: software that changes its page tables is seen at once.
 */
#include "hv/softvmx/svm_walk.h"

#include "hv/lib/page.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

#define ENTRY_LARGE BIT(7)
#define ENTRY_ADDRESS BITS(51, 12)
#define ENTRY_ADDRESS_32 BITS(31, 12)

/** How a paging mode lays out its tables. */
struct paging_mode {
	unsigned int levels;
	unsigned int index_bits; /* of the linear address, for each level */
	unsigned int entry_size; /* bytes */
	unsigned int top_bits;	 /* index bits of the topmost level */
	u64 root_mask;		 /* CR3's address bits */
	unsigned int max_large;	 /* highest level with large pages */
};

/* SDM 3A 4.5, 4.4 and 4.3. */
static const struct paging_mode mode_4level = {
	4, 9, 8, 9, ENTRY_ADDRESS, 3
};
static const struct paging_mode mode_pae = { 3, 9, 8, 2, BITS(31, 5), 2 };
static const struct paging_mode mode_32bit = {
	2, 10, 4, 10, ENTRY_ADDRESS_32, 2
};

/** The guest's mode; NULL when paging is off. */
static const struct paging_mode *current_mode(const struct vmcb_save *save)
{
	if (!(save->cr0 & CR0_PG)) {
		return NULL;
	}
	if (save->efer & EFER_LMA) {
		return &mode_4level;
	}
	return save->cr4 & CR4_PAE ? &mode_pae : &mode_32bit;
}

void svm_walk_locate(struct softvmx_cpu *cpu, gpa_t address,
		     struct ept_walk *walk)
{
	if (cpu->processor_ctls2 & CPU2_ENABLE_EPT) {
		ept_walk_from(vmcs_memory_get(cpu, EPT_POINTER), address, walk);
		return;
	}
	*walk = (struct ept_walk){ .verdict = EPT_WALK_TRANSLATED,
				   .rights = EPT_WALK_RIGHTS,
				   .level = 1,
				   .hpa = hpa(address.v) };
}

/**
 * The host's pointer to a guest physical address.
 * @return NULL when there is no readable memory
 */
static u8 *memory_at(struct softvmx_cpu *cpu, gpa_t address)
{
	struct ept_walk walk;

	svm_walk_locate(cpu, address, &walk);
	if (walk.verdict != EPT_WALK_TRANSLATED ||
	    walk.hpa.v >= DIRECT_MAP_SIZE - 8) {
		return NULL;
	}
	return hpa_to_virt(walk.hpa);
}

bool svm_walk_read(struct softvmx_cpu *cpu, gpa_t address, void *to,
		     size_t size)
{
	const u8 *from = memory_at(cpu, address);

	if (from) {
		memcpy(to, from, size);
	}
	return from != NULL;
}

/** Where the entry for an address lies within a table at a level. */
static gpa_t entry_address(const struct paging_mode *mode, u64 table,
			   gva_t linear, unsigned int level)
{
	unsigned int shift = PAGE_SHIFT + mode->index_bits * (level - 1);
	unsigned int width =
		level == mode->levels ? mode->top_bits : mode->index_bits;
	u64 index = linear.v >> shift & ((1ull << width) - 1);

	return gpa(table + index * mode->entry_size);
}

/** The address that a leaf and the rest of the linear address make. */
static gpa_t leaf_address(const struct paging_mode *mode, u64 entry,
			  gva_t linear, unsigned int level)
{
	unsigned int shift = PAGE_SHIFT + mode->index_bits * (level - 1);
	u64 offset = BIT(shift) - 1;
	u64 frame = entry & ENTRY_ADDRESS;

	if (mode->entry_size == 4 && level == 2) {
		/* PSE-36: bits 39:32 stand in 20:13 (SDM 3A 4.3). */
		frame = (entry & BITS(31, 22)) | bits(entry, 20, 13) << 32;
	}
	return gpa((frame & ~offset) | (linear.v & offset));
}

/** Does this entry map a page?  PS counts where the mode knows large pages. */
static bool is_leaf(const struct softvmx_cpu *cpu,
		    const struct paging_mode *mode, u64 entry,
		    unsigned int level)
{
	if (level == 1) {
		return true;
	}
	if (!(entry & ENTRY_LARGE) || level > mode->max_large) {
		return false;
	}
	return mode->entry_size == 8 || (cpu->guest->save.cr4 & CR4_PSE);
}

/** From CR3 down, remembering each entry and where it lies. */
static void walk_tables(struct softvmx_cpu *cpu,
			const struct paging_mode *mode, gva_t linear,
			struct svm_walk *walk)
{
	u64 table = cpu->guest->save.cr3 & mode->root_mask;

	for (unsigned int level = mode->levels; level >= 1; level--) {
		gpa_t at = entry_address(mode, table, linear, level);
		u64 entry = 0;

		walk->entry_gpa[walk->count] = at;
		walk->entry[walk->count] = 0;
		walk->count++;
		walk->end = SVM_WALK_NO_MEMORY;
		if (!svm_walk_read(cpu, at, &entry, mode->entry_size)) {
			return;
		}
		walk->entry[walk->count - 1] = entry;
		walk->end = SVM_WALK_NOT_PRESENT;
		if (!(entry & SVM_WALK_PRESENT)) {
			return;
		}
		if (is_leaf(cpu, mode, entry, level)) {
			walk->gpa = leaf_address(mode, entry, linear, level);
			walk->end = SVM_WALK_MAPPED;
			return;
		}
		table = entry & ENTRY_ADDRESS;
	}
}

void svm_walk_translate(struct softvmx_cpu *cpu, gva_t linear,
			  struct svm_walk *walk)
{
	const struct paging_mode *mode = current_mode(&cpu->guest->save);

	walk->count = 0;
	walk->levels = 0;
	if (mode) {
		walk->levels = mode->levels;
		walk->entry_size = mode->entry_size;
		walk_tables(cpu, mode, linear, walk);
	} else {
		walk->end = SVM_WALK_MAPPED;
		walk->gpa = gpa((u32)linear.v);
	}
}

void *svm_walk_pointer(struct softvmx_cpu *cpu, gva_t linear)
{
	struct svm_walk walk;

	svm_walk_translate(cpu, linear, &walk);
	if (walk.end != SVM_WALK_MAPPED) {
		return NULL;
	}
	return memory_at(cpu, walk.gpa);
}

/** Is what was kept still the translation of this page? */
static bool is_kept(struct softvmx_cpu *cpu, u64 page)
{
	const struct softvmx_fetch_page *kept = &cpu->fetch;
	const struct vmcb_save *save = &cpu->guest->save;

	if (!kept->page || kept->linear != page || kept->cr3 != save->cr3 ||
	    kept->mode != current_mode(save) ||
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

/** Keep a translation, with the places that it depends on. */
static void keep(struct softvmx_cpu *cpu, u64 page,
		 const struct svm_walk *walk)
{
	struct softvmx_fetch_page *kept = &cpu->fetch;

	kept->page = NULL;
	kept->mode = current_mode(&cpu->guest->save);
	kept->cr3 = cpu->guest->save.cr3;
	kept->linear = page;
	kept->eptp = vmcs_memory_get(cpu, EPT_POINTER);
	kept->generation = ept_shadow_generation(cpu->shadow);
	kept->count = walk->count;
	for (unsigned int i = 0; i < walk->count; i++) {
		kept->entry[i] =
			(const u64 *)memory_at(cpu, walk->entry_gpa[i]);
		kept->value[i] = walk->entry[i];
		if (!kept->entry[i]) {
			return;
		}
	}
	kept->page = memory_at(cpu, walk->gpa);
}

/** The page of an instruction, by what was kept or by a walk. */
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
	if (current_mode(&cpu->guest->save) == &mode_32bit) {
		return memory_at(cpu, walk.gpa); /* entries of 4 bytes */
	}
	keep(cpu, page.v, &walk);
	return cpu->fetch.page;
}

size_t svm_walk_fetch(struct softvmx_cpu *cpu, gva_t linear, u8 *to,
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
