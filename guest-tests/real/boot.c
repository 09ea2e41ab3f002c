/** @file
 * A guest that boots: from real mode through all others to 64 bits.
 *
 * With an unrestricted guest the processor does all of it.  With ug=0 the
 * emulator does what comes before paging, without EPT what comes before
 * protected mode, and then the next instruction is the processor's.
 */
#include "guest-tests/lib/test.h"

#define VALUE_32 0x32323232
#define VALUE_64 0x64646464
#define TSS_BUSY BIT(41)

/** boot16.S: 0 when it has booted. */
s64 boot16_go(struct hypercall_real *r, u64 number);
extern const u8 boot16_code[], boot16_code_end[];

struct table {
	u16 limit;
	u64 base;
} __attribute__((packed));

static u64 read_cr3(void)
{
	u64 cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3;
}

/** What the code finds in its data segment; its TSS can be loaded again. */
static void write_tables(void)
{
	volatile struct table *gdt = (void *)(u64)REAL_DATA;
	volatile struct table *idt = (void *)(u64)(REAL_DATA + 16);
	u16 tr;

	asm volatile("sgdt %0" : "=m"(*gdt));
	asm volatile("sidt %0" : "=m"(*idt));
	asm volatile("str %0" : "=r"(tr));
	*(u64 *)(gdt->base + tr) &= ~TSS_BUSY;
}

static void boot(void)
{
	struct hypercall_real r;

	real_prepare(&r, boot16_code, boot16_code_end);
	write_tables();
	real_set_vector(0x21, 0x100);
	r.flags = REAL_FOR_GOOD;
	r.gpr[3] = (u32)DEVICE_SCRATCH_GPA;
	r.gpr[7] = (u32)read_cr3();
	CHECK_EQ(boot16_go(&r, HYPERCALL_REAL), 0, "the guest has booted");
}

static u64 emulations(void)
{
	return vmcall_counter(COUNTER_EMULATIONS);
}

static void raise_ud(void)
{
	asm volatile("ud2");
}

TEST(a_guest_boots_from_real_mode)
{
	struct trap trap;
	u64 before;

	device_clear_exits();
	boot();
	CHECK_EQ(*(volatile u32 *)(u64)(REAL_DATA + 36), 0x2121,
		 "INT n was answered in real mode");
	CHECK_EQ(device_exit(0).address, 0x92, "port 92h was read ...");
	CHECK_TRUE(device_exit(1).is_write, "... and written");
	CHECK_EQ(device_exit(2).data, VALUE_32,
		 "32-bit code without paging reaches a device");
	CHECK_EQ(device_exit(3).data, VALUE_64, "so does 64-bit code");
	CHECK_EXITS(device_clear_exits(), 4, "each once");
	before = emulations();
	trap_catch(raise_ud, &trap);
	CHECK_EQ(trap.vector, TRAP_UD, "exceptions are delivered");
	CHECK_COUNT(emulations() - before, 0,
		    "a state that can be entered is entered (spec 9-9)");
}

TEST(a_guest_boots_again_and_again)
{
	for (unsigned int i = 0; i < 20; i++) {
		boot();
	}
	CHECK_EXITS(vmcall_device(DEVICE_SCRATCH_GPA, DEVICE_WRITES), 40,
		    "each boot has written twice");
}
