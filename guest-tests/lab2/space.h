/** @file
 * Address spaces: several sets of page tables, the same but for one region.
 *
 * A wrong hit of the MMIO cache is one virtual address with two meanings.  So a
 * test makes several address spaces, and gives the pages from SPACE_GVA on
 * another meaning in each of them.  All else, the program itself included, is
 * in all of them where the VMM has put it.
 *
 *	space_make(0);
 *	space_map(0, gva(SPACE_GVA), gpa(DEVICE), PAGES_WRITE);
 *	space_load(0);
 *
 * Nothing here flushes anything but space_load(): when the processor, or who
 * stands for it, is told of a change is what the tests are about.
 */
#ifndef GUEST_TESTS_LAB2_SPACE_H
#define GUEST_TESTS_LAB2_SPACE_H

#include "guest-tests/lib/pages.h"

/** How many there can be: more than anybody keeps roots for. */
#define SPACES 8

/** The first of 512 pages that are each space's own. */
#define SPACE_GVA PAGES_FREE_GVA

/** Further flags of a page - SDM 3A table 4-20. */
#define SPACE_ACCESSED BIT(5)
#define SPACE_DIRTY BIT(6)
#define SPACE_GLOBAL BIT(8)

/** Make the tables of a space, its own region being empty. @param n its number;
 * call it before CR3 has been changed */
void space_make(unsigned int n);

/**
 * Map a page of a space's own region; accessed and dirty bits are set.
 * @param n the space's number
 * @param virtual one of 512 pages from SPACE_GVA
 * @param physical page-aligned
 * @param flags PAGES_WRITE, PAGES_USER, SPACE_GLOBAL
 */
void space_map(unsigned int n, gva_t virtual, gpa_t physical, u64 flags);

/** Map all of a space's own region by one page of 2 MiB.
 * @param physical 2 MiB-aligned */
void space_map_large(unsigned int n, gpa_t physical);

/** The entry of a page, to be changed by the test. */
u64 *space_entry(unsigned int n, gva_t virtual);

/** @return what CR3 must be for a space */
u64 space_cr3(unsigned int n);

/** MOV to CR3: switch to a space, and flush. */
void space_load(unsigned int n);

/**
 * MOV to CR3 with a PCID; CR4.PCIDE must be 1.
 * @param pcid 0 to 4095
 * @param keep set bit 63: nothing is flushed
 */
void space_load_pcid(unsigned int n, u64 pcid, bool keep);

/** Set bits of CR4. @param bits CR4.PGE, CR4.PCIDE */
void space_enable(u64 bits);
#define SPACE_CR4_PGE BIT(7)
#define SPACE_CR4_PCIDE BIT(17)

/** INVLPG. */
static inline void space_invlpg(u64 address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/** INVPCID types - SDM 2A INVPCID. */
enum space_invpcid {
	SPACE_INVPCID_PAGE,
	SPACE_INVPCID_PCID,
	SPACE_INVPCID_ALL,
	SPACE_INVPCID_ALL_BUT_GLOBAL,
};

/** INVPCID. @param address for SPACE_INVPCID_PAGE, else 0 */
static inline void space_invpcid(enum space_invpcid type, u64 pcid,
				 u64 address)
{
	u64 descriptor[2] = { pcid, address };

	asm volatile("invpcid %0, %1"
		     :
		     : "m"(descriptor), "r"((u64)type)
		     : "memory");
}

#endif
