/** @file
 * Exits in 32 bits: the same instructions, shorter or longer, with operands
 * of other sizes, and events by gates of eight bytes.
 *
 * Each series is what code32.S provokes, line by line.
 */
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/modes.h"
#include "guest-tests/vmx/ept.h"

static u8 page[2][4096] __aligned(4096);

static const struct modes_exit instructions[] = {
	{ EXIT_CPUID, 2, 0 },	   { EXIT_HLT, 1, 0 },
	{ EXIT_PAUSE, 2, 0 },	   { EXIT_INVD, 2, 0 },
	{ EXIT_WBINVD, 2, 0 },	   { EXIT_RDPMC, 2, 0 },
	{ EXIT_RDTSC, 2, 0 },	   { EXIT_RDTSCP, 3, 0 },
	{ EXIT_MONITOR, 3, 0 },	   { EXIT_MWAIT, 3, 0 },
	{ EXIT_INVLPG, 4, 0x5010 },
	{ EXIT_INVLPG, 9, (u32)(0x7000 + 2 * GIVEN_LOW) },
	{ EXIT_INVLPG, 5, (u16)(0x5020 + GIVEN_LOW) },
	{ EXIT_RDMSR, 2, 0 },	   { EXIT_WRMSR, 2, 0 },
};

/** Everything that can be asked to exit. */
static void exit_for_all(void)
{
	SET(FIELD_CPU, CPU_HLT | CPU_INVLPG | CPU_MWAIT | CPU_RDPMC |
		    CPU_RDTSC | CPU_MOV_DR | CPU_MONITOR | CPU_PAUSE);
	SET(FIELD_CPU2, CPU2_WBINVD | CPU2_DESCRIPTOR_TABLES);
	CLEAR(FIELD_CPU, CPU_MSR_BITMAPS);
}

TEST_EPT(instructions_in_protected_mode)
{
	exit_for_all();
	modes_run(MODE_PROTECTED_32, code32_instructions, 0x5000);
	MODES_CHECK(instructions);
}

TEST(instructions_in_compatibility_mode)
{
	exit_for_all();
	modes_run(MODE_COMPATIBILITY, code32_instructions, 0x5000);
	MODES_CHECK(instructions);
}

TEST(instructions_with_32_bit_paging)
{
	exit_for_all();
	modes_run(MODE_PAGING_32, code32_instructions, 0x5000);
	MODES_CHECK(instructions);
}

TEST(instructions_with_pae)
{
	exit_for_all();
	modes_run(MODE_PAE, code32_instructions, 0x5000);
	MODES_CHECK(instructions);
}

/* Ports: see io.c for the bits. */
static const struct modes_exit ports[] = {
	{ EXIT_IO, 2, 0x800048 },   { EXIT_IO, 2, 0x80004b },
	{ EXIT_IO, 2, 0x12340001 }, { EXIT_IO, 1, 0x12340003 },
	{ EXIT_IO, 1, 0x12340010 }, { EXIT_IO, 3, 0x12340039 },
	{ EXIT_IO, 2, 0x12340013 }, { EXIT_IO, 2, 0x12340010 },
	{ EXIT_IO, 3, 0x1234003b },
};

TEST_EPT(ports_in_protected_mode)
{
	modes_run(MODE_PROTECTED_32, code32_ports, 0x5000);
	MODES_CHECK(ports);
	CHECK_EQ(exit_before(4).gla, 0x5000, "OUTS reads at ESI");
	CHECK_EQ(exit_before(4).insn_info & BITS(9, 7), 1 << 7,
		 "with addresses of 32 bits");
	CHECK_EQ(exit_before(1).insn_info & BITS(9, 7), 0,
		 "and of 16 bits with a prefix");
}

TEST(ports_in_compatibility_mode)
{
	modes_run(MODE_COMPATIBILITY, code32_ports, 0x5000);
	MODES_CHECK(ports);
}

TEST_EPT(memory_in_protected_mode)
{
	HIDE(page[1]);
	modes_run(MODE_PROTECTED_32, code32_memory, (u32)(u64)page[1]);
	CHECK_VIOLATION(0x181, page[1] + 0x100);
	CHECK_EQ(exit_before(1).gpa, (u64)page[1] + 0xfc,
		 "PUSH writes four bytes");
	CHECK_EQ(exit_before(7).gla, (u64)page[1], "the first load");
}

TEST_EPT(memory_in_compatibility_mode)
{
	HIDE(page[1]);
	modes_run(MODE_COMPATIBILITY, code32_memory, (u32)(u64)page[1]);
	CHECK_VIOLATION(0x181, page[1] + 0x100);
}

TEST_EPT(memory_with_32_bit_paging)
{
	HIDE(page[1]);
	modes_run(MODE_PAGING_32, code32_memory, (u32)(u64)page[1]);
	CHECK_VIOLATION(0x181, page[1] + 0x100);
	CHECK_EQ(exit_before(7).gla, (u64)page[1], "the first load");
}

TEST_EPT(memory_with_pae)
{
	HIDE(page[1]);
	modes_run(MODE_PAE, code32_memory, (u32)(u64)page[1]);
	CHECK_VIOLATION(0x181, page[1] + 0x100);
	CHECK_EQ(exit_before(7).gla, (u64)page[1], "the first load");
}

TEST_EPT(vmx_instructions_in_protected_mode)
{
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	modes_run(MODE_PROTECTED_32, code32_vmx, 0);
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 3, 0, BIT(10) | BITS(6, 3) | BITS(29, 28),
			BIT(10) | 3 << 3 | 3 << 28);
	CHECK_REASON(exit_before(20), EXIT_VMREAD);
	CHECK_EQ(exit_before(19).qualification, 0x12345678,
		 "VMREAD's displacement");
}

TEST_EPT(registers_in_protected_mode)
{
	SET(FIELD_CPU, CPU_CR3_LOAD | CPU_CR3_STORE | CPU_MOV_DR);
	VMWRITE(FIELD_CR0_MASK, BIT(3));
	modes_run(MODE_PROTECTED_32, code32_registers, 0);
	CHECK_EXIT(EXIT_DR, 3, 6 | 6 << 8);
	CHECK_EQ(exit_before(1).qualification, 7 | 1 << 4 | 3 << 8,
		 "MOV from DR7");
}

TEST(registers_with_pae)
{
	SET(FIELD_CPU, CPU_CR3_LOAD | CPU_CR3_STORE | CPU_MOV_DR);
	VMWRITE(FIELD_CR0_MASK, BIT(3));
	modes_run(MODE_PAE, code32_registers, 0);
	CHECK_EXIT(EXIT_DR, 3, 6 | 6 << 8);
}

TEST_EPT(events_in_protected_mode)
{
	INTERCEPT(BIT(BP) | BIT(OF) | BIT(UD) | BIT(GP));
	modes_run(MODE_PROTECTED_32, code32_events, 0x1234);
	CHECK_COUNT(modes_events, 3, "INT3, INT and INTO have arrived");
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | GP,
		 "a selector beyond the GDT is #GP");
	CHECK_EQ(exit_before(0).intr_error, 0x1230, "which names it");
	CHECK_EQ(exit_before(3).intr_info, VALID | SOFT | OF,
		 "INTO is a software exception");
	CHECK_COUNT(exit_before(3).length, 1, "of one byte");
}

TEST(events_with_32_bit_paging)
{
	INTERCEPT(BIT(BP) | BIT(OF) | BIT(UD) | BIT(GP));
	modes_run(MODE_PAGING_32, code32_events, 0x1234);
	CHECK_COUNT(modes_events, 3, "INT3, INT and INTO have arrived");
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | GP,
		 "a selector beyond the GDT is #GP");
}

TEST(events_with_pae)
{
	INTERCEPT(BIT(BP) | BIT(OF) | BIT(UD) | BIT(GP));
	modes_run(MODE_PAE, code32_events, 0x1234);
	CHECK_COUNT(modes_events, 3, "INT3, INT and INTO have arrived");
	CHECK_EQ(exit_before(3).intr_info, VALID | SOFT | OF,
		 "INTO is a software exception");
}

TEST(ports_with_32_bit_paging)
{
	modes_run(MODE_PAGING_32, code32_ports, 0x5000);
	MODES_CHECK(ports);
}

TEST(ports_with_pae)
{
	modes_run(MODE_PAE, code32_ports, 0x5000);
	MODES_CHECK(ports);
}

TEST(vmx_instructions_with_32_bit_paging)
{
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	modes_run(MODE_PAGING_32, code32_vmx, 0);
	CHECK_REASON(exit_before(20), EXIT_VMREAD);
}

/** All types of events that have vectors - SDM 3C 25.8.3. */
static const struct modes_event injected[] = {
	{ VALID | EXTERNAL | 0x30, 0, 0 },
	{ VALID | NMI_TYPE | NMI, 0, 0 },
	{ VALID | HARD | UD, 0, 0 },
	{ VALID | HARD | HAS_ERROR | GP, 0x1230, 0 },
	{ VALID | SOFT_INTERRUPT | 0x23, 0, 2 },
	{ VALID | PRIVILEGED | DB, 0, 1 },
	{ VALID | SOFT | BP, 0, 1 },
};

static void check_injections(enum services_mode_kind kind)
{
	CLEAR(FIELD_PIN, PIN_NMI);
	for (u64 i = 0; i < ARRAY_SIZE(injected); i++) {
		modes_inject = injected[i];
		modes_events = 0;
		modes_run(kind, code32_inject, 0);
		CHECK_COUNT(modes_events, 1, "the event has arrived");
		CHECK_EQ(modes_return,
			 (u64)code32_inject + injected[i].length,
			 "and returns behind its instruction if it has one");
		CHECK_EQ(modes_error, i >= 3 ? 0x1230 : 0,
			 "with its error code");
		CHECK_REASON(exit_before(0), EXIT_CPUID);
	}
}

TEST_EPT(events_are_injected_in_protected_mode)
{
	check_injections(MODE_PROTECTED_32);
}

TEST(events_are_injected_with_32_bit_paging)
{
	check_injections(MODE_PAGING_32);
}

TEST(events_are_injected_with_pae)
{
	check_injections(MODE_PAE);
}

TEST(faults_in_compatibility_mode)
{
	INTERCEPT(BIT(UD) | BIT(GP));
	modes_run(MODE_COMPATIBILITY, code32_faults, 0x1234);
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | HAS_ERROR | GP,
		 "a selector beyond the GDT is #GP");
	CHECK_EQ(exit_before(1).intr_error, 0x1234, "also of MOV to DS");
	CHECK_EQ(exit_before(2).intr_info, VALID | HARD | UD, "UD2 is #UD");
}

/* A task switch: exit 9, SDM 3C table 28-2. */
#define TASK_CALL 0ull
#define TASK_IRET 1ull
#define TASK_JMP 2ull
#define TASK_GATE 3ull

#define CHECK_SWITCH(n, tss, source, why) \
	do { \
		CHECK_REASON(exit_before(n), EXIT_TASK_SWITCH); \
		CHECK_EQ(exit_before(n).qualification, \
			 (tss) | (source) << 30, why " (SDM 3C table 28-2)"); \
	} while (0)

TEST_EPT(task_switches_exit)
{
	modes_run(MODE_PROTECTED_32, code32_task, 0);
	CHECK_SWITCH(0, MODES_TSS_OTHER, TASK_CALL, "CALL to a TSS");
	CHECK_SWITCH(1, MODES_TSS_OTHER, TASK_JMP, "JMP to a TSS");
	CHECK_COUNT(exit_before(1).length, 7, "task switches have a length");
}

TEST_EPT(task_switches_with_paging_exit)
{
	modes_run(MODE_PAGING_32, code32_task, 0);
	CHECK_SWITCH(1, MODES_TSS_OTHER, TASK_JMP, "JMP to a TSS");
	modes_run(MODE_PAE, code32_task, 0);
	CHECK_SWITCH(0, MODES_TSS_OTHER, TASK_CALL, "CALL to a TSS");
}

TEST_EPT(task_switch_by_iret_exits)
{
	modes_run(MODE_PROTECTED_32, code32_task_iret, 0);
	CHECK_SWITCH(0, MODES_TSS_BUSY, TASK_IRET, "IRET with NT");
	CHECK_COUNT(exit_before(0).length, 1, "task switches have a length");
}

TEST_EPT(task_gates_exit_with_their_event)
{
	modes_idt[0x31] = MODES_TASK_GATE(MODES_TSS_OTHER);
	modes_idt[UD] = MODES_TASK_GATE(MODES_TSS_OTHER);
	modes_run(MODE_PROTECTED_32, code32_task_gates, 0);
	CHECK_SWITCH(1, MODES_TSS_OTHER, TASK_GATE, "INT through a task gate");
	CHECK_EQ(exit_before(1).idt_info, VALID | SOFT_INTERRUPT | 0x31,
		 "the event was being delivered (SDM 3C 28.2.4)");
	CHECK_COUNT(exit_before(1).length, 2, "with its length");
	CHECK_SWITCH(0, MODES_TSS_OTHER, TASK_GATE, "#UD through a task gate");
	CHECK_EQ(exit_before(0).idt_info, VALID | HARD | UD,
		 "and so was the fault");
}
