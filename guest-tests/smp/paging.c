/** @file
 * Two vCPUs under the same page tables of the guest.
 *
 * A processor may go on with an old translation until it is told by INVLPG, and
 * only the vCPU that executes it is told (SDM 3A 4.10.4).  With shadow paging
 * each vCPU has tables of ours: the guest's change must reach each of them.
 */
#define TEST_FLAGS TEST_NEEDS_CPUS
#include "guest-tests/lib/test.h"

#define ROUNDS 50
#define AT gva(PAGES_FREE_GVA)

static struct meeting meeting;
static u8 page[2][PAGE_SIZE] __aligned(PAGE_SIZE);

static inline void forget(gva_t address)
{
	asm volatile("invlpg (%0)" : : "r"(address.v) : "memory");
}

static inline u8 look(gva_t address)
{
	return *(const volatile u8 *)address.v;
}

/** After each meeting: INVLPG, then look. @return how often it was wrong */
static u64 follow(void *argument)
{
	u64 wrong = 0;

	(void)argument;
	for (u64 i = 0; i < ROUNDS; i++) {
		second_meet(&meeting, 2 * i + 1);
		forget(AT);
		wrong += look(AT) != i % 2;
		second_meet(&meeting, 2 * i + 2);
		vmcall0(HYPERCALL_GENERATION);
	}
	return wrong;
}

TEST(each_vcpu_sees_a_changed_entry_after_its_invlpg)
{
	u64 wrong = 0;

	page[1][0] = 1;
	pages_map(AT, gpa((u64)page[0]), PAGES_WRITE);
	second_start(follow, NULL);
	for (u64 i = 0; i < ROUNDS; i++) {
		pages_map(AT, gpa((u64)page[i % 2]), PAGES_WRITE);
		second_meet(&meeting, 2 * i + 1);
		forget(AT);
		wrong += look(AT) != i % 2;
		second_meet(&meeting, 2 * i + 2);
		vmcall0(HYPERCALL_GENERATION);
	}
	CHECK_COUNT(second_wait(), 0,
		    "after INVLPG the second vCPU uses the entry that the "
		    "first has written (SDM 3A 4.10.4)");
	CHECK_COUNT(wrong, 0, "and so does the first");
}
