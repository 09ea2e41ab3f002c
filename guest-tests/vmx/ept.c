/** @file
 * EPT violations: every way to touch memory that the EPT does not allow.
 *
 * The pages below are ordinary memory of the guest at GVA = GPA, whose EPT
 * entries lose their rights one after the other.
 */
#include "guest-tests/vmx/ept.h"

#define ABSENT (QUAL_GLA | QUAL_ACCESS)

static u8 page[4][4096] __aligned(4096);

TEST_EPT(loads_are_reads)
{
	HIDE(page[1]);
	TOUCH("mov (%%rdi), %%ebx", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1]);
	TOUCH("mov 8(%%rdi), %%rbx", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 8);
	TOUCH("movzbl 0xfff(%%rdi), %%ebx", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 0xfff);
	TOUCH("cmpl $7, 4(%%rdi,%%rdx,8)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 4);
	TOUCH("testb $1, (%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1]);
	TOUCH("pushq (%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1]);
	TOUCH("movups (%%rdi), %%xmm0", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1]);
	TOUCH("lgdt 0x400(%%rdi)", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
}

TEST_EPT(stores_are_writes)
{
	HIDE(page[1]);
	TOUCH("movb $5, 0x10(%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 0x10);
	TOUCH("mov %%r9, 8(%%rdi,%%rdx,4)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 8);
	TOUCH("movntdq %%xmm0, 16(%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 16);
	TOUCH("sete 3(%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 3);
	TOUCH("movnti %%ebx, (%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1]);
	TOUCH("fxsave 0x600(%%rdi)", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	TOUCH("sgdt 0x400(%%rdi)", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
}

/** SDM 3C table 28-7 lets a processor set both bits for these. */
#define CHECK_RMW(address) \
	do { \
		CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION); \
		CHECK_EQ(exit_before(0).qualification & ~QUAL_READ, \
			 ABSENT | QUAL_WRITE, \
			 "a read-modify-write access is a write, and maybe " \
			 "a read as well"); \
		CHECK_EQ(exit_before(0).gpa, (u64)(address), "its address"); \
	} while (0)

TEST_EPT(read_modify_write_is_a_write)
{
	HIDE(page[1]);
	TOUCH("addl $1, 0x20(%%rdi)", page[1]);
	CHECK_RMW(page[1] + 0x20);
	TOUCH("incq 0x28(%%rdi)", page[1]);
	CHECK_RMW(page[1] + 0x28);
	TOUCH("xchg %%ebx, (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
	TOUCH("lock xaddl %%ebx, (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
	TOUCH("lock cmpxchg %%ebx, 4(%%rdi)", page[1]);
	CHECK_RMW(page[1] + 4);
	TOUCH("lock cmpxchg8b (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
	TOUCH("btsl $3, (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
	TOUCH("negw (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
	TOUCH("shll $3, (%%rdi)", page[1]);
	CHECK_RMW(page[1]);
}

TEST_EPT(the_stack_is_memory_too)
{
	HIDE(page[1]);
	asm volatile("mov %%rsp, %%rbx; mov %0, %%rsp\n\t"
		     "movq $1f, 0xa000; cmp %%esp, %%esp; push %%rax\n"
		     "1: movq $1f, 0xa000; cmp %%esp, %%esp; pop %%rax\n"
		     "1: movq $1f, 0xa000; cmp %%esp, %%esp; call 1f\n"
		     "1: movq $1f, 0xa000; cmp %%esp, %%esp; ret\n"
		     "1: movq $1f, 0xa000; cmp %%esp, %%esp; pushf\n"
		     "1: movq $1f, 0xa000; cmp %%esp, %%esp; enter $16, $0\n"
		     "1: mov %%rbx, %%rsp"
		     : : "r"(page[1] + 0x200) : "rbx", "rax", "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 0x1f8);
	CHECK_EQ(exit_before(2).qualification, ABSENT | QUAL_READ,
		 "RET reads the stack");
	CHECK_EQ(exit_before(3).qualification, ABSENT | QUAL_WRITE,
		 "CALL writes to it");
	CHECK_EQ(exit_before(4).gpa, (u64)page[1] + 0x200,
		 "POP reads where RSP points");
	CHECK_EQ(exit_before(5).gpa, (u64)page[1] + 0x1f8,
		 "PUSH writes below");
}

TEST_EPT(strings_fault_on_the_side_that_is_absent)
{
	HIDE(page[1]);
	PROVOKE_LAND("movsb", : : "S"(page[1] + 0x100), "D"(page[0])
		     : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 0x100);
	PROVOKE_LAND("movsq", : : "S"(page[0]), "D"(page[1] + 0x100)
		     : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 0x100);
	PROVOKE_LAND("stosl", : : "D"(page[1] + 8), "a"(0) : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1] + 8);
	PROVOKE_LAND("lodsb", : : "S"(page[1] + 9) : "rax", "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 9);
	PROVOKE_LAND("scasw", : : "D"(page[1] + 2) : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 2);
	PROVOKE_LAND("cmpsb", : : "D"(page[1] + 3), "S"(page[0])
		     : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1] + 3);
}

TEST_EPT(repeated_strings_stop_in_the_middle)
{
	u64 count = 4, to = (u64)page[1] - 2;

	HIDE(page[1]);
	asm volatile("movq $1f, 0xa000; cmp %%esp, %%esp\n\t"
		     "rep stosb\n"
		     "1: movq $0, 0xa000"
		     : "+c"(count), "+D"(to) : "a"(0) : "cc", "memory");
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1]);
	CHECK_COUNT(count, 2, "two bytes have been stored, two are left");
	CHECK_EQ(to, (u64)page[1], "and RDI is where it goes on");
}

TEST_EPT(fetches_are_told_from_reads)
{
	HIDE(page[1]);
	TOUCH("jmp *%%rdi", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_FETCH, page[1]);
	ALLOW(page[1], EPT_R);
	TOUCH("jmp *%%rdi", page[1] + 0x100);
	CHECK_VIOLATION(ABSENT | QUAL_FETCH | QUAL_RIGHTS(EPT_R),
			page[1] + 0x100);
	ALLOW(page[1], EPT_R | EPT_W);
	TOUCH("jmp *%%rdi", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_FETCH | QUAL_RIGHTS(EPT_R | EPT_W),
			page[1]);
	ALLOW(page[1], EPT_R | EPT_X);
	page[0][0] = 0;
	TOUCH("movb $1, 5(%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R | EPT_X),
			page[1] + 5);
}

TEST_EPT(instruction_on_two_pages_faults_on_the_second)
{
	ALLOW(page[0], EPT_RWX);
	page[0][0xffe] = 0xc7; /* movl $imm32, (%rdi): four bytes are missing */
	page[0][0xfff] = 0x07;
	HIDE(page[1]);
	TOUCH("lea -2(%%rdi), %%rbx; jmp *%%rbx", page[1]);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	CHECK_EQ(exit_before(0).qualification, ABSENT | QUAL_FETCH,
		 "the rest of the instruction is fetched");
	CHECK_EQ(exit_before(0).gpa, (u64)page[1], "from the next page");
	CHECK_EQ(exit_before(0).rip, (u64)page[1] - 2,
		 "RIP is that of the instruction");
}

TEST_EPT(read_only_pages_can_be_read)
{
	u32 seen;

	page[1][0] = 0x49;
	ALLOW(page[1], EPT_R);
	asm volatile("movzbl (%1), %0" : "=r"(seen) : "D"(page[1]));
	CHECK_EQ(seen, 0x49, "a right that is there is enough");
	TOUCH("movb $1, (%%rdi)", page[1]);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R), page[1]);
	TOUCH("addl $1, 8(%%rdi)", page[1]);
	CHECK_EQ(exit_before(0).qualification & ~QUAL_READ,
		 ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R),
		 "ADD to memory needs both rights");
	CHECK_EQ(page[1][0], 0x49, "nothing has been written");
}

TEST_EPT(split_accesses_fault_where_they_must)
{
	HIDE(page[1]);
	TOUCH("mov (%%rdi), %%ebx", page[1] - 2);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[1]);
	TOUCH("mov %%ebx, (%%rdi)", page[1] - 2);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[1]);
	TOUCH("mov (%%rdi), %%rbx", page[2] - 4);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[2] - 4);
	HIDE(page[2]);
	TOUCH("mov (%%rdi), %%ebx", page[2] - 1);
	CHECK_VIOLATION(ABSENT | QUAL_READ, page[2] - 1);
	TOUCH("mov %%rbx, (%%rdi)", page[2] - 1);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE, page[2] - 1);
	TOUCH("addl $1, (%%rdi)", page[1] - 2);
	CHECK_EQ(exit_before(0).gpa, (u64)page[1], "of ADD as well");
}

TEST_EPT(rights_of_upper_entries_count)
{
	u64 far = 0x40000000;

	CHECK_DONE(ept_set(far, (u64)page[3], EPT_RWX | EPT_WB, 1));
	CHECK_DONE(ept_set(far, ~0ull, EPT_R | EPT_X, 2));
	CHECK_DONE(ept_invalidate());
	page[3][0] = 0x33;
	asm volatile("movzbl (%0), %%ebx" : : "D"(far) : "rbx");
	TOUCH("movb $1, (%%rdi)", far);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R | EPT_X), far);
	CHECK_DONE(ept_set(far, ~0ull, EPT_RWX, 2));
	CHECK_DONE(ept_set(far, ~0ull, EPT_R, 3));
	CHECK_DONE(ept_invalidate());
	TOUCH("movb $1, (%%rdi)", far);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R), far);
	CHECK_DONE(ept_set(far, ~0ull, 0, 3));
	CHECK_DONE(ept_invalidate());
	TOUCH("movzbl (%%rdi), %%ebx", far);
	CHECK_VIOLATION(ABSENT | QUAL_READ, far);
}

TEST_EPT(addresses_without_any_table_fault)
{
	TOUCH("mov (%%rdi), %%ebx", 0xfffff000ull);
	CHECK_VIOLATION(ABSENT | QUAL_READ, 0xfffff000ull);
	pages_map(gva(PAGES_FREE_GVA), gpa(1ull << 38), PAGES_WRITE);
	TOUCH("mov 0x123(%%rdi), %%ebx", PAGES_FREE_GVA);
	CHECK_REASON(exit_before(0), EXIT_EPT_VIOLATION);
	CHECK_EQ(exit_before(0).gpa, (1ull << 38) + 0x123, "GPA is where the "
		 "guest's tables lead");
	CHECK_EQ(exit_before(0).gla, PAGES_FREE_GVA + 0x123,
		 "and GLA is what the instruction has named");
}

TEST_EPT(large_leaves_translate)
{
	u64 far = 0x80000000;
	u32 seen;

	CHECK_DONE(ept_set(far, 0x200000, EPT_R | EPT_WB | EPT_LARGE, 2));
	CHECK_DONE(ept_invalidate());
	page[2][0x10] = 0x77;
	asm volatile("movzbl (%1), %0"
		     : "=r"(seen)
		     : "D"(far + ((u64)page[2] & 0x1fffff) + 0x10));
	CHECK_EQ(seen, 0x77, "a leaf of 2 MiB leads to its memory");
	TOUCH("movb $1, 0x1ff123(%%rdi)", far);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R),
			far + 0x1ff123);
}

TEST_EPT(rights_that_were_added_need_no_invept)
{
	u64 far = 0x50000000;

	TOUCH("mov (%%rdi), %%ebx", far);
	CHECK_VIOLATION(ABSENT | QUAL_READ, far);
	CHECK_DONE(ept_set(far, (u64)page[3], EPT_R | EPT_WB, 1));
	TOUCH("mov (%%rdi), %%ebx", far);
	CHECK_EQ(exit_before(1).reason, ~0ull,
		 "an EPT violation forgets what it hit (SDM 3C 29.4.3.1)");
	TOUCH("mov %%ebx, (%%rdi)", far);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R), far);
	CHECK_DONE(ept_set(far, (u64)page[3], EPT_RWX | EPT_WB, 1));
	TOUCH("mov %%ebx, (%%rdi)", far);
	CHECK_EQ(exit_before(2).reason, ~0ull, "so writing goes on as well");
}

/** What may be kept, softvmx keeps and Bochs forgets: the recorder knows. */
TEST_EPT(rights_that_were_taken_stay_until_invept)
{
	u64 far = 0x60000000;

	CHECK_DONE(ept_set(far, (u64)page[3], EPT_RWX | EPT_WB, 1));
	TOUCH("mov (%%rdi), %%ebx", far);
	CHECK_EQ(exit_before(0).reason, ~0ull, "it is mapped");
	CHECK_DONE(ept_set(far, ~0ull, 0, 1));
	TOUCH("mov (%%rdi), %%ebx", far);
	CHECK_DONE(ept_invalidate());
	TOUCH("mov 8(%%rdi), %%ebx", far);
	CHECK_VIOLATION(ABSENT | QUAL_READ, far + 8);
}

static void forget_single_context(void)
{
	CHECK_DONE(service(SERVICE_INVEPT, 1, 0));
}

TEST_EPT(invept_of_one_context_forgets_as_well)
{
	u64 far = 0x60000000;

	CHECK_DONE(ept_set(far, (u64)page[3], EPT_RWX | EPT_WB, 1));
	TOUCH("mov (%%rdi), %%ebx", far);
	CHECK_DONE(ept_set(far, (u64)page[3], EPT_R | EPT_WB, 1));
	forget_single_context();
	TOUCH("mov %%ebx, (%%rdi)", far);
	CHECK_VIOLATION(ABSENT | QUAL_WRITE | QUAL_RIGHTS(EPT_R), far);
}
