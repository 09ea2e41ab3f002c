/** @file
 * Exceptions that exit by the exception bitmap (SDM 3C 25.6.3, 26.2).
 *
 * The exit says which, in the interruption information, with the error code
 * beside it; #PF has its address in the qualification and #DB the bits that DR6
 * would have got.  INT3, INTO and INT1 have an instruction length, others not.
 */
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/handler.h"

/** A hole in the guest's page tables. */
#define NOWHERE 0x500000000ull
/** An address that is none. */
#define NOT_CANONICAL (1ull << 62)

/** The last exit was this exception. */
#define CHECK_EXCEPTION(information, error, qual) \
	do { \
		struct services_exit exit_ = exit_before(0); \
		CHECK_REASON(exit_, EXIT_EXCEPTION); \
		CHECK_EQ(exit_.intr_info, VALID | (information), \
			 "type and vector of the exception (SDM 3C 28.2.2)"); \
		if (exit_.intr_info & HAS_ERROR) { \
			CHECK_EQ(exit_.intr_error, (error), \
				 "the exception's error code"); \
		} \
		CHECK_EQ(exit_.qualification, (qual), \
			 "the exit qualification is as in SDM 3C 28.2.1"); \
	} while (0)

TEST(faults_exit_with_their_vector)
{
	INTERCEPT(BIT(UD) | BIT(GP) | BIT(DE));
	PROVOKE_LAND("ud2", : : : "cc", "memory");
	CHECK_EXCEPTION(HARD | UD, 0, 0);
	PROVOKE_LAND("div %%ecx", : : "a"(1), "c"(0), "d"(0) : "cc", "memory");
	CHECK_EXCEPTION(HARD | DE, 0, 0);
}

TEST(gp_exits_with_its_error_code)
{
	INTERCEPT(BIT(GP));
	PROVOKE_LAND("mov (%%rax), %%ecx", : : "a"(NOT_CANONICAL)
		     : "cc", "rcx", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | GP, 0, 0);
	PROVOKE_LAND("mov %%eax, %%ds", : : "a"(0x1234) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | GP, 0x1234, 0);
	PROVOKE_LAND("int $0x30", : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION); /* beyond the IDT */
}

TEST(ss_exits_with_its_vector)
{
	INTERCEPT(BIT(SS) | BIT(GP));
	asm volatile("mov %%rbp, %%rcx\n\t"
		     "mov %0, %%rbp\n\t"
		     "movq $1f, 0xa000\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "mov (%%rbp), %%eax\n"
		     "1: mov %%rcx, %%rbp"
		     : : "a"(NOT_CANONICAL) : "cc", "rcx", "memory");
	CHECK_REASON(exit_before(0), EXIT_EXCEPTION);
}

TEST(nm_exits_with_its_vector)
{
	u64 cr0;

	INTERCEPT(BIT(NM));
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | BIT(3)));
	PROVOKE_LAND("fninit", : : : "cc", "memory");
	CHECK_EXCEPTION(HARD | NM, 0, 0);
}

TEST(ac_exits_only_at_cpl_3)
{
	u64 cr0;

	INTERCEPT(BIT(AC));
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("mov %0, %%cr0" : : "r"(cr0 | BIT(18)));
	PROVOKE("pushf; orl $0x40000, (%%rsp); popf; mov 1(%0), %%eax\n\t"
		"pushf; andl $~0x40000, (%%rsp); popf"
		: : "r"(0x2000ull) : "rax", "cc", "memory");
	CHECK_EQ(service(SERVICE_EXIT,
			 vmcall_address(&(struct services_exit){ 0 }), 0),
		 -ENOENT, "there is no #AC at CPL 0");
}

TEST(faults_that_are_not_wanted_do_not_exit)
{
	handler_load();
	INTERCEPT(0);
	asm volatile("movq $1f, %0\n\t"
		     "ud2\n"
		     "1:" : "=m"(handler_seen.landing) : : "memory");
	CHECK_EQ(handler_seen.vector, UD, "#UD arrives in the guest's handler");
	CHECK_EQ(service(SERVICE_EXIT,
			 vmcall_address(&(struct services_exit){ 0 }), 0),
		 -ENOENT, "and no exit has been made of it");
}

TEST(reflected_faults_arrive_unchanged)
{
	handler_load();
	INTERCEPT(BIT(UD) | BIT(GP));
	asm volatile("movq $1f, %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "ud2\n"
		     "1:" : "=m"(handler_seen.landing) : : "cc", "memory");
	CHECK_EXCEPTION(HARD | UD, 0, 0);
	CHECK_EQ(handler_seen.vector, UD, "the injected #UD has arrived");
	asm volatile("movq $1f, %0\n\t"
		     "cmp %%esp, %%esp\n\t"
		     "mov %1, %%ds\n"
		     "1:" : "=m"(handler_seen.landing)
		     : "r"(0x4321) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | GP, 0x4320, 0);
	CHECK_EQ(handler_seen.error, 0x4320, "with its error code");
	CHECK_COUNT(handler_seen.count, 2, "each has arrived once");
}

TEST(int3_is_a_software_exception)
{
	INTERCEPT(BIT(BP));
	set_action(ACTION_SKIP, 1);
	PROVOKE("int3" : : : "cc", "memory");
	CHECK_EXCEPTION(SOFT | BP, 0, 0);
	CHECK_COUNT(exit_before(0).length, 1, "INT3 has one byte");
	set_action(ACTION_SKIP, 1);
	PROVOKE(".byte 0x48; int3" : : : "cc", "memory");
	CHECK_EXCEPTION(SOFT | BP, 0, 0);
	CHECK_COUNT(exit_before(0).length, 2, "with a prefix two");
	handler_load();
	PROVOKE("int3" : : : "cc", "memory");
	CHECK_EQ(handler_seen.vector, BP, "a reflected INT3 arrives");
	CHECK_EQ(handler_seen.rip, exit_before(0).rip + 1,
		 "with the RIP behind it (SDM 3C 27.6.1.1)");
}

TEST(software_interrupts_do_not_exit)
{
	handler_load();
	INTERCEPT(BIT(BP) | BIT(DE));
	PROVOKE("int $0" : : : "cc", "memory");
	CHECK_EQ(handler_seen.vector, 0, "INT 0 goes to the guest");
	PROVOKE(".byte 0xcd, 3" : : : "cc", "memory");
	CHECK_EQ(handler_seen.vector, 3, "INT 3 in two bytes as well");
	PROVOKE("int $0xff" : : : "cc", "memory");
	CHECK_EQ(handler_seen.vector, 0xff, "and INT 255");
	CHECK_EQ(service(SERVICE_EXIT,
			 vmcall_address(&(struct services_exit){ 0 }), 0),
		 -ENOENT, "the exception bitmap is not for INT n "
		 "(SDM 3C 26.2)");
}

TEST(int1_is_a_privileged_software_exception)
{
	INTERCEPT(BIT(DB));
	set_action(ACTION_SKIP, 1);
	PROVOKE(".byte 0xf1" : : : "cc", "memory");
	CHECK_EXCEPTION(PRIVILEGED | DB, 0, 0);
	CHECK_COUNT(exit_before(0).length, 1, "INT1 has one byte");
}

TEST(single_step_exits_after_each_instruction)
{
	INTERCEPT(BIT(DB));
	set_action(ACTION_RESUME, 5);
	asm volatile("cmp %%esp, %%esp\n\t"
		     "pushf\n\t"
		     "orl $0x100, (%%rsp)\n\t"
		     "popf\n\t"
		     "nop\n\t"
		     "mov %%esp, %%esp\n\t" /* each of these is a step */
		     "pushf\n\t"
		     "andl $~0x100, (%%rsp)\n\t"
		     "popf"
		     : : : "cc", "memory");
	CHECK_EXCEPTION(HARD | DB, 0, BIT(14));
	CHECK_EQ(exit_before(4).reason, EXIT_EXCEPTION,
		 "five steps, five exits");
	CHECK_EQ(exit_before(4).rip + 2, exit_before(3).rip,
		 "RIP is behind the instruction that was stepped");
	CHECK_EQ(exit_before(5).reason, ~0ull, "and not one more");
}

TEST(single_step_over_an_exit_is_not_lost)
{
	INTERCEPT(BIT(DB));
	set_action(ACTION_DEFAULT, 1);
	asm volatile("cmp %%esp, %%esp\n\t"
		     "movl $2, 0xa008\n\t" /* ACTION_RESUME */
		     "movl $5, 0xa00c\n\t"
		     "pushf\n\t"
		     "orl $0x100, (%%rsp)\n\t"
		     "popf\n\t"
		     "nop\n\t"
		     "nop\n\t"
		     "pushf\n\t"
		     "andl $~0x100, (%%rsp)\n\t"
		     "popf"
		     : : : "cc", "memory");
	CHECK_EXCEPTION(HARD | DB, 0, BIT(14));
}

TEST(breakpoint_in_dr0_exits)
{
	INTERCEPT(BIT(DB));
	PROVOKE_LAND("mov $2f, %%eax; mov %%rax, %%dr0; mov $0x402, %%eax\n\t"
		     "mov %%rax, %%dr7; nop; 2: nop", : : : "rax", "cc",
		     "memory");
	CHECK_EXCEPTION(HARD | DB, 0, BIT(0));
	PROVOKE("mov %0, %%dr7" : : "r"(0x400ull) : "cc");
}

TEST(general_detect_exits)
{
	INTERCEPT(BIT(DB));
	PROVOKE_LAND("mov $0x2400, %%eax; mov %%rax, %%dr7; mov %%dr0, %%rax",
		     : : : "rax", "cc", "memory");
}

TEST_EPT(page_faults_exit_with_their_address)
{
	INTERCEPT(BIT(PF));
	PROVOKE_LAND("mov (%0), %%ecx", : : "r"(NOWHERE) : "cc", "rcx",
		     "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 0, NOWHERE);
	PROVOKE_LAND("movb $1, 0x123(%0)", : : "r"(NOWHERE) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 2, NOWHERE + 0x123);
	PROVOKE_LAND("jmp *%0", : : "r"(NOWHERE) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 0x10, NOWHERE);
	PROVOKE_LAND("incq -4(%0)", : : "r"(NOWHERE) : "cc", "memory");
	CHECK_EQ(exit_before(0).qualification, NOWHERE - 4,
		 "whether ADD to memory reads or writes first is up to the "
		 "processor");
}

TEST_EPT(page_faults_are_filtered_by_mask_and_match)
{
	u64 read_only = PAGES_FREE_GVA;

	handler_load();
	pages_map(gva(read_only), gpa(0x2000), 0);
	INTERCEPT(BIT(PF));
	VMWRITE(FIELD_PF_MASK, 1);
	VMWRITE(FIELD_PF_MATCH, 1);
	asm volatile("movq $1f, %0\n\t"
		     "mov (%1), %%ecx\n"
		     "1:" : "=m"(handler_seen.landing)
		     : "r"(NOWHERE) : "rcx", "memory");
	CHECK_COUNT(handler_seen.count, 1,
		    "error code & 1 is 0, not 1: the guest has it "
		    "(SDM 3C 26.2)");
	PROVOKE_LAND("movl $1, (%0)", : : "r"(read_only) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 3, read_only);
	VMWRITE(FIELD_PF_MATCH, 0);
	PROVOKE_LAND("mov (%0), %%ecx", : : "r"(NOWHERE) : "cc", "rcx",
		     "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 0, NOWHERE);
	INTERCEPT_NOT(BIT(PF));
	PROVOKE_LAND("movl $1, 8(%0)", : : "r"(read_only) : "cc", "memory");
	CHECK_EXCEPTION(HARD | HAS_ERROR | PF, 3, read_only + 8);
}
