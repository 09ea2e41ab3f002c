/** @file
 * Exceptions that exit, NMIs, and the hypercall.
 *
 * Few exceptions exit, and most of those are the guest's own: they are given
 * back as they came.  Before that, the event that was being delivered goes back
 * into its place, so that events_inject() sees the two together and can make a
 * double fault of them (SDM 3A 6.15).
 *
 * An NMI belongs to the host, whatever the guest was doing.  A hypercall is a
 * question to the VMM, like an MMIO access: vcpu_run() returns with it, and
 * only RAX is open until the answer comes.
 */
#include "hv/vcpu/exit.h"

#include "emulator/emulator.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/** The hypercall's arguments: what a C function's would be, R10 for RCX, as
 * a SYSCALL-style call has them. */
static const u8 hypercall_gpr[5] = {GPR_RDI, GPR_RSI, GPR_RDX, GPR_R10, GPR_R8};

/**
 * An NMI is the host's (PIN_NMI_EXITING) and was consumed by the exit: it is
 * delivered by the vector's own gate, whose IRET also ends NMI blocking.
 */
static enum exit_action take_nmi(void)
{
	asm volatile("int $2" : : : "memory");
	return EXIT_RESUME;
}

/** Give an exception back to the guest whose it is. */
static enum exit_action reflect(struct vcpu *vcpu, u32 info)
{
	struct exception e = {
		.vector = info & INTR_INFO_VECTOR,
		.has_error_code = info & INTR_INFO_HAS_ERROR_CODE,
		.error_code = vmread(VM_EXIT_INTR_ERROR_CODE),
		.address = gva(vmread(EXIT_QUALIFICATION)),
	};

	events_requeue(vcpu);
	if (!events_inject(vcpu, &e)) {
		return exit_stop_shutdown(vcpu);
	}
	return EXIT_RESUME;
}

/**
 * Without EPT: an INVPCID of the guest's is a #UD that we answer.  Of one that
 * exits RF is saved as 1 (SDM 3C 28.3.3), which Bochs forgets.
 */
static enum exit_action handle_ud(struct vcpu *vcpu, u32 info)
{
	if (exit_invpcid_is_here(vcpu)) {
		return exit_invpcid_handle(vcpu);
	}
	vmwrite(GUEST_RFLAGS, vmread(GUEST_RFLAGS) | RFLAGS_RF);
	return reflect(vcpu, info);
}

enum exit_action exit_exception_handle(struct vcpu *vcpu, u32 info)
{
	if ((info & INTR_INFO_TYPE) >> 8 == INTR_TYPE_NMI) {
		events_requeue(vcpu);
		return take_nmi();
	}
	if ((info & INTR_INFO_VECTOR) == EVENTS_VECTOR_MC) {
		return exit_stop(vcpu, VCPU_INTERNAL_UNEXPECTED_EXIT,
				 gpa(~0ull),
				 "machine check while the guest was running");
	}
	if ((info & INTR_INFO_VECTOR) == VECTOR_UD) {
		return handle_ud(vcpu, info);
	}
	return reflect(vcpu, info);
}

enum exit_action exit_hypercall_ask(struct vcpu *vcpu)
{
	struct vcpu_run *run = &vcpu->run;

	run->exit_reason = VCPU_EXIT_HYPERCALL;
	run->hypercall.nr = vcpu->gpr[GPR_RAX];
	for (size_t i = 0; i < ARRAY_SIZE(hypercall_gpr); i++) {
		run->hypercall.args[i] = vcpu->gpr[hypercall_gpr[i]];
	}
	run->hypercall.ret = 0;
	vcpu->pending = VCPU_PENDING_HYPERCALL;
	return EXIT_TO_VMM;
}

/** RIP is behind the VMCALL when the VMM sees it, so that only RAX is open. */
enum exit_action exit_hypercall_handle(struct vcpu *vcpu)
{
	if (guest_mode_cpl() != 0) {
		events_inject_ud(vcpu);
		return EXIT_RESUME;
	}
	return exit_hypercall_ask(vcpu) | EXIT_ADVANCE;
}
