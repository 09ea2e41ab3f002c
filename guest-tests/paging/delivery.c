/** @file
 * Events that meet a page which the hypervisor has not mapped yet.
 *
 * The processor reads the IDT and pushes a frame by itself, and in a fresh
 * address space each of these accesses is a page fault that is not the guest's.
 * The event must come nevertheless, once, and just as it was.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/paging/tables.h"

#define TRAP_BP 3
#define TRAP_OF 4
#define SPACES 6

static u64 tops[SPACES][512] __aligned(4096);
static u64 old_cr3;
static u64 space;

/** Into an address space where nothing has been touched. */
static void go_elsewhere(void)
{
	u64 *top = tops[space++ % SPACES];

	memcpy(top, (void *)(old_cr3 & BITS(51, 12)), 4096);
	tables_set_cr3((u64)top);
}

static void invalid_opcode(void)
{
	go_elsewhere();
	asm volatile("ud2");
}

static void breakpoint(void)
{
	go_elsewhere();
	asm volatile("int3");
}

static void interrupt(void)
{
	go_elsewhere();
	asm volatile("int $4");
}

static void page_fault(void)
{
	go_elsewhere();
	mmio_read4(PAGES_FREE_GVA + 0x1000);
}

/** Call it a few times. @param length of the instruction, for traps */
static void check(void (*fn)(void), u64 vector, u64 length)
{
	struct trap trap;
	const u8 *at;

	for (int i = 0; i < SPACES + 2; i++) {
		trap_catch(fn, &trap);
		CHECK_COUNT(trap.vector, vector,
			    "an event is delivered although our tables had "
			    "no entry for its IDT");
		at = (const u8 *)trap.rip - length;
		CHECK_TRUE(at >= (const u8 *)fn && at < (const u8 *)fn + 512,
			   "and returns to where it came from, or behind it");
		CHECK_TRUE(!length || at[0] == (length == 1 ? 0xcc : 0xcd),
			   "a software event returns behind its instruction");
	}
	tables_set_cr3(old_cr3);
}

TEST(events_meet_pages_that_are_not_mapped_yet)
{
	old_cr3 = tables_cr3();
	check(invalid_opcode, TRAP_UD, 0);
	check(breakpoint, TRAP_BP, 1);
	check(interrupt, TRAP_OF, 2);
}

/** Of CPL 3, with a change of stacks. */
static void user_fault(void)
{
	mmio_read4(PAGES_FREE_GVA + 0x1000);
}

TEST(page_faults_in_a_fresh_address_space)
{
	struct trap trap;

	old_cr3 = tables_cr3();
	for (int i = 0; i < SPACES; i++) {
		trap_catch(page_fault, &trap);
		CHECK_COUNT(trap.vector, TRAP_PF,
			    "a page that the guest has not mapped is its own "
			    "page fault");
		CHECK_EQ(trap.cr2, PAGES_FREE_GVA + 0x1000,
			 "CR2 is that of the guest's fault, not of ours");
		CHECK_EQ(trap.error, 0, "its error code is the guest's");
		go_elsewhere();
		trap_user(user_fault, &trap);
		CHECK_COUNT(trap.vector, TRAP_PF,
			    "a page that the guest has not mapped is its own "
			    "page fault");
		CHECK_EQ(trap.cr2, PAGES_FREE_GVA + 0x1000,
			 "CR2 is that of the guest's fault, not of ours");
		CHECK_EQ(trap.error, 4, "its error code is the guest's");
	}
	tables_set_cr3(old_cr3);
}
