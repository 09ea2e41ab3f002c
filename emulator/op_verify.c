/** @file
 * Questions about descriptors: LAR, LSL, VERR, VERW.
 *
 * The answer is ZF: whether the selector names something that this code could
 * use.  No selector is a fault here, however wrong it is; only the table's own
 * pages can be (SDM 2A LAR).
 *
 * A system asks before it uses a selector that a program has handed to it, and
 * spares itself a fault:
 *
 *	LAR         its rights         code, data, system segments, some gates
 *	LSL         its limit          the same without gates
 *	VERR, VERW  only ZF            code and data: may it be read, written?
 */
#include "emulator/op_verify.h"

#include "emulator/segment.h"

/* Types of system descriptors that LAR and LSL know (SDM 2A LAR, LSL): in
 * IA-32e mode LDT, TSS, call gate; elsewhere the 16-bit ones and the task gate
 * as well.  LSL knows no gates. */
#define LAR_TYPES_LONG 0x1a04u
#define LAR_TYPES      0x1a3eu
#define LSL_TYPES_LONG 0x0a04u
#define LSL_TYPES      0x0a0eu

/** Conforming code can be used from everywhere, the rest from its level. */
static bool level_allows(struct emulator *e, const struct descriptor *of)
{
	unsigned int dpl = rights_dpl(of->segment.rights);
	const u32 conforming = RIGHTS_S | RIGHTS_CODE | RIGHTS_DOWN;

	if ((of->segment.rights & conforming) == conforming) {
		return true;
	}
	return dpl >= e->ops->cpl(e) && dpl >= (of->selector & 3u);
}

/**
 * Look a selector up. @param found whether there is a descriptor at all
 * @return EMUL_DONE, or what reading the table has met
 */
static enum emul_result look_up(struct emulator *e, u16 selector,
				struct descriptor *of, bool *found)
{
	enum emul_result result;

	*found = false;
	if (!segment_protected(e)) {
		return context_undefined(e);
	}
	if (!(selector & 0xfffc)) {
		return EMUL_DONE;
	}
	result = segment_find(e, selector, false, of);
	if (result == EMUL_FAULT && e->exception.vector == VECTOR_GP) {
		return EMUL_DONE;
	}
	*found = !result;
	return result;
}

/** Without a yes the destination register stays as it was. */
static void answer(struct alu *alu, bool yes)
{
	alu->flags &= ~RFLAGS_ZF;
	alu->flags |= yes ? RFLAGS_ZF : 0;
	alu->discard = !yes;
}

/** LAR and LSL. @param types of system descriptors, a bit each */
static enum emul_result ask(struct emulator *e, struct alu *alu, u32 types,
			    struct descriptor *of)
{
	bool found;
	enum emul_result result = look_up(e, alu->src, of, &found);
	u32 rights = of->segment.rights;

	if (result) {
		return result;
	}
	if (found && !(rights & RIGHTS_S)) {
		found = types >> (rights & RIGHTS_TYPE) & 1;
	}
	answer(alu, found && level_allows(e, of));
	return EMUL_DONE;
}

/* The upper half of the descriptor as it stands, without base and limit. */
enum emul_result op_verify_lar(struct emulator *e, struct alu *alu)
{
	struct descriptor of = { .selector = 0 };
	u32 types = segment_long_mode(e) ? LAR_TYPES_LONG : LAR_TYPES;
	enum emul_result result = ask(e, alu, types, &of);

	alu->dst = bits(of.low, 63, 32) & 0x00f0ff00;
	return result;
}

/* In bytes: the granularity is in it already. */
enum emul_result op_verify_lsl(struct emulator *e, struct alu *alu)
{
	struct descriptor of = { .selector = 0 };
	u32 types = segment_long_mode(e) ? LSL_TYPES_LONG : LSL_TYPES;
	enum emul_result result = ask(e, alu, types, &of);

	alu->dst = of.segment.limit;
	return result;
}

/**
 * VERR and VERW: code or data, to be read or written.
 *
 * Code can never be written, and read only if its type permits it; data can
 * always be read.  RIGHTS_WRITABLE is the bit that says either.
 */
static enum emul_result verify(struct emulator *e, struct alu *alu, bool write)
{
	struct descriptor of = { .selector = 0 };
	bool found, usable;
	enum emul_result result = look_up(e, alu->src, &of, &found);
	u32 rights = of.segment.rights;

	if (result) {
		return result;
	}
	usable = rights & RIGHTS_WRITABLE;
	if (rights & RIGHTS_CODE) {
		usable = usable && !write;
	} else {
		usable = usable || !write;
	}
	answer(alu, found && (rights & RIGHTS_S) && usable &&
			    level_allows(e, &of));
	return EMUL_DONE;
}

enum emul_result op_verify_verr(struct emulator *e, struct alu *alu)
{
	return verify(e, alu, false);
}

enum emul_result op_verify_verw(struct emulator *e, struct alu *alu)
{
	return verify(e, alu, true);
}
