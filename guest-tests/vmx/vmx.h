/** @file
 * What every file of this program includes: services as functions, and how a
 * test for the rig is written down.
 *
 *	TEST(cpuid_exits)
 *	{
 *		PROVOKE("cpuid");
 *		CHECK_EXIT(EXIT_CPUID, 2);
 *	}
 *
 * Each provoked instruction stands in assembly, so that nobody but its writer
 * chooses it, and behind a CMP, which gives all six status flags a value: what
 * an AND leaves in RFLAGS.AF is undefined (SDM 1 appendix A), and every exit
 * records RFLAGS.
 */
#ifndef GUEST_TESTS_VMX_VMX_H
#define GUEST_TESTS_VMX_VMX_H

#include "guest-tests/lib/test.h"
#include "hv/vmxtest/services.h"

/** Like TEST(), for tests that make sense with EPT only. */
#define TEST_EPT(test) TEST_WITH(test, TEST_NEEDS_EPT)
/** ... and without EPT only. */
#define TEST_NOEPT(test) TEST_WITH(test, TEST_NEEDS_SHADOW)

/* Basic exit reasons, SDM 3D appendix C */
#define EXIT_EXCEPTION 0
#define EXIT_INTERRUPT 1
#define EXIT_TRIPLE_FAULT 2
#define EXIT_INTERRUPT_WINDOW 7
#define EXIT_NMI_WINDOW 8
#define EXIT_TASK_SWITCH 9
#define EXIT_CPUID 10
#define EXIT_HLT 12
#define EXIT_INVD 13
#define EXIT_INVLPG 14
#define EXIT_RDPMC 15
#define EXIT_RDTSC 16
#define EXIT_VMCALL 18
#define EXIT_VMCLEAR 19
#define EXIT_VMLAUNCH 20
#define EXIT_VMPTRLD 21
#define EXIT_VMPTRST 22
#define EXIT_VMREAD 23
#define EXIT_VMRESUME 24
#define EXIT_VMWRITE 25
#define EXIT_VMXOFF 26
#define EXIT_VMXON 27
#define EXIT_CR 28
#define EXIT_DR 29
#define EXIT_IO 30
#define EXIT_RDMSR 31
#define EXIT_WRMSR 32
#define EXIT_ENTRY_GUEST_STATE 33
#define EXIT_ENTRY_MSR_LOAD 34
#define EXIT_MWAIT 36
#define EXIT_MTF 37
#define EXIT_MONITOR 39
#define EXIT_PAUSE 40
#define EXIT_GDTR_IDTR 46
#define EXIT_LDTR_TR 47
#define EXIT_EPT_VIOLATION 48
#define EXIT_EPT_MISCONFIG 49
#define EXIT_INVEPT 50
#define EXIT_RDTSCP 51
#define EXIT_INVVPID 53
#define EXIT_WBINVD 54

/* VMCS fields, SDM 3D appendix B; the controls' bits, SDM 3C 25.6 */
#define FIELD_VPID 0x0000
#define FIELD_IO_BITMAP_A 0x2000
#define FIELD_IO_BITMAP_B 0x2002
#define FIELD_MSR_BITMAP 0x2004
#define FIELD_EXIT_STORE 0x2006
#define FIELD_EXIT_LOAD 0x2008
#define FIELD_ENTRY_LOAD 0x200a
#define FIELD_TSC_OFFSET 0x2010
#define FIELD_EPT_POINTER 0x201a
#define FIELD_LINK_POINTER 0x2800
#define FIELD_EFER 0x2806
#define FIELD_PDPTE0 0x280a
#define FIELD_PIN 0x4000
#define FIELD_CPU 0x4002
#define FIELD_EXCEPTION_BITMAP 0x4004
#define FIELD_PF_MASK 0x4006
#define FIELD_PF_MATCH 0x4008
#define FIELD_CR3_TARGET_COUNT 0x400a
#define FIELD_EXIT_CONTROLS 0x400c
#define FIELD_EXIT_STORE_COUNT 0x400e
#define FIELD_EXIT_LOAD_COUNT 0x4010
#define FIELD_ENTRY_CONTROLS 0x4012
#define FIELD_ENTRY_LOAD_COUNT 0x4014
#define FIELD_ENTRY_INTR_INFO 0x4016
#define FIELD_ENTRY_ERROR_CODE 0x4018
#define FIELD_ENTRY_INSN_LENGTH 0x401a
#define FIELD_CPU2 0x401e
#define FIELD_CS_RIGHTS 0x4816
#define FIELD_TR_RIGHTS 0x4822
#define FIELD_INTERRUPTIBILITY 0x4824
#define FIELD_ACTIVITY 0x4826
#define FIELD_CR0_MASK 0x6000
#define FIELD_CR4_MASK 0x6002
#define FIELD_CR0_SHADOW 0x6004
#define FIELD_CR4_SHADOW 0x6006
#define FIELD_CR3_TARGET0 0x6008
#define FIELD_GUEST_CR0 0x6800
#define FIELD_GUEST_CR4 0x6804
#define FIELD_IDTR_BASE 0x6818
#define FIELD_GUEST_RIP 0x681e
#define FIELD_RFLAGS 0x6820
#define FIELD_PENDING_DEBUG 0x6822
#define FIELD_HOST_CS 0x0c02
#define FIELD_HOST_CR0 0x6c00

#define PIN_EXTERNAL_INTERRUPT BIT(0)
#define PIN_NMI BIT(3)
#define PIN_VIRTUAL_NMIS BIT(5)
#define CPU_INTERRUPT_WINDOW BIT(2)
#define CPU_TSC_OFFSETTING BIT(3)
#define CPU_HLT BIT(7)
#define CPU_INVLPG BIT(9)
#define CPU_MWAIT BIT(10)
#define CPU_RDPMC BIT(11)
#define CPU_RDTSC BIT(12)
#define CPU_CR3_LOAD BIT(15)
#define CPU_CR3_STORE BIT(16)
#define CPU_CR8_LOAD BIT(19)
#define CPU_CR8_STORE BIT(20)
#define CPU_NMI_WINDOW BIT(22)
#define CPU_MOV_DR BIT(23)
#define CPU_UNCONDITIONAL_IO BIT(24)
#define CPU_IO_BITMAPS BIT(25)
#define CPU_MTF BIT(27)
#define CPU_MSR_BITMAPS BIT(28)
#define CPU_MONITOR BIT(29)
#define CPU_PAUSE BIT(30)
#define CPU2_DESCRIPTOR_TABLES BIT(2)
#define CPU2_RDTSCP BIT(3)
#define CPU2_VPID BIT(5)
#define CPU2_WBINVD BIT(6)
#define EXIT_ACKNOWLEDGE BIT(15)

/* What the rig's instructions give: hv/vmxtest/rig_insn.c */
#define GIVEN_LOW 0x5a5a1111u
#define GIVEN_HIGH 0x5a5a2222u

/** What follows is on one page: where page tables are shadows, Bochs forgets
 * blocking by STI and MOV SS when the fetch of the next instruction faults. */
#define ONE_PAGE ".balign 16\n\t"
#define STI ONE_PAGE "sti\n\t"

/** One instruction, operands as in an asm statement. */
#define PROVOKE(...) asm volatile("cmp %%esp, %%esp\n\t" __VA_ARGS__)

/** The same, and the guest goes on behind it whatever becomes of it. */
#define PROVOKE_LAND(text, ...) \
	asm volatile("movq $1f, 0xa000\n\t" \
		     "cmp %%esp, %%esp\n\t" text "\n" \
		     "1: movq $0, 0xa000" __VA_ARGS__)

_Static_assert(MAILBOX_GPA == 0xa000, "PROVOKE_LAND() writes its first word");

/** A service. @return RAX */
static inline s64 service3(enum service number, u64 a, u64 b, u64 c)
{
	s64 result;

	asm volatile("cmp %%esp, %%esp\n\t"
		     "vmcall"
		     : "=a"(result)
		     : "a"((u64)number), "D"(a), "S"(b), "d"(c)
		     : "memory", "cc");
	return result;
}

static inline s64 service(enum service number, u64 a, u64 b)
{
	return service3(number, a, b, 0);
}

/** The n-th last exit that was no VMCALL; n is 0 for the last. */
static inline struct services_exit exit_before(u64 n)
{
	struct services_exit exit = { .reason = ~0ull };

	(void)service(SERVICE_EXIT, vmcall_address(&exit), n);
	return exit;
}

/** Where the guest says what is to be done about its next exits. */
static inline volatile struct services_mailbox *mailbox(void)
{
	return (volatile struct services_mailbox *)MAILBOX_GPA;
}

/** For the next `times` exits. */
static inline void set_action(enum services_action action, u32 times)
{
	mailbox()->action = action;
	mailbox()->times = times;
}

/** End the test: this machine cannot make it. */
static inline void skip_test(const char *why)
{
	(void)service(SERVICE_SKIP, vmcall_address(why), 0);
}

/** Turn controls on, which every unit here has, and off. */
#define SET(field, bits) CHECK_DONE(service3(SERVICE_CONTROL, field, bits, 0))
#define CLEAR(field, bits) CHECK_DONE(service3(SERVICE_CONTROL, field, 0, bits))
#define VMWRITE(field, value) CHECK_DONE(service(SERVICE_VMWRITE, field, value))

#define CHECK_REASON(exit, why) \
	CHECK_COUNT((exit).reason, (why), "the exit reason is " #why)

/** The last exit was one that an instruction has caused. */
#define CHECK_EXIT(why, bytes, qual) \
	do { \
		struct services_exit exit_ = exit_before(0); \
		CHECK_REASON(exit_, why); \
		CHECK_COUNT(exit_.length, (bytes), \
			    "the exit has the instruction's length " \
			    "(SDM 3C 28.2.5)"); \
		CHECK_EQ(exit_.qualification, (qual), \
			 "the exit qualification is as in SDM 3C 28.2.1"); \
	} while (0)

/** ... with VM-exit instruction information, of which these bits count. */
#define CHECK_EXIT_INFO(why, bytes, qual, mask, information) \
	do { \
		CHECK_EXIT(why, bytes, qual); \
		CHECK_EQ(exit_before(0).insn_info & (mask), (information), \
			 "the instruction information is as in " \
			 "SDM 3C 28.2.5"); \
	} while (0)

#endif
