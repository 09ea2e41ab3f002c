/** @file
 * The guest's own paging: entries, and the registers around them.
 */
#ifndef GUEST_TESTS_PAGING_TABLES_H
#define GUEST_TESTS_PAGING_TABLES_H

#include "bus/types.h"

/* Bits of an entry - SDM 3A tables 4-15 to 4-20 */
#define TABLES_PRESENT BIT(0)
#define TABLES_WRITE BIT(1)
#define TABLES_USER BIT(2)
#define TABLES_ACCESSED BIT(5)
#define TABLES_DIRTY BIT(6)
#define TABLES_GLOBAL BIT(8)
#define TABLES_RESERVED BIT(51)
#define TABLES_NX BIT(63)

/* SDM 3A 2.5 */
#define TABLES_CR0_WP BIT(16)
#define TABLES_CR4_PGE BIT(7)
#define TABLES_CR4_PCIDE BIT(17)
#define TABLES_CR4_SMEP BIT(20)
#define TABLES_CR4_SMAP BIT(21)

/** Levels, by the names of their entries. */
enum tables_level { TABLES_PTE = 1, TABLES_PDE, TABLES_PDPTE, TABLES_PML4E };

/**
 * An address' entry of a level.
 * @param addr all levels above have their tables
 */
u64 *tables_entry(gva_t addr, enum tables_level level);

/** Change an entry, and flush the page. */
void tables_set(gva_t addr, enum tables_level level, u64 entry);

/** INVLPG. */
void tables_invlpg(gva_t addr);

/** Read CR0. */
u64 tables_cr0(void);
/** Read CR3. */
u64 tables_cr3(void);
/** Read CR4. */
u64 tables_cr4(void);
/** Read EFER. */
u64 tables_efer(void);
/** Write CR0; may be #GP, as the next ones. */
void tables_set_cr0(u64 value);
/** Write CR3. */
void tables_set_cr3(u64 value);
/** Write CR4. */
void tables_set_cr4(u64 value);
/** Write EFER. */
void tables_set_efer(u64 value);

/** INVPCID.  @param type its register operand */
void tables_invpcid(u64 type, u64 pcid, gva_t addr);

/** @return whether CPUID offers PCIDs */
bool tables_has_pcid(void);
/** @return whether CPUID offers SMEP */
bool tables_has_smep(void);
/** @return whether CPUID offers SMAP */
bool tables_has_smap(void);

#endif
