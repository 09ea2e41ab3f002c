/** @file
 * Without EPT: the hypervisor's page tables shadow the guest's, and every #PF
 * exits so that it can tell a gap in the shadow from a fault of the guest.
 */
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/handler.h"

#define CR3_FROM (3 | 1 << 4)
#define CR3_TO 3

static u8 page[2][4096] __aligned(4096);

TEST_NOEPT(gaps_of_the_shadow_are_never_seen)
{
	u64 far = PAGES_FREE_GVA;
	u32 seen;

	handler_load();
	page[0][5] = 0x55;
	pages_map(gva(far), gpa((u64)page[0]), PAGES_WRITE);
	asm volatile("movzbl 5(%1), %0" : "=r"(seen) : "r"(far));
	CHECK_EQ(seen, 0x55, "the guest reads through its own tables");
	asm volatile("movb $0x66, 6(%0)" : : "r"(far) : "memory");
	CHECK_EQ(page[0][6], 0x66, "and writes through them");
	CHECK_COUNT(handler_seen.count, 0, "no fault has reached it");
}

/** A fault of the guest's own: it exits and is given back. */
#define CHECK_FAULT(address, code) \
	do { \
		u64 cr2_; \
		asm volatile("mov %%cr2, %0" : "=r"(cr2_)); \
		CHECK_EQ(handler_seen.vector, PF, "the guest has its #PF"); \
		CHECK_EQ(handler_seen.error, (code), "with its error code"); \
		CHECK_EQ(cr2_, (address), "and its address"); \
		CHECK_EQ(exit_before(0).qualification, (address), \
			 "which the exit has told"); \
	} while (0)

#define FAULTING(text, address) \
	asm volatile("movq $1f, %0\n\t" \
		     "cmp %%esp, %%esp\n\t" text "\n" \
		     "1:" : "=m"(handler_seen.landing) \
		     : "D"(address) : "rax", "cc", "memory")

TEST_NOEPT(faults_of_the_guest_are_given_back)
{
	u64 far = PAGES_FREE_GVA;

	handler_load();
	FAULTING("movb (%%rdi), %%al", far);
	CHECK_FAULT(far, 0);
	FAULTING("movb $1, 8(%%rdi)", far + 0x1000);
	CHECK_FAULT(far + 0x1008, 2);
	FAULTING("jmp *%%rdi", far);
	CHECK_FAULT(far, 0x10);
	pages_map(gva(far), gpa((u64)page[0]), 0);
	FAULTING("movb (%%rdi), %%al", far);
	handler_seen.landing = 0;
	CHECK_COUNT(handler_seen.count, 3, "a read-only page can be read");
	FAULTING("movb %%al, (%%rdi)", far);
	CHECK_FAULT(far, 3);
}

TEST_NOEPT(invlpg_shows_the_new_entry)
{
	u64 far = PAGES_FREE_GVA;
	u32 seen;

	page[0][0] = 0x11;
	page[1][0] = 0x22;
	pages_map(gva(far), gpa((u64)page[0]), PAGES_WRITE);
	asm volatile("movzbl (%1), %0" : "=r"(seen) : "r"(far) : "memory");
	CHECK_EQ(seen, 0x11, "the first page");
	pages_map(gva(far), gpa((u64)page[1]), PAGES_WRITE);
	CHECK_REASON(exit_before(0), EXIT_INVLPG);
	CHECK_EQ(exit_before(0).qualification, far, "INVLPG tells its address");
	asm volatile("movzbl (%1), %0" : "=r"(seen) : "r"(far) : "memory");
	CHECK_EQ(seen, 0x22, "the second");
}

TEST_NOEPT(cr3_is_the_guests_own_number)
{
	u64 cr3;

	PROVOKE("mov %%cr3, %%rbx" : "=b"(cr3) : : "cc");
	CHECK_EXIT(EXIT_CR, 3, CR3_FROM | 3 << 8);
	CHECK_EQ(cr3, 0x3000, "the guest sees what it has loaded");
	PROVOKE("mov %%rbx, %%rsi; mov %%rsi, %%cr3"
		: : "b"(cr3) : "cc", "rsi", "memory");
	CHECK_EXIT(EXIT_CR, 3, CR3_TO | 6 << 8);
}

TEST_NOEPT(delivery_faults_in_the_shadow_first)
{
	handler_load();
	asm volatile("mov %%cr3, %%rax; mov %%rax, %%cr3" : : : "rax");
	PROVOKE("int $0x40; int $0x41" : : : "cc", "memory");
	CHECK_COUNT(handler_seen.count, 2, "both have arrived");
	CHECK_EQ(handler_seen.vector, 0x41, "the second last");
}
