/** @file
 * Control and debug registers: MOV, SMSW, LMSW, CLTS.
 *
 * Whether a value is one that a control register can take is decided by the
 * hypervisor, which decides it for the instructions that exit as well.
 *
 * Debug registers 4 and 5 are other names of 6 and 7 unless CR4.DE is set
 * (SDM 3B 18.2.2).  DR7.GD, by which a debugger guards the registers against
 * other debuggers, is not looked at.
 */
#include "emulator/op_control.h"

#include "emulator/context.h"

/** What LMSW writes: PE, MP, EM, TS; PE it can only set. */
#define MSW_WRITTEN 0xfull

enum emul_result op_control_get_cr(struct emulator *e, struct alu *alu)
{
	alu->dst = e->ops->control(e, e->insn.src.reg);
	alu->discard = false;
	return EMUL_DONE;
}

/*
 * It takes effect at once and not when the instruction retires, but nothing can
 * refuse any more behind it.  Paging may be another one from here on; this
 * instruction makes no further access.
 */
enum emul_result op_control_set_cr(struct emulator *e, struct alu *alu)
{
	return e->ops->system->set_control(e, e->insn.dst.reg, alu->src);
}

/** The register that a number means; #UD if it means none. */
static enum emul_result find_debug(struct emulator *e, unsigned int *which)
{
	if ((*which & 6) != 4) {
		return EMUL_DONE;
	}
	if (e->ops->control(e, SYSTEM_CR4) & CONTROL_CR4_DE) {
		return context_undefined(e);
	}
	*which += 2;
	return EMUL_DONE;
}

enum emul_result op_control_get_dr(struct emulator *e, struct alu *alu)
{
	unsigned int which = e->insn.src.reg;
	enum emul_result result = find_debug(e, &which);

	if (!result) {
		alu->dst = e->ops->system->get_debug(e, which);
		alu->discard = false;
	}
	return result;
}

/* Of DR6 and DR7 the upper 32 bits must be 0; addresses have all 64. */
enum emul_result op_control_set_dr(struct emulator *e, struct alu *alu)
{
	unsigned int which = e->insn.dst.reg;
	enum emul_result result = find_debug(e, &which);

	if (!result && which >= 6 && alu->src >> 32) {
		result = context_protection(e, VECTOR_GP);
	}
	if (!result) {
		e->ops->system->set_debug(e, which, alu->src);
	}
	return result;
}

enum emul_result op_control_smsw(struct emulator *e, struct alu *alu)
{
	alu->dst = e->ops->control(e, SYSTEM_CR0);
	return EMUL_DONE;
}

/*
 * The 80286's way to CR0, of which it knew four bits.  It could enter protected
 * mode and not leave it; so PE is set here and never cleared.
 */
enum emul_result op_control_lmsw(struct emulator *e, struct alu *alu)
{
	u64 cr0 = e->ops->control(e, SYSTEM_CR0);

	cr0 &= ~(MSW_WRITTEN & ~CONTROL_CR0_PE);
	cr0 |= alu->src & MSW_WRITTEN;
	return e->ops->system->set_control(e, SYSTEM_CR0, cr0);
}

/* "Task switched": the kernel has given the FPU to the thread that runs now. */
enum emul_result op_control_clts(struct emulator *e, struct alu *alu)
{
	u64 cr0 = e->ops->control(e, SYSTEM_CR0);

	(void)alu;
	return e->ops->system->set_control(e, SYSTEM_CR0,
					   cr0 & ~CONTROL_CR0_TS);
}
