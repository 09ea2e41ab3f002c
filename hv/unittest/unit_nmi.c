/** @file
 * Cases: NMIs, their blocking, and the NMI window (SDM 3C 25.6.1, 26.2, 26.3).
 *
 * The guest sends them itself, to its own processor, so that they come while it
 * runs.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/lib/printf.h"
#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/trap.h"

#define NMI_EXIT (INTR_INFO_VALID | INTR_TYPE_NMI << 8 | VECTOR_NMI)

/** How many NMIs have come to the host, during this case. */
static unsigned int host_nmis;

static void count_nmi(struct trap_frame *frame)
{
	(void)frame;
	host_nmis++;
}

/** An IRET that goes nowhere: all it does is to let NMIs in again. */
static void unblock_nmis(void)
{
	asm volatile("mov %%rsp, %%rdx\n\t"
		     "mov %%ss, %%eax\n\t"
		     "push %%rax\n\t"
		     "push %%rdx\n\t"
		     "pushfq\n\t"
		     "mov %%cs, %%eax\n\t"
		     "push %%rax\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "push %%rax\n\t"
		     "iretq\n"
		     "1:"
		     :
		     :
		     : "rax", "rdx", "memory");
}

/**
 * RDI: the local APIC; RBX: our number there, shifted as ICR_HIGH wants it.
 * QEMU looks for what is pending when code has branched, hence the jump.
 */
#define SEND_NMI                        \
	"mov %ebx, 0x310(%rdi)\n\t"     \
	"movl $0x4400, 0x300(%rdi)\n\t" \
	"jmp 1f\n"                      \
	"1:\tnop\n\t"                   \
	"nop\n\t"

static void prepare(struct tiny_guest *g, u64 pin)
{
	host_nmis = 0;
	irq_set_handler(VECTOR_NMI, count_nmi);
	tiny_guest_map_apic(g);
	tiny_guest_change(PIN_BASED_VM_EXEC_CONTROL, pin,
			  PIN_NMI_EXITING | PIN_VIRTUAL_NMIS);
	g->gpr[GPR_RDI] = TINY_APIC;
	g->gpr[GPR_RBX] = (u64)lapic_id() << 24;
}

/** Let in what is pending, and be as we were. */
static void finish(struct tiny_guest *g, unsigned int expected)
{
	unblock_nmis();
	tiny_guest_equal(g, "the number of NMIs that came to the host",
			 host_nmis, expected);
	irq_set_handler(VECTOR_NMI, NULL);
}

/** Bit 3 of the interruptibility state at the last exit. */
static void expect_blocking(struct tiny_guest *g, bool blocked)
{
	if (!g->why) {
		tiny_guest_equal(g, "blocking by NMI",
				 vmread(GUEST_INTERRUPTIBILITY_STATE) &
					 INTERRUPTIBILITY_NMI,
				 blocked ? INTERRUPTIBILITY_NMI : 0);
	}
}

TINY_CODE(send_code, SEND_NMI "vmcall\n\t")
TINY_CODE(iret_handler, "vmcall\n\t"
			"iretq\n\t")
TINY_CODE(nop_code, "nop\n\t"
		    "nop\n\t"
		    "vmcall\n\t")

/** The exit consumes the NMI, and blocks the next until an IRET. */
void unit_nmi_exit(struct tiny_guest *g)
{
	prepare(g, PIN_NMI_EXITING);
	TINY_LOAD(g, send_code);
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_INFO, NMI_EXIT);
	tiny_guest_equal(g, "NMIs before an IRET", host_nmis, 0);
	lapic_send_nmi(lapic_id());
	tiny_guest_equal(g, "NMIs before an IRET", host_nmis, 0);
	finish(g, 1);
}

/** With blocking by NMI no NMI exits, but it stays pending. */
void unit_nmi_blocked(struct tiny_guest *g)
{
	prepare(g, PIN_NMI_EXITING);
	TINY_LOAD(g, send_code);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_NMI);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	expect_blocking(g, true);
	tiny_guest_equal(g, "NMIs at an exit that blocks", host_nmis, 0);
	if (!vmx_unit_is_soft) {
		/* Bochs 2.7: an entry with bit 3 clear does not unblock. */
		finish(g, 1);
		return;
	}
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, 0);
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_INFO, NMI_EXIT);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + 0x12 + 2);
	finish(g, 0);
}

/** The same, and the host takes it as soon as it may. */
void unit_nmi_handed_over(struct tiny_guest *g)
{
	prepare(g, PIN_NMI_EXITING);
	TINY_LOAD(g, send_code);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_NMI);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	finish(g, 1);
}

TINY_CODE(guest_handler, "inc %ecx\n\t"
			 SEND_NMI
			 "vmcall\n\t"
			 "iretq\n\t")
TINY_CODE(guest_code, SEND_NMI "vmcall\n\t")

/** Without NMI exiting the guest takes its NMIs, one at a time. */
void unit_nmi_of_guest(struct tiny_guest *g)
{
	prepare(g, 0);
	TINY_LOAD(g, guest_code);
	TINY_HANDLE(g, VECTOR_NMI, guest_handler);
	/* In the handler, which has sent another one. */
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "NMIs in the guest", g->gpr[GPR_RCX], 1);
	expect_blocking(g, true);
	tiny_guest_skip(g);
	/* Its IRET lets that one in: the handler again. */
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "NMIs in the guest", g->gpr[GPR_RCX], 2);
	/* Without a further one the main program goes on. */
	g->gpr[GPR_RDI] = TINY_DATA;
	tiny_guest_skip(g);
	if (!g->why) {
		vmwrite(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_NMI);
	}
	finish(g, 1);
}

static bool has_virtual_nmis(void)
{
	return vmx_caps_has(VMX_CONTROL_PIN, PIN_VIRTUAL_NMIS) &&
	       vmx_caps_has(VMX_CONTROL_CPU, CPU_NMI_WINDOW_EXITING);
}

/** Inject an NMI and run into its handler. */
static void enter_handler(struct tiny_guest *g)
{
	prepare(g, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS);
	TINY_LOAD(g, nop_code);
	TINY_HANDLE(g, VECTOR_NMI, iret_handler);
	vmwrite(VM_ENTRY_INTR_INFO, NMI_EXIT);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_field(g, GUEST_RIP, TINY_HANDLER);
	expect_blocking(g, true);
	tiny_guest_skip(g);
}

/** The window opens behind the IRET, before the next instruction. */
void unit_nmi_window(struct tiny_guest *g)
{
	if (!has_virtual_nmis()) {
		return;
	}
	enter_handler(g);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, CPU_NMI_WINDOW_EXITING,
			  0);
	tiny_guest_expect(g, EXIT_REASON_NMI_WINDOW);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	tiny_guest_field(g, GUEST_RSP, TINY_STACK);
	expect_blocking(g, false);
	/* It is still open. */
	tiny_guest_expect(g, EXIT_REASON_NMI_WINDOW);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	/* Another event goes first. */
	vmwrite(VM_ENTRY_INTR_INFO,
		INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 | VECTOR_UD);
	tiny_guest_expect(g, EXIT_REASON_NMI_WINDOW);
	tiny_guest_field(g, GUEST_RIP, TINY_STUBS + 16 * VECTOR_UD);
	finish(g, 0);
}

/** Virtual blocking is no blocking: a real NMI exits all the same. */
void unit_nmi_virtual(struct tiny_guest *g)
{
	if (!has_virtual_nmis()) {
		return;
	}
	prepare(g, PIN_NMI_EXITING | PIN_VIRTUAL_NMIS);
	TINY_LOAD(g, send_code);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, INTERRUPTIBILITY_NMI);
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_INFO, NMI_EXIT);
	expect_blocking(g, true);
	finish(g, 0);
}

/** An IRET that cannot read its stack has unblocked NMIs, and says so. */
void unit_nmi_iret_fault(struct tiny_guest *g)
{
	u64 *stack = tiny_guest_ept(g, TINY_STACK - 8);
	u64 entry = *stack;

	if (!has_virtual_nmis()) {
		return;
	}
	enter_handler(g);
	*stack = 0;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_RIP, TINY_HANDLER + 3);
	tiny_guest_equal(g, "NMI unblocking due to IRET",
			 g->qualification & EPT_QUAL_NMI_UNBLOCKING,
			 EPT_QUAL_NMI_UNBLOCKING);
	expect_blocking(g, false);
	*stack = entry;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + 2);
	finish(g, 0);
}
