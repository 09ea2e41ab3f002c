/** @file
 * The emulator's questions about the rest of the processor.
 *
 * Segments and tables stand in the VMCS.  Control and debug registers, MSRs
 * and CPUID are the business of the exits of the same name: an emulated MOV to
 * CR0 does what the one that exits does.  MSRs that never exit are the
 * processor's own while this vCPU has it (vcpu_load.c), or in the VMCS.
 *
 * Whoever changes something here has to pass on what an exit would have: that
 * translations are to be forgotten, that other code runs now, that breakpoints
 * are armed, that the guest's state may now be one that can be entered with.
 *
 * All of it is asked on the vCPU's own CPU, its VMCS being current, in the read
 * section of the pass.  Setters act at once (emulator/system.h): there is no
 * taking back, so the emulator calls them last.
 */
#include "hv/vcpu/emulate_system.h"

#include "bus/access.h"
#include "bus/bus.h"
#include "emulator/context.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/emulate_xmm.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/invalid_state.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu_regs.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/msr.h"

/** The six segment registers, LDTR and TR: in each kind of field their
 * encodings are two apart (SDM 3D appendix B). */
#define SEG_FIELD(base, seg) ((enum vmcs_field)((base) + 2 * (seg)))

_Static_assert((int)SEGMENT_LDTR == SEG_LDTR && (int)SEGMENT_TR == SEG_TR &&
		       RIGHTS_UNUSABLE == SEG_AR_UNUSABLE,
	       "the emulator names segments and rights as the VMCS does");

static struct vcpu *vcpu_of(struct emulator *e)
{
	return container_of(e, struct vcpu_emulation, e)->vcpu;
}

/**
 * A segment register is four fields.  The selector is all that a guest sees of
 * it; base, limit and rights are the hidden part, loaded from a descriptor and
 * kept until the next load (SDM 3A 3.4.3).  The VMCS shows both.
 */
static void get_segment(struct emulator *e, enum emul_segment which,
			struct segment_register *out)
{
	(void)e;
	out->base = gva(vmread(SEG_FIELD(GUEST_ES_BASE, which)));
	out->limit = vmread(SEG_FIELD(GUEST_ES_LIMIT, which));
	out->rights = vmread(SEG_FIELD(GUEST_ES_AR_BYTES, which));
	out->selector = vmread(SEG_FIELD(GUEST_ES_SELECTOR, which));
}

/**
 * Where the code is has changed with CS; its mode is looked at each time.
 *
 * Any segment may be the one that VM entry would refuse, or the last one that
 * it would have: real mode's segments do not pass its checks, protected mode's
 * do.  So invalid_state.c asks again, at the end of this instruction.
 */
static void set_segment(struct emulator *e, enum emul_segment which,
			const struct segment_register *in)
{
	vmwrite(SEG_FIELD(GUEST_ES_BASE, which), in->base.v);
	vmwrite(SEG_FIELD(GUEST_ES_LIMIT, which), in->limit);
	vmwrite(SEG_FIELD(GUEST_ES_AR_BYTES, which), in->rights);
	vmwrite(SEG_FIELD(GUEST_ES_SELECTOR, which), in->selector);
	if (which == SEGMENT_CS) {
		emulate_mode_changed(vcpu_of(e));
	}
	invalid_state_changed(vcpu_of(e));
}

/** GDTR and IDTR are no segments: linear base and limit, nothing else. */
static void get_table(struct emulator *e, enum system_table which,
		      struct table_base *out)
{
	bool gdt = which == SYSTEM_GDT;

	(void)e;
	out->base = gva(vmread(gdt ? GUEST_GDTR_BASE : GUEST_IDTR_BASE));
	out->limit = vmread(gdt ? GUEST_GDTR_LIMIT : GUEST_IDTR_LIMIT);
}

static void set_table(struct emulator *e, enum system_table which,
		      const struct table_base *in)
{
	bool gdt = which == SYSTEM_GDT;

	(void)e;
	vmwrite(gdt ? GUEST_GDTR_BASE : GUEST_IDTR_BASE, in->base.v);
	vmwrite(gdt ? GUEST_GDTR_LIMIT : GUEST_IDTR_LIMIT, in->limit);
}

/** A value that the guest may not have is #GP(0), as for a MOV that exits. */
static enum emul_result set_control(struct emulator *e,
				    enum system_control which, u64 value)
{
	if (exit_cr_set(vcpu_of(e), which, value)) {
		return EMUL_DONE;
	}
	return context_protection(e, VECTOR_GP);
}

static u64 get_debug(struct emulator *e, unsigned int which)
{
	(void)e;
	return exit_dr_get(which);
}

/**
 * Breakpoints are looked for from the next section of the loop on.  It asks
 * once for each section whether any are armed; "kicked" ends this one.
 */
static void set_debug(struct emulator *e, unsigned int which, u64 value)
{
	exit_dr_set(which, value);
	WRITE_ONCE(vcpu_of(e)->kicked, 1);
}

/*
 * Where an MSR of the guest's is kept:
 *
 *	in the VMCS        SYSENTER_*, FS_BASE, GS_BASE: entry and exit
 *	                   switch them
 *	in the processor   SYSCALL's and KERNEL_GS_BASE: left there at an exit,
 *	                   switched when vCPUs take turns
 *	in the core        all others, or not at all: exit_msr.c
 *
 * The first two kinds are let through by the MSR bitmap.  So no exit has a
 * handler for them, and an emulated RDMSR needs one of its own, here.
 */

/** MSRs in the VMCS whose accesses do not exit. @return 0: not one of them */
static enum vmcs_field msr_field(u32 msr)
{
	switch (msr) {
	case MSR_IA32_SYSENTER_CS:
		return GUEST_SYSENTER_CS;
	case MSR_IA32_SYSENTER_ESP:
		return GUEST_SYSENTER_ESP;
	case MSR_IA32_SYSENTER_EIP:
		return GUEST_SYSENTER_EIP;
	case MSR_IA32_FS_BASE:
		return GUEST_FS_BASE;
	case MSR_IA32_GS_BASE:
		return GUEST_GS_BASE;
	default:
		return 0;
	}
}

/** MSRs that are the processor's own while a vCPU has it. */
static bool is_passed(u32 msr)
{
	return (msr >= MSR_IA32_STAR && msr <= MSR_IA32_FMASK) ||
	       msr == MSR_IA32_KERNEL_GS_BASE;
}

static bool get_msr(struct emulator *e, u32 msr, u64 *value)
{
	if (msr_field(msr)) {
		*value = vmread(msr_field(msr));
		return true;
	}
	if (is_passed(msr)) {
		*value = rdmsr(msr);
		return true;
	}
	return !exit_msr_get(vcpu_of(e), msr, value);
}

/**
 * What is refused here becomes #GP(0).  Nobody else refuses it: a VMWRITE takes
 * any value, and the next VM entry fails; a WRMSR of the hypervisor's own would
 * be its own #GP, hence wrmsr_safe().
 */
static bool set_msr(struct emulator *e, u32 msr, u64 value)
{
	if (msr_field(msr)) {
		/* An address which is not canonical would fail VM entry. */
		if (msr != MSR_IA32_SYSENTER_CS &&
		    !context_canonical(value, 1)) {
			return false;
		}
		vmwrite(msr_field(msr), value);
		return true;
	}
	/* Which values it takes the processor knows best. */
	if (is_passed(msr)) {
		return !wrmsr_safe(msr, value);
	}
	return !exit_msr_set(vcpu_of(e), msr, value);
}

static void cpuid_of(struct emulator *e, struct cpuid_registers *registers)
{
	struct cpuid_result r = exit_cpuid_get(
		vcpu_of(e), registers->eax, registers->ecx);

	*registers = (struct cpuid_registers){r.eax, r.ebx, r.ecx, r.edx};
}

/** As RDTSC gives it to a guest that does not exit for it: the processor adds
 * the offset, modulo 2^64, so a TSC that was set back is a large number. */
static u64 tsc(struct emulator *e)
{
	(void)e;
	return rdtsc() + vmread(TSC_OFFSET);
}

/** With EPT the translations are in the processor, and all of this vCPU's go:
 * INVLPG may forget more than its page (SDM 3A 4.10.4.1). */
static void invalidate(struct emulator *e, gva_t address)
{
	struct vcpu *vcpu = vcpu_of(e);

	if (!vcpu->vm->with_ept) {
		vcpu_paging_invlpg(vcpu, address);
	} else {
		vmx_cpu_invvpid(vcpu->vpid);
	}
}

/**
 * In the read section of this pass, like the MMIO bus; nobody there: the
 * emulator makes a question to the VMM of it (ask_vmm_port() in emulate.c).
 */
static int port(struct emulator *e, struct port_piece *piece)
{
	struct bus_access access = {
		.address = bus_addr(piece->port),
		.length = piece->size,
		.is_write = piece->is_write,
		.value = piece->value,
	};
	int error = bus_dispatch(&vcpu_of(e)->vm->port_bus, &access);

	piece->value = access.value;
	return error;
}

/* XMM and x87 are in the processor as the guest has left them, and the vCPU is
 * not needed to find them (emulate_xmm.c). */
static void get_xmm(struct emulator *e, unsigned int which,
		    struct xmm_value *out)
{
	(void)e;
	emulate_xmm_get(which, out);
}

static void set_xmm(struct emulator *e, unsigned int which,
		    const struct xmm_value *in)
{
	(void)e;
	emulate_xmm_set(which, in);
}

static void x87(struct emulator *e, enum system_x87 what, u16 *word)
{
	(void)e;
	emulate_xmm_x87(what, word);
}

const struct system_ops emulate_system_ops = {
	.get_segment = get_segment,
	.set_segment = set_segment,
	.get_table = get_table,
	.set_table = set_table,
	.set_control = set_control,
	.get_debug = get_debug,
	.set_debug = set_debug,
	.get_msr = get_msr,
	.set_msr = set_msr,
	.cpuid = cpuid_of,
	.tsc = tsc,
	.invalidate = invalidate,
	.port = port,
	.get_xmm = get_xmm,
	.set_xmm = set_xmm,
	.x87 = x87,
};
