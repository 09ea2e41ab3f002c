/** @file
 * Instructions that concern the processor as a whole.
 *
 * HLT is done when it has retired: that the vCPU waits now is for the
 * hypervisor to know.  INVD and WBINVD have nothing to do, since the guest's
 * caches are the host's.
 *
 * Nearly none of them has an operand on a device.  They are here because a
 * stretch of the guest's code is emulated as a whole where the processor cannot
 * run it (real mode without unrestricted guest, for example): then everything
 * that may stand in it must be known.
 *
 * What is asked of the hypervisor goes through struct system_ops, which answers
 * as it answers for the exit of the same instruction; a getter has no effect,
 * so a pass may ask twice (system.h).
 */
#include "emulator/op_system.h"

#include "emulator/context.h"

enum emul_result op_system_hlt(struct emulator *e, struct alu *alu)
{
	(void)alu;
	e->dirty |= EMUL_HALTS;
	return EMUL_DONE;
}

/** What is asked for, and whether it may be, is the hypervisor's affair. */
enum emul_result op_system_vmcall(struct emulator *e, struct alu *alu)
{
	(void)alu;
	if (e->ops->cpl(e) != 0) {
		return context_undefined(e);
	}
	e->dirty |= EMUL_CALLS;
	return EMUL_DONE;
}

/*
 * INVD in earnest would throw away what the host has written and not yet in
 * memory; no guest may do that.
 */
enum emul_result op_system_nothing(struct emulator *e, struct alu *alu)
{
	(void)e;
	(void)alu;
	return EMUL_DONE;
}

/** The address is not accessed: no limit, and no fault if not canonical. */
enum emul_result op_system_invlpg(struct emulator *e, struct alu *alu)
{
	struct segment_register segment = { .base = gva(0) };
	u64 address = alu->src;

	if (e->mode != MODE_64 || e->insn.segment >= SEGMENT_FS) {
		e->ops->system->get_segment(e, e->insn.segment, &segment);
	}
	address += segment.base.v;
	if (e->mode != MODE_64) {
		address = (u32)address;
	}
	e->ops->system->invalidate(e, gva(address));
	return EMUL_DONE;
}

/** Two halves in EDX:EAX, as all registers of 64 bits come. */
static void put_pair(struct emulator *e, u64 value)
{
	context_set_register(e, REG_RAX, (u32)value);
	context_set_register(e, REG_RDX, value >> 32);
}

/* CR4.TSD: a system may keep its programs from measuring time finely. */
enum emul_result op_system_rdtsc(struct emulator *e, struct alu *alu)
{
	(void)alu;
	if ((e->ops->control(e, SYSTEM_CR4) & CONTROL_CR4_TSD) &&
	    e->ops->cpl(e) != 0) {
		return context_protection(e, VECTOR_GP);
	}
	put_pair(e, e->ops->system->tsc(e));
	return EMUL_DONE;
}

/* ECX says which; an MSR that the guest does not have is #GP(0). */
enum emul_result op_system_rdmsr(struct emulator *e, struct alu *alu)
{
	u64 value = 0;

	(void)alu;
	if (!e->ops->system->get_msr(e, context_register(e, REG_RCX),
				     &value)) {
		return context_protection(e, VECTOR_GP);
	}
	put_pair(e, value);
	return EMUL_DONE;
}

enum emul_result op_system_wrmsr(struct emulator *e, struct alu *alu)
{
	u64 value = (u32)context_register(e, REG_RAX) |
		    context_register(e, REG_RDX) << 32;

	(void)alu;
	if (!e->ops->system->set_msr(e, context_register(e, REG_RCX), value)) {
		return context_protection(e, VECTOR_GP);
	}
	return EMUL_DONE;
}

/*
 * All four registers change, and of each the upper half becomes 0: the u32 in
 * struct cpuid_registers does that.
 */
enum emul_result op_system_cpuid(struct emulator *e, struct alu *alu)
{
	struct cpuid_registers r = {
		.eax = context_register(e, REG_RAX),
		.ecx = context_register(e, REG_RCX),
	};

	(void)alu;
	e->ops->system->cpuid(e, &r);
	context_set_register(e, REG_RAX, r.eax);
	context_set_register(e, REG_RBX, r.ebx);
	context_set_register(e, REG_RCX, r.ecx);
	context_set_register(e, REG_RDX, r.edx);
	return EMUL_DONE;
}
