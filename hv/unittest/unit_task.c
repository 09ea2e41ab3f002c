/** @file
 * Cases: task switches, which a guest cannot make without an exit (SDM 3C
 * 26.4.2).  They exist outside of long mode only, so the guest is a 32-bit one.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

#define NEW_TSS_SELECTOR TINY_SEL_FREE
#define NEW_TSS 0x40000ull

/* Bits 31:30 of the exit qualification (SDM 3C table 28-2). */
#define BY_CALL (0ull << 30)
#define BY_IRET (1ull << 30)
#define BY_JMP (2ull << 30)
#define BY_GATE (3ull << 30)

/* Descriptors (SDM 3A 7.2.2 and 7.2.5): a TSS, 104 bytes; a task gate. */
#define DESCRIPTOR_TSS32(base, busy)                                \
	(0x0000890000000067ull | ((base) & BITS(23, 0)) << 16 |     \
	 ((base) >> 24) << 56 | ((busy) ? BIT(41) : 0))
#define TASK_GATE(selector) (0x0000e50000000000ull | (selector) << 16)

/** A guest with two tasks, and an IDT of 8-byte gates. */
static void prepare(struct tiny_guest *g, bool busy)
{
	u64 *gdt = tiny_guest_word(g, TINY_GDT);
	u32 *tss = (u32 *)tiny_guest_word(g, NEW_TSS);

	tiny_guest_enter_32bit(g);
	gdt[TINY_SEL_TSS / 8] = DESCRIPTOR_TSS32(TINY_TSS, true);
	gdt[NEW_TSS_SELECTOR / 8] = DESCRIPTOR_TSS32(NEW_TSS, busy);
	*tiny_guest_word(g, TINY_IDT + 8 * 0x40) =
		TASK_GATE((u64)NEW_TSS_SELECTOR);
	/* The task that IRET returns to, and what the new one starts with. */
	*(u32 *)tiny_guest_word(g, TINY_TSS) = NEW_TSS_SELECTOR;
	tss[8] = TINY_CODE_AT; /* EIP */
	tss[9] = RFLAGS_FIXED;
	tss[14] = TINY_STACK; /* ESP */
	for (unsigned int i = 18; i < 22; i++) {
		tss[i] = TINY_SEL_DATA; /* ES, then CS, SS, DS */
	}
	tss[19] = TINY_SEL_CODE32;
}

/** One exit for one way to switch. */
static void expect_switch(struct tiny_guest *g, u64 source, u64 length)
{
	tiny_guest_expect(g, EXIT_REASON_TASK_SWITCH);
	tiny_guest_field(g, EXIT_QUALIFICATION, NEW_TSS_SELECTOR | source);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, length);
	tiny_guest_field(g, GUEST_TR_SELECTOR, TINY_SEL_TSS);
}

TINY_CODE(jmp_code, ".byte 0xea; .long 0; .word 0x30\n\t")
TINY_CODE(call_code, ".byte 0x9a; .long 0; .word 0x30\n\t")
TINY_CODE(iret_code, "iretl\n\t")
TINY_CODE(int_code, "int $0x40\n\t")

void unit_task_jmp(struct tiny_guest *g)
{
	TINY_LOAD(g, jmp_code);
	prepare(g, false);
	expect_switch(g, BY_JMP, 7);
}

void unit_task_call(struct tiny_guest *g)
{
	TINY_LOAD(g, call_code);
	prepare(g, false);
	expect_switch(g, BY_CALL, 7);
}

void unit_task_iret(struct tiny_guest *g)
{
	TINY_LOAD(g, iret_code);
	prepare(g, true);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_NT);
	expect_switch(g, BY_IRET, 1);
}

/** By INT n, whose length is told with the event that was under way. */
void unit_task_gate(struct tiny_guest *g)
{
	TINY_LOAD(g, int_code);
	prepare(g, false);
	expect_switch(g, BY_GATE, 2);
	tiny_guest_field(g, IDT_VECTORING_INFO,
			 INTR_INFO_VALID | INTR_TYPE_SOFT_INTERRUPT << 8 |
				 0x40);
}

TINY_CODE(store_code, ".code32\n\t"
		      "mov %ebx, (%esi)\n\t"	 /* the TSS' first word */
		      "mov (%esi), %ecx\n\t"
		      "mov %ebx, 0x80(%esi)\n\t" /* behind the TSS */
		      "mov $0x38, %eax\n\t"
		      "ltr %ax\n\t"
		      "mov %ebx, (%edi)\n\t" /* the new TSS' first word */
		      ".byte 0xea; .long 0; .word 0x30\n\t")

#define THIRD_TSS_SELECTOR (TINY_SEL_FREE + 8)
#define THIRD_TSS (TINY_LARGE + 0x5000)

/** The guest may store to its TSS, and load another: no exit but at the end. */
void unit_task_own_stores(struct tiny_guest *g)
{
	u64 *gdt = tiny_guest_word(g, TINY_GDT);

	TINY_LOAD(g, store_code);
	prepare(g, false);
	gdt[THIRD_TSS_SELECTOR / 8] = DESCRIPTOR_TSS32(THIRD_TSS, false);
	g->gpr[GPR_RSI] = TINY_TSS;
	g->gpr[GPR_RDI] = THIRD_TSS;
	g->gpr[GPR_RBX] = 0x1234;
	tiny_guest_expect(g, EXIT_REASON_TASK_SWITCH);
	tiny_guest_field(g, EXIT_QUALIFICATION, NEW_TSS_SELECTOR | BY_JMP);
	tiny_guest_equal(g, "what was stored", g->gpr[GPR_RCX], 0x1234);
	tiny_guest_field(g, GUEST_TR_SELECTOR, THIRD_TSS_SELECTOR);
	tiny_guest_field(g, GUEST_TR_BASE, THIRD_TSS);
	tiny_guest_equal(g, "the word behind the TSS",
			 *tiny_guest_word(g, TINY_TSS + 0x80), 0x1234);
	tiny_guest_equal(g, "the new TSS", *tiny_guest_word(g, THIRD_TSS),
			 0x1234);
}
