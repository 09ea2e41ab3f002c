/** @file
 * Cases: the monitor trap flag (SDM 3C 26.5.2).
 *
 * A program is run with the flag set, and after each exit stands where the
 * list of its boundaries says.  What the guest sees must be as without: the
 * soft unit uses RFLAGS.TF for it, and TF must not show.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/msr.h"
#include "hv/x86/trap.h"

/** The stub of a vector, where its event arrives (tiny_tables.c). */
#define STUB(vector) (TINY_STUBS + 16 * (vector))

static bool is_offered(void)
{
	return vmx_caps_has(VMX_CONTROL_CPU, CPU_MONITOR_TRAP_FLAG);
}

static void set_flag(bool on)
{
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL,
			  on ? CPU_MONITOR_TRAP_FLAG : 0,
			  CPU_MONITOR_TRAP_FLAG);
}

/** One step, to this RIP. */
static void expect_step(struct tiny_guest *g, u64 rip)
{
	tiny_guest_expect(g, EXIT_REASON_MONITOR_TRAP_FLAG);
	tiny_guest_field(g, GUEST_RIP, rip);
}

TINY_CODE(plain_code, "nop\n\t"		       /* 0 */
		      "mov $3, %ecx\n\t"       /* 1 */
		      "lea 0x100(%rdi), %rsi\n\t" /* 6 */
		      "rep movsb\n\t"	       /* 13 */
		      "jmp 1f\n\t"	       /* 15 */
		      "ud2\n"
		      "1:\tcpuid\n\t")	       /* 19 */

/** Each instruction, and each round of a repeated one; an exit of its own comes
 * in its place. */
void unit_step_plain(struct tiny_guest *g)
{
	static const u8 offsets[] = { 1, 6, 13, 13, 13, 15, 19 };

	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, plain_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	set_flag(true);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		expect_step(g, TINY_CODE_AT + offsets[i]);
		tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED);
		tiny_guest_field(g, GUEST_PENDING_DBG_EXCEPTIONS, 0);
	}
	tiny_guest_expect(g, EXIT_REASON_CPUID);
}

TINY_CODE(flags_code, "pushfq\n\t"		      /* 0 */
		      "pop %rax\n\t"		      /* 1 */
		      "pushfw\n\t"		      /* 2 */
		      "pop %bx\n\t"		      /* 4 */
		      "push %rdx\n\t"		      /* 6 */
		      "popfq\n\t"		      /* 7 */
		      "nop\n\t"			      /* 8 */
		      "vmcall\n\t")		      /* 9 */

/** TF of ours is not pushed; a TF of the guest's own is its own. */
void unit_step_flags(struct tiny_guest *g)
{
	static const u8 offsets[] = { 1, 2, 4, 6, 7, 8 };

	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, flags_code);
	g->gpr[GPR_RDX] = RFLAGS_FIXED | RFLAGS_TF;
	set_flag(true);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		expect_step(g, TINY_CODE_AT + offsets[i]);
		tiny_guest_field(g, GUEST_PENDING_DBG_EXCEPTIONS, 0);
	}
	tiny_guest_equal(g, "what PUSHFQ pushed", g->gpr[GPR_RAX],
			 RFLAGS_FIXED);
	tiny_guest_equal(g, "what PUSHF pushed", g->gpr[GPR_RBX],
			 RFLAGS_FIXED);
	tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
	/* The NOP is traced by the guest as well: #DB, after our exit. */
	expect_step(g, TINY_CODE_AT + 9);
	tiny_guest_field(g, GUEST_PENDING_DBG_EXCEPTIONS, BIT(14));
	expect_step(g, STUB(VECTOR_DB));
	tiny_guest_equal(g, "RFLAGS in the frame",
			 *tiny_guest_word(g, TINY_STACK - 24),
			 RFLAGS_FIXED | RFLAGS_TF);
	tiny_guest_equal(g, "DR6.BS", read_dr6() & BIT(14), BIT(14));
	write_dr6(DR6_RESET);
}

TINY_CODE(event_code, "int $0x40\n\t"	/* 0 */
		      "ud2\n\t"		/* 2 */
		      "vmcall\n\t")
TINY_CODE(event_handler, "nop\n\t"
			 "iretq\n\t")

/** The boundary of an event is the first instruction of its handler. */
void unit_step_events(struct tiny_guest *g)
{
	u64 *frame = tiny_guest_word(g, TINY_STACK - 40);

	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, event_code);
	TINY_HANDLE(g, 0x40, event_handler);
	set_flag(true);
	expect_step(g, TINY_HANDLER);
	tiny_guest_equal(g, "RFLAGS in the frame", frame[2], RFLAGS_FIXED);
	tiny_guest_equal(g, "RIP in the frame", frame[0], TINY_CODE_AT + 2);
	expect_step(g, TINY_HANDLER + 1);
	expect_step(g, TINY_CODE_AT + 2);
	expect_step(g, STUB(VECTOR_UD));
	tiny_guest_equal(g, "RFLAGS in the frame", frame[2] & ~RFLAGS_RF,
			 RFLAGS_FIXED);
	tiny_guest_equal(g, "RIP in the frame", frame[0], TINY_CODE_AT + 2);
	/* Injected: no instruction is executed either. */
	TINY_LOAD(g, event_code);
	vmwrite(VM_ENTRY_INTR_INFO,
		INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 | VECTOR_DE);
	expect_step(g, STUB(VECTOR_DE));
	/* Injected is the trap itself (SDM 3C 27.6.2), the flag being off. */
	TINY_LOAD(g, event_code);
	set_flag(false);
	vmwrite(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | INTR_TYPE_OTHER << 8);
	expect_step(g, TINY_CODE_AT);
}

TINY_CODE(syscall_code, "syscall\n\t" /* 0 */
			"vmcall\n\t"  /* 2 */)
TINY_CODE(sysret_code, "mov %r11, %rbx\n\t" /* 0 */
		       "sysretq\n\t" /* 3 */)

/** SYSCALL keeps RFLAGS in R11, SYSRET takes them from there. */
void unit_step_syscall(struct tiny_guest *g)
{
	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, syscall_code);
	memcpy(g->memory + TINY_HANDLER, sysret_code,
	       (size_t)(sysret_code_end - sysret_code));
	/* STAR: CS and SS of CPL 0, then of CPL 3 less 16 and 8. */
	wrmsr(MSR_IA32_STAR, (u64)TINY_SEL_CODE << 32 | 0x43ull << 48);
	wrmsr(MSR_IA32_LSTAR, TINY_HANDLER);
	wrmsr(MSR_IA32_FMASK, RFLAGS_TF | RFLAGS_IF);
	set_flag(true);
	expect_step(g, TINY_HANDLER);
	tiny_guest_equal(g, "R11", g->gpr[GPR_R11], RFLAGS_FIXED);
	tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED);
	expect_step(g, TINY_HANDLER + 3);
	expect_step(g, TINY_CODE_AT + 2);
	tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED);
	tiny_guest_equal(g, "R11", g->gpr[GPR_R11], RFLAGS_FIXED);
	tiny_guest_equal(g, "SFMASK", rdmsr(MSR_IA32_FMASK),
			 RFLAGS_TF | RFLAGS_IF);
}

TINY_CODE(memory_code, "mov (%rdi), %eax\n\t" /* 0 */
		       "hlt\n\t"	      /* 2 */
		       "vmcall\n\t"	      /* 3 */)

/** A violation comes first, and no step after it; a halt is a step. */
void unit_step_between(struct tiny_guest *g)
{
	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, memory_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	*tiny_guest_ept(g, TINY_DATA) &= ~TINY_EPT_ALL;
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_HLT_EXITING);
	set_flag(true);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_RF);
	*tiny_guest_ept(g, TINY_DATA) |= TINY_EPT_ALL;
	expect_step(g, TINY_CODE_AT + 2);
	expect_step(g, TINY_CODE_AT + 3);
	tiny_guest_field(g, GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
}

TINY_CODE(interrupt_code, "mov %ebx, 0x310(%rdi)\n\t"	  /* 0 */
			  "movl $0x4050, 0x300(%rdi)\n\t" /* 6 */
			  "push %rdx\n\t"		  /* 16 */
			  "popfq\n\t"			  /* 17 */
			  "nop\n\t"			  /* 18 */
			  "vmcall\n\t")

/** An interrupt of the guest's own is a boundary too. */
void unit_step_interrupt(struct tiny_guest *g)
{
	if (!is_offered()) {
		return;
	}
	TINY_LOAD(g, interrupt_code);
	tiny_guest_map_apic(g);
	tiny_guest_change(PIN_BASED_VM_EXEC_CONTROL, 0,
			  PIN_EXTERNAL_INTERRUPT_EXITING);
	g->gpr[GPR_RDI] = TINY_APIC;
	g->gpr[GPR_RBX] = (u64)lapic_id() << 24;
	g->gpr[GPR_RDX] = RFLAGS_FIXED | RFLAGS_IF;
	set_flag(true);
	expect_step(g, TINY_CODE_AT + 6);
	expect_step(g, TINY_CODE_AT + 16);
	expect_step(g, TINY_CODE_AT + 17);
	expect_step(g, TINY_CODE_AT + 18);
	tiny_guest_field(g, GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
	expect_step(g, STUB(0x50));
	tiny_guest_equal(g, "RFLAGS in the frame",
			 *tiny_guest_word(g, TINY_STACK - 24),
			 RFLAGS_FIXED | RFLAGS_IF);
	lapic_eoi();
}
