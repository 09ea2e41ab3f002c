/** @file
 * The page allocator.
 *
 * One byte per page frame says who owns it:
 *
 *	0           not ours to give: no RAM, the image, a module, below 1 MiB
 *	1 .. 253    allocated, by this owner
 *	255         free
 *
 * That is the whole data structure: 64 KiB for 256 MiB of RAM, and nothing in
 * it can disagree with anything else.  A search starts at the lowest page that
 * may be free.  Pages are zeroed when they are given out, outside the lock.
 *
 * A free list would be quicker, but it would live in the free pages, where a
 * wild write of a student's hypervisor ends up soon; and it could not answer
 * the two questions that matter here: whose is this page, and what has this
 * owner left behind?  A search through bytes is slower, but allocation is on
 * no hot path: a VM takes its tables when it first touches something.
 */
#include "hv/lib/page.h"

#include "hv/boot/image.h"
#include "hv/boot/multiboot.h"
#include "hv/lib/page_place.h"
#include "hv/lib/panic.h"
#include "hv/lib/spinlock.h"

#define PAGE_RESERVED 0
#define PAGE_FREE 255

/** So many words at either end of a page: page_fill_free(). */
#define FILL_WORDS 8

static struct spinlock lock = SPINLOCK_INIT;
static u8 *owners;	   /* by page frame number */
static size_t nframes;	   /* frames below the end of RAM */
static size_t first_free;  /* no frame below this is free */
static size_t counts[256]; /* frames by owner */
static long allowed = -1;  /* allocations until they fail, for tests */

/** Round up to a multiple of a power of two. */
static size_t round_up(size_t n, size_t multiple)
{
	return (n + multiple - 1) & ~(multiple - 1);
}

/**
 * By the direct map: pages are handed out as pointers into it, and that pointer
 * is all that is needed to find the owner byte.
 */
static size_t frame_of(const void *page)
{
	return virt_to_hpa(page).v >> PAGE_SHIFT;
}

/** The only place where a frame changes hands, so that counts stay right. */
static void set_owner(size_t frame, u8 owner)
{
	counts[owners[frame]]--;
	counts[owner]++;
	owners[frame] = owner;
	if (owner == PAGE_FREE && frame < first_free) {
		first_free = frame;
	}
}

/**
 * Mark frames: freeing only takes whole ones, reserving takes parts too. A
 * range that is not whole pages must never make a page free of which a part is
 * something else. So free ranges are rounded inwards and reserved ones
 * outwards.
 */
static void mark(hpa_t start, u64 size, u8 owner)
{
	size_t frame = start.v >> PAGE_SHIFT;
	size_t end = (start.v + size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (owner == PAGE_FREE) {
		frame = (start.v + PAGE_SIZE - 1) >> PAGE_SHIFT;
		end = (start.v + size) >> PAGE_SHIFT;
	}
	for (; frame < end && frame < nframes; frame++) {
		set_owner(frame, owner);
	}
}

/** Up to the end of the highest RAM; holes on the way are never free. */
static size_t count_frames(void)
{
	u64 end = 0;

	for (unsigned int i = 0; i < multiboot_range_count(); i++) {
		const struct memory_range *range = multiboot_range(i);

		if (range->is_ram && range->start.v + range->size > end) {
			end = range->start.v + range->size;
		}
	}
	return end >> PAGE_SHIFT;
}

/**
 * RAM is free, unless something else in the map overlaps it.  Maps of real
 * firmware do overlap; the more careful entry wins when it is marked last.
 */
static void mark_ranges(bool is_ram, u8 owner)
{
	for (unsigned int i = 0; i < multiboot_range_count(); i++) {
		const struct memory_range *range = multiboot_range(i);

		if (range->is_ram == is_ram) {
			mark(range->start, range->size, owner);
		}
	}
}

/**
 * The owner bytes themselves need a place that is RAM and neither image nor
 * module (page_place.c). It is marked like those.
 */
void page_init(void)
{
	hpa_t place;

	/* First everything is nobody's; then what is RAM becomes free, and then
	 * what lies in it is taken out again. */
	nframes = count_frames();
	place = page_place_find(nframes);
	owners = hpa_to_virt(place);
	memset(owners, PAGE_RESERVED, nframes);
	counts[PAGE_RESERVED] = nframes;
	first_free = nframes;
	mark_ranges(true, PAGE_FREE);
	mark_ranges(false, PAGE_RESERVED);
	mark(hpa(0), virt_to_hpa(image_end).v, PAGE_RESERVED);
	mark(place, nframes, PAGE_RESERVED);
	for (unsigned int i = 0; i < multiboot_module_count(); i++) {
		const struct module *module = multiboot_module(i);

		mark(virt_to_hpa(module->data), module->size, PAGE_RESERVED);
	}
}

/** @return how many of the `n` frames from here on are free; the caller has
 * seen to it that there are so many frames */
static size_t free_run(size_t frame, size_t n)
{
	size_t i = 0;

	while (i < n && owners[frame + i] == PAGE_FREE) {
		i++;
	}
	return i;
}

/**
 * First fit from `first_free` on. Alignment is by frame number, so 512 frames
 * are a block of 2 MiB that one large page can map.
 * @return the first frame of a free run, nframes when there is none
 */
static size_t find_run(size_t n, size_t align)
{
	size_t frame = round_up(first_free, align);

	while (frame < nframes && n <= nframes - frame) {
		/* The frame that ended the run cannot be part of any other:
		 * go on behind it. */
		size_t run = free_run(frame, n);

		if (run == n) {
			return frame;
		}
		frame = round_up(frame + run + 1, align);
	}
	return nframes;
}

/** The fault injection: how -ENOMEM paths get tested without a machine that is
 * really full. @return whether this allocation may succeed */
static bool is_allowed(void)
{
	if (allowed > 0) {
		allowed--;
		return true;
	}
	return allowed < 0;
}

/**
 * The lock covers the search and the marking: from then on no one else can get
 * the frames. A failure is NULL and never a panic, since what to do about it is
 * the caller's to decide.
 */
void *page_alloc_contig(page_owner_t owner, size_t npages, size_t align_pages)
{
	size_t frame;
	void *pages;

	panic_unless(owner >= 1 && owner <= PAGE_OWNER_MAX && npages);
	spinlock_lock(&lock);
	frame = is_allowed() ? find_run(npages, align_pages) : nframes;
	for (size_t i = 0; frame < nframes && i < npages; i++) {
		set_owner(frame + i, owner);
	}
	/* Before a single page that was found there is no free one at all. */
	if (frame < nframes && (frame == first_free ||
				(npages == 1 && align_pages == 1))) {
		first_free = frame + npages;
	}
	spinlock_unlock(&lock);
	if (frame == nframes) {
		return NULL;
	}
	/* Zeroing megabytes with interrupts off would keep the watchdog from
	 * its work; the frames are ours by now, so nobody sees it. */
	pages = hpa_to_virt(hpa(frame << PAGE_SHIFT));
	return memset(pages, 0, npages << PAGE_SHIFT);
}

void *page_alloc(page_owner_t owner)
{
	return page_alloc_contig(owner, 1, 1);
}

void page_free_contig(void *page, size_t npages)
{
	size_t frame = frame_of(page);
	size_t freed = 0;

	if (!page) {
		return;
	}
	spinlock_lock(&lock);
	while (freed < npages && frame + freed < nframes &&
	       owners[frame + freed] != PAGE_RESERVED &&
	       owners[frame + freed] != PAGE_FREE) {
		set_owner(frame + freed, PAGE_FREE);
		freed++;
	}
	spinlock_unlock(&lock);
	/* A panic outside of the lock, so that the lock survives it.  Freeing
	 * twice is the typical bug of teardown code, and the owner byte is what
	 * makes it visible at once. */
	if (freed < npages || (unsigned long)page & ~PAGE_MASK) {
		panic("page_free: %p is not an allocated page",
		      page + freed * PAGE_SIZE);
	}
}

void page_free(void *page)
{
	page_free_contig(page, 1);
}

/*
 * Stops as soon as the count says that nothing is left. Recovery stands on
 * this: no pointer is needed, only the number.
 */
size_t page_free_all(page_owner_t owner)
{
	size_t freed;

	panic_unless(owner >= 1 && owner <= PAGE_OWNER_MAX);
	spinlock_lock(&lock);
	freed = counts[owner];
	for (size_t frame = 0; counts[owner] && frame < nframes; frame++) {
		if (owners[frame] == owner) {
			set_owner(frame, PAGE_FREE);
		}
	}
	spinlock_unlock(&lock);
	return freed;
}

/* The counts are read without the lock: they are for comparing before and
 * after, when nobody else allocates. */
size_t page_count(page_owner_t owner)
{
	return counts[owner & 255];
}

size_t page_count_free(void)
{
	return counts[PAGE_FREE];
}

/**
 * Asked before a physical address from elsewhere is followed. Devices'
 * registers are not RAM, and to read one may change it.
 */
bool page_is_ram(hpa_t address)
{
	size_t frame = address.v >> PAGE_SHIFT;

	return frame < nframes && owners[frame] != PAGE_RESERVED;
}

void page_alloc_fail_after(long n)
{
	allowed = n;
}

/** Its ends: more would take too long where the processor is interpreted. */
static void fill_ends(u64 *page, u64 word)
{
	u64 *end = page + PAGE_SIZE / sizeof(word);

	for (size_t i = 0; i < FILL_WORDS; i++) {
		page[i] = word;
		end[-1 - (ptrdiff_t)i] = word;
	}
}

/**
 * For hostile tests (hv/vmm/secret.c): a page that is given to a guest without
 * being zeroed then shows.
 */
void page_fill_free(u64 word)
{
	for (size_t frame = 0; frame < nframes; frame++) {
		if (owners[frame] == PAGE_FREE) {
			fill_ends(hpa_to_virt(hpa((u64)frame << PAGE_SHIFT)),
				  word);
		}
	}
}
