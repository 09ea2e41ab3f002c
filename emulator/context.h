/** @file
 * What the files of the emulator share of its context: registers and errors.
 *
 * The rule of the registers (emulator.h): a pass never touches the vCPU's own
 * ones; what it writes stays in out[] until the instruction retires.
 */
#ifndef EMULATOR_CONTEXT_H
#define EMULATOR_CONTEXT_H

#include "emulator/emulator.h"

/** The registers that an instruction names without naming them. */
enum implied_register {
	REG_RAX = 0,
	REG_RCX = 1,
	REG_RDX = 2,
	REG_RBX = 3,
	REG_RSP = 4,
	REG_RBP = 5,
	REG_RSI = 6,
	REG_RDI = 7,
};

/** RFLAGS bits that the emulator looks at (SDM 1 3.4.3). */
#define RFLAGS_CF BIT(0)
#define RFLAGS_PF BIT(2)
#define RFLAGS_AF BIT(4)
#define RFLAGS_ZF BIT(6)
#define RFLAGS_SF BIT(7)
#define RFLAGS_TF BIT(8)
#define RFLAGS_IF BIT(9)
#define RFLAGS_DF BIT(10)
#define RFLAGS_OF BIT(11)
#define RFLAGS_IOPL BITS(13, 12)
#define RFLAGS_NT BIT(14)
#define RFLAGS_RF BIT(16)
#define RFLAGS_VM BIT(17)
#define RFLAGS_AC BIT(18)
#define RFLAGS_VIF BIT(19)
#define RFLAGS_VIP BIT(20)
#define RFLAGS_ID BIT(21)

/** The value mask of a size in bytes, 1 to 8. */
static inline u64 context_mask(unsigned int size)
{
	return ~0ull >> (64 - 8 * size);
}

/** The low size bytes of value, 1 to 8, sign-extended to 64 bits. */
static inline u64 context_sign_extend(u64 value, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;

	return (u64)((s64)(value << shift) >> shift);
}

/** All 64 bits of register n, 0 to 15, as this pass sees them. */
static inline u64 context_register(const struct emulator *e, unsigned int n)
{
	return e->dirty & (1u << n) ? e->out[n] : e->gpr[n];
}

/** Set all 64 bits of register n for the rest of this pass. */
static inline void context_set_register(struct emulator *e, unsigned int n,
					u64 value)
{
	e->out[n] = value;
	e->dirty |= 1u << n;
}

/** Replace the low size bytes of register n; 4 clear the upper half too. */
static inline void context_merge_register(struct emulator *e, unsigned int n,
					  u64 value, unsigned int size)
{
	u64 mask;

	if (size == 4) {
		value = (u32)value;
	} else if (size < 4) {
		mask = context_mask(size);
		value &= mask;
		value |= context_register(e, n) & ~mask;
	}
	context_set_register(e, n, value);
}

/** RIP behind the instruction; outside 64-bit mode it wraps at 4 GiB. */
static inline u64 context_next_rip(const struct emulator *e)
{
	u64 rip = e->rip + e->insn.length;

	return e->mode == MODE_64 ? rip : (u32)rip;
}

/**
 * Forget whatever a pass has computed: registers, RIP and flags are again
 * those of the vCPU, and next_rip is behind the instruction.
 */
static inline void context_begin_pass(struct emulator *e)
{
	e->dirty = 0;
	e->next_rip = context_next_rip(e);
	e->new_rflags = e->rflags & ~RFLAGS_RF;
}

/** Make what a pass has computed the vCPU's own: it has retired. */
static inline void context_commit(struct emulator *e)
{
	u64 *gpr = e->gpr;
	u32 left = e->dirty & EMUL_DIRTY_GPR;

	while (unlikely(left)) { /* nearly always one, or none */
		int n = __builtin_ctz(left);

		gpr[n] = e->out[n];
		left &= left - 1;
	}
	e->rip = e->next_rip;
	e->rflags = e->new_rflags;
	e->retired = true;
}

/** Whether size bytes from address are canonical (48 bits, SDM 1 3.3.7.1). */
static inline bool context_canonical(u64 address, unsigned int size)
{
	u64 first = address + BIT(47);

	return (first | (first + size - 1)) >> 48 == 0;
}

/** The guest's mistake without an error code: #DE, #BR, #UD, #NM. */
static inline enum emul_result context_fault(struct emulator *e, u8 vector)
{
	e->exception = (struct exception){ .vector = vector };
	return EMUL_FAULT;
}

/** No such instruction here: #UD. */
static inline enum emul_result context_undefined(struct emulator *e)
{
	return context_fault(e, VECTOR_UD);
}

/** The guest's mistake with error code 0: #GP(0) or #SS(0). */
static inline enum emul_result context_protection(struct emulator *e, u8 vector)
{
	e->exception =
		(struct exception){ .vector = vector, .has_error_code = true };
	return EMUL_FAULT;
}

/** Not supported, or a bug of ours: the VM stops with this sentence. */
static inline enum emul_result context_stop(struct emulator *e, const char *why)
{
	e->error = why;
	return EMUL_UNHANDLEABLE;
}

#endif
