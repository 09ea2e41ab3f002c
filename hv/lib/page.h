/** @file
 * The page allocator: 4 KiB pages of RAM below 4 GiB, each with an owner.
 *
 * Every page says who owns it.  A VM takes its pages under its own owner
 * number, so that a VM which crashed half-way is reclaimed whole with one
 * page_free_all(), and a leak is a count that is not zero.  Running out is
 * never a panic: callers get NULL and return -ENOMEM.
 *
 * Pointers lie in the direct map: physical 0 to 4 GiB at DIRECT_MAP_BASE.
 */
#ifndef HV_LIB_PAGE_H
#define HV_LIB_PAGE_H

#include "bus/types.h"

#define DIRECT_MAP_BASE 0xffff800000000000ul
#define DIRECT_MAP_SIZE (4ul << 30)
#define IMAGE_BASE 0xffffffff80000000ul

/** Who a page belongs to. */
typedef unsigned int page_owner_t;
#define PAGE_OWNER_HV 1u	  /* the hypervisor itself, for good */
#define PAGE_OWNER_VM(n) (2u + (n)) /* the n-th VM, n from 0 */
#define PAGE_OWNER_MAX 253u

/** The physical address of a pointer into the direct map or the image. */
static inline hpa_t virt_to_hpa(const volatile void *pointer)
{
	unsigned long v = (unsigned long)pointer;

	return hpa(v >= IMAGE_BASE ? v - IMAGE_BASE : v - DIRECT_MAP_BASE);
}

/** The pointer to a physical address below 4 GiB. */
static inline void *hpa_to_virt(hpa_t address)
{
	return (void *)(address.v + DIRECT_MAP_BASE);
}

/** Take over the machine's RAM as hv/boot/multiboot.h lists it; once. */
void page_init(void);

/**
 * Allocate one zeroed page.
 * @param owner 1 to PAGE_OWNER_MAX
 * @return pointer in the direct map, or NULL when there is none left
 * Any CPU, any time; takes the allocator's lock.
 */
void *page_alloc(page_owner_t owner) __must_check;

/**
 * Allocate zeroed pages that follow each other in physical memory.
 * @param npages at least 1
 * @param align_pages a power of two; 512 aligns to 2 MiB
 */
void *page_alloc_contig(page_owner_t owner, size_t npages,
			size_t align_pages) __must_check;

/** Give one page back, also one of a contiguous run; NULL does nothing.
 * A page that is not allocated is our bug and panics. */
void page_free(void *page);

/** Give `npages` back that follow each other. */
void page_free_contig(void *page, size_t npages);

/** Give back all that an owner has. @return how many pages that were */
size_t page_free_all(page_owner_t owner);

/** @return how many pages an owner has */
size_t page_count(page_owner_t owner);

/** @return how many pages are free */
size_t page_count_free(void);

/** @return whether a physical address is RAM that this allocator manages */
bool page_is_ram(hpa_t address);

/**
 * For tests: write a word to both ends of every free page, eight times each.
 * Nobody may ever read it, as a page is zeroed when it is given out.  CPU 0,
 * while no other allocates.
 */
void page_fill_free(u64 word);

/**
 * For tests: let the next n allocations succeed and then fail all of them.
 * @param n negative ends it
 */
void page_alloc_fail_after(long n);

#endif
