/** @file
 * System instructions whose operand is a device's register.
 *
 * A guest may well load a descriptor table or a segment from where there is no
 * memory.  The processor exits for the operand, and the emulator carries the
 * whole instruction out.  A mirror in the core holds the operands.
 */
#include "guest-tests/lib/device.h"
#include "guest-tests/lib/test.h"

#define AT DEVICE_FREE_GPA
#define SELECTOR_DATA 0x10

struct table {
	u16 limit;
	u64 base;
} __packed;

static u64 mirror;

static void make_mirror(const void *bytes, u64 size)
{
	mirror = device_make(DEVICE_MIRROR, DEVICE_IN_CORE, AT, 4096);
	device_put(mirror, bytes, size);
}

TEST(descriptor_tables_move_to_and_from_a_device)
{
	struct table gdt, idt, seen;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	make_mirror(&gdt, sizeof(gdt));
	asm volatile("lgdt (%0)" : : "r"(AT) : "memory");
	asm volatile("sgdt %0" : "=m"(seen));
	CHECK_EQ(seen.base, gdt.base, "LGDT from a device loads the base");
	CHECK_EQ(seen.limit, gdt.limit, "LGDT from a device loads the limit");
	asm volatile("sidt (%0)" : : "r"(AT) : "memory");
	device_get(mirror, &seen, sizeof(seen));
	CHECK_EQ(seen.base, idt.base, "SIDT to a device stores the base");
	CHECK_EQ(seen.limit, idt.limit, "SIDT to a device stores the limit");
}

TEST(segments_are_loaded_from_a_device)
{
	const u16 selector = SELECTOR_DATA;
	u16 seen;

	make_mirror(&selector, sizeof(selector));
	asm volatile("movw (%0), %%gs" : : "r"(AT) : "memory");
	asm volatile("movw %%gs, %0" : "=r"(seen));
	CHECK_EQ(seen, SELECTOR_DATA, "MOV to GS takes the selector");
	asm volatile("movw %%cs, (%0)" : : "r"(AT) : "memory");
	device_get(mirror, &seen, sizeof(seen));
	CHECK_EQ(seen, 0x08, "MOV from CS stores its selector");
}

static void load_beyond(void)
{
	asm volatile("movw (%0), %%gs" : : "r"(AT) : "memory");
}

TEST(a_bad_selector_from_a_device_is_gp)
{
	const u16 selector = 0xfff8;
	struct trap trap;

	make_mirror(&selector, sizeof(selector));
	trap_catch(load_beyond, &trap);
	CHECK_EQ(trap.vector, TRAP_GP,
		 "a selector beyond the GDT is #GP (SDM 2B MOV)");
	CHECK_EQ(trap.error, 0xfff8, "the error code is the selector");
}

TEST(far_jump_through_a_device)
{
	struct {
		u64 offset;
		u16 selector;
	} __packed pointer;

	asm volatile("leaq 1f(%%rip), %0\n1:" : "=r"(pointer.offset));
	pointer.selector = 0x08;
	make_mirror(&pointer, sizeof(pointer));
	asm volatile("leaq 1f(%%rip), %%rax\n\t"
		     "movq %%rax, (%0)\n\t"
		     ".byte 0x48, 0xff, 0x28 + 0x03\n\t" /* ljmp *(%rbx) */
		     "ud2\n"
		     "1:"
		     :
		     : "b"(AT)
		     : "rax", "memory");
	CHECK_COUNT(device_accesses(mirror) > 0, 1,
		    "a far JMP reads its pointer from the device");
}

TEST(cr0_is_shown_to_a_device_and_taken_from_it)
{
	const u16 zero = 0;
	u64 cr0;
	u16 seen;

	make_mirror(&zero, sizeof(zero));
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	asm volatile("smsw (%0)" : : "r"(AT) : "memory");
	device_get(mirror, &seen, sizeof(seen));
	CHECK_EQ(seen, (u16)cr0, "SMSW stores the low half of CR0");
	seen |= BIT(3);
	device_put(mirror, &seen, sizeof(seen));
	asm volatile("lmsw (%0)" : : "r"(AT) : "memory");
	asm volatile("mov %%cr0, %0" : "=r"(cr0));
	CHECK_EQ(cr0 & BIT(3), BIT(3), "LMSW from a device sets CR0.TS");
	asm volatile("clts");
}

TEST(descriptors_are_verified_by_a_devices_selector)
{
	const u16 selector = SELECTOR_DATA;
	bool readable, known;
	u32 limit;

	make_mirror(&selector, sizeof(selector));
	asm volatile("verr (%1)" : "=@ccz"(readable) : "r"(AT) : "memory");
	CHECK_TRUE(readable, "VERR finds the data segment readable");
	asm volatile("lsl (%2), %1"
		     : "=@ccz"(known), "=r"(limit)
		     : "r"(AT)
		     : "memory");
	CHECK_TRUE(known, "LSL knows the data segment");
	CHECK_EQ(limit, 0xffffffff, "LSL gives its limit");
}

/** One element of OUTS from a device, and of INS to one. */
TEST(string_ports_reach_devices)
{
	const u32 value = 0x11223344;
	u64 from = AT, to = AT + 16;
	u32 seen;

	make_mirror(&value, sizeof(value));
	asm volatile("outsl"
		     : "+S"(from)
		     : "d"(DEVICE_PORT_SCRATCH)
		     : "memory");
	asm volatile("inl %%dx, %%eax"
		     : "=a"(seen)
		     : "d"(DEVICE_PORT_SCRATCH));
	CHECK_EQ(seen, value, "OUTS moves a device's register to the port");
	asm volatile("insl"
		     : "+D"(to)
		     : "d"(DEVICE_PORT_SCRATCH)
		     : "memory");
	CHECK_EQ(mmio_read4(AT + 16), value,
		 "INS moves the port to a device's register");
	CHECK_COUNT(vmcall_counter(COUNTER_IO_EXITS), 3,
		    "each element is one port access");
}
