/** @file
 * The guest's own page tables, walked in software.
 *
 * SVM as QEMU emulates it says neither which instruction caused an exit, nor
 * how long it is, nor for which linear address a nested page fault happened.
 * VMX says all three.  To find out we read the instruction at RIP and check
 * where its operand leads, and both take a walk of the guest's page tables
 * (SDM 3A 4.3 to 4.5), each of whose entries is reached through the EPT.
 *
 * The three paging modes differ in numbers only, so they are three rows of a
 * table and one loop.  The walk itself judges nothing but "present": who asks
 * where an address leads need not have the right to go there.  What a
 * processor would say to an access is svm_access.c's business.
 */
#include "hv/softvmx/svm_walk.h"

#include "hv/lib/page.h"
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

/* SDM 3A 4.5, 4.4 and 4.3.  SVM reads PAE's topmost entries at each walk, so
 * that they are a level like any other (APM 2 15.25.10). */
static const struct paging_mode mode_4level = {
	4, 9, 8, 9, ENTRY_ADDRESS, 3
};
static const struct paging_mode mode_pae = { 3, 9, 8, 2, BITS(31, 5), 2 };
static const struct paging_mode mode_32bit = {
	2, 10, 4, 10, ENTRY_ADDRESS_32, 2
};

/** The guest's mode (SDM 3A 4.1.1); NULL when paging is off. */
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

const void *svm_walk_mode(const struct softvmx_cpu *cpu)
{
	return current_mode(&cpu->guest->save);
}

/* The EPT as it is in memory, and not the shadow: for reading an instruction
 * it does not matter which, as what the guest executes it has just fetched. */
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

/* An EPT may lead anywhere; beyond the direct map there is no memory to us. */
u8 *svm_walk_memory(struct softvmx_cpu *cpu, gpa_t address)
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
	const u8 *from = svm_walk_memory(cpu, address);

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

/**
 * The address that a leaf and the rest of the linear address make.  The 4 MiB
 * pages of 32-bit paging have address bits 39:32 in 20:13, PSE-36 (SDM 3A 4.3).
 */
static gpa_t leaf_address(const struct paging_mode *mode, u64 entry,
			  gva_t linear, unsigned int level)
{
	u64 offset =
		(1ull << (PAGE_SHIFT + mode->index_bits * (level - 1))) - 1;
	u64 frame = entry & ENTRY_ADDRESS;

	if (mode->entry_size == 4 && level == 2) {
		frame = (entry & BITS(31, 22)) | bits(entry, 20, 13) << 32;
	}
	return gpa((frame & ~offset) | (linear.v & offset));
}

/** Does this entry map a page?  PS counts where the mode knows large pages, and
 * in 32-bit paging only with CR4.PSE. */
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
	return svm_walk_memory(cpu, walk.gpa);
}
