/** @file
 * Every place in guest-physical memory: loads, stores, jumps.
 *
 * Each is mapped into a window, one after the other.  Below 4 GiB every page is
 * visited (every.c); below 16 GiB every step of 2 MiB; the pages of devices one
 * by one; around each power of two up to 2^46; and at random.  What lies beyond
 * the processor's addresses is a page fault, which is caught.
 */
#include "guest-tests/hostile/hostile.h"

#define STEP (2ull << 20)
#define DENSE_END (16ull << 30)
#define EVERY_END (4ull << 30) /* below: every.c */
#define SHORT_PART (256ull << 20)
#define WIDTH 46
#define RANDOM_PLACES (hostile_is_short() ? 300u : 2000u)

static u64 seen;
static u64 offset;

static void load(void)
{
	seen = mmio_read8(HOSTILE_WINDOW + offset);
}

static void store(void)
{
	mmio_write8(HOSTILE_WINDOW + offset, seen);
}

/** A load of a page's first or last word, and a store of what it gave: so
 * memory, also our own, stays as it is. */
static void visit(u64 place)
{
	struct trap trap;

	pages_map(gva(HOSTILE_WINDOW), gpa(place), PAGES_WRITE);
	for (offset = 0; offset < PAGE_SIZE; offset += PAGE_SIZE - 8) {
		seen = 0;
		trap_catch(load, &trap);
		hostile_look(seen);
		trap_catch(store, &trap);
	}
}

static void visit_range(u64 from, u64 to, u64 step)
{
	for (u64 place = from; place < to; place += step) {
		visit(place);
	}
}

TEST(own_memory)
{
	hostile_begin();
	hostile_look_at_ram();
	visit_range(GUEST_RAM_SIZE - STEP / 2, GUEST_RAM_SIZE + STEP / 4,
		    PAGE_SIZE);
	hostile_end();
}

TEST(steps_of_2_mib)
{
	hostile_begin();
	visit_range(hostile_is_short() ? DENSE_END - SHORT_PART : EVERY_END,
		    DENSE_END, STEP);
	hostile_end();
}

TEST(pages_of_devices)
{
	hostile_begin();
	visit_range(DEVICE_FIFO_GPA, DEVICE_CORE_PATTERN_GPA + 2 * PAGE_SIZE,
		    PAGE_SIZE);
	visit_range(0xa0000, 0x100000, PAGE_SIZE);
	visit_range(0xfec00000, 0xfec10000, PAGE_SIZE);
	visit_range(0xfee00000, 0xfee10000, PAGE_SIZE);
	visit_range(0xfffe0000, 0x100010000, PAGE_SIZE);
	hostile_end();
}

TEST(powers_of_two)
{
	hostile_begin();
	for (unsigned int bit = 24; bit <= WIDTH; bit++) {
		visit_range(BIT(bit) - 2 * PAGE_SIZE, BIT(bit) + 2 * PAGE_SIZE,
			    PAGE_SIZE);
		visit(BIT(bit) - STEP);
		visit(BIT(bit) + STEP);
		visit(BIT(bit) + BIT(bit - 1));
	}
	hostile_end();
}

TEST(random_places)
{
	u64 x = 49;

	hostile_begin();
	for (unsigned int i = 0; i < RANDOM_PLACES; i++) {
		u64 width = 24 + hostile_random(&x) % (WIDTH - 23);

		visit((hostile_random(&x) & (BIT(width) - 1)) & ~0xfffull);
		/* Our own memory may have been among them: same bytes. */
	}
	hostile_end();
}

/** A slot whose memory has the secret: the search must find it. */
TEST(the_search_finds_a_secret_that_is_betrayed)
{
	hostile_begin();
	CHECK_DONE(vmcall1(HYPERCALL_SECRET, SECRET_BETRAY));
	slots_add(1, gpa(SLOTS_GPA), 1, 0);
	visit_range(SLOTS_GPA - STEP, SLOTS_GPA + 2 * STEP, STEP);
	CHECK_COUNT(hostile_found(), 2,
		    "the search finds a secret that is readable");
}

/** And the VMM finds it in what the guest leaves behind. */
TEST(a_secret_that_was_taken_is_found)
{
	static volatile u64 taken;

	hostile_begin();
	CHECK_DONE(vmcall1(HYPERCALL_SECRET, SECRET_BETRAY));
	slots_add(1, gpa(SLOTS_GPA), 1, 0);
	taken = mmio_read8(SLOTS_GPA);
	CHECK_TRUE(taken, "it has been taken");
}

static u64 target;

static void jump(void)
{
	((void (*)(void))target)();
}

/** At CPL 3 each is an exception. */
TEST(jumps_to_everywhere_at_cpl3)
{
	struct trap trap;

	hostile_begin();
	for (target = GUEST_RAM_SIZE; target < BIT(32); target += 8 * STEP) {
		trap_user(jump, &trap);
		CHECK_COUNT(trap.vector, TRAP_UD,
			    "a jump into MMIO at CPL 3 is #UD (spec 3.8)");
		hostile_look(trap.rcx);
	}
	for (target = BIT(32); target; target <<= 1) {
		trap_user(jump, &trap);
		CHECK_TRUE(trap.vector == TRAP_PF || trap.vector == TRAP_GP,
			   "a jump to nowhere is #PF or #GP");
	}
	hostile_end();
}

TEST(jump_into_mmio_at_cpl0)
{
	target = 0x20000000;
	jump();
}

TEST(jump_into_the_apic_page_at_cpl0)
{
	target = 0xfee00000;
	jump();
}

TEST(jump_from_the_last_byte_of_memory)
{
	target = GUEST_RAM_SIZE - 1;
	mmio_write1(target, 0x90);
	jump();
}
