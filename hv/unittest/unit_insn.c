/** @file
 * Cases: what the exit says of an instruction that SVM says nothing of.
 *
 * Prefixes, operand sizes and addresses that are neither in ModRM nor on the
 * stack: each line here was wrong once.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Code bytes with what they lead to: a reason, or the vector that the guest's
 * handler tells. */
struct row {
	u8 code[8];
	u32 reason;
	u32 vector;
};

/** Run each row's bytes, with VMCALL behind them. */
static void run_rows(struct tiny_guest *g, const struct row *rows, size_t count)
{
	static const u8 vmcall[] = { 0x0f, 0x01, 0xc1 };

	for (size_t i = 0; i < count && !g->why; i++) {
		tiny_guest_load(g, rows[i].code, sizeof(rows[i].code));
		memcpy(g->memory + TINY_CODE_AT + 8, vmcall, sizeof(vmcall));
		g->gpr[GPR_RAX] = ~0ull;
		g->gpr[GPR_RDI] = TINY_DATA;
		tiny_guest_expect(g, rows[i].reason);
		if (rows[i].vector) {
			tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX],
					 rows[i].vector);
		}
	}
}

#define UNDEFINED EXIT_REASON_VMCALL, VECTOR_UD

/** 66, F2 and F3 make another opcode of most VMX instructions, and for the
 * others choose which (SDM 3C 31.3). */
void unit_insn_prefixes(struct tiny_guest *g)
{
	static const struct row rows[] = {
		{ { 0x66, 0x0f, 0x01, 0xc1 }, UNDEFINED },
		{ { 0xf3, 0x0f, 0x01, 0xc2 }, UNDEFINED },
		{ { 0xf2, 0x0f, 0x01, 0xc4 }, UNDEFINED },
		{ { 0x66, 0x0f, 0xc7, 0x3f }, UNDEFINED },
		{ { 0xf2, 0x0f, 0xc7, 0x37 }, UNDEFINED },
		{ { 0x0f, 0x38, 0x80, 0x07 }, UNDEFINED },
		{ { 0x0f, 0xc7, 0x37 }, EXIT_REASON_VMPTRLD, 0 },
		{ { 0x66, 0x0f, 0xc7, 0x37 }, EXIT_REASON_VMCLEAR, 0 },
		{ { 0x66, 0x48, 0x0f, 0xc7, 0x37 }, EXIT_REASON_VMCLEAR, 0 },
		{ { 0xf3, 0x0f, 0xc7, 0x37 }, EXIT_REASON_VMXON, 0 },
		{ { 0x66, 0x0f, 0x38, 0x80, 0x07 }, EXIT_REASON_INVEPT, 0 },
		{ { 0x66, 0x0f, 0x01, 0xc8 }, UNDEFINED },
		{ { 0xf2, 0x0f, 0x01, 0xc9 }, UNDEFINED },
		{ { 0x2e, 0xf1 }, EXIT_REASON_VMCALL, VECTOR_DB },
		{ { 0x66, 0x65, 0xf1 }, EXIT_REASON_VMCALL, VECTOR_DB },
	};

	run_rows(g, rows, ARRAY_SIZE(rows));
}

/** In 16-bit code the operand size is 2 without any prefix. */
void unit_insn_16bit(struct tiny_guest *g)
{
	static const struct row rows[] = {
		{ { 0x0f, 0x78, 0xc3 }, EXIT_REASON_VMREAD, 0 },
		{ { 0x0f, 0x79, 0xc3 }, EXIT_REASON_VMWRITE, 0 },
		{ { 0x0f, 0xc7, 0x35 }, EXIT_REASON_VMPTRLD, 0 },
		{ { 0x66, 0x0f, 0xc7, 0x35 }, EXIT_REASON_VMCLEAR, 0 },
		{ { 0x66, 0x0f, 0x38, 0x80, 0x05 }, EXIT_REASON_INVEPT, 0 },
		{ { 0x0f, 0x01, 0xc2 }, EXIT_REASON_VMLAUNCH, 0 },
	};

	tiny_guest_enter_32bit(g);
	vmwrite(GUEST_CS_AR_BYTES, vmread(GUEST_CS_AR_BYTES) & ~SEG_AR_DB);
	run_rows(g, rows, ARRAY_SIZE(rows));
}

/** A REP in front of IN or OUT means nothing. */
void unit_insn_rep_out(struct tiny_guest *g)
{
	static const struct row rows[] = {
		{ { 0xf3, 0xe6, 0x80 }, EXIT_REASON_IO_INSTRUCTION, 0 },
	};

	run_rows(g, rows, ARRAY_SIZE(rows));
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x80 << 16 | BIT(6));
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 3);
}

/** Take the page of an address out of the EPT, and have code run into it. */
static void expect_address(struct tiny_guest *g, u64 address, u64 access)
{
	u64 *entry = tiny_guest_ept(g, address);
	u64 good = *entry;

	*entry = 0;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS, address);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS, address);
	tiny_guest_field(g, EXIT_QUALIFICATION, access | 0x180);
	*entry = good;
}

TINY_CODE(bts_code, "bts %rsi, (%rdi)\n\t")
TINY_CODE(bt_code, "bt %esi, (%rdi)\n\t")
TINY_CODE(leave_code, "leave\n\t")
TINY_CODE(xlat_code, "xlatb\n\t")

/** Guest-linear addresses that ModRM does not tell. */
void unit_insn_addresses(struct tiny_guest *g)
{
	u64 far = TINY_DATA + 5 * PAGE_SIZE;

	TINY_LOAD(g, bts_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RSI] = (far + 16 - TINY_DATA) * 8 + 3;
	expect_address(g, far + 16, 2);
	TINY_LOAD(g, bt_code);
	g->gpr[GPR_RDI] = far + 100;
	g->gpr[GPR_RSI] = (u32)-((100 + PAGE_SIZE - 4) * 8);
	expect_address(g, far - PAGE_SIZE + 4, 1);
	TINY_LOAD(g, leave_code);
	g->gpr[GPR_RBP] = far + 8;
	expect_address(g, far + 8, 1);
	TINY_LOAD(g, xlat_code);
	g->gpr[GPR_RBX] = far;
	g->gpr[GPR_RAX] = 0xff77;
	expect_address(g, far + 0x77, 1);
}

TINY_CODE(add_code, "add %eax, (%rdi)\n\t")

/** An instruction that reads and writes is a page fault first, if the guest may
 * not write, whatever the EPT says. */
void unit_insn_rmw_page_fault(struct tiny_guest *g)
{
	TINY_LOAD(g, add_code);
	g->gpr[GPR_RDI] = TINY_DATA + 0x18;
	*tiny_guest_ept(g, TINY_DATA) = 0;
	*tiny_guest_pte(g, TINY_DATA) &= ~TINY_PTE_WRITE;
	tiny_guest_invept(g);
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_PF));
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, EXIT_QUALIFICATION, TINY_DATA + 0x18);
	tiny_guest_field(g, VM_EXIT_INTR_ERROR_CODE, PF_P | PF_W);
	*tiny_guest_pte(g, TINY_DATA) |= TINY_PTE_WRITE;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x182);
}

/** While its fault is delivered, what is read is read. */
void unit_insn_rmw_delivery(struct tiny_guest *g)
{
	u64 gate = TINY_IDT + VECTOR_GP * 16;

	TINY_LOAD(g, add_code);
	g->gpr[GPR_RDI] = BIT(63);
	*tiny_guest_ept(g, TINY_IDT) = 0;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS, gate);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x181);
}

TINY_CODE(out_code, "out %al, $0x80\n\t")

/** At CPL 3 the TSS' permission bitmap decides, and then the exit comes. */
void unit_insn_permission_bitmap(struct tiny_guest *g)
{
	TINY_LOAD(g, out_code);
	vmwrite(GUEST_TR_LIMIT, 0x167);
	*(u16 *)(g->memory + TINY_TSS + 0x66) = 0x68;
	tiny_guest_user(g);
	tiny_guest_expect(g, EXIT_REASON_IO_INSTRUCTION);
	g->memory[TINY_TSS + 0x68 + 0x10] = 1;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_GP);
}

TINY_CODE(cr0_code, "mov %cr0, %rax\n\t"
		    "or $0x1000ffc0, %eax\n\t"
		    "mov %rax, %cr0\n\t"
		    "vmcall\n\t")

/** Reserved bits of CR0 that the guest sets are not there. */
void unit_insn_cr0_reserved(struct tiny_guest *g)
{
	u64 before = vmread(GUEST_CR0);

	TINY_LOAD(g, cr0_code);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_field(g, GUEST_CR0, before);
}
