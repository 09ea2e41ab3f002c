/** @file
 * Flags: to and from the stack and AH, and one by one.
 *
 * Who may change what: IOPL at CPL 0 only; IF if CPL is not above IOPL.  The
 * others are free, but VM, VIF and VIP, which POPF leaves as they are, and RF,
 * which it clears.  Virtual-8086 mode with an IOPL below 3 may touch nothing
 * without the help of its monitor, or of CR4.VME, which gives it VIF in place
 * of IF; CR4.PVI does that for CLI and STI at CPL 3 (SDM 3B 21.3, 21.4).
 *
 *	            CPL <= IOPL   CPL > IOPL, or virtual-8086 mode, IOPL < 3
 *	CLI, STI    IF            VIF at CPL 3 with CR4.VME or PVI, else #GP
 *	POPF        IF            IF stays, unsaid; virtual-8086 mode: VIF with
 *	                          CR4.VME, else #GP
 *
 * That POPF says nothing is what made x86 hard to virtualize before VMX: a
 * kernel put at CPL 3 would believe that it had masked interrupts, and no fault
 * would tell the hypervisor that it wished to.
 */
#include "emulator/op_flags.h"

#include "emulator/stack.h"

/** What POPF and SAHF may change at all. */
#define SAHF_FLAGS (RFLAGS_SF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF | RFLAGS_CF)
#define POPF_FLAGS                                                      \
	(FLAGS_STATUS | RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | \
	 RFLAGS_AC | RFLAGS_ID | RFLAGS_IOPL)

static unsigned int iopl_of(const struct emulator *e)
{
	return (e->rflags & RFLAGS_IOPL) >> 12;
}

/** Virtual-8086 mode at an IOPL where its interrupt flag is not its own. */
static bool is_restricted_8086(const struct emulator *e)
{
	return (e->rflags & RFLAGS_VM) && iopl_of(e) < 3;
}

static bool may_change_if(struct emulator *e)
{
	return e->ops->cpl(e) <= iopl_of(e);
}

static bool has_cr4(struct emulator *e, u64 bit)
{
	return e->ops->control(e, SYSTEM_CR4) & bit;
}

/** Replace the flags of which by those of value. */
static void replace(struct alu *alu, u64 which, u64 value)
{
	alu->flags = (alu->flags & ~which) | (value & which);
}

/** 16-bit PUSHF and POPF in virtual-8086 mode with CR4.VME. */
static bool is_virtual(struct emulator *e)
{
	return e->insn.operand_size == 2 && has_cr4(e, CONTROL_CR4_VME);
}

/*
 * A program under CR4.VME sees its VIF where IF is, and an IOPL of 3, as if the
 * machine were its own.
 */
enum emul_result op_flags_pushf(struct emulator *e, struct alu *alu)
{
	u64 image = alu->flags & ~(RFLAGS_VM | RFLAGS_RF);

	if (is_restricted_8086(e)) {
		if (!is_virtual(e)) {
			return context_protection(e, VECTOR_GP);
		}
		image = (image & ~RFLAGS_IF) | RFLAGS_IOPL;
		image |= e->rflags & RFLAGS_VIF ? RFLAGS_IF : 0;
	}
	alu->dst = image;
	stack_move(e, -(s64)e->insn.operand_size);
	return EMUL_DONE;
}

/**
 * POPF where VIF stands in for IF.  VIP says that the monitor holds an
 * interrupt back for the program; to set IF then is the moment to deliver it,
 * and #GP is how the monitor learns of it.
 */
static enum emul_result pop_virtual(struct emulator *e, struct alu *alu)
{
	u64 image = alu->src;

	if ((image & RFLAGS_TF) ||
	    ((image & RFLAGS_IF) && (e->rflags & RFLAGS_VIP))) {
		return context_protection(e, VECTOR_GP);
	}
	replace(alu, POPF_FLAGS & 0xffff & ~(RFLAGS_IF | RFLAGS_IOPL), image);
	replace(alu, RFLAGS_VIF, image & RFLAGS_IF ? RFLAGS_VIF : 0);
	return EMUL_DONE;
}

/*
 * What may not change is skipped and not refused; POPF of 16 bits leaves all
 * above bit 15.  rSP moves in any case: the result decides whether it counts.
 */
enum emul_result op_flags_popf(struct emulator *e, struct alu *alu)
{
	u64 which = POPF_FLAGS & context_mask(e->insn.operand_size);

	stack_move(e, e->insn.operand_size);
	if (is_restricted_8086(e)) {
		return is_virtual(e) ? pop_virtual(e, alu)
				     : context_protection(e, VECTOR_GP);
	}
	if (e->ops->cpl(e) != 0) {
		which &= ~RFLAGS_IOPL;
	}
	if (!may_change_if(e)) {
		which &= ~RFLAGS_IF;
	}
	replace(alu, which, alu->src);
	return EMUL_DONE;
}

/* AH is bits 15:8; bit 1 of the flags is always set, in any image of them. */
enum emul_result op_flags_lahf(struct emulator *e, struct alu *alu)
{
	u64 ah = (alu->flags & SAHF_FLAGS) | BIT(1);
	u64 rax = context_register(e, REG_RAX);

	context_set_register(e, REG_RAX, (rax & ~0xff00ull) | ah << 8);
	return EMUL_DONE;
}

enum emul_result op_flags_sahf(struct emulator *e, struct alu *alu)
{
	replace(alu, SAHF_FLAGS, context_register(e, REG_RAX) >> 8);
	return EMUL_DONE;
}

enum emul_result op_flags_clc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->flags &= ~RFLAGS_CF;
	return EMUL_DONE;
}

enum emul_result op_flags_stc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->flags |= RFLAGS_CF;
	return EMUL_DONE;
}

enum emul_result op_flags_cmc(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->flags ^= RFLAGS_CF;
	return EMUL_DONE;
}

enum emul_result op_flags_cld(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->flags &= ~RFLAGS_DF;
	return EMUL_DONE;
}

enum emul_result op_flags_std(struct emulator *e, struct alu *alu)
{
	(void)e;
	alu->flags |= RFLAGS_DF;
	return EMUL_DONE;
}

/** Whether CLI and STI act on VIF, being kept from IF. */
static bool has_virtual_if(struct emulator *e)
{
	u64 feature = e->rflags & RFLAGS_VM ? CONTROL_CR4_VME : CONTROL_CR4_PVI;

	return e->ops->cpl(e) == 3 && has_cr4(e, feature);
}

enum emul_result op_flags_cli(struct emulator *e, struct alu *alu)
{
	if (may_change_if(e)) {
		alu->flags &= ~RFLAGS_IF;
	} else if (has_virtual_if(e)) {
		alu->flags &= ~RFLAGS_VIF;
	} else {
		return context_protection(e, VECTOR_GP);
	}
	return EMUL_DONE;
}

/** Interrupts come one instruction later, so that STI, HLT loses none. */
enum emul_result op_flags_sti(struct emulator *e, struct alu *alu)
{
	if (may_change_if(e)) {
		if (!(alu->flags & RFLAGS_IF)) {
			e->dirty |= EMUL_BLOCKS_STI;
		}
		alu->flags |= RFLAGS_IF;
	} else if (has_virtual_if(e) && !(e->rflags & RFLAGS_VIP)) {
		alu->flags |= RFLAGS_VIF;
	} else {
		return context_protection(e, VECTOR_GP);
	}
	return EMUL_DONE;
}
