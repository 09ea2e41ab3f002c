/** @file
 * Where the page allocator's own bytes go.
 *
 * How many it needs depends on how much RAM there is, so they cannot be in
 * .bss; and there is no allocator yet that could give them.  A boot loader
 * puts modules where it likes, in any order and with any gaps, so the search
 * knows nothing of their layout: it starts at each piece of RAM and steps over
 * whatever is in the way.
 *
 *	| image |   | module |  | module |        | ... end of the range
 *	        ^ too small  ^ too small ^ here
 */
#include "hv/lib/page_place.h"

#include "hv/boot/image.h"
#include "hv/boot/multiboot.h"
#include "hv/lib/page.h"
#include "hv/x86/machine.h"

static u64 page_up(u64 address)
{
	return (address + PAGE_SIZE - 1) & PAGE_MASK;
}

/** If [start, start + size) meets [other, other + n), move behind that. */
static bool step_over(u64 *start, u64 size, u64 other, u64 n)
{
	if (*start >= other + n || other >= *start + size) {
		return false;
	}
	*start = page_up(other + n);
	return true;
}

/**
 * The next place from `start` on that touches neither image nor module.  A
 * step over one module may end inside another, in whatever order the loader
 * has put them, so it goes on until nothing moves any more.
 */
static u64 clear_place(u64 start, u64 size)
{
	u64 image_size = virt_to_hpa(image_end).v;
	bool moved;

	do {
		moved = step_over(&start, size, 0, image_size);
		for (unsigned int i = 0; i < multiboot_module_count(); i++) {
			const struct module *module = multiboot_module(i);

			moved |= step_over(&start, size,
					   virt_to_hpa(module->data).v,
					   module->size);
		}
	} while (moved);
	return start;
}

hpa_t page_place_find(u64 size)
{
	for (unsigned int i = 0; i < multiboot_range_count(); i++) {
		const struct memory_range *range = multiboot_range(i);
		u64 start = clear_place(page_up(range->start.v), size);

		if (range->is_ram &&
		    start + size <= range->start.v + range->size) {
			return hpa(start);
		}
	}
	machine_bail_out("no room for the page allocator's %lu bytes",
			 (unsigned long)size);
}
