/** @file
 * Recording an exit, and printing the list.
 *
 * Every field is read at every exit, whether or not the SDM gives it a meaning
 * there: what may differ between two machines is for tools/vmx-allowed.txt to
 * say, not for the recorder.  A line leaves out what is zero:
 *
 *	# x <cpu> <n> reason=48 qual=181 gpa=40000000 len=3 ...	(hexadecimal)
 */
#include "hv/vmxtest/rig.h"

#include "hv/x86/uart.h"

#define NOT_IN_VMCS (~0u)

/** A column: its name in the line, its VMCS field, its place in the struct. */
struct column {
	const char *name;
	u32 field;
	size_t offset;
};

#define COLUMN(name, field, member) \
	{ name, field, offsetof(struct services_exit, member) }

/* table */
static const struct column columns[] = {
	COLUMN("reason", EXIT_REASON, reason), /* printed in decimal */
	COLUMN("fail", NOT_IN_VMCS, fail),
	COLUMN("qual", EXIT_QUALIFICATION, qualification),
	COLUMN("gpa", GUEST_PHYSICAL_ADDRESS, gpa),
	COLUMN("gla", GUEST_LINEAR_ADDRESS, gla),
	COLUMN("len", VM_EXIT_INSTRUCTION_LEN, length),
	COLUMN("intr", VM_EXIT_INTR_INFO, intr_info),
	COLUMN("intrerr", VM_EXIT_INTR_ERROR_CODE, intr_error),
	COLUMN("idt", IDT_VECTORING_INFO, idt_info),
	COLUMN("idterr", IDT_VECTORING_ERROR_CODE, idt_error),
	COLUMN("info", VM_EXIT_INSTRUCTION_INFO, insn_info),
	COLUMN("rip", GUEST_RIP, rip),
	COLUMN("rsp", GUEST_RSP, rsp),
	COLUMN("rflags", GUEST_RFLAGS, rflags),
	COLUMN("block", GUEST_INTERRUPTIBILITY_STATE, interruptibility),
	COLUMN("activity", GUEST_ACTIVITY_STATE, activity),
	COLUMN("pending", GUEST_PENDING_DBG_EXCEPTIONS, pending_debug),
	COLUMN("csbase", GUEST_CS_BASE, cs_base),
	COLUMN("csrights", GUEST_CS_AR_BYTES, cs_rights),
	COLUMN("cr0", GUEST_CR0, cr0),
	COLUMN("cr3", GUEST_CR3, cr3),
	COLUMN("cr4", GUEST_CR4, cr4),
	COLUMN("efer", GUEST_IA32_EFER, efer),
	COLUMN("dr7", GUEST_DR7, dr7),
	COLUMN("entry", VM_ENTRY_CONTROLS, entry_controls),
	COLUMN("inject", VM_ENTRY_INTR_INFO, entry_intr_info),
	COLUMN("rax", NOT_IN_VMCS, rax),
	COLUMN("rbx", NOT_IN_VMCS, rbx),
	COLUMN("cr2", NOT_IN_VMCS, cr2),
};
/* end of table */

/** A column's place in an exit. */
static u64 *cell(struct services_exit *exit, const struct column *column)
{
	return (u64 *)((char *)exit + column->offset);
}

/** VMfail: no exit, so nothing but the error number is worth keeping. */
static void record_failure(struct services_exit *exit, u64 fail)
{
	exit->fail = fail;
	exit->rip = vmread(GUEST_RIP);
}

/** What the processor has written, and the guest's state as it was saved. */
static void record_fields(struct services_exit *exit)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (columns[i].field != NOT_IN_VMCS) {
			*cell(exit, &columns[i]) = vmread(columns[i].field);
		}
	}
}

struct services_exit *rig_record(struct rig *rig, u64 fail)
{
	struct services_exit *exit;

	if (rig->count == RIG_EXITS_MAX) {
		return NULL;
	}
	exit = &rig->exits[rig->count++];
	if (fail) {
		record_failure(exit, fail);
		return exit;
	}
	record_fields(exit);
	exit->rax = rig->gpr[GPR_RAX];
	exit->rbx = rig->gpr[GPR_RBX];
	exit->cr2 = rig->cr2;
	if (!rig->plan.ept) {
		exit->cr3 = rig->cr3;
	}
	return exit;
}

/** All columns but the first; what is zero is left out. */
static void print_fields(struct services_exit *exit)
{
	for (size_t i = 1; i < ARRAY_SIZE(columns); i++) {
		u64 value = *cell(exit, &columns[i]);

		if (value) {
			uart_printf(UART_RESULTS, " %s=%llx", columns[i].name,
				    (unsigned long long)value);
		}
	}
}

void rig_record_print(const struct rig *rig, unsigned int cpu)
{
	for (size_t n = 0; n < rig->count; n++) {
		struct services_exit *exit = &rig->exits[n];

		uart_printf(UART_RESULTS, "# x %u %zu reason=%llu", cpu, n,
			    (unsigned long long)exit->reason);
		print_fields(exit);
		uart_printf(UART_RESULTS, "\n");
	}
}
