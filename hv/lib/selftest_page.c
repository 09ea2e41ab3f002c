/** @file
 * Self-tests of the page allocator.
 *
 * They take pages under owner numbers of their own, far from the VMs'.  Each
 * leaves as many pages free as it found, and says so if not: the counts are
 * what the test driver later goes by to find out whether a VM has leaked.
 */
#include "hv/lib/selftest_cases.h"

#include "hv/lib/page.h"
#include "hv/lib/recovery.h"

#define OWNER_A 200u
#define OWNER_B 201u

/** By words: this goes over megabytes, on an emulator. */
static bool is_zero(const u64 *words, size_t bytes)
{
	for (size_t i = 0; i < bytes / 8; i++) {
		if (words[i]) {
			return false;
		}
	}
	return true;
}

/**
 * One page there and back.  It comes back as the next one given out, since the
 * search begins at the lowest free page, and must be zero although it was not
 * when it was freed: a guest must never see what another one left.
 */
const char *selftest_page_basic(void)
{
	size_t before = page_count_free();
	u64 *page = page_alloc(OWNER_A);
	u64 *again;

	if (!page || (u64)page & ~PAGE_MASK || !is_zero(page, PAGE_SIZE)) {
		return "a fresh page is missing, unaligned or not zero";
	}
	if (hpa_to_virt(virt_to_hpa(page)) != page ||
	    !page_is_ram(virt_to_hpa(page))) {
		return "a page's physical address does not lead back to it";
	}
	memset(page, 0xff, PAGE_SIZE);
	page_free(page);
	again = page_alloc(OWNER_A);
	if (again != page || !is_zero(again, PAGE_SIZE)) {
		return "a page that was freed is not given out zeroed";
	}
	page_free(again);
	page_free(NULL);
	return page_count_free() == before && page_count(OWNER_A) == 0 ?
		       NULL : "the counts do not add up";
}

/**
 * A single page first, so that the lowest free one is not aligned already. 4
 * MiB at a multiple of 2 MiB, as a guest's RAM is allocated.
 */
const char *selftest_page_contig(void)
{
	void *single = page_alloc(OWNER_A);
	u64 *pages = page_alloc_contig(OWNER_A, 1024, 512);

	if (!single || !pages || virt_to_hpa(pages).v % (2ul << 20)) {
		return "4 MiB are missing or not aligned to 2 MiB";
	}
	if (page_count(OWNER_A) != 1025 || !is_zero(pages, 4ul << 20)) {
		return "4 MiB are not counted or not zero";
	}
	page_free_contig(pages, 1024);
	page_free(single);
	return page_count(OWNER_A) ? "pages are left over" : NULL;
}

/**
 * What recovery stands on: one owner's pages, all of them and only them. The
 * pointers are thrown away on purpose: nobody has them after a crash either.
 */
const char *selftest_page_owner(void)
{
	size_t before = page_count_free();
	void *kept = page_alloc(OWNER_B);

	for (unsigned int i = 0; i < 100; i++) {
		if (!page_alloc(OWNER_A)) {
			return "no page";
		}
	}
	if (!kept || page_free_all(OWNER_A) != 100 || page_count(OWNER_A)) {
		return "the owner's 100 pages did not all come back";
	}
	if (page_count(OWNER_B) != 1 || page_free_all(OWNER_B) != 1) {
		return "another owner's page was taken along";
	}
	return page_count_free() == before ? NULL : "pages are lost";
}

/**
 * Take everything, in ever smaller runs; zeroing is what takes the time. Memory
 * may have holes, so the largest run is not all there is; at the end single
 * pages take what is left between them.
 */
static void take_everything(page_owner_t owner)
{
	for (size_t run = 1ul << 14; run; run /= 2) {
		while (page_alloc_contig(owner, run, 1)) {
		}
	}
}

/** Until the last page, because the last one is where an off-by-one hides. */
const char *selftest_page_exhaustion(void)
{
	size_t before = page_count_free();
	bool refused;

	if (page_alloc_contig(OWNER_A, before + 1, 1)) {
		return "more pages than there are were given out";
	}
	take_everything(OWNER_A);
	refused = page_count_free() == 0 && !page_alloc(OWNER_B);
	if (page_free_all(OWNER_A) != before || page_count_free() != before) {
		return "not all pages came back";
	}
	return refused ? NULL : "running out is not told by NULL";
}

/**
 * The injection must be off again whatever happens, or every later test would
 * fail for lack of memory. "One more may succeed": the first does, the second
 * does not.
 */
const char *selftest_page_injection(void)
{
	void *first, *second;

	page_alloc_fail_after(1);
	first = page_alloc(OWNER_A);
	second = page_alloc(OWNER_A);
	page_alloc_fail_after(-1);
	page_free_all(OWNER_A);
	return first && !second ? NULL : "the second allocation did not fail";
}

/** A typical bug of teardown, and it must not corrupt the allocator: the next
 * test takes pages from it. */
static void free_twice(void *page)
{
	page_free(page);
	page_free(page);
}

/**
 * The first of the two calls in free_twice() is right and must have had its
 * effect.
 */
const char *selftest_page_double_free(void)
{
	struct crash crash;
	void *page = page_alloc(OWNER_A);

	if (!page || recovery_run(free_twice, page, &crash)) {
		return "freeing a page twice went unnoticed";
	}
	return crash.kind == CRASH_PANIC && page_count(OWNER_A) == 0 ?
		       NULL : "freeing a page twice did not panic";
}
