/** @file
 * Whether the guest's page tables permit an access.
 *
 * A walk goes down as long as entries are present; here it is judged, in the
 * processor's order:
 *
 *	a reserved bit in an entry that was used  --> #PF, RSVD and P
 *	the last entry is not present             --> #PF
 *	a right is missing                        --> #PF, P
 *
 * Rights are those that every level gives, and no-execute is what one level
 * says (SDM 3A 4.6.1).  CR0.WP, CR4.SMEP, CR4.SMAP and EFER.NXE change the
 * rules, RFLAGS.AC suspends one.
 */
#include "hv/softvmx/svm_access_check.h"

#include "hv/softvmx/capabilities.h"
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

/*
 * Bits 1, 2 and 5 of a PDPTE are reserved in PAE paging (SDM 3A table 4-8).
 */
bool svm_access_check_is_pdpte(const struct svm_walk *walk, unsigned int i)
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
		if (!svm_access_check_is_pdpte(walk, i)) {
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

/**
 * SDM 3A 4.6.1: may this access be made to this page? CPL 3 obeys U/S and R/W;
 * the supervisor obeys R/W if CR0.WP is set, and keeps off user pages as SMEP
 * and SMAP say.
 */
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

/**
 * The guest's page fault (SDM 3A 4.7): W and U as they came, P and RSVD as
 * found, and bit 4 only where NX or SMEP exists.
 */
static bool fault(const struct softvmx_cpu *cpu, struct svm_access *access,
		  u32 cause)
{
	const struct vmcb_save *save = &cpu->guest->save;

	access->error = (access->error & (PF_W | PF_U | PF_I)) | cause;
	if (!(save->efer & EFER_NXE) && !(save->cr4 & CR4_SMEP)) {
		access->error &= ~(u32)PF_I;
	}
	return false;
}

bool svm_access_check(const struct softvmx_cpu *cpu, struct svm_access *access,
		      const struct svm_walk *walk)
{
	if (has_reserved_bit(cpu, walk)) {
		return fault(cpu, access, PF_P | PF_RSVD);
	}
	if (walk->end == SVM_WALK_NOT_PRESENT) {
		return fault(cpu, access, 0);
	}
	if (walk->end == SVM_WALK_NO_MEMORY) {
		return true; /* the EPT has something to say first */
	}
	collect_rights(walk, access);
	return is_permitted(cpu, access) || fault(cpu, access, PF_P);
}
