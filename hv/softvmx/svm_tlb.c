/** @file
 * A TLB that this unit fills itself.
 *
 * A guest may keep its page tables in memory which the EPT makes read-only.
 * For VMX a walk through them reads, and is a write only when it has to set an
 * accessed or dirty flag.  SVM counts every walk as a write (APM 2 15.25.5), so
 * nested paging leaves two choices, both wrong: refuse walks that VMX permits,
 * or make the page writable and miss the guest's own stores to it.
 *
 * There is a third: let the processor not walk the guest's tables at all.
 * While this is on, nested paging is off, CR3 points to tables of ours, empty
 * at first, and every page fault comes here:
 *
 *	fault --> svm_access.c makes the access as a processor would
 *	   the guest's fault  --> it gets it
 *	   the EPT's          --> exit 48 or 49, with the exact linear address
 *	   neither            --> enter linear -> host physical, go on
 *
 * Our tables are a TLB: whatever makes a processor forget translations (CR3,
 * INVLPG, CR0, CR4, EFER) ends this mode, and so does a VM exit.  The next walk
 * through a read-only table brings it back.
 */
#include "hv/softvmx/svm_tlb.h"

#include "hv/lib/page.h"
#include "hv/softvmx/svm_access.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit_npf.h"
#include "hv/softvmx/svm_task.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** An instruction and the event after it reach fewer than twenty pages, each
 * of which needs three tables at worst; then one may still be entered. */
#define POOL_PAGES (SVM_TLB_PAGES - 1)
#define ENTRIES 512

/* Entries of our tables (APM 2 5.3) */
#define ENTRY_PRESENT BIT(0)
#define ENTRY_WRITE BIT(1)
#define ENTRY_USER BIT(2)
#define ENTRY_ACCESSED_DIRTY BITS(6, 5)
#define ENTRY_NX BIT(63)
#define ENTRY_ADDRESS BITS(51, 12)
#define ENTRY_TABLE (ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER | BIT(5))

#define LEVELS_LONG 4
#define LEVELS_PAE 3

/** What is the guest's and stands elsewhere during VMRUN. */
struct guests_own {
	u64 cr0, cr3, cr4, efer, np_enable;
	u16 cr_read, cr_write;
	u32 exceptions, intercept;
};

struct svm_tlb {
	struct guests_own own;
	unsigned int used; /* pages of the pool; the first is the root */
	bool has_code;	   /* something in it can be executed */
	u64 (*pool)[ENTRIES];
};

/** The struct in the first page, tables in the others. */
void svm_tlb_init(struct svm_tlb *tlb)
{
	tlb->pool = (u64(*)[ENTRIES])((char *)tlb + PAGE_SIZE);
}

/** A zeroed page for a table; fill() has seen that there is one. */
static u64 *take_page(struct svm_tlb *tlb)
{
	u64 *page = tlb->pool[tlb->used++];

	memset(page, 0, PAGE_SIZE);
	return page;
}

/** Empty, but for the root. */
static void forget_all(struct svm_tlb *tlb)
{
	tlb->used = 0;
	tlb->has_code = false;
	take_page(tlb);
}

void svm_tlb_begin(struct softvmx_cpu *cpu)
{
	cpu->own_tlb = true;
	forget_all(cpu->tlb);
}

void svm_tlb_end(struct softvmx_cpu *cpu)
{
	cpu->own_tlb = false;
}

/** A guest without long mode gets PAE tables, whatever it has itself: only
 * they know no-execute. */
static unsigned int levels(const struct softvmx_cpu *cpu)
{
	return cpu->guest->save.efer & EFER_LMA ? LEVELS_LONG : LEVELS_PAE;
}

/**
 * Reads of the registers that now hold something else must be seen; so must
 * whatever makes a TLB forget.  CR0.WP is set because with it clear a
 * supervisor store would ignore what our tables say.
 */
void svm_tlb_before_run(struct softvmx_cpu *cpu, bool fetch)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;
	struct svm_tlb *tlb = cpu->tlb;

	tlb->own = (struct guests_own){
		.cr0 = save->cr0,
		.cr3 = save->cr3,
		.cr4 = save->cr4,
		.efer = save->efer,
		.np_enable = control->np_enable,
		.cr_read = control->intercept_cr_read,
		.cr_write = control->intercept_cr_write,
		.exceptions = control->intercept_exceptions,
		.intercept = control->intercept,
	};
	if (!fetch && tlb->has_code) {
		forget_all(tlb);
	}
	control->np_enable = 0;
	control->intercept_cr_read |= BIT(0) | BIT(3) | BIT(4);
	control->intercept_cr_write |= BIT(3);
	control->intercept_exceptions |= BIT(VECTOR_PF);
	control->intercept |= SVM_INTERCEPT_INVLPG;
	save->cr0 |= CR0_WP;
	save->cr4 |= CR4_PAE;
	save->efer |= EFER_NXE;
	save->cr3 = virt_to_hpa(tlb->pool[0]).v;
	cpu->flush = true;
}

/*
 * The processor has changed none of it: writes to these registers are
 * intercepted. SVM's TLB has translations by our tables, which must go.
 */
void svm_tlb_after_run(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	struct vmcb_save *save = &cpu->guest->save;
	const struct guests_own *own = &cpu->tlb->own;

	save->cr0 = own->cr0;
	save->cr3 = own->cr3;
	save->cr4 = own->cr4;
	save->efer = own->efer;
	control->np_enable = own->np_enable;
	control->intercept_cr_read = own->cr_read;
	control->intercept_cr_write = own->cr_write;
	control->intercept_exceptions = own->exceptions;
	control->intercept = own->intercept;
	cpu->flush = true;
}

/** The entry for an address, with the tables above it made.  PAE's topmost
 * entries have no rights: those bits are reserved (SDM 3A table 4-8). */
static u64 *build_entry(struct softvmx_cpu *cpu, gva_t linear)
{
	struct svm_tlb *tlb = cpu->tlb;
	u64 *table = tlb->pool[0];

	for (unsigned int level = levels(cpu); level > 1; level--) {
		unsigned int shift = PAGE_SHIFT + 9 * (level - 1);
		u64 *entry = &table[linear.v >> shift & (ENTRIES - 1)];
		bool pdpte = level == LEVELS_PAE && levels(cpu) == LEVELS_PAE;

		if (!*entry) {
			*entry = virt_to_hpa(take_page(tlb)).v |
				 (pdpte ? ENTRY_PRESENT : ENTRY_TABLE);
		}
		table = hpa_to_virt(hpa(*entry & ENTRY_ADDRESS));
	}
	return &table[linear.v >> PAGE_SHIFT & (ENTRIES - 1)];
}

/**
 * Enter what an access has found.  A store at CPL 0 to a page that is read-only
 * for the guest, which CR0.WP = 0 permits, needs an entry that CPL 3 cannot
 * use, and which SMEP must still keep from being executed.
 */
static void fill(struct softvmx_cpu *cpu, const struct svm_access *access)
{
	bool overruled = (access->error & PF_W) && !access->writable;
	bool no_execute = access->no_execute || (overruled && access->user);
	struct svm_tlb *tlb = cpu->tlb;
	u64 entry = (access->hpa.v & ENTRY_ADDRESS) | ENTRY_PRESENT |
		    ENTRY_ACCESSED_DIRTY;

	if (tlb->used + LEVELS_LONG > POOL_PAGES) {
		forget_all(tlb);
	}
	entry |= access->writable || overruled ? ENTRY_WRITE : 0;
	entry |= access->user && !overruled ? ENTRY_USER : 0;
	entry |= no_execute ? ENTRY_NX : 0;
	tlb->has_code |= !no_execute;
	*build_entry(cpu, access->linear) = entry;
}

/*
 * The address is in EXITINFO2, what was tried in the error code; P and RSVD in
 * that are about our tables and mean nothing.
 */
enum svm_exit_verdict svm_tlb_fault(struct softvmx_cpu *cpu)
{
	const struct vmcb_control *control = &cpu->guest->control;
	struct svm_access access = {
		.linear = gva(control->exit_info2),
		.error = control->exit_info1 & (PF_W | PF_U | PF_I),
	};

	switch (svm_access_make(cpu, &access)) {
	case SVM_ACCESS_DONE:
		if (svm_task_is_watched(cpu, access.gpa) && !cpu->step.over) {
			if (access.error & PF_W) {
				return svm_task_store(cpu, access.gpa);
			}
			access.writable = false;
		}
		fill(cpu, &access);
		return SVM_RESUME;
	case SVM_ACCESS_FAULT:
		return svm_event_raise(cpu, VECTOR_PF, access.error);
	case SVM_ACCESS_EPT:
		break;
	}
	return svm_exit_npf_refuse(cpu, &access);
}
