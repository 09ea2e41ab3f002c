/** @file
 * Cases: a guest without EPT, whose page tables are the hypervisor's business.
 *
 * Its CR3 is a host physical address, its page faults exit as the two fields
 * for their error code say (SDM 3C 25.6.3), INVLPG and MOV to CR3 exit.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** Take the EPT away, and let the tables say where things really are. */
static void go_without_ept(struct tiny_guest *g)
{
	static const u64 tables[] = { TINY_PML4, TINY_PDPT, TINY_PD };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		*tiny_guest_word(g, tables[i]) += g->hpa.v;
	}
	*tiny_guest_word(g, TINY_PD + 8) += g->hpa.v;
	for (u64 at = 0; at < TINY_LARGE; at += PAGE_SIZE) {
		*tiny_guest_pte(g, at) += g->hpa.v;
	}
	tiny_guest_change(SECONDARY_VM_EXEC_CONTROL, 0,
			  CPU2_ENABLE_EPT | CPU2_UNRESTRICTED_GUEST);
	vmwrite(GUEST_CR3, g->hpa.v + TINY_PML4);
}

TINY_CODE(paging_code, "mov (%rdi), %eax\n\t"	 /* 0: #PF */
		       "mov %eax, (%rsi)\n\t"	 /* 2 */
		       "invlpg (%rsi)\n\t"	 /* 4 */
		       "mov %cr3, %rax\n\t"	 /* 7 */
		       "mov %rax, %cr3\n\t"	 /* 10 */
		       "int $0x40\n\t"		 /* 13 */)

/** Faults, invalidations and CR3 exit; events are delivered. */
void unit_paging_exits(struct tiny_guest *g)
{
	go_without_ept(g);
	TINY_LOAD(g, paging_code);
	g->gpr[GPR_RDI] = TINY_DATA + 0x18;
	g->gpr[GPR_RSI] = TINY_DATA + PAGE_SIZE;
	*tiny_guest_pte(g, TINY_DATA) &= ~TINY_PTE_PRESENT;
	*tiny_guest_word(g, TINY_DATA + 0x18) = 0x1234;
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_PF));
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL,
			  CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING, 0);
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, EXIT_QUALIFICATION, TINY_DATA + 0x18);
	tiny_guest_field(g, VM_EXIT_INTR_ERROR_CODE, 0);
	*tiny_guest_pte(g, TINY_DATA) |= TINY_PTE_PRESENT;
	tiny_guest_expect(g, EXIT_REASON_INVLPG);
	tiny_guest_equal(g, "the loaded value",
			 *tiny_guest_word(g, TINY_DATA + PAGE_SIZE), 0x1234);
	tiny_guest_field(g, EXIT_QUALIFICATION, TINY_DATA + PAGE_SIZE);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_CR_ACCESS);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x13);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_CR_ACCESS);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x03);
	tiny_guest_skip(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], 0x40);
}

TINY_CODE(filter_code, "mov %eax, (%rdi)\n\t"
		       "vmcall\n\t")

/** PFEC_MASK and PFEC_MATCH choose among page faults (SDM 3C 25.6.3). */
void unit_paging_filter(struct tiny_guest *g)
{
	u64 *entry = tiny_guest_pte(g, TINY_DATA);

	go_without_ept(g);
	g->gpr[GPR_RDI] = TINY_DATA;
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_PF));
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, PF_P);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	/* Not present: matches, and exits as the bitmap says. */
	TINY_LOAD(g, filter_code);
	*entry &= ~TINY_PTE_PRESENT;
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_ERROR_CODE, PF_W);
	/* Not writable: the guest's own. */
	*entry = (*entry | TINY_PTE_PRESENT) & ~TINY_PTE_WRITE;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_PF);
	/* With the bit of the bitmap clear it is the other way round. */
	TINY_LOAD(g, filter_code);
	vmwrite(EXCEPTION_BITMAP, 0);
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_ERROR_CODE, PF_P | PF_W);
}

/** The trap flag of the VMCS stops at a handler here too. */
void unit_paging_step(struct tiny_guest *g)
{
	if (!vmx_caps_has(VMX_CONTROL_CPU, CPU_MONITOR_TRAP_FLAG)) {
		return;
	}
	go_without_ept(g);
	TINY_LOAD(g, paging_code);
	g->gpr[GPR_RDI] = TINY_DATA;
	*tiny_guest_pte(g, TINY_DATA) &= ~TINY_PTE_PRESENT;
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, CPU_MONITOR_TRAP_FLAG, 0);
	tiny_guest_expect(g, EXIT_REASON_MONITOR_TRAP_FLAG);
	tiny_guest_field(g, GUEST_RIP, TINY_STUBS + 16 * VECTOR_PF);
	tiny_guest_expect(g, EXIT_REASON_MONITOR_TRAP_FLAG);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_PF);
}
