/** @file
 * Passes: what happens to an instruction from its exit to its retirement.
 *
 *	emulator_run()        begin, decode, pass
 *	emulator_complete()   answer taken; for a read, when complete: pass
 *
 *	pass:  rewind the read cache, forget out[]
 *	       execute
 *	       done?     commit: out[] -> gpr[], RIP, RFLAGS; retired
 *	                 a queued write makes it EMUL_IO_NEEDED all the same
 *	       waiting?  nothing committed, the read is remembered
 *	       else      what was queued or remembered is dropped
 *
 * A pass ends at most once with each of the reads that go to the VMM; its
 * writes come after its reads; so an instruction is a row of read exits, then
 * its retirement, then a row of write exits.
 */
#include "emulator/emulator.h"

#include "emulator/context.h"
#include "emulator/decode.h"
#include "emulator/execute.h"
#include "emulator/opcodes.h"
#include "emulator/string.h"

void emulator_init(struct emulator *e, const struct emul_ops *ops)
{
	memset(e, 0, sizeof(*e));
	e->ops = ops;
	e->mode = MODE_64;
}

static bool is_string(const struct emulator *e)
{
	return e->insn.traits & OP_STRING;
}

/** The instruction or iteration is done: make its registers the vCPU's. */
static void commit(struct emulator *e)
{
	unsigned int left = e->dirty;

	while (left) {
		unsigned int n = __builtin_ctz(left);

		e->gpr[n] = e->out[n];
		left &= left - 1;
	}
	e->rip = e->next_rip;
	e->rflags = e->new_rflags;
	e->retired = true;
}

/** RIP behind the instruction; EIP wraps at 4 GiB. */
static u64 next_rip(const struct emulator *e)
{
	u64 rip = e->rip + e->insn.length;

	return e->mode == MODE_64 ? rip : (u32)rip;
}

/** Run the decoded instruction, or its next iteration, once from its start. */
static enum emul_result pass(struct emulator *e)
{
	enum emul_result result;

	e->dirty = 0;
	e->next_rip = next_rip(e);
	e->new_rflags = e->rflags & ~RFLAGS_RF;
	result = unlikely(is_string(e)) ? string_step(e) : execute_run(e);
	if (!result && !read_cache_settled(e)) {
		return context_stop(e, "an answered read was not taken");
	}
	return result;
}

/** A pass of an instruction that has but one; commit it if it is done. */
static inline enum emul_result run_pass(struct emulator *e)
{
	enum emul_result result = pass(e);

	if (!result) {
		commit(e);
		return e->fragments.count ? EMUL_IO_NEEDED : EMUL_DONE;
	}
	if (unlikely(result != EMUL_IO_NEEDED)) {
		emulator_cancel(e);
	}
	return result;
}

/** Pass after pass while a string instruction goes on. */
static enum emul_result __noinline run_string(struct emulator *e)
{
	enum emul_result result = run_pass(e);

	while (!result && string_goes_on(e)) {
		read_cache_begin(e);
		result = run_pass(e);
	}
	return result;
}

/** The decoded instruction, from its start to where it must wait or is done. */
static enum emul_result run(struct emulator *e)
{
	return unlikely(is_string(e)) ? run_string(e) : run_pass(e);
}

enum emul_result emulator_run(struct emulator *e)
{
	enum emul_result result;

	e->retired = false;
	emulator_cancel(e);
	result = decode_run(e);
	if (result) {
		return result;
	}
	if (e->insn.traits & (OP_STRING | OP_TWO_MEMORY)) {
		e->hint.valid = false;
	}
	return run(e);
}

bool emulator_piece(const struct emulator *e, struct mmio_piece *piece)
{
	return fragments_piece(e, piece);
}

bool emulator_has_pending(const struct emulator *e)
{
	return e->fragments.count != 0;
}

enum emul_result emulator_complete(struct emulator *e, const u8 *data)
{
	bool is_write = e->fragments.is_write;
	enum emul_result result;

	e->retired = false;
	result = fragments_complete(e, data);
	if (result || is_write) {
		return result;
	}
	result = read_cache_answered(e);
	if (result) {
		return result;
	}
	read_cache_rewind(e);
	return run(e);
}

void emulator_cancel(struct emulator *e)
{
	fragments_reset(e);
	read_cache_cancel(e);
}

const char *emulator_result_name(enum emul_result result)
{
	switch (result) {
	case EMUL_DONE:
		return "EMUL_DONE";
	case EMUL_FAULT:
		return "EMUL_FAULT";
	case EMUL_IO_NEEDED:
		return "EMUL_IO_NEEDED";
	case EMUL_UNHANDLEABLE:
		return "EMUL_UNHANDLEABLE";
	case EMUL_RETRY:
		return "EMUL_RETRY";
	}
	return "?";
}
