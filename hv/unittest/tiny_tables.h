/** @file
 * The tables of a tiny guest: its EPT, its page tables, GDT, TSS and IDT.
 */
#ifndef HV_UNITTEST_TINY_TABLES_H
#define HV_UNITTEST_TINY_TABLES_H

#include "hv/unittest/tiny_guest.h"

/* Entries of the EPT (SDM 3C table 29-6): rights, memory type, size, flags. */
#define TINY_EPT_READ BIT(0)
#define TINY_EPT_WRITE BIT(1)
#define TINY_EPT_EXECUTE BIT(2)
#define TINY_EPT_ALL BITS(2, 0)
#define TINY_EPT_WRITE_BACK (6ull << 3)
#define TINY_EPT_LARGE BIT(7)
#define TINY_EPT_ACCESSED BIT(8)
#define TINY_EPT_DIRTY BIT(9)

/* Entries of the guest's page tables (SDM 3A table 4-20). */
#define TINY_PTE_PRESENT BIT(0)
#define TINY_PTE_WRITE BIT(1)
#define TINY_PTE_USER BIT(2)
#define TINY_PTE_ACCESSED BIT(5)
#define TINY_PTE_DIRTY BIT(6)
#define TINY_PTE_LARGE BIT(7)
#define TINY_PTE_NX BIT(63)

/** Build all of them, for a guest whose pages are there and zero. */
void tiny_tables_build(struct tiny_guest *g);

#endif
