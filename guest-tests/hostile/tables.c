/** @file
 * Descriptor tables, stacks and page tables that are spoiled.
 *
 * How each has to end stands in expected.txt.
 */
#include "guest-tests/hostile/hostile.h"

#define MMIO DEVICE_NOBODY_GPA
#define GDT_ENTRIES 16
#define ROUNDS 2000

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static void load_idt(u64 base, u16 limit)
{
	struct table_register idtr = { limit, base };

	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

static void load_gdt(u64 base, u16 limit)
{
	struct table_register gdtr = { limit, base };

	asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
}

static void fault(void)
{
	asm volatile("ud2");
}

TEST(idt_limit_0)
{
	load_idt(0, 0);
	fault();
}

static void load_idt_non_canonical(void)
{
	load_idt(BIT(63), 0xfff);
}

TEST(idt_non_canonical)
{
	struct trap trap;

	trap_catch(load_idt_non_canonical, &trap);
	if (trap.vector == TRAP_NONE) {
		fault(); /* QEMU's emulator loads it */
	}
	CHECK_COUNT(trap.vector, TRAP_GP,
		    "an IDT that is not canonical is #GP (SDM 2A LIDT)");
}

TEST(idt_in_mmio)
{
	load_idt(MMIO, 0xfff);
	fault();
}

TEST(idt_behind_memory)
{
	load_idt(GUEST_RAM_SIZE - 16, 0xfff);
	fault();
}

TEST(gdt_in_mmio)
{
	load_gdt(MMIO, 0xffff);
	fault();
}

TEST(gdt_limit_0)
{
	load_gdt(0, 0);
	fault();
}

static void touch_nothing(void)
{
	mmio_read8(HOSTILE_WINDOW);
}

/** A page fault takes its stack from the TSS: lib/trap.c. */
TEST(tss_in_mmio)
{
	static u64 gdt[GDT_ENTRIES];
	struct table_register gdtr;

	asm volatile("sgdt %0" : "=m"(gdtr));
	memcpy(gdt, (void *)gdtr.base, 8 * sizeof(u64));
	gdt[5] = 0x67 | (MMIO & BITS(23, 0)) << 16 | 0x89ull << 40 |
		 bits(MMIO, 31, 24) << 56;
	gdt[6] = 0;
	load_gdt((u64)gdt, sizeof(gdt) - 1);
	asm volatile("ltr %w0" : : "r"(0x28));
	touch_nothing();
}

TEST(stack_in_mmio)
{
	asm volatile("movq %0, %%rsp\n\tud2" : : "r"(MMIO + 2048));
}

TEST(stack_non_canonical)
{
	asm volatile("movq %0, %%rsp\n\tud2" : : "r"(BIT(62)));
}

TEST(call_with_a_stack_in_mmio)
{
	asm volatile("movq %0, %%rsp\n\tcall 1f\n1:\tud2"
		     :
		     : "r"(MMIO + 2048));
}

TEST(cr3_in_mmio)
{
	asm volatile("movq %0, %%cr3" : : "r"(MMIO) : "memory");
	fault();
}

TEST(cr3_of_zeros)
{
	static u64 zeros[512] __aligned(4096);

	asm volatile("movq %0, %%cr3" : : "r"(zeros) : "memory");
	fault();
}

/* Random ones -------------------------------------------------------------- */

static u16 selector;

static void load_selector(void)
{
	asm volatile("movw %w0, %%ds\n\tmovw %w0, %%gs" : : "r"(selector));
}

/** Behind the entries that the exceptions need. */
TEST(random_descriptors)
{
	static u64 gdt[512];
	struct table_register gdtr;
	struct trap trap;
	u64 x = 49;

	hostile_begin();
	asm volatile("sgdt %0" : "=m"(gdtr));
	memcpy(gdt, (void *)gdtr.base, 8 * sizeof(u64));
	load_gdt((u64)gdt, sizeof(gdt) - 1);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 n = 8 + hostile_random(&x) % 500;

		gdt[n] = hostile_random(&x);
		selector = (u16)(n * 8 + (hostile_random(&x) & 7));
		trap_catch(load_selector, &trap);
		hostile_look(trap.error);
	}
	selector = 0x10;
	load_selector();
	hostile_end();
}

#define TABLES 16
static u64 tables[TABLES][512] __aligned(4096);

/** Any bits, and an address inside of these tables or past all memory. */
static u64 random_entry(u64 *x)
{
	u64 any = hostile_random(x);
	u64 at = (u64)tables[any >> 20 & (TABLES - 1)];

	return at | (any & (0xfffull | BIT(63))) |
	       (any & 0x3f000000000ull ? 0 : BIT(51)) | 1;
}

/** Stores would spoil the tables themselves, and they may. */
TEST(random_page_tables)
{
	struct trap trap;
	u64 x = 49, cr3;

	hostile_begin();
	asm volatile("movq %%cr3, %0" : "=r"(cr3));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		u64 *table = tables[hostile_random(&x) % TABLES];

		for (unsigned int n = 0; n < 8; n++) {
			table[n] = random_entry(&x);
		}
		((u64 *)cr3)[HOSTILE_WINDOW >> 39 & 511] =
			(u64)tables[0] | 7;
		asm volatile("movq %0, %%cr3" : : "r"(cr3) : "memory");
		trap_catch(touch_nothing, &trap);
		hostile_look(trap.cr2);
	}
	hostile_end();
}
