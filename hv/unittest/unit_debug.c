/** @file
 * Cases: the guest's breakpoints, and accesses to debug registers (SDM 3C
 * 26.1.3, 27.3.2.1; 3B 18.2).
 *
 * TCG 7.2 arms breakpoints at MOV to a debug register and forgets to when VMRUN
 * or #VMEXIT loads DR7; svm_breakpoint.c sees to it.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define DR7_L0 BIT(0)
#define DR7_L1 BIT(2)
#define DR7_WRITE1 (BIT(20) | BITS(23, 22)) /* 4 bytes, data writes */

TINY_CODE(nops_code, "nop\n\t"
		     "nop\n\t"
		     "mov %eax, (%rdi)\n\t"
		     "nop\n\t"
		     "vmcall\n\t")

/** The guest stops for a #DB of this cause, before this instruction. */
static void expect_debug(struct tiny_guest *g, u64 offset, u64 cause)
{
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_INFO,
			 INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 |
				 VECTOR_DB);
	tiny_guest_equal(g, "the breakpoints met", g->qualification & 0xf,
			 cause);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + offset);
}

static void load(struct tiny_guest *g, u64 dr7)
{
	TINY_LOAD(g, nops_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_DB));
	vmwrite(GUEST_DR7, DR7_RESET | dr7);
	write_dr0(TINY_CODE_AT + 1);
	write_dr1(TINY_DATA);
}

/** DR7 comes from the VMCS; what it does not enable does not stop. */
void unit_debug_dr7_of_vmcs(struct tiny_guest *g)
{
	load(g, 0);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	load(g, DR7_L0);
	expect_debug(g, 1, 1);
	load(g, DR7_L1 | DR7_WRITE1);
	expect_debug(g, 4, 2);
	load(g, 0);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	write_dr0(0);
	write_dr1(0);
}

TINY_CODE(own_code, "mov %rax, %dr0\n\t"
		    "mov %rbx, %dr7\n\t"
		    "cpuid\n\t"
		    "nop\n"
		    "1:\tvmcall\n\t")

static volatile u64 hosts_own;

/** What the guest has armed itself stays armed over an exit, but not for the
 * host, nor for an entry with another DR7. */
void unit_debug_dr7_of_guest(struct tiny_guest *g)
{
	TINY_LOAD(g, own_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_MOV_DR_EXITING);
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_DB));
	g->gpr[GPR_RAX] = TINY_CODE_AT + 8;
	g->gpr[GPR_RBX] = DR7_RESET | DR7_L0;
	tiny_guest_expect(g, EXIT_REASON_CPUID);
	tiny_guest_field(g, GUEST_DR7, DR7_RESET | DR7_L0);
	tiny_guest_equal(g, "the host's DR7", read_dr7(), DR7_RESET);
	tiny_guest_skip(g);
	expect_debug(g, 8, 1);
	vmwrite(GUEST_DR7, DR7_RESET);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	/* A store of the host's, where the guest has a breakpoint. */
	TINY_LOAD(g, own_code);
	g->gpr[GPR_RAX] = (u64)&hosts_own;
	g->gpr[GPR_RBX] = DR7_RESET | DR7_L0 | DR7_WRITE1 >> 4;
	tiny_guest_expect(g, EXIT_REASON_CPUID);
	hosts_own = 1;
	write_dr0(0);
}

TINY_CODE(dr_code, "mov %rax, %dr4\n\t"
		   "mov %dr7, %rbx\n\t")

/** With "MOV-DR exiting" the exit goes before #UD for CR4.DE, and before #GP
 * for the privilege. */
void unit_debug_exit_goes_first(struct tiny_guest *g)
{
	TINY_LOAD(g, dr_code);
	vmwrite(GUEST_CR4, vmread(GUEST_CR4) | CR4_DE);
	tiny_guest_expect(g, EXIT_REASON_DR_ACCESS);
	tiny_guest_field(g, EXIT_QUALIFICATION, 4);
	tiny_guest_field(g, VM_EXIT_INSTRUCTION_LEN, 3);
	tiny_guest_user(g);
	vmwrite(GUEST_RIP, TINY_CODE_AT + 3);
	tiny_guest_expect(g, EXIT_REASON_DR_ACCESS);
	tiny_guest_field(g, EXIT_QUALIFICATION, 7 | BIT(4) | GPR_RBX << 8);
}
