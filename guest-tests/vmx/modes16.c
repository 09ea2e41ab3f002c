/** @file
 * Exits in 16 bits: real mode, as an unrestricted guest has it, 16-bit
 * protected mode with and without paging, and virtual-8086 mode.
 *
 * Each series is what code16.S provokes, line by line.
 */
#include "guest-tests/vmx/ept.h"
#include "guest-tests/vmx/event.h"
#include "guest-tests/vmx/modes.h"

/** A page below 64 KiB. */
#define LOW_PAGE 0xb000

static const struct modes_exit instructions[] = {
	{ EXIT_CPUID, 2, 0 },	   { EXIT_HLT, 1, 0 },
	{ EXIT_PAUSE, 2, 0 },	   { EXIT_INVD, 2, 0 },
	{ EXIT_WBINVD, 2, 0 },	   { EXIT_RDPMC, 2, 0 },
	{ EXIT_RDTSC, 2, 0 },	   { EXIT_RDTSC, 3, 0 },
	{ EXIT_INVLPG, 4, 0x5010 }, { EXIT_INVLPG, 5, 0x5020 },
	{ EXIT_RDMSR, 2, 0 },	   { EXIT_WRMSR, 2, 0 },
};

static void exit_for_all(void)
{
	SET(FIELD_CPU, CPU_HLT | CPU_INVLPG | CPU_RDPMC | CPU_RDTSC |
		    CPU_MOV_DR | CPU_PAUSE);
	SET(FIELD_CPU2, CPU2_WBINVD | CPU2_DESCRIPTOR_TABLES);
	CLEAR(FIELD_CPU, CPU_MSR_BITMAPS);
}

TEST_EPT(instructions_in_real_mode)
{
	exit_for_all();
	modes_run(MODE_REAL, code16_instructions, 0x5000);
	MODES_CHECK(instructions);
}

TEST_EPT(instructions_in_16_bit_protected_mode)
{
	exit_for_all();
	modes_run(MODE_PROTECTED_16, code16_instructions, 0x5000);
	MODES_CHECK(instructions);
}

TEST(instructions_in_16_bit_paged_mode)
{
	exit_for_all();
	modes_run(MODE_PAGED_16, code16_instructions, 0x5000);
	MODES_CHECK(instructions);
}

static const struct modes_exit ports[] = {
	{ EXIT_IO, 2, 0x800048 },   { EXIT_IO, 3, 0x80004b },
	{ EXIT_IO, 1, 0x12340001 }, { EXIT_IO, 2, 0x12340003 },
	{ EXIT_IO, 1, 0x12340010 }, { EXIT_IO, 2, 0x12340039 },
	{ EXIT_IO, 3, 0x12340013 }, { EXIT_IO, 2, 0x12340010 },
	{ EXIT_IO, 4, 0x1234003b },
};

TEST_EPT(ports_in_real_mode)
{
	modes_run(MODE_REAL, code16_ports, 0x5000);
	MODES_CHECK(ports);
	CHECK_EQ(exit_before(4).gla, 0x5000, "OUTS reads at DS:SI");
	CHECK_EQ(exit_before(4).insn_info & BITS(9, 7), 0,
		 "with addresses of 16 bits");
	CHECK_EQ(exit_before(1).insn_info & BITS(9, 7), 1 << 7,
		 "and of 32 bits with a prefix");
}

TEST(ports_in_16_bit_paged_mode)
{
	modes_run(MODE_PAGED_16, code16_ports, 0x5000);
	MODES_CHECK(ports);
}

TEST_EPT(memory_in_real_mode)
{
	HIDE(LOW_PAGE);
	modes_run(MODE_REAL, code16_memory, LOW_PAGE);
	CHECK_VIOLATION(0x181, LOW_PAGE + 0x100);
	CHECK_EQ(exit_before(1).gpa, LOW_PAGE + 0xfe, "PUSH writes two bytes");
	CHECK_EQ(exit_before(6).gla, LOW_PAGE, "the first load");
}

TEST_EPT(memory_in_16_bit_protected_mode)
{
	HIDE(LOW_PAGE);
	modes_run(MODE_PROTECTED_16, code16_memory, LOW_PAGE);
	CHECK_VIOLATION(0x181, LOW_PAGE + 0x100);
}

TEST_EPT(registers_in_real_mode)
{
	SET(FIELD_CPU, CPU_MOV_DR);
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	VMWRITE(FIELD_CR0_MASK, BIT(3));
	modes_run(MODE_REAL, code16_registers, 0);
	CHECK_REASON(exit_before(0), EXIT_GDTR_IDTR);
	CHECK_REASON(exit_before(9), EXIT_CR);
}

/** The interrupt vector table, whose handler is an IRET below 64 KiB. */
static void fill_ivt(void)
{
	volatile u32 *ivt = (volatile u32 *)0x10ull;
	volatile u8 *handler = (volatile u8 *)0x600ull;

	asm volatile("" : "+r"(ivt), "+r"(handler));
	handler[0] = 0xcf;
	for (u64 i = 4; i < 256; i++) {
		ivt[i - 4] = 0x600;
	}
}

TEST_EPT(events_in_real_mode)
{
	volatile u32 *three = (volatile u32 *)0xcull;

	fill_ivt();
	asm volatile("" : "+r"(three));
	*three = 0x600;
	INTERCEPT(BIT(BP) | BIT(UD) | BIT(GP));
	modes_run(MODE_REAL, code16_events, 0);
	CHECK_EQ(exit_before(0).intr_info & ~HAS_ERROR, VALID | HARD | GP,
		 "a vector beyond the table is #GP");
	CHECK_EQ(exit_before(1).intr_info, VALID | HARD | UD, "UD2 is #UD");
	CHECK_EQ(exit_before(2).intr_info, VALID | SOFT | BP, "INT3 is #BP");
}

/** INC of a word at 0x610, IRET. */
static const u8 counting_handler[] = {
	0x2e, 0xff, 0x06, 0x10, 0x06, 0xcf,
};

static const struct modes_event injected[] = {
	{ VALID | EXTERNAL | 0x30, 0, 0 },
	{ VALID | NMI_TYPE | NMI, 0, 0 },
	{ VALID | HARD | UD, 0, 0 },
	{ VALID | HARD | GP, 0, 0 }, /* no error codes in real mode */
	{ VALID | SOFT_INTERRUPT | 0x23, 0, 2 },
	{ VALID | SOFT | BP, 0, 1 },
};

TEST_EPT(events_are_injected_in_real_mode)
{
	volatile u32 *vectors = (volatile u32 *)0x8ull;
	volatile u16 *count = (volatile u16 *)0x610ull;
	u8 *handler = (u8 *)0x600ull;

	fill_ivt();
	asm volatile("" : "+r"(vectors), "+r"(count), "+r"(handler));
	memcpy(handler, counting_handler, sizeof(counting_handler));
	vectors[0] = 0x600; /* NMI */
	vectors[1] = 0x600; /* #BP */
	CLEAR(FIELD_PIN, PIN_NMI);
	for (u64 i = 0; i < ARRAY_SIZE(injected); i++) {
		*count = 0;
		modes_inject = injected[i];
		modes_run(MODE_REAL, code16_inject, 0);
		CHECK_COUNT(*count, 1, "the event has arrived");
		CHECK_REASON(exit_before(0), EXIT_CPUID);
	}
}

TEST_EPT(vmx_instructions_in_real_mode_are_undefined)
{
	INTERCEPT(BIT(UD));
	modes_run(MODE_REAL, code16_vmx, 0);
	CHECK_EQ(exit_before(0).intr_info, VALID | HARD | UD,
		 "VMX needs protected mode, and so does SLDT");
	CHECK_EQ(exit_before(3).intr_info, VALID | HARD | UD,
		 "VMREAD as well (SDM 3C 31.3)");
	CHECK_EQ(exit_before(4).reason, ~0ull, "four exits");
}

TEST_EPT(guest_goes_to_protected_mode_by_itself)
{
	modes_run(MODE_REAL, code16_to_32, 0);
	CHECK_REASON(exit_before(0), EXIT_CPUID);
	CHECK_EQ(exit_before(0).cs_rights, 0xc09b, "in 32 bits");
	CHECK_EQ(exit_before(0).cr0 & 1, 1, "of protected mode");
	CHECK_EQ(exit_before(1).cr0 & 1, 1, "which begins with CR0.PE");
}

/** The exceptions of code16_v8086, in order. */
static const u64 v8086_events[] = {
	VALID | HARD | HAS_ERROR | GP, /* HLT is privileged */
	VALID | SOFT | BP,
	VALID | HARD | UD,
	VALID | HARD | UD, /* VMREAD needs protected mode */
};

TEST(instructions_in_virtual_8086_mode)
{
	u64 n = ARRAY_SIZE(v8086_events);

	SET(FIELD_CPU, CPU_HLT | CPU_RDTSC | CPU_PAUSE);
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	INTERCEPT(BIT(BP) | BIT(UD) | BIT(GP));
	modes_run(MODE_VIRTUAL_8086, code16_v8086, LOW_PAGE);
	CHECK_REASON(exit_before(0), EXIT_GDTR_IDTR);
	CHECK_EQ(exit_before(0).rflags & BIT(17), BIT(17), "VM is set");
	for (u64 i = 0; i < n; i++) {
		CHECK_EQ(exit_before(n - i).intr_info, v8086_events[i],
			 "exceptions come before exits that need privilege "
			 "(SDM 3C 26.1.1)");
	}
	CHECK_REASON(exit_before(n + 1), EXIT_PAUSE);
	CHECK_REASON(exit_before(n + 2), EXIT_RDTSC);
	CHECK_REASON(exit_before(n + 3), EXIT_CPUID);
}
