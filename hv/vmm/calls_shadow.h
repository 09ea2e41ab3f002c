/** @file
 * The hypercalls about entries, where there is no EPT.
 *
 * A test's guest maps its memory onto itself, so that a guest physical address
 * is a linear one, too: by that the current root of the vCPU's shadow tables is
 * asked (mmu/shadow.h).
 */
#ifndef HV_VMM_CALLS_SHADOW_H
#define HV_VMM_CALLS_SHADOW_H

#include "hv/vmm/bed.h"

/** HYPERCALL_EPT_PEEK. @param level to stop at; all of *to is written */
void calls_shadow_peek(struct bed *bed, u64 address, int level,
		       struct hypercall_ept *to);

/** HYPERCALL_EPT_POKE. @return 0; -ENOENT: no entry is there */
int calls_shadow_poke(struct bed *bed, const struct hypercall_poke *poke);

/**
 * HYPERCALL_EPT_UNMAP: by memory where a slot is, else page by page.
 * @param pages at most CALLS_SHADOW_PAGES
 */
void calls_shadow_unmap(struct bed *bed, u64 address, u64 pages);

/** HYPERCALL_EPT_PROTECT, of the memory of slots. */
void calls_shadow_protect(struct bed *bed, u64 address, u64 pages);

#define CALLS_SHADOW_PAGES 65536

#endif
