/** @file
 * Every page of 4 GiB, but for the guest's own memory.
 *
 * An eighth is a VM's.  Each page is read and written by one instruction, which
 * exchanges a register with the page: so whatever hypervisor memory lay there
 * would be seen, and spoilt.  Which bytes of the page, and by how many, goes by
 * turns; some cross into the next page.  A short run takes only the pages
 * around each border of 2 MiB, where large pages begin.
 */
#include "guest-tests/hostile/hostile.h"

#define EIGHTH (512ull << 20)
#define BORDER (2ull << 20)
#define PAGES_PER_CALL 64

static u64 page, end;
static u64 seen;

#define EXCHANGE(type, offset) \
	do { \
		type taken = (type)page; \
		asm volatile("xchg %0, %1" \
			     : "+r"(taken), \
			       "+m"(*(volatile type *)(page + (offset)))); \
		seen = taken; \
	} while (0)

/** 16 bytes, which no register of the guest's has. */
static void exchange_16(void)
{
	u64 low;

	asm volatile("movups (%1), %%xmm0\n\t"
		     "movups %%xmm0, (%1)\n\t"
		     "movq %%xmm0, %0"
		     : "=r"(low)
		     : "r"(page + 0x7f8)
		     : "memory");
	seen = low;
}

static void exchange(void)
{
	switch (page / PAGE_SIZE % 8) {
	case 0:
		EXCHANGE(u64, 0);
		break;
	case 1:
		EXCHANGE(u32, 0xffc);
		break;
	case 2:
		EXCHANGE(u8, 0xfff);
		break;
	case 3:
		EXCHANGE(u16, 0x7fe);
		break;
	case 4:
		exchange_16();
		break;
	case 5:
		EXCHANGE(u64, 0xffc);
		break;
	case 6:
		EXCHANGE(u32, 0x7fd);
		break;
	default:
		EXCHANGE(u64, 0xff8);
	}
}

/** From `page` on.  An exception takes us out of it, on that page. */
static void exchange_some(void)
{
	for (; page < end; page += PAGE_SIZE) {
		exchange();
		hostile_look(seen);
	}
}

static void visit_pages(u64 from, u64 to)
{
	struct trap trap;

	for (page = from; page < to; page += trap.vector == TRAP_NONE ?
					     0 : PAGE_SIZE) {
		end = page + PAGES_PER_CALL * PAGE_SIZE;
		end = end < to ? end : to;
		trap_catch(exchange_some, &trap);
		hostile_look(trap.error);
	}
}

static void visit_borders(u64 from, u64 to)
{
	for (u64 border = from; border < to; border += BORDER) {
		visit_pages(border - PAGE_SIZE, border + PAGE_SIZE);
	}
}

static void visit_eighth(u64 n)
{
	u64 from = n ? n * EIGHTH : GUEST_RAM_SIZE;

	hostile_begin();
	if (hostile_is_short()) {
		visit_borders(from, (n + 1) * EIGHTH);
	} else {
		visit_pages(from, (n + 1) * EIGHTH);
	}
	hostile_end();
}

#define EVERY_PAGE(n) \
	TEST(every_page_of_eighth_##n) \
	{ \
		visit_eighth(n); \
	}

EVERY_PAGE(0)
EVERY_PAGE(1)
EVERY_PAGE(2)
EVERY_PAGE(3)
EVERY_PAGE(4)
EVERY_PAGE(5)
EVERY_PAGE(6)
EVERY_PAGE(7)
