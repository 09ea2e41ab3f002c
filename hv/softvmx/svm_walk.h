/** @file
 * The guest's own page tables, walked in software.
 */
#ifndef HV_SOFTVMX_SVM_WALK_H
#define HV_SOFTVMX_SVM_WALK_H

#include "hv/softvmx/ept_walk.h"
#include "hv/softvmx/softvmx_cpu.h"

/** How a walk ended. */
enum svm_walk_end {
	SVM_WALK_MAPPED,
	SVM_WALK_NOT_PRESENT, /* an entry is not: the guest's page fault */
	SVM_WALK_NO_MEMORY, /* the EPT has nothing where the last entry lies */
};

/** A walk, with the entries it used from the top down. */
struct svm_walk {
	enum svm_walk_end end;
	gpa_t gpa; /* MAPPED: the guest physical address */
	unsigned int levels;	 /* of this paging mode; 0: paging is off */
	unsigned int entry_size; /* in bytes, 4 or 8 */
	unsigned int count;	 /* of entries used */
	gpa_t entry_gpa[SVM_WALK_LEVELS]; /* where each entry lies */
	u64 entry[SVM_WALK_LEVELS]; /* 0 for one that could not be read */
};

/* Bits that an entry has at every level (SDM 3A tables 4-5 to 4-20). */
#define SVM_WALK_PRESENT BIT(0)
#define SVM_WALK_ACCESSED BIT(5)
#define SVM_WALK_DIRTY BIT(6)

/**
 * Translate a guest linear address by the guest's page tables, in whichever
 * mode it is: 4-level, PAE, 32-bit, none.  No permission is checked and no
 * accessed bit is set.
 */
void svm_walk_translate(struct softvmx_cpu *cpu, gva_t linear,
			struct svm_walk *walk);

/**
 * Where a guest physical address is, by the EPT as it is now; without EPT it
 * is itself.
 */
void svm_walk_locate(struct softvmx_cpu *cpu, gpa_t address,
		     struct ept_walk *walk);

/**
 * The host's pointer to a guest physical address, for a few bytes in one page.
 * @return NULL when the EPT does not make it readable memory
 */
u8 *svm_walk_memory(struct softvmx_cpu *cpu, gpa_t address);

/**
 * Read guest physical memory that lies within one page.
 * @return false when the EPT does not make it readable memory
 */
bool svm_walk_read(struct softvmx_cpu *cpu, gpa_t address, void *to,
		   size_t size) __must_check;

/**
 * The host's pointer to a guest linear address, for a few bytes in one page.
 * @return NULL when it is not mapped to memory
 */
void *svm_walk_pointer(struct softvmx_cpu *cpu, gva_t linear);

/** Something that is another for each paging mode, for comparisons only. */
const void *svm_walk_mode(const struct softvmx_cpu *cpu);

#endif
