/** @file
 * A TLB shootdown, as systems do it: change the entry, interrupt the other
 * vCPU, whose handler executes INVLPG and says so, go on.
 *
 * From then on the other one must not use the old translation any more,
 * neither its processor's nor, with shadow paging, one of our tables'.
 */
#define TEST_FLAGS (TEST_NEEDS_APIC | TEST_NEEDS_CPUS)
#include "guest-tests/apic/apic.h"

#define SECOND 1
#define ROUNDS 100
#define AT PAGES_FREE_GVA

static u8 page[2][PAGE_SIZE] __aligned(PAGE_SIZE);
static struct meeting meeting;
static u64 acknowledged;
static u64 wrong;  /* looks at the old page after the acknowledgement */
static u64 round; /* 0 while the entry changes */

static void forget(void)
{
	asm volatile("invlpg (%0)" : : "r"(AT) : "memory");
}

static void acknowledge(u64 vector)
{
	if (vector == APIC_VECTOR) {
		forget();
		apic_set(&acknowledged, acknowledged + 1);
	}
}

static inline u64 look(void)
{
	return *(const volatile u64 *)AT;
}

/** Look all the time; between two shootdowns only one value is right. */
static u64 look_on(void *argument)
{
	u64 before, seen;

	(void)argument;
	apic_mine()->handler = acknowledge;
	while (!apic_get(&meeting.stop)) {
		before = apic_get(&round);
		seen = look();
		if (before && apic_get(&round) == before &&
		    seen != before % 2) {
			wrong++;
		}
		apic_set(&meeting.turns, meeting.turns + 1);
		apic_open();
	}
	return wrong;
}

TEST(shootdown_leaves_no_old_translation)
{
	u64 mine = 0;

	apic_begin();
	page[1][0] = 1;
	pages_map(gva(AT), gpa((u64)page[0]), PAGES_WRITE);
	apic_second_start(look_on, NULL);
	apic_wait_for(&meeting.turns, 2);
	for (u64 i = 1; i <= ROUNDS; i++) {
		apic_set(&round, 0);
		pages_map(gva(AT), gpa((u64)page[i % 2]), PAGES_WRITE);
		forget();
		apic_send(SECOND, APIC_VECTOR);
		apic_wait_for(&acknowledged, i);
		apic_set(&round, i);
		mine += look() != i % 2;
		apic_wait_for(&meeting.turns, apic_get(&meeting.turns) + 2);
	}
	apic_set(&meeting.stop, 1);
	CHECK_COUNT(second_wait(), 0,
		    "after its handler's INVLPG a vCPU does not see the page "
		    "that was there before (SDM 3A 4.10.5)");
	CHECK_COUNT(mine, 0, "nor does the one that has changed it");
}
