/** @file
 * Random bytes at CPL 0 and CPL 3.
 *
 * A case is a page of random bytes and random registers, of which some point
 * into memory.  It runs with TF, so each instruction ends in a #DB, where all
 * registers are looked at, until another exception comes or it has had enough
 * steps.  All exceptions have a stack of their own (IST 1).  Then the system
 * registers are put back as they were.
 *
 * At CPL 0 that cannot always help: bytes may spoil tables, stack or program,
 * or hang.  Then the VM ends in one of the ways of expected.txt, and the next
 * share of the cases begins in a fresh one.
 *
 * Left out, as they end a VM by design: HLT, and at CPL 0 code in MMIO; and
 * POPF, behind which nobody counts the steps.
 *
 * Most shares at CPL 0 have nothing mapped but memory, so that an instruction
 * which the emulator does not know is a page fault; the others have MMIO.
 */
#include "guest-tests/hostile/random.h"

#include "guest-tests/hostile/hostile.h"
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/text.h"

#define STEPS 24
#define HLT 0xf4
#define POPF 0x9d
#define TF BIT(8)
#define FIXED BIT(1)
#define VECTOR_DB 1
#define CASES_EACH 4 /* per case of the command line */
#define REPORT_EACH 2048

struct table_register {
	u16 limit;
	u64 base;
} __packed;

struct gate {
	u16 offset_low, selector, type, offset_middle;
	u32 offset_high, zero;
};

extern char random_stubs[32][16];

static struct gate idt[32];
static u8 arena[65536] __aligned(4096);
static u8 code[8192] __aligned(4096);
static u64 left, steps, shown;

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

static void begin(void)
{
	asm volatile("movq %%cr0, %0" : "=r"(own.cr0));
	asm volatile("movq %%cr3, %0" : "=r"(own.cr3));
	asm volatile("movq %%cr4, %0" : "=r"(own.cr4));
	asm volatile("sgdt %0" : "=m"(own.gdt));
	set_gates();
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

static void put_back(void)
{
	u64 *tss = (u64 *)(own.gdt.base + 0x28);

	asm volatile("movq %0, %%cr4" : : "r"(own.cr4));
	asm volatile("movq %0, %%cr0" : : "r"(own.cr0));
	asm volatile("movq %0, %%cr3" : : "r"(own.cr3) : "memory");
	asm volatile("lgdt %0\n\tlidt %1" : : "m"(own.gdt), "m"(own.idt));
	*tss &= ~BIT(41); /* not busy */
	asm volatile("ltr %w0" : : "r"(0x28) : "memory");
	asm volatile("movw %w0, %%ds\n\tmovw %w0, %%es\n\tmovw %w0, %%ss"
		     :
		     : "r"(0x10));
	asm volatile("movq %0, %%dr7" : : "r"(0x400ull));
}

static void look(const struct random_machine *machine)
{
	for (unsigned int i = 0; i < 16; i++) {
		hostile_look(machine->gpr[i]);
	}
}

static bool is_end(const struct random_machine *machine)
{
	u8 next = HLT;

	if (machine->rip < GUEST_RAM_SIZE) {
		next = *(const volatile u8 *)machine->rip;
	}
	return next == HLT || next == POPF;
}

bool random_step(struct random_machine *machine)
{
	steps++;
	look(machine);
	return machine->vector == VECTOR_DB && left && left-- &&
	       !is_end(machine);
}

/** For people, and for those who count: some VMs do not come to an end. */
static void report(void)
{
	struct text text = { .length = 0 };

	text_add(&text, "hostile: steps +");
	text_add_decimal(&text, steps - shown);
	text_add(&text, "\n");
	text_print(&text);
	shown = steps;
}

static u64 random_register(u64 *x)
{
	u64 any = hostile_random(x);

	switch (any >> 60 & 3) {
	case 0:
		return (u64)arena + (any & 0xfff8);
	case 1:
		return any & 0xff;
	case 2:
		return any & 0xff ? any :
				    DEVICE_NOBODY_GPA + (any >> 8 & 0xff8);
	default:
		return (u64)arena + sizeof(arena) / 2;
	}
}

static void make_case(struct random_machine *machine, u64 *x)
{
	for (unsigned int i = 0; i < 128; i += 8) {
		*(u64 *)(code + 2048 + i) = hostile_random(x);
	}
	for (unsigned int i = 0; i < 16; i++) {
		machine->gpr[i] = random_register(x);
	}
	machine->rip = (u64)code + 2048;
	machine->rflags = TF | FIXED | (hostile_random(x) & 0xcd5);
	while (is_end(machine)) {
		machine->rip++;
	}
}

void random_share(u64 share, bool user)
{
	struct random_machine machine;
	u64 count = boot_info()->cases * CASES_EACH / RANDOM_SHARES;
	u64 x = (boot_info()->seed * RANDOM_SHARES + share + 1) *
		0xbf58476d1ce4e5b9ull;

	hostile_begin();
	begin();
	if (share < RANDOM_MMIO) {
		unmap_mmio();
	}
	for (u64 i = 0; i < count; i++) {
		make_case(&machine, &x);
		left = STEPS;
		put_back();
		random_run(&machine, user ? 0x23 : 0x08, user ? 0x1b : 0x10);
		look(&machine);
		put_back();
		if (steps - shown >= REPORT_EACH) {
			report();
		}
	}
	report();
	hostile_look_at_ram();
	hostile_end();
}
