/** @file
 * A rule as a row of a table, for the files of the checks alone.
 *
 * What many rules ask for - is this an IA-32e mode guest, is EPT on - is read
 * once into a view of the VMCS, so that a rule is a small function of the view
 * and of the value of its own field.
 */
#ifndef HV_SOFTVMX_ENTRY_CHECKS_ROW_H
#define HV_SOFTVMX_ENTRY_CHECKS_ROW_H

#include "bus/types.h"
#include "hv/lib/page.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmcs_fields.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"

/** What the rules share. */
struct entry_view {
	u32 pin, cpu, cpu2, exit, entry; /* controls; cpu2 0 if not activated */
	u64 cpu3;			 /* 0 if not activated */
	u32 event;	   /* VM_ENTRY_INTR_INFO, 0 unless marked valid */
	u64 cr0, rflags;   /* the guest's */
	bool ia32e;	   /* entry control "IA-32e mode guest" */
	bool unrestricted; /* "unrestricted guest" */
	bool v8086;	   /* the guest will be in virtual-8086 mode */
	bool silent;	   /* a broken rule is not told */
};

/** A rule about single bits: which must be 1, which may be. */
struct entry_bits {
	u64 (*must)(const struct entry_view *view);
	u64 (*may)(const struct entry_view *view);
	const char *const *names; /* by bit; NULL: reserved */
	const char *source;	  /* who says so */
};

/** One rule. */
struct entry_check {
	enum vmcs_field field; /* whose value is printed and handed over */
	const char *section;   /* of SDM 3C */
	/** Does the rule apply?  NULL: always. */
	bool (*when)(const struct entry_view *view);
	bool (*holds)(const struct entry_view *view, u64 value);
	const char *rule; /* what is required or what is wrong */
	u32 other;	  /* a second field to print; 0: none */
	const struct entry_bits *bits; /* in place of holds and rule */
};

/** Read what the rules share from the current VMCS. */
void entry_checks_look(struct entry_view *view);

/**
 * Go through a table until a rule does not hold, and report that one.
 * @return whether all hold
 */
bool entry_checks_run(const struct entry_view *view,
		      const struct entry_check *checks,
		      size_t count) __must_check;

/** Say that a field breaks a rule. */
void entry_checks_report(const struct entry_check *check);

/**
 * Tell a broken rule: print it, trace it, keep it as this CPU's sentence.
 * @param field    whose value breaks it
 * @param rule     a constant string, for the trace ring
 * @param sentence the whole of it, copied
 */
void entry_checks_tell(enum vmcs_field field, const char *rule,
		       const char *sentence);

/* Rows of bits that two tables share, or that are made elsewhere. */
extern const struct entry_bits entry_checks_pin_bits, entry_checks_cpu_bits,
	entry_checks_cpu2_bits, entry_checks_cpu3_bits, entry_checks_exit_bits,
	entry_checks_exit2_bits, entry_checks_entry_bits;
extern const struct entry_bits entry_checks_host_cr0_bits,
	entry_checks_host_cr4_bits, entry_checks_host_efer_bits,
	entry_checks_guest_cr0_bits, entry_checks_guest_cr4_bits,
	entry_checks_guest_efer_bits;

/** The tables of one group each, in the manual's order. */
bool entry_checks_interrupts(const struct entry_view *view) __must_check;
bool entry_checks_ept(const struct entry_view *view) __must_check;
bool entry_checks_exit(const struct entry_view *view) __must_check;
bool entry_checks_entry(const struct entry_view *view) __must_check;
bool entry_checks_segments(const struct entry_view *view) __must_check;
/** @param qualification set to 3 for an NMI that STI blocks */
bool entry_checks_blocking(const struct entry_view *view,
			   u64 *qualification) __must_check;

/* What the machine says: entry_checks_machine.c. */

/** Physical-address bits: MAXPHYADDR, or 32 where VMX says so (SDM 3D A.1). */
unsigned int entry_checks_address_bits(void);

/** A field of the current VMCS: vmread(), out of line. */
u64 entry_checks_read(enum vmcs_field field);

/** CR4 as it is now. */
u64 entry_checks_own_cr4(void);

/** CPUID: transactional memory, bus-lock detection, enclaves. */
bool entry_checks_has_rtm(void);
bool entry_checks_has_bus_lock(void);
bool entry_checks_has_sgx(void);

/** Does this processor trace itself now (Intel PT, IA32_RTIT_CTL.TraceEn)? */
bool entry_checks_is_tracing(void);

/** Bits that IA32_PERF_GLOBAL_CTRL has on this processor (SDM 3B 20.2). */
u64 entry_checks_perf_bits(void);

/**
 * Look into physical memory.
 * @param address of 8 bytes, 8-byte aligned
 * @return what is there; all ones where we cannot look
 */
u64 entry_checks_load(hpa_t address);

/** A valid PAT: each byte 0, 1, 4, 5, 6 or 7 (SDM 3A 12.12.2). */
bool entry_checks_is_pat(u64 pat);

/* What the entry injects: when rows apply. */

/** Does it inject an event of this type (SDM 3C table 25-17)? */
static inline bool entry_checks_injects(const struct entry_view *view,
					enum intr_type type)
{
	return view->event && bits(view->event, 10, 8) == type;
}

/** An external interrupt? */
static inline bool
entry_checks_injects_interrupt(const struct entry_view *view)
{
	return entry_checks_injects(view, INTR_TYPE_EXTERNAL);
}

/** A non-maskable one? */
static inline bool entry_checks_injects_nmi(const struct entry_view *view)
{
	return entry_checks_injects(view, INTR_TYPE_NMI);
}

/* What rows ask of their value. */

/** No bit beyond the processor's physical addresses. */
static inline bool entry_checks_is_physical(u64 address)
{
	return !(address >> entry_checks_address_bits());
}

/** What the processor takes for a page: aligned, and an address. */
static inline bool entry_checks_is_page(u64 address)
{
	return !(address & ~PAGE_MASK) && entry_checks_is_physical(address);
}

/** A processor reads all ones where no memory is; the soft unit cannot. */
static inline bool entry_checks_is_reachable(u64 address)
{
	return !vmx_unit_is_soft || address < DIRECT_MAP_SIZE;
}

#endif
