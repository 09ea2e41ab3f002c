/** @file
 * A model of a TLB, to hold shadow paging and the MMIO cache against.
 *
 * The one statement that matters (spec 2.4, statement 1): whatever is done, a
 * translation that is used is one that the guest's tables have given, under the
 * CR3 that was current, at some time *since it was last flushed*; and what lies
 * there is what the slots say now.
 *
 * The model keeps exactly that: for each PCID and each address the set of all
 * translations that a processor might remember.  After each operation, what the
 * tables say under the current CR3 is added; a flush takes away what the
 * manual says it takes away (SDM 3A 4.10.4.1).  It knows nothing of roots,
 * leaves and caches.  A run of operations on a machine (shadow_bed.h) and on
 * this model ends with the first operation whose outcome no remembered
 * translation explains.
 */
#ifndef MMU_TEST_SHADOW_MODEL_H
#define MMU_TEST_SHADOW_MODEL_H

#include "mmu/test/shadow_bed.h"

/** What can be done. */
enum model_kind {
	MODEL_ACCESS,	  /* the guest touches address a in manner b */
	MODEL_EMULATE,	  /* the same by the emulator, though nothing faulted */
	MODEL_SET_PAGE,	  /* space a maps address b as c says */
	MODEL_SET_LARGE,  /* space a has in entry 1 of its page directory a
			   * table, or a page of 2 MiB, as c says */
	MODEL_SET_RIGHT,  /* space a, address b: one right, as c says, is given
			   * or taken */
	MODEL_CLEAN,	  /* space a: address b loses accessed, dirty bits */
	MODEL_CR3,	  /* MOV to CR3: space a, PCID b, c: no flush */
	MODEL_INVLPG,	  /* of address a */
	MODEL_INVPCID,	  /* type a, PCID b, address c */
	MODEL_OPTIONS,	  /* paging off, or WP, SMEP, SMAP as a says */
	MODEL_SLOT,	  /* add, delete or move slot a, as b and c say */
	MODEL_SLOT_BEGIN, /* the same, only its first step */
	MODEL_SLOT_STEP,  /* the next step of a change under way */
	MODEL_LOG,	  /* switch logging of RAM, or take the log */
	MODEL_GENERATION, /* a + 1 changes that change nothing */
	MODEL_KINDS,
};

/** An operation; its arguments are taken modulo what makes sense. */
struct model_op {
	u8 kind; /* enum model_kind */
	u8 a, b, c;
};

/** What a run has met, to see that it is worth something. */
struct model_tally {
	u64 memory; /* accesses that ended in memory */
	u64 mmio;
	u64 faults;
	u64 stale;	/* explained by what was, not by what is */
	u64 gva_hits;	/* of the MMIO cache in the emulator */
	u64 fault_hits; /* ... and in the fault path */
	u64 fast, slow, kept;
};

/**
 * Do operations on a fresh machine and a fresh model.
 * @param ops the operations
 * @param count how many
 * @param tally what is met is added
 * @param why on a failure, the sentence for it
 * @return count if all is well; else the index of the operation that failed
 */
size_t model_run(const struct model_op *ops, size_t count,
		 struct model_tally *tally, const char **why);

/** Print an operation as a line of a script, in words. */
void model_print(const struct model_op *op);

#endif
