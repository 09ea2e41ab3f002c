/** @file
 * One access by the guest, from linear to host physical.
 *
 * svm_walk.c finds out where a linear address leads; this is the rest of what
 * a processor does with it (SDM 3A 4.6 to 4.8):
 *
 *	reserved bits    --> page fault
 *	permissions      --> page fault
 *	accessed, dirty  --> set in the guest's tables; those are stores, and
 *	                     the EPT must allow them
 *	the EPT          --> violation or misconfiguration
 *
 * It is needed where the processor must not walk the guest's tables itself
 * (svm_tlb.c).  What has been translated once is translated from the shadow
 * then, like by a processor that has it cached.
 */
#include "hv/softvmx/svm_access.h"

#include "hv/lib/page.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_access_check.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/trap.h"

/**
 * Translate by the shadow, or by the EPT and then enter it there.
 * @param needed the rights that must be there
 * @return whether they are; else access->ept says what is
 */
static bool translate(struct softvmx_cpu *cpu, struct svm_access *access,
		      u32 needed, hpa_t *where)
{
	u64 eptp = vmcs_memory_get(cpu, EPT_POINTER);
	u32 cached;

	if (!(cpu->processor_ctls2 & CPU2_ENABLE_EPT)) {
		*where = hpa(access->gpa.v);
		access->ept.rights = EPT_WALK_RIGHTS;
		return true;
	}
	cached = ept_shadow_find(cpu->shadow, access->gpa, where);

	access->needed = needed;
	access->ept.rights = cached;
	if ((cached & needed) == needed) {
		return true;
	}
	ept_walk_from(eptp, access->gpa, &access->ept);
	if (access->ept.verdict != EPT_WALK_TRANSLATED ||
	    (access->ept.rights & needed) != needed) {
		return false;
	}
	svm_task_limit(cpu, access->gpa, &access->ept);
	ept_shadow_install(cpu->shadow, access->gpa, &access->ept);
	*where = access->ept.hpa;
	return true;
}

/**
 * Set flags in an entry of the guest's tables, if it still is what was read.
 * @return false when it has changed: the walk must be done again
 */
static bool set_flags(hpa_t where, const struct svm_walk *walk, u64 entry,
		      u64 flags)
{
	void *place = hpa_to_virt(where);
	u32 entry32 = entry;

	if (walk->entry_size == 4) {
		return __atomic_compare_exchange_n((u32 *)place, &entry32,
						   entry32 | (u32)flags, false,
						   __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	}
	return __atomic_compare_exchange_n((u64 *)place, &entry, entry | flags,
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/** What became of an entry that the walk has used. */
enum use { USE_FINE, USE_CHANGED, USE_REFUSED };

/**
 * Use the i-th entry: read it, and set the flags that are missing (SDM 3A 4.8).
 * Reading needs one right in the EPT, setting flags another.
 */
static enum use use_entry(struct softvmx_cpu *cpu, struct svm_access *access,
			  const struct svm_walk *walk, unsigned int i)
{
	bool last = i == walk->count - 1;
	u64 flags = svm_access_check_is_pdpte(walk, i) ? 0 : SVM_WALK_ACCESSED;
	u32 needed = EPT_WALK_READ;
	hpa_t where;

	if (last && (access->error & PF_W)) {
		flags |= SVM_WALK_DIRTY;
	}
	if ((walk->entry[i] & flags) != flags) {
		needed |= EPT_WALK_WRITE;
	}
	access->gpa = walk->entry_gpa[i];
	if (!translate(cpu, access, needed, &where)) {
		return USE_REFUSED;
	}
	if (!(needed & EPT_WALK_WRITE) ||
	    set_flags(where, walk, walk->entry[i], flags)) {
		return USE_FINE;
	}
	return USE_CHANGED;
}

/**
 * The guest's tables. Flags are set only when the access is permitted, so that
 * a walk which faults leaves nothing behind.
 * @return USE_CHANGED to begin anew
 */
static enum use walk_guest(struct softvmx_cpu *cpu, struct svm_access *access,
			   struct svm_walk *walk, enum svm_access_end *end)
{
	enum use use = USE_FINE;

	svm_walk_translate(cpu, access->linear, walk);
	if (!walk->levels) {
		access->writable = true; /* paging is off */
		return USE_FINE;
	}
	if (!svm_access_check(cpu, access, walk)) {
		*end = SVM_ACCESS_FAULT;
		return USE_FINE;
	}
	if (walk->end == SVM_WALK_NO_MEMORY) {
		/* Not even readable: the entries before it are. */
		access->gpa = walk->entry_gpa[walk->count - 1];
		access->needed = EPT_WALK_READ;
		svm_walk_locate(cpu, access->gpa, &access->ept);
		return USE_REFUSED;
	}
	for (unsigned int i = 0; i < walk->count && use == USE_FINE; i++) {
		use = use_entry(cpu, access, walk, i);
	}
	return use;
}

/**
 * The EPT's part of the access itself. A page that is not dirty yet is entered
 * as read-only, so that the first store comes here again and sets the flag.
 */
static enum svm_access_end reach_page(struct softvmx_cpu *cpu,
				      struct svm_access *access,
				      const struct svm_walk *walk)
{
	u32 needed = access->error & PF_I ? EPT_WALK_EXECUTE :
		     access->error & PF_W ? EPT_WALK_WRITE :
					    EPT_WALK_READ;
	u64 last = walk->count ? walk->entry[walk->count - 1] : SVM_WALK_DIRTY;
	bool dirty = (access->error & PF_W) || (last & SVM_WALK_DIRTY);
	u32 rights;

	access->gpa = walk->gpa;
	access->table_walk = false;
	if (!translate(cpu, access, needed, &access->hpa)) {
		return SVM_ACCESS_EPT;
	}
	rights = access->ept.rights;
	access->writable &= dirty && (rights & EPT_WALK_WRITE);
	access->no_execute |= !(rights & EPT_WALK_EXECUTE);
	return SVM_ACCESS_DONE;
}

/*
 * Another processor may change an entry between our reading it and setting its
 * flags; then the walk is made again, as a processor would.
 */
enum svm_access_end svm_access_make(struct softvmx_cpu *cpu,
				    struct svm_access *access)
{
	enum svm_access_end end = SVM_ACCESS_DONE;
	struct svm_walk walk;
	enum use use;

	access->table_walk = true;
	do {
		use = walk_guest(cpu, access, &walk, &end);
	} while (use == USE_CHANGED);
	if (use == USE_REFUSED) {
		return SVM_ACCESS_EPT;
	}
	return end == SVM_ACCESS_DONE ? reach_page(cpu, access, &walk) : end;
}
