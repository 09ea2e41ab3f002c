/** @file
 * VMX's own instructions in a guest: each exits, whatever it was to do, and
 * describes its operands (SDM 3C 28.2.5, tables 28-10 to 28-15).
 *
 *	31:28 reg2   27 no base   26:23 base   22 no index   21:18 index
 *	17:15 segment   10 register operand   9:7 address size   6:3 reg1
 *	1:0 scale
 *
 * A field whose "no" bit is set is undefined, and with a register operand all
 * that describes memory is.
 */
#include "guest-tests/vmx/vmx.h"

#define SCALE(n) (n)
#define REG1(n) ((n) << 3)
#define ADDRESS_32 (1u << 7)
#define ADDRESS_64 (2u << 7)
#define REGISTER BIT(10)
#define SEGMENT(n) ((u32)(n) << 15)
#define INDEX(n) ((u32)(n) << 18)
#define NO_INDEX BIT(22)
#define BASE(n) ((u32)(n) << 23)
#define NO_BASE BIT(27)
#define REG2(n) ((u32)(n) << 28)

#define RAX 0
#define RCX 1
#define RDX 2
#define RBX 3
#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7

#define ES 0
#define SS 2
#define DS 3
#define FS 4
#define GS 5

/* Which bits count: REG2, and the operand in memory or in a register */
#define MASK_REGISTER (REG2(15) | REGISTER | REG1(15))
#define MASK_MEMORY (REGISTER | ADDRESS_32 | ADDRESS_64 | SEGMENT(7))
#define MASK_BASE (NO_BASE | BASE(15))
#define MASK_INDEX (NO_INDEX | INDEX(15) | SCALE(3))
#define MASK_ALL (MASK_MEMORY | MASK_BASE | MASK_INDEX)

TEST(instructions_without_operands_exit)
{
	PROVOKE("vmlaunch" : : : "cc", "memory");
	CHECK_EXIT(EXIT_VMLAUNCH, 3, 0);
	PROVOKE("vmresume" : : : "cc", "memory");
	CHECK_EXIT(EXIT_VMRESUME, 3, 0);
	PROVOKE("vmxoff" : : : "cc", "memory");
	CHECK_EXIT(EXIT_VMXOFF, 3, 0);
}

TEST(vmread_names_its_registers)
{
	PROVOKE("vmread %%rax, %%rbx" : : : "cc", "memory", "rbx");
	CHECK_EXIT_INFO(EXIT_VMREAD, 3, 0, MASK_REGISTER,
			REGISTER | REG1(RBX) | REG2(RAX));
	PROVOKE("vmread %%r9, %%r15" : : : "cc", "memory", "r15");
	CHECK_EXIT_INFO(EXIT_VMREAD, 4, 0, MASK_REGISTER,
			REGISTER | REG1(15) | REG2(9));
	PROVOKE("vmread %%rsp, %%rbp" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMREAD, 3, 0, MASK_REGISTER,
			REGISTER | REG1(RBP) | REG2(RSP));
}

TEST(vmwrite_names_its_registers)
{
	PROVOKE("vmwrite %%rdx, %%rcx" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMWRITE, 3, 0, MASK_REGISTER,
			REGISTER | REG1(RDX) | REG2(RCX));
	PROVOKE("vmwrite %%r13, %%r8" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMWRITE, 4, 0, MASK_REGISTER,
			REGISTER | REG1(13) | REG2(8));
}

TEST(vmread_names_its_memory)
{
	PROVOKE("vmread %%rax, 0x70000(%%rbx,%%rcx,8)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMREAD, 8, 0x70000, MASK_ALL | REG2(15),
			SCALE(3) | ADDRESS_64 | SEGMENT(DS) | INDEX(RCX) |
			BASE(RBX) | REG2(RAX));
	PROVOKE("vmread %%r10, -8(%%r12)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMREAD, 6, -8,
			MASK_MEMORY | MASK_BASE | NO_INDEX | REG2(15),
			ADDRESS_64 | SEGMENT(DS) | NO_INDEX | BASE(12) |
			REG2(10));
	PROVOKE("vmread %%rdi, (%%rsp)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMREAD, 4, 0,
			MASK_MEMORY | MASK_BASE | NO_INDEX | REG2(15),
			ADDRESS_64 | SEGMENT(SS) | NO_INDEX | BASE(RSP) |
			REG2(RDI));
	PROVOKE("vmread %%rax, %%gs:0x1234" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMREAD, 9, 0x1234,
			MASK_MEMORY | NO_BASE | NO_INDEX | REG2(15),
			ADDRESS_64 | SEGMENT(GS) | NO_INDEX | NO_BASE);
}

TEST(vmwrite_names_its_memory)
{
	PROVOKE("vmwrite 0x12345678(,%%r9,4), %%rbp" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMWRITE, 9, 0x12345678,
			MASK_MEMORY | NO_BASE | MASK_INDEX | REG2(15),
			SCALE(2) | ADDRESS_64 | SEGMENT(DS) | INDEX(9) |
			NO_BASE | REG2(RBP));
	PROVOKE("vmwrite -16(%%ebp,%%esi,2), %%rsi"
		: : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMWRITE, 6, exit_before(0).qualification,
			MASK_ALL | REG2(15),
			SCALE(1) | ADDRESS_32 | SEGMENT(SS) | INDEX(RSI) |
			BASE(RBP) | REG2(RSI));
	CHECK_EQ((u32)exit_before(0).qualification, (u32)-16,
		 "the displacement of a 32-bit address has 32 bits");
}

static u64 operand[2] __aligned(16);

TEST(rip_relative_operands_are_sums)
{
	PROVOKE("vmptrld %0" : : "m"(operand[0]) : "cc", "memory");
	CHECK_EQ(exit_before(0).qualification,
		 exit_before(0).insn_info & NO_BASE
			 ? (u64)operand
			 : exit_before(0).qualification,
		 "RIP-relative and absolute operands are told as the address");
	PROVOKE("vmclear operand_%=(%%rip); operand_%=:" : : : "cc", "memory");
	CHECK_REASON(exit_before(0), EXIT_VMCLEAR);
	CHECK_EQ(exit_before(0).qualification,
		 exit_before(0).rip + exit_before(0).length,
		 "the qualification is displacement plus next RIP "
		 "(SDM 3C 28.2.1)");
}

TEST(pointer_instructions_name_their_memory)
{
	PROVOKE("vmxon 0x70000" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMXON, 9, 0x70000,
			MASK_MEMORY | NO_BASE | NO_INDEX,
			ADDRESS_64 | SEGMENT(DS) | NO_BASE | NO_INDEX);
	PROVOKE("vmclear (%%rax)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMCLEAR, 4, 0, MASK_MEMORY | MASK_BASE | NO_INDEX,
			ADDRESS_64 | SEGMENT(DS) | BASE(RAX) | NO_INDEX);
	PROVOKE("vmptrld 8(%%rbp)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMPTRLD, 4, 8, MASK_MEMORY | MASK_BASE | NO_INDEX,
			ADDRESS_64 | SEGMENT(SS) | BASE(RBP) | NO_INDEX);
	PROVOKE("vmptrst %%fs:(%%r12,%%r13,4)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_VMPTRST, 6, 0, MASK_ALL,
			ADDRESS_64 | SEGMENT(FS) | BASE(12) | INDEX(13) |
			SCALE(2));
}

TEST(invept_and_invvpid_name_their_operands)
{
	PROVOKE("invept (%%rax), %%rcx" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_INVEPT, 5, 0,
			MASK_MEMORY | MASK_BASE | NO_INDEX | REG2(15),
			ADDRESS_64 | SEGMENT(DS) | BASE(RAX) | NO_INDEX |
			REG2(RCX));
	PROVOKE("invvpid 0x40(%%rbx,%%rdi,2), %%r11" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_INVVPID, 8, 0x40, MASK_ALL | REG2(15),
			ADDRESS_64 | SEGMENT(DS) | BASE(RBX) | INDEX(RDI) |
			SCALE(1) | REG2(11));
}

/* Descriptor tables: bits 29:28 say which of the four, bit 11 the size. */
#define WHICH(n) ((u32)(n) << 28)
enum { SGDT, SIDT, LGDT, LIDT };
enum { SLDT, STR, LLDT, LTR };

TEST(gdtr_and_idtr_accesses_exit_when_asked)
{
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	PROVOKE("sgdt 0x70000" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_GDTR_IDTR, 8, 0x70000,
			MASK_MEMORY | NO_BASE | NO_INDEX | WHICH(3),
			ADDRESS_64 | SEGMENT(DS) | NO_BASE | NO_INDEX |
			WHICH(SGDT));
	PROVOKE("sidt (%%rsp)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_GDTR_IDTR, 4, 0,
			MASK_MEMORY | MASK_BASE | NO_INDEX | WHICH(3),
			ADDRESS_64 | SEGMENT(SS) | BASE(RSP) | NO_INDEX |
			WHICH(SIDT));
	PROVOKE("lgdt 0x70000(,%%rax,1)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_GDTR_IDTR, 8, 0x70000,
			MASK_MEMORY | NO_BASE | MASK_INDEX | WHICH(3),
			ADDRESS_64 | SEGMENT(DS) | NO_BASE | INDEX(RAX) |
			WHICH(LGDT));
	PROVOKE("lidt %%gs:0x10(%%r8,%%r9,8)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_GDTR_IDTR, 7, 0x10, MASK_ALL | WHICH(3),
			ADDRESS_64 | SEGMENT(GS) | BASE(8) | INDEX(9) |
			SCALE(3) | WHICH(LIDT));
}

TEST(ldtr_and_tr_accesses_exit_when_asked)
{
	SET(FIELD_CPU2, CPU2_DESCRIPTOR_TABLES);
	PROVOKE("sldt %%ecx" : : : "cc", "ecx");
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 3, 0, REGISTER | REG1(15) | WHICH(3),
			REGISTER | REG1(RCX) | WHICH(SLDT));
	PROVOKE("str %%r14" : : : "cc", "r14");
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 4, 0, REGISTER | REG1(15) | WHICH(3),
			REGISTER | REG1(14) | WHICH(STR));
	PROVOKE("lldt %%ax" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 3, 0, REGISTER | REG1(15) | WHICH(3),
			REGISTER | REG1(RAX) | WHICH(LLDT));
	PROVOKE("ltr 0x12(%%rsi)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 4, 0x12,
			MASK_MEMORY | MASK_BASE | NO_INDEX | WHICH(3),
			ADDRESS_64 | SEGMENT(DS) | BASE(RSI) | NO_INDEX |
			WHICH(LTR));
	PROVOKE("str (%%rdi,%%rdx,2)" : : : "cc", "memory");
	CHECK_EXIT_INFO(EXIT_LDTR_TR, 4, 0, MASK_ALL | WHICH(3),
			ADDRESS_64 | SEGMENT(DS) | BASE(RDI) | INDEX(RDX) |
			SCALE(1) | WHICH(STR));
}
