/** @file
 * VMLAUNCH and VMRESUME, from check to exit (SDM 3C 27 and 28).
 *
 *	controls, host state wrong  --> VMfail 7 or 8, nothing has happened
 *	guest state wrong           --> VM exit 33, "VM-entry failure"
 *	all right                   --> VMCS -> VMCB, run, VMCB -> VMCS
 *	                                exit information, host state
 *
 * The checks cost more than all the rest, so they are made when VMWRITE has
 * touched what they look at: a guest state that the processor itself has left
 * in the VMCB is valid.
 */
#include "hv/softvmx/svm_enter.h"

#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_host.h"
#include "hv/softvmx/svm_list.h"
#include "hv/softvmx/svm_nmi.h"
#include "hv/softvmx/vmcb_load.h"
#include "hv/softvmx/vmcb_save.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cr.h"

/** SDM 3C 27.1: is the VMCS in the launch state that the instruction wants? */
static u32 launch_state_error(const struct softvmx_cpu *cpu, bool resume)
{
	bool launched = cpu->vmcs->slot[VMCS_SLOT_LAUNCHED];

	if (resume) {
		return launched ? 0 : VMX_ERROR_VMRESUME_NOT_LAUNCHED;
	}
	return launched ? VMX_ERROR_VMLAUNCH_NOT_CLEAR : 0;
}

/**
 * SDM 3C 27.2: VMfail 7 or 8, or 0. The entry controls belong to an area of
 * their own (AREA_SYSTEM), as VM exit changes one of them; host state is judged
 * against the controls.
 */
static u32 control_error(const struct softvmx_cpu *cpu)
{
	bool event = vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO) &
		     INTR_INFO_VALID;

	if ((cpu->dirty & (AREA_CONTROLS | AREA_SYSTEM)) &&
	    !entry_checks_controls()) {
		return VMX_ERROR_ENTRY_CONTROLS;
	}
	if (event && !entry_checks_event()) {
		return VMX_ERROR_ENTRY_CONTROLS;
	}
	if ((cpu->dirty & (AREA_HOST | AREA_SYSTEM | AREA_CONTROLS)) &&
	    !entry_checks_host()) {
		return VMX_ERROR_ENTRY_HOST_STATE;
	}
	return 0;
}

/**
 * Whether RIP, RFLAGS and their like are so ordinary that no rule about them
 * can be broken.  This is the usual case, and costs a tenth of the table.
 */
static bool hot_is_plain(const struct softvmx_cpu *cpu)
{
	u64 rip = vmcs_memory_get(cpu, GUEST_RIP);
	u64 rflags = vmcs_memory_get(cpu, GUEST_RFLAGS);
	u64 odd = BITS(63, 22) | RFLAGS_VM | BIT(15) | BIT(5) | BIT(3);

	if (rip >> 32 && !(softvmx_cpu_in_64bit(cpu) &&
			   entry_checks_is_canonical(rip))) {
		return false;
	}
	return (rflags & (odd | RFLAGS_FIXED)) == RFLAGS_FIXED &&
	       !(vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO) &
		 INTR_INFO_VALID) &&
	       !vmcs_memory_get(cpu, GUEST_PENDING_DBG_EXCEPTIONS) &&
	       !vmcs_memory_get(cpu, GUEST_ACTIVITY_STATE) &&
	       !vmcs_memory_get(cpu, GUEST_INTERRUPTIBILITY_STATE);
}

/** SDM 3C 27.3.1.  @return whether the guest state is valid */
static bool guest_is_valid(struct softvmx_cpu *cpu)
{
	u64 *qualification = &cpu->exit.qualification;

	if (!(cpu->dirty & (AREAS_OF_GUEST | AREA_CONTROLS))) {
		return likely(hot_is_plain(cpu)) ||
		       entry_checks_state(qualification);
	}
	return entry_checks_guest() && entry_checks_state(qualification) &&
	       entry_checks_memory(qualification);
}

/**
 * The exit-information fields (SDM 3C 25.9). All of them each time: what does
 * not apply to this exit is undefined for VMX and 0 here, which is easier to
 * read.
 */
static void write_exit_information(struct softvmx_cpu *cpu)
{
	const struct softvmx_exit *exit = &cpu->exit;

	vmcs_memory_set(cpu, EXIT_REASON, exit->reason);
	vmcs_memory_set(cpu, EXIT_QUALIFICATION, exit->qualification);
	vmcs_memory_set(cpu, VM_EXIT_INTR_INFO, exit->intr_info);
	vmcs_memory_set(cpu, VM_EXIT_INTR_ERROR_CODE, exit->intr_error);
	vmcs_memory_set(cpu, IDT_VECTORING_INFO, exit->idt_info);
	vmcs_memory_set(cpu, IDT_VECTORING_ERROR_CODE, exit->idt_error);
	vmcs_memory_set(cpu, VM_EXIT_INSTRUCTION_LEN, exit->length);
	vmcs_memory_set(cpu, VM_EXIT_INSTRUCTION_INFO, exit->info);
}

/**
 * SDM 3C 27.8: the guest is not entered, and its state stays as it is. Of the
 * exit-information fields only two are written, and the host is loaded as after
 * any exit.
 */
static void fail_entry(struct softvmx_cpu *cpu, u32 reason)
{
	cpu->exit.reason = reason | EXIT_REASON_ENTRY_FAILURE;
	vmcs_memory_set(cpu, EXIT_REASON, cpu->exit.reason);
	vmcs_memory_set(cpu, EXIT_QUALIFICATION, cpu->exit.qualification);
	svm_list_load(cpu);
}

/**
 * SDM 3C 28.3: the valid bit of the injected event is cleared by any VM exit,
 * so that it is not injected twice.
 */
static void clear_injection(struct softvmx_cpu *cpu)
{
	u64 info = vmcs_memory_get(cpu, VM_ENTRY_INTR_INFO);

	vmcs_memory_set(cpu, VM_ENTRY_INTR_INFO, info & ~INTR_INFO_VALID);
}

/**
 * From a VMCS that is found to be good to the exit. The launch state changes
 * here and not before: a failed entry leaves it "clear" (SDM 3C 27.8).
 */
static void run_guest(struct softvmx_cpu *cpu)
{
	cpu->vmcs->slot[VMCS_SLOT_LAUNCHED] = 1;
	cpu->pending_debug = 0;
	cpu->step.let_in = false;
	cpu->step.done = false;
	svm_nmi_enter(cpu);
	if (svm_event_load(cpu) == SVM_RESUME) {
		svm_exit_run_guest(cpu);
	}
	svm_list_store(cpu);
	vmcb_save_hot(cpu);
	clear_injection(cpu);
	write_exit_information(cpu);
	svm_host_load(cpu, true);
	svm_list_load(cpu);
	svm_nmi_leave(cpu);
}

/**
 * SDM 3C 27.3 and 27.4: guest state and MSRs, or a failed entry. That loads the
 * host state too, so it is made ready first; and since the guest's registers
 * have been loaded by the time an MSR is refused, all areas are dirty again.
 */
static void svm_enter_guest(struct softvmx_cpu *cpu)
{
	u32 bad_msr;

	cpu->exit = (struct softvmx_exit){ 0 };
	svm_host_keep(cpu);
	if (cpu->dirty & AREA_HOST) {
		svm_host_prepare(cpu);
	}
	if (!guest_is_valid(cpu)) {
		svm_host_load(cpu, false);
		fail_entry(cpu, EXIT_REASON_ENTRY_GUEST_STATE);
		return;
	}
	vmcb_load_all(cpu);
	bad_msr = svm_list_enter(cpu);
	if (bad_msr) {
		cpu->exit.qualification = bad_msr;
		cpu->dirty = AREAS_ALL;
		svm_host_load(cpu, false);
		fail_entry(cpu, EXIT_REASON_ENTRY_MSR_LOAD);
		return;
	}
	run_guest(cpu);
}

/*
 * GIF is 0 from here until softvmx_run.S has loaded the host: an interrupt must
 * find either the host or the guest, and nothing in between.
 */
enum vmx_result svm_enter_run(struct softvmx_cpu *cpu, bool resume)
{
	u32 error;

	if (unlikely(!cpu->on)) {
		asm volatile("ud2"); /* outside of VMX operation */
	}
	if (!cpu->vmcs) {
		return VMX_FAIL_INVALID;
	}
	vmcb_clgi();
	error = launch_state_error(cpu, resume);
	if (!error) {
		error = control_error(cpu);
	}
	if (error) {
		return vmcs_memory_fail(cpu, error);
	}
	svm_enter_guest(cpu);
	return VMX_SUCCEED;
}
