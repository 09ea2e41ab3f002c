/** @file
 * What looks like the store that is known, and is not.
 *
 * All of these come from the same RIP, or touch the same address, or have the
 * same first bytes.  They differ in what else makes an instruction what it is.
 */
#include "guest-tests/doorbell/doorbell.h"

#define ROUNDS 20
#define DATA_GVA PAGES_FREE_GVA
#define CODE_GVA (PAGES_FREE_GVA + (1ull << 30))
#define MSR_FS_BASE 0xc0000100u

static u8 ram[PAGE_SIZE] __aligned(PAGE_SIZE);
static u8 other[PAGE_SIZE] __aligned(PAGE_SIZE);
static u64 tables[512] __aligned(PAGE_SIZE);

/** Memory, and behind it the page of the doorbell. */
static u64 map_window(void)
{
	pages_map(gva(DATA_GVA), gpa((u64)ram), PAGES_WRITE);
	pages_map(gva(DATA_GVA + PAGE_SIZE), gpa(BELL_GPA), PAGES_WRITE);
	return DATA_GVA + PAGE_SIZE;
}

static __noinline void store_indexed(u64 base, u64 index, u64 value)
{
	asm volatile("movq %0, (%1,%2)"
		     : : "a"(value), "b"(base), "c"(index) : "memory");
}

static __noinline void store_at_stack(u64 address, u64 value)
{
	asm volatile("movq %%rsp, %%rcx\n\t"
		     "movq %1, %%rsp\n\t"
		     "movq %0, (%%rsp)\n\t"
		     "movq %%rcx, %%rsp"
		     : : "a"(value), "b"(address) : "rcx", "memory");
}

static __noinline void store_in_segment(u64 address, u64 value)
{
	asm volatile("wrmsr"
		     : : "c"(MSR_FS_BASE), "a"((u32)address),
			 "d"((u32)(address >> 32)));
	asm volatile("movq %0, %%fs:(%1)" : : "a"(value), "b"(0ull) : "memory");
}

/** The store ends at the doorbell, the half of it before is memory's. */
static void check_half(u64 bell, u64 i)
{
	CHECK_COUNT(*(u32 *)&ram[PAGE_SIZE - 4], i,
		    "of a store that begins in memory that half is stored, "
		    "whatever has made its address another one");
	CHECK_COUNT(doorbell_take(bell), 2, "... both stores ring");
}

TEST(address_is_more_than_one_register)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 at = map_window();

	for (u64 i = 1; i <= ROUNDS; i++) {
		store_indexed(at - 4, 4, i);
		store_indexed(at - 4, 0, i);
		check_half(bell, i);
	}
	for (u64 i = 1; i <= ROUNDS; i++) {
		store_at_stack(at, i);
		store_at_stack(at - 4, i);
		check_half(bell, i);
	}
	for (u64 i = 1; i <= ROUNDS; i++) {
		store_in_segment(at, i);
		store_in_segment(at - 4, i);
		check_half(bell, i);
	}
}

static __noinline void add_one(u64 address)
{
	asm volatile("addl $1, (%0)" : : "b"(address) : "memory");
}

static __noinline u32 exchange(u64 address)
{
	u32 value = 7;

	asm volatile("xchgl %0, (%1)"
		     : "+a"(value) : "b"(address) : "memory");
	return value;
}

/** A device in the core answers the load, so that nothing leaves. */
TEST(read_modify_write_reads_each_time)
{
	u64 device = device_make(DEVICE_STREAM, DEVICE_IN_CORE, BELL_GPA, 8);
	u64 bell = doorbell_make(BELL_GPA, 0);

	for (u64 i = 0; i < ROUNDS; i++) {
		add_one(BELL_GPA);
	}
	for (u64 i = ROUNDS; i < 2 * ROUNDS; i++) {
		CHECK_EQ(exchange(BELL_GPA), (u32)hypercall_stream(i),
			 "an XCHG loads the device's next value");
	}
	CHECK_COUNT(vmcall_device(device, DEVICE_READS), 2 * ROUNDS,
		    "what reads and writes reads each time");
	CHECK_COUNT(doorbell_take(bell), 2 * ROUNDS, "... and rings");
}

/** The same operand as the store that is known, from another place. */
TEST(string_store_moves_its_pointer)
{
	u64 bell = doorbell_make(BELL_GPA, 0);

	for (u64 i = 0; i < ROUNDS; i++) {
		u64 rdi = BELL_GPA;

		doorbell_teach(BELL_GPA);
		doorbell_take(bell);
		/* Who takes it for the other store goes on behind the NOP. */
		asm volatile("stosl; nop"
			     : "+D"(rdi) : "a"(7), "b"(BELL_GPA) : "memory");
		CHECK_EQ(rdi, BELL_GPA + 4, "STOS moves RDI, ringing or not");
		CHECK_COUNT(doorbell_take(bell), 1, "... and rings once");
	}
}

/** Eight prefixes without effect, and what counts behind them. */
TEST(long_instruction_is_looked_at_whole)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);
	static const u8 code[] = { 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e,
				   0x3e, 0x3e, 0x89, 0x03, 0xc3 };
	u64 loads = 0;

	memcpy(doorbell_code, code, sizeof(code));
	for (u64 i = 0; i < ROUNDS; i++) {
		doorbell_code[8] = i % 4 == 3 ? 0x8b : 0x89;
		loads += i % 4 == 3;
		doorbell_call(doorbell_code, DEVICE_COUNTER_GPA, 0);
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - loads,
		    "a load behind eight prefixes does not ring");
	CHECK_COUNT(vmcall_device(DEVICE_COUNTER_GPA, DEVICE_READS), loads,
		    "... but loads");
}

static u64 *top_table(void)
{
	u64 cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return (u64 *)(cr3 & ~(PAGE_SIZE - 1));
}

static void load_cr3(const u64 *top)
{
	asm volatile("mov %0, %%cr3" : : "r"(top) : "memory");
}

/** In a second space the same address is another page: there it is a load. */
TEST(store_of_another_space_is_looked_at)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);
	u64 slot = CODE_GVA >> 39 & 511;
	u64 *first = top_table();

	doorbell_write_code();
	memcpy(other, doorbell_code, sizeof(other));
	other[0] = 0x8b;
	pages_map(gva(CODE_GVA), gpa((u64)doorbell_code), 0);
	pages_map(gva(CODE_GVA + (1ull << 39)), gpa((u64)other), 0);
	memcpy(tables, first, sizeof(tables));
	tables[slot] = first[slot + 1];
	for (u64 i = 0; i < ROUNDS; i++) {
		load_cr3(i % 4 == 3 ? tables : first);
		doorbell_call((void *)CODE_GVA, DEVICE_COUNTER_GPA, 0);
	}
	load_cr3(first);
	CHECK_COUNT(doorbell_take(bell), ROUNDS - ROUNDS / 4,
		    "another CR3, another instruction: a load does not ring");
	CHECK_COUNT(vmcall_device(DEVICE_COUNTER_GPA, DEVICE_READS), ROUNDS / 4,
		    "... but loads");
}

/** Let the segment of 32-bit code begin elsewhere. */
static void set_code32_base(u32 base)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdt;
	u64 *entry;

	asm volatile("sgdt %0" : "=m"(gdt));
	entry = (u64 *)(gdt.base + TRAP_CODE32);
	*entry = (*entry & 0x00ffff000000ffffull) |
		 (u64)(base & 0xffffff) << 16 | (u64)(base >> 24) << 56;
}

/**
 * MOV EBX, imm; MOV EAX, [EBX]; RETF, in a segment whose base makes the load's
 * EIP the RIP of the store.
 */
TEST(code_of_another_segment_is_looked_at)
{
	u64 bell = doorbell_make(DEVICE_COUNTER_GPA, 0);
	static const u8 load[] = { 0xbb, 0x00, 0x10, 0x00, 0xd0,
				   0x8b, 0x03, 0xcb };
	static const u8 store[] = { 0x89, 0x03, 0xc3 };

	memcpy(other, load, sizeof(load));
	memcpy(doorbell_code + 5, store, sizeof(store));
	set_code32_base((u32)((u64)other - (u64)doorbell_code));
	for (u64 i = 0; i < ROUNDS; i++) {
		if (i % 4 == 3) {
			trap_call32(doorbell_code);
		} else {
			doorbell_call(doorbell_code + 5, DEVICE_COUNTER_GPA, 0);
		}
	}
	CHECK_COUNT(doorbell_take(bell), ROUNDS - ROUNDS / 4,
		    "32-bit code at the same EIP is other code: a load");
	CHECK_COUNT(vmcall_device(DEVICE_COUNTER_GPA, DEVICE_READS), ROUNDS / 4,
		    "... does not ring but load");
}

static void store_before_breakpoint(void)
{
	asm volatile("call *%1"
		     : : "b"(BELL_GPA), "r"(doorbell_code) : "memory");
}

/** RF, set at the exit, would let the next one pass (SDM 3B 18.3.1.1). */
TEST(breakpoint_behind_a_store_that_rings_comes)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	struct trap trap;

	doorbell_write_code();
	for (u64 i = 0; i < ROUNDS; i++) {
		asm volatile("mov %0, %%dr0\n\t"
			     "mov %1, %%dr7"
			     : : "r"(doorbell_code + 2), "r"(0x402ull));
		trap_catch(store_before_breakpoint, &trap);
		asm volatile("mov %0, %%dr7" : : "r"(0x400ull));
		CHECK_COUNT(trap.vector, TRAP_DB, "a breakpoint behind a store "
						  "that rings comes ...");
		CHECK_EQ(trap.rip, (u64)doorbell_code + 2, "... there");
		CHECK_COUNT(doorbell_take(bell), 1, "... and the store rings");
	}
}

/** Hooks of tests act at the n-th exit: none of them may pass unseen. */
TEST_OF_EPT(hook_sees_each_exit)
{
	u64 bell = doorbell_make(BELL_GPA, 0);
	u64 stores = doorbell_teach(BELL_GPA);
	struct hypercall_hook hook = {
		.action = HOOK_POKE, .nth = 5,
		.poke = { .gpa = BELL_GPA, .level = 1 },
	};

	CHECK_DONE(vmcall1(HYPERCALL_HOOK, vmcall_address(&hook)));
	for (u64 i = 1; i <= 5; i++) {
		CHECK_COUNT(vmcall_counter(COUNTER_HOOKS), 0, "not yet");
		doorbell_store4(BELL_GPA, 0);
	}
	CHECK_COUNT(vmcall_counter(COUNTER_HOOKS), 1,
		    "a hook counts exits of stores that ring");
	CHECK_COUNT(doorbell_take(bell), stores + 5, "and they do ring");
}
