/** @file
 * The processor's state around random bytes.
 *
 * CPL 0 may change all of it, so it is put back after each case.  What the test
 * itself stands on it protects as far as pages can.
 */
#include "guest-tests/hostile/hostile.h"
#include "guest-tests/hostile/random.h"

#define WRITE_PROTECT BIT(16) /* CR0 */
#define DR7_NONE 0x400ull
#define TSS 0x28

struct table_register {
	u16 limit;
	u64 base;
} __packed;

struct gate {
	u16 offset_low, selector, type, offset_middle;
	u32 offset_high, zero;
};

extern char random_stubs[32][16];
extern const u8 program_data[]; /* guest-tests/link.ld */

static struct gate idt[32];

/** What has to be put back. */
static struct {
	u64 cr0, cr3, cr4;
	struct table_register gdt, idt;
} own;

static void set_gates(void)
{
	for (unsigned int i = 0; i < 32; i++) {
		u64 stub = (u64)random_stubs[i];

		idt[i] = (struct gate){ (u16)stub, 0x08, 0x8e01,
					(u16)(stub >> 16), 0, 0 };
	}
	own.idt = (struct table_register){ sizeof(idt) - 1, (u64)idt };
}

/** From the second table of 4 levels on: the first 16 MiB of 4 GiB. */
static void unmap_mmio(void)
{
	u64 *directory = (u64 *)(((u64 *)own.cr3)[0] & ~0xfffull);

	for (unsigned int i = 1; i < 4; i++) {
		directory[i] = 0;
	}
	directory = (u64 *)(directory[0] & ~0xfffull);
	for (unsigned int i = GUEST_RAM_SIZE >> 21; i < 512; i++) {
		directory[i] = 0;
	}
	asm volatile("movq %0, %%cr3" : : "r"(own.cr3) : "memory");
}

static bool is_within(u64 place, const void *begin, u64 size)
{
	return place >= (u64)begin && place < (u64)begin + size;
}

/** What a page of the program allows.  Arena and code are everybody's. */
static u64 permissions(u64 place)
{
	if (is_within(place, random_arena, RANDOM_ARENA) ||
	    is_within(place, random_code, RANDOM_CODE)) {
		return PAGES_WRITE | PAGES_USER;
	}
	return place < (u64)program_data ? 0 : PAGES_WRITE;
}

/**
 * What the test itself stands on is not for CPL 3, and of that what it need not
 * write is not for CPL 0 either: the tables of pages, the boot page, the code.
 */
static void protect_program(void)
{
	u64 *directory = (u64 *)(((u64 *)own.cr3)[0] & ~0xfffull);
	u64 *table;

	pages_split(gva(GUEST_LINK_MIN));
	directory = (u64 *)(directory[0] & ~0xfffull);
	directory[0] &= ~(PAGES_WRITE | PAGES_USER);
	table = (u64 *)(directory[1] & ~0xfffull);
	for (u64 i = 0; i < 512; i++) {
		table[i] &= ~(PAGES_WRITE | PAGES_USER);
		table[i] |= permissions(GUEST_LINK_MIN + i * PAGE_SIZE);
	}
	own.cr0 |= WRITE_PROTECT;
}

/** Writing is an exit, reading is none. */
static void put_back_modes(void)
{
	u64 cr0, cr4;

	asm volatile("movq %%cr4, %0" : "=r"(cr4));
	if (cr4 != own.cr4) {
		asm volatile("movq %0, %%cr4" : : "r"(own.cr4));
	}
	asm volatile("movq %%cr0, %0" : "=r"(cr0));
	if (cr0 != own.cr0) {
		asm volatile("movq %0, %%cr0" : : "r"(own.cr0));
	}
	asm volatile("movq %0, %%cr3" : : "r"(own.cr3) : "memory");
	asm volatile("movq %0, %%dr7" : : "r"(DR7_NONE));
}

static void put_back_tables(void)
{
	u64 *tss = (u64 *)(own.gdt.base + TSS);

	asm volatile("lgdt %0\n\tlidt %1" : : "m"(own.gdt), "m"(own.idt));
	*tss &= ~BIT(41); /* not busy */
	asm volatile("ltr %w0" : : "r"(TSS) : "memory");
}

void random_state_put_back(bool user)
{
	if (!user) {
		put_back_modes();
		put_back_tables();
	}
	asm volatile("movw %w0, %%ds\n\tmovw %w0, %%es\n\tmovw %w0, %%ss"
		     :
		     : "r"(0x10));
}

void random_state_begin(bool with_mmio)
{
	asm volatile("movq %%cr0, %0" : "=r"(own.cr0));
	asm volatile("movq %%cr3, %0" : "=r"(own.cr3));
	asm volatile("movq %%cr4, %0" : "=r"(own.cr4));
	asm volatile("sgdt %0" : "=m"(own.gdt));
	set_gates();
	if (!with_mmio) {
		unmap_mmio();
	}
	protect_program();
	random_state_put_back(false);
}
