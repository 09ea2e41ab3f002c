/** @file
 * The guest's stack (stack.h).
 *
 * An instruction that pops several values reads all of them before it changes
 * memory; one that pushes several has its writes queued in order if the stack
 * is a device (spec 10.3).  Nothing is committed before the last of them, so
 * a fault in the middle leaves rSP as it was.
 */
#include "emulator/stack.h"

#include "emulator/memory.h"

void stack_move(struct emulator *e, s64 by)
{
	u64 sp = context_register(e, REG_RSP);

	context_merge_register(e, REG_RSP, sp + by, stack_width(e));
}

/** The access to size bytes at rSP. */
static enum emul_result locate(struct emulator *e, struct mem_access *at)
{
	u64 sp = context_register(e, REG_RSP) & context_mask(stack_width(e));

	return memory_linear(e, SEGMENT_SS, sp, at);
}

/*
 * rSP moves first, in out[]: should the write fault, the pass is dropped and
 * rSP with it.
 */
enum emul_result stack_push(struct emulator *e, u64 value, unsigned int size)
{
	struct mem_access at = { .size = size, .kind = EMUL_WRITE };
	enum emul_result result;

	stack_move(e, -(s64)size);
	result = locate(e, &at);
	if (result) {
		return result;
	}
	return fragments_write(e, &at, &value);
}

/*
 * rSP has moved when the read must wait; that does no harm, since the next pass
 * begins with the old one and is served the value from the read cache.
 */
enum emul_result stack_pop(struct emulator *e, u64 *value, unsigned int size)
{
	struct mem_access at = { .size = size, .kind = EMUL_READ };
	enum emul_result result = locate(e, &at);

	if (result) {
		return result;
	}
	*value = 0;
	stack_move(e, size);
	return read_cache_read(e, &at, value);
}
