/** @file
 * Other modes than 64-bit: tables for them, and the way there.
 */
#include "guest-tests/vmx/modes.h"

#define STACK_SIZE 4096
#define GATE_32 0x8e00ull
#define VECTOR_GP 13
#define RFLAGS_IF BIT(9)
#define TSS_AVAILABLE 0x89ull
#define TSS_BUSY 0x8bull

/* Paging-structure entries of 4 MiB and 2 MiB pages - SDM 3A 4.3, 4.4 */
#define PAGE_FLAGS (BITS(2, 0) | BITS(7, 5))

static u64 gdt[] __aligned(8) = {
	0,
	0x00cf9b000000ffff, /* code, 32 bits */
	0x00cf93000000ffff, /* data */
	0x00009b000000ffff, /* code, 16 bits */
	0x000093000000ffff, /* data */
	0,		    /* three TSSs, see fill_tables() */
	0,
	0,
};

static u32 tss[2][26];
u64 modes_idt[64] __aligned(4096);
u32 modes_events, modes_return, modes_error;
struct modes_event modes_inject;

static u32 directory[1024] __aligned(4096); /* 32-bit paging */
static u64 pae_pointers[4] __aligned(32);
static u64 pae[4][512] __aligned(4096);
/* Real mode's stack is in the first 64 KiB. */
#define STACK_TOP 0xa000
static u8 stack[STACK_SIZE] __aligned(16);

/* code32.S */
extern const char code32_handler[], code32_error_handler[];

/** A TSS of 32 bits - SDM 3A 7.2.2. */
static u64 tss_descriptor(const void *base, u64 rights)
{
	u64 b = (u64)base;

	return (sizeof(tss[0]) - 1) | (b & BITS(23, 0)) << 16 | rights << 40 |
	       bits(b, 31, 24) << 56;
}

/** An interrupt gate - SDM 3A 6.11. */
static u64 gate(const char *handler)
{
	return bits((u64)handler, 15, 0) | MODES_CODE32 << 16 | GATE_32 << 32 |
	       bits((u64)handler, 31, 16) << 48;
}

static void fill_idt(void)
{
	for (u64 i = 0; i < ARRAY_SIZE(modes_idt); i++) {
		if (!modes_idt[i]) { /* else a test's own gate */
			modes_idt[i] = gate(i == VECTOR_GP ?
						    code32_error_handler :
						    code32_handler);
		}
	}
}

static void fill_tables(void)
{
	for (u64 i = 0; i < ARRAY_SIZE(directory); i++) {
		directory[i] = (u32)(i << 22) | PAGE_FLAGS;
	}
	for (u64 i = 0; i < 4 * 512; i++) {
		pae[i / 512][i % 512] = i << 21 | PAGE_FLAGS;
	}
	for (u64 i = 0; i < 4; i++) {
		pae_pointers[i] = (u64)pae[i] | BIT(0);
	}
	fill_idt();
	gdt[MODES_TSS / 8] = tss_descriptor(tss[0], TSS_AVAILABLE);
	gdt[MODES_TSS_OTHER / 8] = tss_descriptor(tss[1], TSS_AVAILABLE);
	gdt[MODES_TSS_BUSY / 8] = tss_descriptor(tss[1], TSS_BUSY);
	tss[0][0] = MODES_TSS_BUSY; /* where IRET goes back to */
}

/** Real mode returns to CS:IP, and that is below 1 MiB. */
static void copy_code(void)
{
	u8 *low = (u8 *)MODES_LOW;

	asm volatile("" : "+r"(low));
	memcpy(low, code16_base, (u64)(code16_end - code16_base));
}

void modes_run(enum services_mode_kind kind, const char *code, u32 argument)
{
	bool small = kind >= MODE_PROTECTED_16;
	struct services_mode mode = {
		.kind = kind,
		.base = small ? MODES_LOW : 0,
		.stack = small ? STACK_TOP : (u32)(u64)(stack + STACK_SIZE),
		.cr3 = (u32)(u64)(kind == MODE_PAE ? (void *)pae_pointers
						   : (void *)directory),
		.gdt = (u32)(u64)gdt,
		.gdt_limit = sizeof(gdt) - 1,
		.idt = kind == MODE_REAL ? 0 : (u32)(u64)modes_idt,
		.idt_limit = kind == MODE_REAL ? 0x3f7 : sizeof(modes_idt) - 1,
		.rflags = modes_inject.information ? RFLAGS_IF : 0,
		.inject = modes_inject.information,
		.inject_error = modes_inject.error,
		.inject_length = modes_inject.length,
	};

	mode.entry = (u32)(small ? code - code16_base : (s64)code);
	copy_code();
	fill_tables();
	CHECK_DONE(service(SERVICE_MODE, vmcall_address(&mode), argument));
}

void modes_check(const struct modes_exit *series, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		struct services_exit exit = exit_before(count - 1 - i);

		CHECK_COUNT(exit.reason, series[i].reason,
			    "the exits come in the order of the code");
		CHECK_COUNT(exit.length, series[i].length,
			    "each with its instruction's length");
		CHECK_EQ(exit.qualification, series[i].qualification,
			 "and its qualification");
	}
	CHECK_EQ(exit_before(count).reason, ~0ull, "and no other exits");
}
