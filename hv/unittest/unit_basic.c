/** @file
 * Cases: entering, leaving, and what a guest can see.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

TINY_CODE(cpuid_code, "mov $0x1234, %ebx\n\t"
		      "cpuid\n\t"
		      "vmcall\n\t")

void unit_basic_cpuid(struct tiny_guest *g)
{
	TINY_LOAD(g, cpuid_code);
	tiny_guest_expect(g, EXIT_REASON_CPUID);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 2);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + 5);
	tiny_guest_equal(g, "RBX", g->gpr[GPR_RBX], 0x1234);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
}

TINY_CODE(monitor_code, "monitor\n\t"
			"mwait\n\t"
			"vmcall\n\t")

/** Exits come before the look at ECX, which is not 0 here (SDM 3C 26.1.1). */
void unit_basic_monitor(struct tiny_guest *g)
{
	TINY_LOAD(g, monitor_code);
	g->gpr[GPR_RAX] = TINY_DATA;
	g->gpr[GPR_RCX] = 2;
	tiny_guest_expect(g, EXIT_REASON_MONITOR);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 3);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_MWAIT);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 3);
	/* Where they do not exit, the guest has its #GP. */
	TINY_LOAD(g, monitor_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_MONITOR_EXITING);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_GP);
}

TINY_CODE(cr8_code, "mov %cr8, %rbx\n\t"
		    "mov $9, %ecx\n\t"
		    "mov %rcx, %cr8\n\t"
		    "cpuid\n\t"
		    "mov %cr8, %rdx\n\t"
		    "vmcall\n\t")

/** Without CR8 exiting it is the processor's one task priority, for both. */
void unit_basic_cr8(struct tiny_guest *g)
{
	TINY_LOAD(g, cr8_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0,
			  CPU_CR8_LOAD_EXITING | CPU_CR8_STORE_EXITING);
	write_cr8(3);
	tiny_guest_expect(g, EXIT_REASON_CPUID);
	tiny_guest_equal(g, "the guest's CR8", g->gpr[GPR_RBX], 3);
	tiny_guest_equal(g, "the host's CR8", read_cr8(), 9);
	write_cr8(5);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the guest's CR8", g->gpr[GPR_RDX], 5);
	tiny_guest_equal(g, "the host's CR8", read_cr8(), 5);
	write_cr8(0);
}

static unsigned int interrupts;

static void count_interrupt(struct trap_frame *frame)
{
	(void)frame;
	interrupts++;
}

#define TEST_VECTOR 0x51

TINY_CODE(spin_code, "1:\tpause\n\t"
		     "jmp 1b\n\t")

/** One that is pending at entry, for a guest that spins. */
static void run_with_interrupt(struct tiny_guest *g, bool acknowledge)
{
	interrupts = 0;
	irq_set_handler(TEST_VECTOR, count_interrupt);
	TINY_LOAD(g, spin_code);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
	tiny_guest_change(VM_EXIT_CONTROLS,
			  acknowledge ? EXIT_ACKNOWLEDGE_INTERRUPT : 0,
			  EXIT_ACKNOWLEDGE_INTERRUPT);
	lapic_send_ipi(lapic_id(), TEST_VECTOR);
	tiny_guest_expect(g, EXIT_REASON_EXTERNAL_INTERRUPT);
}

/** "Acknowledge interrupt on exit": the exit tells the vector, the local APIC
 * has it in service, and nothing is pending (SDM 3C 26.2, 28.2.2). */
void unit_basic_acknowledge(struct tiny_guest *g)
{
	run_with_interrupt(g, true);
	tiny_guest_field(g, VM_EXIT_INTR_INFO,
			 INTR_INFO_VALID | INTR_TYPE_EXTERNAL << 8 |
				 TEST_VECTOR);
	irq_enable();
	irq_disable();
	tiny_guest_equal(g, "interrupts after the exit", interrupts, 0);
	lapic_eoi();
	/* Without it there is no vector, and the host takes the interrupt. */
	run_with_interrupt(g, false);
	tiny_guest_equal(g, "the valid bit",
			 vmread(VM_EXIT_INTR_INFO) & INTR_INFO_VALID, 0);
	irq_enable();
	irq_disable();
	tiny_guest_equal(g, "interrupts after the exit", interrupts, 1);
	irq_set_handler(TEST_VECTOR, NULL);
}
