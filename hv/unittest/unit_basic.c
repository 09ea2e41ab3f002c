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

/** An open window goes before an interrupt that is pending (SDM 3C 26.2). */
void unit_basic_window_first(struct tiny_guest *g)
{
	interrupts = 0;
	irq_set_handler(TEST_VECTOR, count_interrupt);
	TINY_LOAD(g, spin_code);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL,
			  CPU_INTERRUPT_WINDOW_EXITING, 0);
	lapic_send_ipi(lapic_id(), TEST_VECTOR);
	tiny_guest_expect(g, EXIT_REASON_INTERRUPT_WINDOW);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	irq_enable();
	irq_disable();
	tiny_guest_equal(g, "interrupts after the exit", interrupts, 1);
	irq_set_handler(TEST_VECTOR, NULL);
}

TINY_CODE(tsc_code, "rdtsc\n\t"
		    "mov %edx, %ebx\n\t"
		    "rdtscp\n\t"
		    "mov %edx, %esi\n\t"
		    "mov $0x10, %ecx\n\t" /* IA32_TIME_STAMP_COUNTER */
		    "rdmsr\n\t"
		    "vmcall\n\t")

/** The upper half of a clock, which 2^32 ticks do not change. */
#define TSC_AHEAD 0x12345u

/** The offset is added in all three ways to the clock (SDM 3C 26.3). */
void unit_basic_tsc(struct tiny_guest *g)
{
	static const u8 ways[] = { GPR_RBX, GPR_RSI, GPR_RDX };
	u64 before = rdtsc();

	memset(g->msr_bitmap, 0, PAGE_SIZE); /* no MSR access exits */
	TINY_LOAD(g, tsc_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, CPU_USE_TSC_OFFSETTING, 0);
	vmwrite(TSC_OFFSET, ((u64)TSC_AHEAD << 32) - before);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		tiny_guest_equal(g, "the guest's clock", g->gpr[ways[i]],
				 TSC_AHEAD);
	}
}
