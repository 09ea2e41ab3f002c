/** @file
 * When a guest's change of its tables counts, and which values are refused.
 *
 * The processor may go on with an old translation until it is told to forget
 * it, and never after.  Each test changes an entry, flushes in one way, and
 * looks.
 */
#include "guest-tests/lib/test.h"
#include "guest-tests/paging/tables.h"

#define AT PAGES_FREE_GVA
#define NO_FLUSH BIT(63)
#define CR3_PWT BIT(3)
#define FLAGS (TABLES_PRESENT | TABLES_WRITE)

enum invpcid { INVPCID_PAGE, INVPCID_PCID, INVPCID_ALL, INVPCID_LOCAL };

static u32 first[1024] __aligned(4096);
static u32 second[1024] __aligned(4096);
static u64 operand, operand_pcid, operand_type;

/** AT is the first page, and the processor knows it. */
static void begin(u64 flags)
{
	first[0] = 1;
	second[0] = 2;
	pages_map(gva(AT), gpa((u64)first), PAGES_WRITE);
	tables_set(gva(AT), TABLES_PTE, (u64)first | FLAGS | flags);
	CHECK_COUNT(mmio_read4(AT), 1, "a page is the memory it is mapped to");
}

/** It becomes the second one; nobody is told. */
static void change(u64 flags)
{
	*tables_entry(gva(AT), TABLES_PTE) = (u64)second | FLAGS | flags;
}

static void check_changed(const char *rule)
{
	check_equal(CHECK_PLACE(rule, FORMAT_DECIMAL), mmio_read4(AT), 2);
}

static void do_set_cr3(void)
{
	tables_set_cr3(operand);
}

static void do_set_cr4(void)
{
	tables_set_cr4(operand);
}

static void do_invpcid(void)
{
	tables_invpcid(operand_type, operand_pcid, gva(operand));
}

static u64 vector_of(void (*fn)(void))
{
	struct trap trap;

	trap_catch(fn, &trap);
	return trap.vector;
}

TEST(changes_count_after_a_flush)
{
	u64 cr3 = tables_cr3();

	begin(0);
	change(0);
	tables_invlpg(gva(AT + 0x123));
	check_changed("INVLPG of any address in a page flushes it (SDM 3A "
		      "4.10.4.1)");
	begin(0);
	change(0);
	tables_set_cr3(cr3);
	check_changed("loading CR3 flushes all pages (SDM 3A 4.10.4.1)");
	begin(TABLES_GLOBAL);
	change(TABLES_GLOBAL);
	tables_invlpg(gva(AT));
	check_changed("INVLPG flushes global pages, too (SDM 3A 4.10.4.1)");
	tables_set_cr4(tables_cr4() | TABLES_CR4_PGE);
	begin(TABLES_GLOBAL);
	change(TABLES_GLOBAL);
	tables_set_cr4(tables_cr4() & ~TABLES_CR4_PGE);
	check_changed("a change of CR4.PGE flushes global pages (SDM 3A "
		      "4.10.4.1)");
}

/** What was not present is in no TLB: no flush is needed (SDM 3A 4.10.4.3). */
TEST(a_new_page_needs_no_flush)
{
	struct trap trap;

	begin(0);
	tables_set(gva(AT), TABLES_PTE, 0);
	operand = AT;
	trap_catch((void (*)(void))AT, &trap);
	CHECK_COUNT(trap.vector, TRAP_PF, "a page that is not there faults");
	change(0);
	check_changed("a page that was not present is there at once (SDM 3A "
		      "4.10.4.3)");
}

/** Large pages: INVLPG of one address flushes all of it. */
TEST(a_large_page_is_flushed_as_a_whole)
{
	const u64 at = 6ull << 20;
	u64 pde = *tables_entry(gva(at), TABLES_PDE);

	*(u32 *)(at + 0x1000) = 6;
	*(u32 *)(at + 0x1ff000) = 7;
	*(u32 *)(8ull << 20 | 0x1000) = 8;
	*(u32 *)(8ull << 20 | 0x1ff000) = 9;
	CHECK_COUNT(mmio_read4(at + 0x1000), 6, "memory keeps its value");
	CHECK_COUNT(mmio_read4(at + 0x1ff000), 7, "memory keeps its value");
	*tables_entry(gva(at), TABLES_PDE) = pde + (2ull << 20);
	tables_invlpg(gva(at + 0x100000));
	CHECK_COUNT(mmio_read4(at + 0x1000), 8,
		    "INVLPG flushes all of a large page (SDM 3A 4.10.4.1)");
	CHECK_COUNT(mmio_read4(at + 0x1ff000), 9,
		    "INVLPG flushes all of a large page (SDM 3A 4.10.4.1)");
	tables_set(gva(at), TABLES_PDE, pde);
}

TEST(cr3_reads_as_it_was_written)
{
	u64 cr3 = tables_cr3();

	tables_set_cr3(cr3 | CR3_PWT);
	CHECK_EQ(tables_cr3(), cr3 | CR3_PWT, "CR3 reads as it was written");
	tables_set_cr3(cr3);
	operand = cr3 | BIT(60);
	CHECK_COUNT(vector_of(do_set_cr3), TRAP_GP,
		    "a reserved bit of CR3 is #GP (SDM 3A 4.5)");
	operand = cr3 | NO_FLUSH;
	CHECK_COUNT(vector_of(do_set_cr3), TRAP_GP,
		    "without CR4.PCIDE bit 63 of CR3 is reserved (SDM 3A "
		    "4.10.4.1)");
	CHECK_EQ(tables_cr3(), cr3, "what is refused changes nothing");
}

/** Where CPUID does not offer them. */
static void check_no_pcids(void)
{
	operand = tables_cr4() | TABLES_CR4_PCIDE;
	CHECK_COUNT(vector_of(do_set_cr4), TRAP_GP,
		    "a bit of CR4 that CPUID does not offer is #GP");
	CHECK_COUNT(vector_of(do_invpcid), TRAP_UD,
		    "an instruction that CPUID does not offer is #UD");
}

TEST(pcids_need_a_cr3_without_one)
{
	u64 cr3 = tables_cr3(), cr4 = tables_cr4();

	if (!tables_has_pcid()) {
		check_no_pcids();
		return;
	}
	tables_set_cr3(cr3 | 5);
	operand = cr4 | TABLES_CR4_PCIDE;
	CHECK_COUNT(vector_of(do_set_cr4), TRAP_GP,
		    "CR4.PCIDE can be set with PCID 0 only (SDM 3A 4.10.1)");
	tables_set_cr3(cr3);
	CHECK_COUNT(vector_of(do_set_cr4), TRAP_NONE,
		    "CR4.PCIDE can be set with PCID 0 (SDM 3A 4.10.1)");
	tables_set_cr3(cr3 | 5 | NO_FLUSH);
	CHECK_EQ(tables_cr3(), cr3 | 5,
		 "bit 63 of CR3 is not stored (SDM 3A 4.10.4.1)");
}

/** A PCID's page, changed while another PCID is current. */
static void change_in_other_pcid(void)
{
	u64 cr3 = tables_cr3() & ~0xfffull;

	tables_set_cr3(cr3 | 1);
	begin(0);
	tables_set_cr3(cr3 | 2 | NO_FLUSH);
	change(0);
}

static void back_to_first(void)
{
	tables_set_cr3((tables_cr3() & ~0xfffull) | 1 | NO_FLUSH);
}

TEST(invpcid_flushes_what_it_says)
{
	if (!tables_has_pcid()) {
		check_no_pcids();
		return;
	}
	tables_set_cr4(tables_cr4() | TABLES_CR4_PCIDE);
	change_in_other_pcid();
	tables_invpcid(INVPCID_PAGE, 1, gva(AT));
	back_to_first();
	check_changed("INVPCID type 0 flushes a page of a PCID (SDM 2A)");
	change_in_other_pcid();
	tables_invpcid(INVPCID_PCID, 1, gva(0));
	back_to_first();
	check_changed("INVPCID type 1 flushes a PCID (SDM 2A)");
	change_in_other_pcid();
	tables_invpcid(INVPCID_ALL, 0, gva(0));
	back_to_first();
	check_changed("INVPCID type 2 flushes all (SDM 2A)");
	change_in_other_pcid();
	tables_invpcid(INVPCID_LOCAL, 0, gva(0));
	back_to_first();
	check_changed("INVPCID type 3 flushes all but global pages (SDM 2A)");
	change_in_other_pcid();
	tables_set_cr3((tables_cr3() & ~0xfffull) | 1);
	check_changed("loading CR3 without bit 63 flushes its PCID (SDM 3A "
		      "4.10.4.1)");
}

/** INVPCID with these operands: which exception? */
static u64 invpcid_vector(u64 type, u64 pcid, u64 address)
{
	operand_type = type;
	operand_pcid = pcid;
	operand = address;
	return vector_of(do_invpcid);
}

TEST(invpcid_refuses_bad_operands)
{
	if (!tables_has_pcid()) {
		check_no_pcids();
		return;
	}
	CHECK_COUNT(invpcid_vector(INVPCID_PAGE, 1, AT), TRAP_GP,
		    "without CR4.PCIDE a PCID must be 0 (SDM 2A INVPCID)");
	CHECK_COUNT(invpcid_vector(INVPCID_PAGE, 0, AT), TRAP_NONE,
		    "INVPCID works without CR4.PCIDE (SDM 2A INVPCID)");
	CHECK_COUNT(invpcid_vector(4, 0, 0), TRAP_GP,
		    "an INVPCID type above 3 is #GP (SDM 2A INVPCID)");
	CHECK_COUNT(invpcid_vector(INVPCID_ALL, BIT(12), 0), TRAP_GP,
		    "reserved bits of the descriptor are #GP (SDM 2A INVPCID)");
	CHECK_COUNT(invpcid_vector(INVPCID_PAGE, 0, BIT(63)), TRAP_GP,
		    "an address that is not canonical is #GP (SDM 2A INVPCID)");
}

/** Five address spaces, one more than the hypervisor keeps. */
TEST(address_spaces_do_not_mix)
{
	static u64 tops[5][512] __aligned(4096);
	static u32 memory[5][1024] __aligned(4096);
	u64 cr3 = tables_cr3();
	u64 own = PAGES_FREE_GVA >> 39 & 511;

	for (u64 i = 0; i < ARRAY_SIZE(tops); i++) {
		memcpy(tops[i], (void *)(cr3 & BITS(51, 12)), 4096);
		tops[i][own] = 0;
		tables_set_cr3((u64)tops[i]);
		pages_map(gva(AT), gpa((u64)memory[i]), PAGES_WRITE);
		mmio_write4(AT, 0x100 + (u32)i);
	}
	for (u64 n = 0; n < 50; n++) {
		u64 i = n * 3 % ARRAY_SIZE(tops);

		tables_set_cr3((u64)tops[i]);
		CHECK_EQ(mmio_read4(AT), 0x100 + i,
			 "each CR3 has its own translations");
	}
	tables_set_cr3(cr3);
}
