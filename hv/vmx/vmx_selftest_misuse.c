/** @file
 * Using VMX instructions wrongly, row by row.
 *
 * Each hypervisor does some of these while it is young, and a unit that lets
 * one pass has its author look for the mistake elsewhere.  So it is asked of
 * each misuse whether it fails, in which of the two ways, with which number,
 * and whether it has left everything else alone:
 *
 *	row --do()--> result, VM_INSTRUCTION_ERROR, current VMCS --judge()-->
 *
 * Bochs 2.7 takes a few of them for right.  Such rows are not left out there:
 * that they succeed is asserted, so that a newer Bochs is noticed.
 */
#include "hv/vmx/vmx_selftest_misuse.h"

#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"
#include "hv/x86/machine.h"

/** In a VMCS' first word, above the revision: this is a shadow VMCS. */
#define REVISION_SHADOW BIT(31)

static char text[200];

/**
 * The address that a row means.  The other page is written anew each time, as
 * some rows spoil its revision.
 */
static hpa_t address_of(const struct vmx_misuse *row, hpa_t current)
{
	static u32 other[PAGE_SIZE / sizeof(u32)] __aligned(4096);
	u64 page = virt_to_hpa(other).v;

	other[0] = vmx_caps.revision;
	switch (row->place) {
	case CURRENT:
		page = current.v;
		break;
	case REGION:
		page = vmx_cpu_region().v;
		break;
	case REVISION:
		other[0] ^= 1;
		break;
	case SHADOW:
		other[0] |= REVISION_SHADOW;
		break;
	case OTHER:
	case NOTHING:
		break;
	}
	return hpa(page + row->value);
}

/**
 * No guest is ever entered: these entries fail before the processor has looked
 * at the guest state.  vmx_entry.S wants interrupts to be off, and is told by
 * GPR_LAUNCHED which of the two instructions to take.
 */
static enum vmx_result try_entry(bool resume)
{
	u64 gpr[GPR_SLOTS] = { [GPR_LAUNCHED] = resume };
	enum vmx_result result;

	irq_disable();
	vmx_entry_run(gpr, &result);
	irq_enable();
	return result;
}

/* The operand of INVVPID has the VPID in bits 15:0 and the address behind it;
 * a row has both in one number. */
enum vmx_result vmx_selftest_misuse_do(const struct vmx_misuse *row,
				       hpa_t current)
{
	u64 value;

	switch (row->insn) {
	case VMREAD:
		return vmx_unit->vmread(row->operand, &value);
	case VMWRITE:
		return vmx_unit->vmwrite(row->operand, 0);
	case VMXON:
		return vmx_unit->vmxon(address_of(row, current));
	case VMCLEAR:
		return vmx_unit->vmclear(address_of(row, current));
	case VMPTRLD:
		return vmx_unit->vmptrld(address_of(row, current));
	case INVEPT:
		return vmx_unit->invept(row->operand, row->value);
	case INVVPID:
		return vmx_unit->invvpid(row->operand, row->value & 0xffff,
					 gva(row->value & ~0xffffull));
	case ENTER:
		return try_entry(row->operand);
	}
	return VMX_SUCCEED;
}

/**
 * Does it fail as it must, and leave the current VMCS what it was?
 *
 * The error number is in the current VMCS, and read before any other VMX
 * instruction that might fail in turn.  Without one VMPTRST gives all ones,
 * which is then what `current` is.
 */
static const char *judge(const struct vmx_misuse *row, hpa_t current)
{
	bool deviates = row->bochs && !vmx_unit_is_soft && machine_is_bochs();
	u32 error = deviates ? 0 : row->error;
	enum vmx_result wanted = error ? VMX_FAIL_VALID :
				 deviates ? VMX_SUCCEED : VMX_FAIL_INVALID;
	enum vmx_result result = vmx_selftest_misuse_do(row, current);
	hpa_t after = hpa(0);
	u64 number = 0;

	if (result == VMX_FAIL_VALID &&
	    vmx_unit->vmread(VM_INSTRUCTION_ERROR, &number)) {
		return "VM_INSTRUCTION_ERROR cannot be read";
	}
	if (result != wanted || number != error) {
		snprintf(text, sizeof(text),
			 "%s: result %d error %llu, expected result %d error "
			 "%u", row->what, result, (unsigned long long)number,
			 wanted, error);
		return text;
	}
	if (vmx_unit->vmptrst(&after) || after.v != current.v) {
		snprintf(text, sizeof(text), "%s changes the current VMCS",
			 row->what);
		return text;
	}
	return NULL;
}

const char *vmx_selftest_misuse_all(const struct vmx_misuse *rows, size_t count,
				    hpa_t current)
{
	const char *wrong = NULL;

	for (size_t i = 0; !wrong && i < count; i++) {
		wrong = judge(&rows[i], current);
	}
	return wrong;
}
