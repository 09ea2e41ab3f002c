/** @file
 * Tables and operands where nobody would put them: in MMIO, in read-only
 * memory, behind all memory, in themselves.
 *
 * The processor's own accesses to MMIO (a walk of page tables, the push of an
 * exception) cannot be emulated and end the VM; an instruction's can, if the
 * emulator knows it.  How each has to end stands in expected.txt.
 */
#include "guest-tests/hostile/hostile.h"

#define MMIO DEVICE_NOBODY_GPA
#define TABLE_FLAGS 0x27ull /* present, writable, user, accessed */
#define LARGE_FLAGS 0xe7ull
#define SLOT_OF(shift) (HOSTILE_WINDOW >> (shift) & 511)
#define RECURSIVE 0x1fe

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static u64 tables[3][512] __aligned(4096);
static u64 *root;

static void read_root(void)
{
	asm volatile("movq %%cr3, %0" : "=r"(root));
}

static void flush(void)
{
	asm volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

static void touch(void)
{
	hostile_look(mmio_read8(HOSTILE_WINDOW));
	mmio_write8(HOSTILE_WINDOW + 8, 1);
}

static void touch_caught(void)
{
	struct trap trap;

	hostile_begin();
	flush();
	trap_catch(touch, &trap);
	hostile_look(trap.cr2);
	hostile_end();
}

/** So many tables of the way to the window are ours, the next one is there. */
static void walk_into(unsigned int ours, u64 there)
{
	u64 *table;

	read_root();
	table = root;
	for (unsigned int i = 0; i < ours; i++) {
		table[SLOT_OF(39 - 9 * i)] = (u64)tables[i] | TABLE_FLAGS;
		table = tables[i];
	}
	table[SLOT_OF(39 - 9 * ours)] = there | TABLE_FLAGS;
	touch_caught();
}

TEST(pdpt_in_mmio)
{
	walk_into(0, MMIO);
}

TEST(page_directory_in_mmio)
{
	walk_into(1, MMIO);
}

TEST(page_table_in_mmio)
{
	walk_into(2, MMIO);
}

TEST(page_table_behind_memory)
{
	walk_into(2, GUEST_RAM_SIZE);
}

TEST(page_table_behind_all_addresses)
{
	walk_into(2, BIT(51));
}

TEST(page_table_in_the_fifo)
{
	walk_into(2, DEVICE_FIFO_GPA);
}

/** The walk sets accessed and dirty bits: here it may not write. */
TEST(page_table_in_a_slot_that_is_read_only)
{
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, SLOT_READONLY);
	for (u64 i = 0; i < 512; i++) {
		slots_poke(1, 8 * i, 0x400000 | 7); /* not accessed */
	}
	walk_into(2, SLOTS_GPA);
}

TEST(page_table_in_a_slot_that_goes_away)
{
	slots_add(1, gpa(SLOTS_GPA), SLOTS_LARGE, 0);
	slots_poke(1, 8 * SLOT_OF(12), 0x400000 | LARGE_FLAGS);
	walk_into(2, SLOTS_GPA);
	slots_delete(1);
	touch_caught();
}

/** A root that is its own table at each level; then a page of itself that is
 * written through itself. */
TEST(tables_in_themselves)
{
	volatile u64 *self =
		(volatile u64 *)(0xffffull << 48 | (u64)RECURSIVE << 39 |
				 (u64)RECURSIVE << 30 | (u64)RECURSIVE << 21 |
				 (u64)RECURSIVE << 12);
	u64 any = 0;

	hostile_begin();
	read_root();
	root[RECURSIVE] = (u64)root | TABLE_FLAGS;
	flush();
	for (unsigned int i = 256; i < 512; i++) {
		any ^= self[i];
		if (i != RECURSIVE) {
			self[i] = (u64)root | (i % 2 ? 0x67 : 0x27);
		}
	}
	hostile_look(any);
	flush();
	for (unsigned int i = 0; i < 64; i++) {
		hostile_look(self[i]);
	}
	hostile_end();
}

/** All of 512 GiB is one frame: the dirty bits of one page are everywhere. */
TEST(one_page_at_every_address)
{
	hostile_begin();
	read_root();
	for (unsigned int i = 0; i < 512; i++) {
		tables[0][i] = (u64)tables[1] | TABLE_FLAGS;
		tables[1][i] = (u64)tables[2] | TABLE_FLAGS;
		tables[2][i] = 0x800000 | TABLE_FLAGS;
	}
	root[SLOT_OF(39)] = (u64)tables[0] | TABLE_FLAGS;
	flush();
	for (u64 at = 0; at < BIT(39); at += BIT(31) + PAGE_SIZE) {
		mmio_write8(HOSTILE_WINDOW + at, at);
		hostile_look(mmio_read8(HOSTILE_WINDOW + at / 2));
	}
	hostile_end();
}

/* Operands ----------------------------------------------------------------- */

#define OPERAND(n, text) \
	static void operand_##n(void) \
	{ \
		asm volatile(text \
			     : \
			     : "D"(MMIO + 512), "S"(MMIO + 1024), "a"(0), \
			       "d"(0), "c"(4) \
			     : "rbx", "memory", "cc"); \
	} \
\
	TEST(strange_operand_##n) \
	{ \
		struct trap trap; \
\
		hostile_begin(); \
		trap_catch(operand_##n, &trap); \
		hostile_look(trap.rcx); \
		hostile_end(); \
	}

OPERAND(0, "fxsave (%%rdi)")
OPERAND(1, "fxrstor (%%rdi)")
OPERAND(2, "lock cmpxchg16b (%%rdi)")
OPERAND(3, "rep movsq")
OPERAND(4, "sgdt (%%rdi)")
OPERAND(5, "lgdt (%%rdi)")
OPERAND(6, "lidt (%%rdi)")
OPERAND(7, "ltr (%%rdi)")
OPERAND(8, "lldt (%%rdi)")
OPERAND(9, "invlpg (%%rdi)")
OPERAND(10, "clflush (%%rdi)")
OPERAND(11, "movw (%%rdi), %%ss")
OPERAND(12, "pushq (%%rdi)\n\tpopq (%%rsi)")
OPERAND(13, "lock xaddq %%rax, (%%rdi)")
OPERAND(14, "rep stosb")
OPERAND(15, "lmsw (%%rdi)")
OPERAND(16, "verr (%%rdi)\n\tverw (%%rdi)")
OPERAND(17, "fldenv (%%rdi)")
OPERAND(18, "ldmxcsr (%%rdi)")
OPERAND(19, "prefetcht0 (%%rdi)\n\tnopl (%%rdi)")

#define PLACE(n, text) \
	TEST(strange_place_##n) \
	{ \
		hostile_begin(); \
		asm volatile(text : : "D"(MMIO + 512) : "memory"); \
	}

/* Each goes on in MMIO, or behind it; none comes back. */
PLACE(0, "jmp *(%%rdi)")
PLACE(1, "call *(%%rdi)")
PLACE(2, "ljmp *(%%rdi)")
PLACE(3, "movq %%rdi, %%rsp\n\tret")
PLACE(4, "movq %%rdi, %%rsp\n\tiretq")
PLACE(5, "movq %%rdi, %%rsp\n\tpushfq\n\tpopfq\n\tud2")
PLACE(6, "movq %%rdi, %%rsp\n\tenter $64, $3\n\tud2")
PLACE(7, "movq %%rdi, %%rsp\n\tint $3")
PLACE(8, "movq %%rdi, %%rsp\n\tsti\n\tint $14")

/* Descriptors -------------------------------------------------------------- */

/** Selectors from a table of which all is MMIO but what exceptions need. */
TEST(selectors_from_mmio)
{
	struct table_register gdtr = { 0xffff, MMIO };

	hostile_begin();
	asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
	asm volatile("movw %w0, %%fs\n\tmovw %w1, %%gs" : : "r"(0x18),
		     "r"(0));
	hostile_look(0);
	hostile_end();
}

/** A page fault's stack is in MMIO, and the exception's frame with it. */
TEST(interrupt_stack_in_mmio)
{
	struct table_register gdtr;
	u64 *tss;

	asm volatile("sgdt %0" : "=m"(gdtr));
	tss = (u64 *)((*(u64 *)(gdtr.base + 0x28) >> 16 & 0xffffff) + 36);
	*tss = MMIO + 2048;
	mmio_read8(HOSTILE_WINDOW);
}
