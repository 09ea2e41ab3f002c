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
#include "hv/softvmx/capabilities.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/* An entry of the guest's tables (SDM 3A tables 4-5 to 4-20). */
#define ENTRY_WRITE BIT(1)
#define ENTRY_USER BIT(2)
#define ENTRY_LARGE BIT(7)
#define ENTRY_NX BIT(63)

#define LEVELS_32BIT 2
#define LEVELS_PAE 3

/** The level of the i-th entry of a walk: 1 is the last one possible. */
static unsigned int level_of(const struct svm_walk *walk, unsigned int i)
{
	return walk->levels - i;
}

/** PAE's topmost entries have neither rights nor an accessed flag. */
static bool is_pdpte(const struct svm_walk *walk, unsigned int i)
{
	return walk->levels == LEVELS_PAE && i == 0;
}

/** Bits of a large page's entry that would be offset (SDM 3A 4.3 to 4.5). */
static u64 large_reserved(const struct svm_walk *walk, unsigned int level)
{
	if (walk->levels == LEVELS_32BIT) {
		return BIT(21);
	}
	return level == 2 ? BITS(20, 13) : BITS(29, 13);
}

/** What must be 0 in the i-th entry. */
static u64 reserved_bits(const struct softvmx_cpu *cpu,
			 const struct svm_walk *walk, unsigned int i)
{
	unsigned int level = level_of(walk, i);
	bool last = i == walk->count - 1;
	u64 reserved = 0;

	if (walk->levels != LEVELS_32BIT) {
		reserved = capabilities_beyond_physical();
		if (!(cpu->guest->save.efer & EFER_NXE)) {
			reserved |= ENTRY_NX;
		}
	}
	if (walk->levels == LEVELS_PAE) {
		reserved |= BITS(62, 52);
	}
	if (last && level > 1 && (walk->entry[i] & ENTRY_LARGE)) {
		reserved |= large_reserved(walk, level);
	}
	return level == 4 ? reserved | ENTRY_LARGE : reserved;
}

/** An entry that is not present has no reserved bits. */
static bool has_reserved_bit(const struct softvmx_cpu *cpu,
			     const struct svm_walk *walk)
{
	for (unsigned int i = 0; i < walk->count; i++) {
		if ((walk->entry[i] & SVM_WALK_PRESENT) &&
		    (walk->entry[i] & reserved_bits(cpu, walk, i))) {
			return true;
		}
	}
	return false;
}

/** Rights of the page: what every level allows, and what one forbids. */
static void collect_rights(const struct svm_walk *walk,
			   struct svm_access *access)
{
	u64 all = ~0ull, any = 0;

	for (unsigned int i = 0; i < walk->count; i++) {
		if (!is_pdpte(walk, i)) {
			all &= walk->entry[i];
			any |= walk->entry[i];
		}
	}
	access->writable = all & ENTRY_WRITE;
	access->user = all & ENTRY_USER;
	access->no_execute = any & ENTRY_NX;
}

/**
 * SMAP forbids supervisor data accesses to user pages, unless RFLAGS.AC is set
 * and the access is an explicit one: at CPL 3 it is not (SDM 3A 4.6.1).
 */
static bool smap_forbids(const struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	bool excused = (save->rflags & RFLAGS_AC) && save->cpl < 3;

	return (save->cr4 & CR4_SMAP) && !excused;
}

/** SDM 3A 4.6.1: may this access be made to this page? */
static bool is_permitted(const struct softvmx_cpu *cpu,
			 const struct svm_access *access)
{
	const struct vmcb_save *save = &cpu->guest->save;
	bool write = access->error & PF_W, fetch = access->error & PF_I;

	if (fetch && access->no_execute) {
		return false;
	}
	if (access->error & PF_U) {
		return access->user && (access->writable || !write);
	}
	if (write && !access->writable && (save->cr0 & CR0_WP)) {
		return false;
	}
	if (!access->user) {
		return true;
	}
	return fetch ? !(save->cr4 & CR4_SMEP) : !smap_forbids(cpu);
}

/** The guest's page fault (SDM 3A 4.7): bit 4 exists with NX or SMEP only. */
static enum svm_access_end fault(const struct softvmx_cpu *cpu,
				 struct svm_access *access, u32 cause)
{
	const struct vmcb_save *save = &cpu->guest->save;

	access->error = (access->error & (PF_W | PF_U | PF_I)) | cause;
	if (!(save->efer & EFER_NXE) && !(save->cr4 & CR4_SMEP)) {
		access->error &= ~(u32)PF_I;
	}
	return SVM_ACCESS_FAULT;
}

/**
 * Translate by the shadow, or by the EPT and then enter it there.
 * @param needed the rights that must be there
 * @return whether they are; else access->ept says what is
 */
static bool translate(struct softvmx_cpu *cpu, struct svm_access *access,
		      u32 needed, hpa_t *where)
{
	u64 eptp = vmcs_memory_get(cpu, EPT_POINTER);
	u32 cached = ept_shadow_find(cpu->shadow, access->gpa, where);

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

/** Use the i-th entry: read it, and set the flags that are missing. */
static enum use use_entry(struct softvmx_cpu *cpu, struct svm_access *access,
			  const struct svm_walk *walk, unsigned int i)
{
	bool last = i == walk->count - 1;
	u64 flags = is_pdpte(walk, i) ? 0 : SVM_WALK_ACCESSED;
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

/** The guest's tables.  @return USE_CHANGED to begin anew */
static enum use walk_guest(struct softvmx_cpu *cpu, struct svm_access *access,
			   struct svm_walk *walk, enum svm_access_end *end)
{
	enum use use = USE_FINE;

	svm_walk_translate(cpu, access->linear, walk);
	if (has_reserved_bit(cpu, walk)) {
		*end = fault(cpu, access, PF_P | PF_RSVD);
		return USE_FINE;
	}
	if (walk->end == SVM_WALK_NO_MEMORY) {
		/* Not even readable: the entries before it are. */
		access->gpa = walk->entry_gpa[walk->count - 1];
		access->needed = EPT_WALK_READ;
		svm_walk_locate(cpu, access->gpa, &access->ept);
		return USE_REFUSED;
	}
	if (walk->end == SVM_WALK_NOT_PRESENT) {
		*end = fault(cpu, access, 0);
		return USE_FINE;
	}
	collect_rights(walk, access);
	if (!is_permitted(cpu, access)) {
		*end = fault(cpu, access, PF_P);
		return USE_FINE;
	}
	for (unsigned int i = 0; i < walk->count && use == USE_FINE; i++) {
		use = use_entry(cpu, access, walk, i);
	}
	return use;
}

/** The EPT's part of the access itself. */
static enum svm_access_end reach_page(struct softvmx_cpu *cpu,
				      struct svm_access *access,
				      const struct svm_walk *walk)
{
	u32 needed = access->error & PF_I ? EPT_WALK_EXECUTE :
		     access->error & PF_W ? EPT_WALK_WRITE :
					    EPT_WALK_READ;
	u64 last = walk->entry[walk->count - 1];
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
