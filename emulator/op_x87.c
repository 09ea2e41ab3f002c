/** @file
 * The x87 instructions that a kernel needs before it pages: it looks whether
 * there is an FPU, and sets it to its beginning.
 *
 *	FNINIT, FNCLEX    the FPU as after a reset; no exceptions pending
 *	FNSTCW, FLDCW     the control word
 *	FNSTSW            the status word, to memory or AX
 *	FWAIT             pending exceptions come now
 *
 * What computes is not here.  The registers are the guest's own, in the
 * processor that runs this: it is asked to do these few for us.
 *
 * CR0.EM or TS set is #NM, of FWAIT only MP and TS both; those that wait meet
 * what an earlier instruction has left behind, #MF (SDM 3A 6.15, 1 8.7).
 */
#include "emulator/op_x87.h"

#include "emulator/context.h"

#define STATUS_SUMMARY BIT(7) /* an exception is pending, and not masked */

/* DB E2 and E3: ModRM's last three bits. */
#define CONTROL_CLEAR 2

/**
 * EM: there is no FPU, a library is to be called.  TS: it still holds the
 * registers of another thread.  In both cases the system's #NM handler helps.
 */
static enum emul_result check_system(struct emulator *e)
{
	u64 cr0 = e->ops->control(e, SYSTEM_CR0);

	return cr0 & (CONTROL_CR0_EM | CONTROL_CR0_TS)
		       ? context_fault(e, VECTOR_NM)
		       : EMUL_DONE;
}

static u16 get(struct emulator *e, enum system_x87 what)
{
	u16 word = 0;

	e->ops->system->x87(e, what, &word);
	return word;
}

/** Only instructions that wait care for pending exceptions. */
static enum emul_result check_pending(struct emulator *e)
{
	return get(e, SYSTEM_X87_GET_STATUS) & STATUS_SUMMARY
		       ? context_fault(e, VECTOR_MF)
		       : EMUL_DONE;
}

/* The forms without waiting: what is pending is cleared and never raised. */
enum emul_result op_x87_control(struct emulator *e, struct alu *alu)
{
	bool clear = (e->insn.rm & 7) == CONTROL_CLEAR;
	enum emul_result result = check_system(e);

	(void)alu;
	if (!result) {
		e->ops->system->x87(
			e, clear ? SYSTEM_X87_CLEAR : SYSTEM_X87_INIT, NULL);
	}
	return result;
}

enum emul_result op_x87_load_cw(struct emulator *e, struct alu *alu)
{
	enum emul_result result = check_system(e);
	u16 word = alu->src;

	if (!result) {
		result = check_pending(e);
	}
	if (!result) {
		e->ops->system->x87(e, SYSTEM_X87_SET_CONTROL, &word);
	}
	return result;
}

enum emul_result op_x87_store_cw(struct emulator *e, struct alu *alu)
{
	alu->dst = get(e, SYSTEM_X87_GET_CONTROL);
	return check_system(e);
}

enum emul_result op_x87_store_sw(struct emulator *e, struct alu *alu)
{
	alu->dst = get(e, SYSTEM_X87_GET_STATUS);
	return check_system(e);
}

enum emul_result op_x87_store_sw_ax(struct emulator *e, struct alu *alu)
{
	enum emul_result result = check_system(e);

	(void)alu;
	if (!result) {
		context_merge_register(e, REG_RAX,
				       get(e, SYSTEM_X87_GET_STATUS), 2);
	}
	return result;
}

/*
 * It computes nothing, so EM alone is no #NM; and a system that switches the
 * FPU lazily says by MP whether a wait is a use of it.
 */
enum emul_result op_x87_wait(struct emulator *e, struct alu *alu)
{
	const u64 both = CONTROL_CR0_MP | CONTROL_CR0_TS;
	u64 cr0 = e->ops->control(e, SYSTEM_CR0);

	(void)alu;
	if ((cr0 & both) == both) {
		return context_fault(e, VECTOR_NM);
	}
	return cr0 & CONTROL_CR0_EM ? EMUL_DONE : check_pending(e);
}
