/** @file
 * Playing the reads of an instruction that there is not (hypercall_reads.h).
 *
 * The vCPU is between two instructions: it waits for this hypercall's result,
 * so its emulator is free.  What the script leaves pending is given up.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/emulate.h"

_Static_assert((int)READS_FAULT == (int)EMUL_FAULT, "emul_types.h");
_Static_assert((int)READS_WAITS == (int)EMUL_IO_NEEDED, "emul_types.h");
_Static_assert((int)READS_REFUSED == (int)EMUL_UNHANDLEABLE, "emul_types.h");
_Static_assert((int)READS_RETRY == (int)EMUL_RETRY, "emul_types.h");

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

/** The pieces that are with the VMM, then the read they belong to. */
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

/** Leave nothing to the instruction behind the hypercall. */
static void give_back(struct emulator *e)
{
	if (emulator_has_pending(e)) {
		emulator_cancel(e);
	}
}

static bool is_valid(const struct hypercall_read_step *step)
{
	return step->op < READS_OP_COUNT &&
	       (step->op != READS_READ ||
		(step->size >= 1 && step->size <= MEM_ACCESS_MAX));
}

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
