/** @file
 * Instructions that cannot be carried out, and the ends that are defined for
 * them (spec 1.4, 3.8, 10.11): an exit with the instruction's bytes at CPL 0,
 * #UD at CPL 3; never a loop.
 */
#include "guest-tests/lib/device.h"
#include "guest-tests/lib/test.h"

/** Two pages: RAM, and behind it nothing. */
#define EDGE PAGES_FREE_GVA

static u8 ram_page[4096] __aligned(4096);

/** mov 0x12345678(%rax),%ecx, of whose six bytes three are on the page. */
static void put_code_at_edge(void)
{
	static const u8 code[] = { 0x8b, 0x88, 0x78, 0x56, 0x34, 0x12 };

	memcpy(ram_page + 4093, code, 3);
	pages_map(gva(EDGE), gpa((u64)ram_page), PAGES_WRITE | PAGES_USER);
	pages_map(gva(EDGE + 4096), gpa(DEVICE_NOBODY_GPA),
		  PAGES_WRITE | PAGES_USER);
}

static void run_edge(void)
{
	((void (*)(void))(EDGE + 4093))();
}

TEST(code_that_runs_into_a_device_ends_in_emulation_failure)
{
	put_code_at_edge();
	CHECK_STOP(STOP_EMULATION, ~0ull, ~0ull,
		   "an instruction whose last bytes lie where there is no "
		   "memory ends in an emulation failure (spec 1.4)");
	run_edge();
}

static void jump_to_device(void)
{
	((void (*)(void))DEVICE_NOBODY_GPA)();
}

TEST(code_in_a_device_is_ud_at_cpl3)
{
	struct trap trap;

	trap_user(jump_to_device, &trap);
	CHECK_EQ(trap.vector, TRAP_UD,
		 "a program that jumps into MMIO gets #UD; its VM lives "
		 "(spec 3.8)");
	CHECK_EQ(trap.cs & 3, 3, "the #UD comes from CPL 3");
}

TEST(code_into_nothing_is_a_page_fault)
{
	struct trap trap;

	put_code_at_edge();
	pages_unmap(gva(EDGE + 4096));
	trap_catch(run_edge, &trap);
	CHECK_EQ(trap.vector, TRAP_PF,
		 "an instruction across a page into nothing is #PF");
	CHECK_EQ(trap.cr2, EDGE + 4096, "at the second page");
}

static void sixteen_bytes(void)
{
	asm volatile(".fill 14, 1, 0x2e\n\tmovl (%0), %%eax"
		     :
		     : "b"(DEVICE_NOBODY_GPA)
		     : "rax");
}

TEST(sixteen_bytes_are_gp)
{
	struct trap trap;

	trap_catch(sixteen_bytes, &trap);
	CHECK_EQ(trap.vector, TRAP_GP,
		 "an instruction of more than 15 bytes is #GP (SDM 2A 2.3.11)");
}

TEST(cmpxchg16b_on_a_device_ends_in_emulation_failure)
{
	CHECK_STOP(STOP_EMULATION, ~0ull, ~0ull,
		   "CMPXCHG16B on MMIO is not supported and ends the VM (spec "
		   "10.11)");
	asm volatile("cmpxchg16b (%0)"
		     :
		     : "D"(DEVICE_NOBODY_GPA)
		     : "rax", "rdx", "memory");
}

/** The processor reads the GDT by itself, in the middle of a MOV. */
TEST(a_gdt_in_a_device_ends_in_emulation_failure)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed gdt = { 0xffff, DEVICE_NOBODY_GPA };

	asm volatile("lgdt %0" : : "m"(gdt));
	CHECK_STOP(STOP_EMULATION, ~0ull, ~0ull,
		   "a descriptor table in MMIO is a defined exit, not a loop "
		   "(spec 10.11)");
	asm volatile("movw %w0, %%gs" : : "r"(0x10));
}

static void fault_on_device_stack(void)
{
	asm volatile("movq %0, %%rsp\n\tud2" : : "r"(DEVICE_NOBODY_GPA + 2048));
}

TEST(a_stack_in_a_device_is_a_delivery_error)
{
	CHECK_STOP(STOP_DELIVERY, ~0ull, ~0ull,
		   "an exception whose stack lies in MMIO ends the run with a "
		   "delivery error (spec 1.4)");
	fault_on_device_stack();
}
