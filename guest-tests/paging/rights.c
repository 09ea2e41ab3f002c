/** @file
 * What a page allows, and what the guest is told when it does not.
 *
 * A page of memory stands at an address of its own; each test changes its entry
 * and tries.  The program itself is in pages of users, which SMEP and SMAP
 * would forbid to the supervisor: there, its entries lose that bit first.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/paging/tables.h"

#define AT PAGES_FREE_GVA
#define EFER_NXE BIT(11)

/* The error code - SDM 3A figure 4-12 */
#define ERROR_P 1
#define ERROR_W 2
#define ERROR_U 4
#define ERROR_RSVD 8
#define ERROR_I 16

static u8 page[4096] __aligned(4096);
static u64 saved_efer;

static void do_read(void)
{
	mmio_read4(AT + 8);
}

static void do_write(void)
{
	mmio_write4(AT + 8, 0x49);
}

static void do_fetch(void)
{
	((void (*)(void))AT)();
}

/** At CPL 3 there is no way back but an exception. */
static void user_read(void)
{
	do_read();
	asm volatile("ud2");
}

static void user_write(void)
{
	do_write();
	asm volatile("ud2");
}

/** The page at AT, with these bits. */
static void set(u64 flags)
{
	page[0] = 0xc3; /* RET */
	pages_map(gva(AT), gpa((u64)page), PAGES_WRITE);
	tables_set(gva(AT), TABLES_PTE, (u64)page | flags);
}

static u64 entry(void)
{
	return *tables_entry(gva(AT), TABLES_PTE);
}

/** Try, at CPL 0; the result is a page fault's code, or ~0. */
static u64 fault_of(void (*fn)(void))
{
	struct trap trap;

	trap_catch(fn, &trap);
	if (trap.vector != TRAP_PF) {
		CHECK_COUNT(trap.vector, TRAP_NONE,
			    "an access ends well or with a page fault");
		return ~0ull;
	}
	CHECK_EQ(trap.cr2 & ~0xfffull, AT,
		 "CR2 holds the address of the page fault (SDM 3A 4.7)");
	return trap.error;
}

/** The same at CPL 3. */
static u64 user_fault_of(void (*fn)(void))
{
	struct trap trap;

	trap_user(fn, &trap);
	return trap.vector == TRAP_PF ? trap.error : ~0ull;
}

#define ALL (TABLES_PRESENT | TABLES_WRITE | TABLES_USER)
#define RULE_CODE "a page fault's error code says what was tried (SDM 3A 4.7)"
#define RULE_FREE "an access that its page allows is no fault (SDM 3A 4.6)"

TEST(error_code_says_what_was_tried)
{
	set(0);
	CHECK_EQ(fault_of(do_read), 0, RULE_CODE);
	CHECK_EQ(fault_of(do_write), ERROR_W, RULE_CODE);
	CHECK_EQ(user_fault_of(user_read), ERROR_U, RULE_CODE);
	set(TABLES_PRESENT | TABLES_USER);
	CHECK_EQ(fault_of(do_read), ~0ull, RULE_FREE);
	CHECK_EQ(fault_of(do_write), ERROR_P | ERROR_W, RULE_CODE);
	CHECK_EQ(user_fault_of(user_write), ERROR_P | ERROR_W | ERROR_U,
		 RULE_CODE);
	set(TABLES_PRESENT | TABLES_WRITE);
	CHECK_EQ(fault_of(do_write), ~0ull, RULE_FREE);
	CHECK_EQ(user_fault_of(user_read), ERROR_P | ERROR_U, RULE_CODE);
	CHECK_EQ(user_fault_of(user_write), ERROR_P | ERROR_W | ERROR_U,
		 RULE_CODE);
	set(ALL | TABLES_NX);
	CHECK_EQ(fault_of(do_fetch), ERROR_P | ERROR_I, RULE_CODE);
	set(ALL);
	CHECK_EQ(fault_of(do_fetch), ~0ull, RULE_FREE);
	CHECK_EQ(user_fault_of(user_write), ~0ull, RULE_FREE);
}

/** Rights above the last level count as well. */
TEST(upper_entries_take_rights_away)
{
	set(ALL);
	CHECK_EQ(fault_of(do_write), ~0ull, RULE_FREE);
	*tables_entry(gva(AT), TABLES_PDE) &= ~TABLES_WRITE;
	tables_invlpg(gva(AT));
	CHECK_EQ(fault_of(do_write), ERROR_P | ERROR_W,
		 "each entry on the way must have the right (SDM 3A 4.6)");
	*tables_entry(gva(AT), TABLES_PML4E) &= ~TABLES_USER;
	tables_invlpg(gva(AT));
	CHECK_EQ(user_fault_of(user_read), ERROR_P | ERROR_U,
		 "each entry on the way must have the right (SDM 3A 4.6)");
}

/** TCG leaves the P bit out (docs/machines.md). */
TEST(reserved_bits_are_page_faults)
{
	set(ALL | TABLES_RESERVED);
	CHECK_EQ(fault_of(do_read) & ~(u64)ERROR_P, ERROR_RSVD,
		 "a reserved bit in a PTE is a page fault (SDM 3A 4.7)");
	CHECK_EQ(fault_of(do_write) & ~(u64)ERROR_P, ERROR_RSVD | ERROR_W,
		 "a reserved bit in a PTE is a page fault (SDM 3A 4.7)");
	set(ALL);
	saved_efer = tables_efer();
	tables_set_efer(saved_efer & ~EFER_NXE);
	CHECK_EQ(tables_efer(), saved_efer & ~EFER_NXE,
		 "EFER reads as it was written");
	set(ALL | TABLES_NX);
	CHECK_EQ(fault_of(do_read) & ~(u64)ERROR_P, ERROR_RSVD,
		 "bit 63 is reserved without EFER.NXE (SDM 3A 4.5)");
	tables_set_efer(saved_efer);
	CHECK_EQ(fault_of(do_read), ~0ull, RULE_FREE);
}

TEST(accessed_and_dirty_follow_the_access)
{
	set(ALL);
	do_read();
	CHECK_EQ(entry() & (TABLES_ACCESSED | TABLES_DIRTY), TABLES_ACCESSED,
		 "a load sets accessed and not dirty (SDM 3A 4.8)");
	do_write();
	CHECK_EQ(entry() & (TABLES_ACCESSED | TABLES_DIRTY),
		 TABLES_ACCESSED | TABLES_DIRTY,
		 "a store sets dirty, after a load as well (SDM 3A 4.8)");
	set(ALL);
	do_write();
	CHECK_EQ(entry() & (TABLES_ACCESSED | TABLES_DIRTY),
		 TABLES_ACCESSED | TABLES_DIRTY,
		 "a store sets both (SDM 3A 4.8)");
	set(TABLES_PRESENT | TABLES_USER);
	CHECK_EQ(fault_of(do_write), ERROR_P | ERROR_W, RULE_CODE);
	CHECK_EQ(entry() & TABLES_DIRTY, 0,
		 "a store that faults sets no dirty bit (SDM 3A 4.8)");
}

/** Read-only for users, and for a supervisor only with CR0.WP. */
TEST(without_wp_a_supervisor_writes_everywhere)
{
	u64 cr0 = tables_cr0();

	set(TABLES_PRESENT | TABLES_USER);
	tables_set_cr0(cr0 & ~TABLES_CR0_WP);
	CHECK_EQ(tables_cr0(), cr0 & ~TABLES_CR0_WP,
		 "CR0.WP reads as it was written");
	for (int i = 0; i < 3; i++) {
		page[8] = 0;
		CHECK_EQ(fault_of(do_write), ~0ull,
			 "without CR0.WP a supervisor writes to read-only "
			 "pages (SDM 3A 4.6.1)");
		CHECK_EQ(page[8], 0x49, "the store reaches the memory");
		CHECK_EQ(user_fault_of(user_read), ~0ull, RULE_FREE);
		CHECK_EQ(user_fault_of(user_write),
			 ERROR_P | ERROR_W | ERROR_U,
			 "a user does not, whatever CR0.WP is (SDM 3A 4.6.1)");
	}
	tables_set_cr0(cr0);
	CHECK_EQ(fault_of(do_write), ERROR_P | ERROR_W,
		 "with CR0.WP a supervisor obeys R/W (SDM 3A 4.6.1)");
}

/** The program's pages are the supervisor's: first 4 MiB, 2 MiB at a time. */
static void own_program(bool supervisor)
{
	for (u64 at = 0; at < 8ull << 20; at += 2ull << 20) {
		u64 *pde = tables_entry(gva(at), TABLES_PDE);

		*pde = supervisor ? *pde & ~TABLES_USER : *pde | TABLES_USER;
		tables_invlpg(gva(at));
	}
}

static u64 new_cr4;

static void do_set_cr4(void)
{
	tables_set_cr4(new_cr4);
}

/** Where the processor lacks it, the bit is reserved. */
static void check_refused(u64 bit)
{
	struct trap trap;

	new_cr4 = tables_cr4() | bit;
	trap_catch(do_set_cr4, &trap);
	CHECK_COUNT(trap.vector, TRAP_GP,
		    "a bit of CR4 that CPUID does not offer is #GP");
}

TEST(smep_forbids_fetches_from_users_pages)
{
	u64 cr4 = tables_cr4();

	if (!tables_has_smep()) {
		check_refused(TABLES_CR4_SMEP);
		return;
	}
	set(ALL);
	own_program(true);
	CHECK_EQ(fault_of(do_fetch), ~0ull, RULE_FREE);
	tables_set_cr4(cr4 | TABLES_CR4_SMEP);
	CHECK_EQ(fault_of(do_fetch), ERROR_P | ERROR_I,
		 "under SMEP a supervisor's fetch from a user's page faults "
		 "(SDM 3A 4.6.1)");
	CHECK_EQ(fault_of(do_write), ~0ull, RULE_FREE);
	tables_set_cr4(cr4);
	CHECK_EQ(fault_of(do_fetch), ~0ull, RULE_FREE);
	own_program(false);
}

/** As do_read(), with RFLAGS.AC set. */
static void read_with_ac(void)
{
	asm volatile("stac");
	do_read();
	asm volatile("clac");
}

TEST(smap_forbids_data_of_users_pages)
{
	u64 cr4 = tables_cr4();

	if (!tables_has_smap()) {
		check_refused(TABLES_CR4_SMAP);
		return;
	}
	set(ALL);
	own_program(true);
	tables_set_cr4(cr4 | TABLES_CR4_SMAP);
	CHECK_EQ(fault_of(do_read), ERROR_P,
		 "under SMAP a supervisor's load from a user's page faults "
		 "(SDM 3A 4.6.1)");
	CHECK_EQ(fault_of(do_write), ERROR_P | ERROR_W,
		 "under SMAP a supervisor's store to a user's page faults "
		 "(SDM 3A 4.6.1)");
	CHECK_EQ(fault_of(read_with_ac), ~0ull,
		 "RFLAGS.AC lifts SMAP (SDM 3A 4.6.1)");
	tables_set_cr4(cr4);
	CHECK_EQ(fault_of(do_read), ~0ull, RULE_FREE);
	own_program(false);
}
