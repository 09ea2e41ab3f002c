/** @file
 * Hypercalls about the MMIO cache: what it knows, what it has been asked.
 *
 * A hit cannot be seen from inside a guest: the device answers in either case.
 * What can be seen is a *wrong* hit, and that the hypervisor did too much work.
 * So a test reads the counters that stand around the cache (mmu/mmio_known.h),
 * and for the second and the third place where the cache is asked, which only
 * the emulator reaches, it has an instruction emulated that has not faulted:
 *
 *	HYPERCALL_EMULATE, then:	cpuid
 *					movl (%rsi), %eax	<- emulated
 *
 * CPUID exits at any privilege, so that this can be done at CPL 3, too.
 */
#ifndef HV_VMM_HYPERCALL_CACHE_H
#define HV_VMM_HYPERCALL_CACHE_H

#include "bus/types.h"

/** What may make the cache wrong: enum mmio_cache_event. */
enum hypercall_cache_event {
	CACHE_CR3_FAST,
	CACHE_CR3_SLOW,
	CACHE_FLUSH,
	CACHE_INVLPG,
	CACHE_PAGE_FAULT,
	CACHE_MODE,
	CACHE_ROOT_BUILT,
	CACHE_ROOT_SYNCED,
	CACHE_SLOTS,
	CACHE_RESET,
	CACHE_EVENTS,
};

/** What is counted, each since the test began. */
struct hypercall_cache_counts {
	u64 fault_hits; /* asked in the fault path ... */
	u64 fault_misses;
	u64 gva_hits; /* ... by the emulator, for a virtual address */
	u64 gva_misses;
	u64 gpa_hits; /* ... and for a physical one */
	u64 gpa_misses;
	u64 fills;	       /* kept ... */
	u64 gva_fills;	       /* ... with the virtual half */
	u64 fills_in_progress; /* while the slots changed */
	u64 events[CACHE_EVENTS]; /* what has happened ... */
	u64 clears[CACHE_EVENTS]; /* ... and took a known gva away */

	/* shadow paging only, else 0 */
	u64 fast_switches; /* CR3 loaded, its tables were there */
	u64 slow_switches; /* ... were not */
	u64 builds;	   /* roots made */
	u64 syncs;	   /* roots brought in line after a flush */
	u64 marks;	   /* MMIO SPTEs made */
	u64 walks;	   /* faults that walked the guest's tables */
	u64 guest_faults;  /* ... and were the guest's own */
};

/** The cache as it is now. */
struct hypercall_cache {
	struct hypercall_cache_counts count;
	u64 gva;	/* 0: this half is not known */
	u64 gfn;	/* the same */
	u64 rights;	/* of the mapping: bits 1 W, 2 U */
	u64 generation; /* of the slots when it was filled */
};

#endif
