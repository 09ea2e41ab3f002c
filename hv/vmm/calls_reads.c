/** @file
 * Playing the reads of an instruction that there is not (hypercall_reads.h).
 *
 * The vCPU is between two instructions: it waits for this hypercall's result,
 * so its emulator is free.  What the script leaves pending is given up.
 *
 * The emulator runs an instruction again from its beginning whenever an answer
 * has come from the VMM: it does not keep its place in the middle. What it has
 * read by then is in the read cache, in order. On the next run those reads are
 * served from there, so that no device is asked twice (spec 3.2): to read a
 * device may change it.
 *
 *	BEGIN    forget all: another instruction
 *	READ     served from the cache, or done, or "the VMM must answer"
 *	ANSWER   the pieces come in, and the read is remembered
 *	REWIND   the same instruction once more, from the first read
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/emulate.h"

_Static_assert((int)READS_FAULT == (int)EMUL_FAULT, "emul_types.h");
_Static_assert((int)READS_WAITS == (int)EMUL_IO_NEEDED, "emul_types.h");
_Static_assert((int)READS_REFUSED == (int)EMUL_UNHANDLEABLE, "emul_types.h");
_Static_assert((int)READS_RETRY == (int)EMUL_RETRY, "emul_types.h");

/**
 * The destination is filled with a pattern before: whether a refused read has
 * written to it is part of what a test asks.
 */
static enum emul_result read(struct emulator *e,
			     struct hypercall_read_step *step)
{
	struct mem_access at = {
		gva(step->address), (u16)step->size, EMUL_READ
	};
	u8 to[MEM_ACCESS_MAX];
	enum emul_result result;

	memset(to, (u8)READS_UNTOUCHED, sizeof(to));
	result = read_cache_read(e, &at, to);
	memcpy(&step->value, to, sizeof(step->value));
	return result;
}

/**
 * The pieces that are with the VMM, then the read they belong to. A read that
 * crosses a page or is larger than 8 bytes goes to the VMM in pieces.
 * EMUL_IO_NEEDED only says that there is another piece, for which the script's
 * value is the answer as well.
 */
static enum emul_result answer(struct emulator *e, u64 value)
{
	enum emul_result result = EMUL_DONE;

	while (emulator_has_pending(e) && !result) {
		result = fragments_complete(e, (const u8 *)&value);
		if (result == EMUL_IO_NEEDED) {
			result = EMUL_DONE;
		}
	}
	return result ? result : read_cache_answered(e);
}

/** Steps that cannot fail end as EMUL_DONE. */
static enum emul_result play(struct emulator *e,
			     struct hypercall_read_step *step)
{
	switch ((enum hypercall_read_op)step->op) {
	case READS_BEGIN:
		read_cache_begin(e);
		break;
	case READS_REWIND:
		read_cache_rewind(e);
		break;
	case READS_READ:
		return read(e, step);
	case READS_ANSWER:
		return answer(e, step->value);
	case READS_SETTLED:
		step->value = read_cache_settled(e);
		break;
	case READS_CANCEL:
		emulator_cancel(e);
		break;
	case READS_OP_COUNT:
		break;
	}
	return EMUL_DONE;
}

/**
 * Leave nothing to the instruction behind the hypercall. The next instruction
 * would otherwise find pieces pending that are not its own, and take an answer
 * for them.
 */
static void give_back(struct emulator *e)
{
	if (emulator_has_pending(e)) {
		emulator_cancel(e);
	}
}

/**
 * A script must not be able to overflow `to` in read(). Everything else may be
 * nonsense: nonsense is what it is for.
 */
static bool is_valid(const struct hypercall_read_step *step)
{
	return step->op < READS_OP_COUNT &&
	       (step->op != READS_READ ||
		(step->size >= 1 && step->size <= MEM_ACCESS_MAX));
}

/**
 * Each step is copied in and its result copied out, at its own time: another
 * vCPU may write to the array, and a step that crashes the emulator leaves the
 * results of those before it. The product does not overflow, as `count` is
 * small by then.
 */
s64 calls_reads_play(struct bed *bed, const u64 *args)
{
	u64 count = args[1];
	struct hypercall_read_step *steps;
	struct emulator *e;

	if (count > READS_STEPS_MAX) {
		return -EINVAL;
	}
	steps = bed_memory(bed, args[0], count * sizeof(*steps));
	if (!steps) {
		return -EFAULT;
	}
	e = emulate_borrow(bed->vcpu);
	for (u64 i = 0; i < count; i++) {
		struct hypercall_read_step step = steps[i];

		if (!is_valid(&step)) {
			give_back(e);
			return -EINVAL;
		}
		step.result = play(e, &step);
		steps[i] = step;
	}
	give_back(e);
	return 0;
}
