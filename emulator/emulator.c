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
#include "emulator/operand.h"
#include "emulator/operations.h"
#include "emulator/string.h"

void emulator_init(struct emulator *e, const struct emul_ops *ops)
{
	memset(e, 0, sizeof(*e));
	e->ops = ops;
	e->mode = MODE_64;
	e->mmio_page = EMULATOR_NO_PAGE;
}

static bool is_string(const struct emulator *e)
{
	return e->insn.traits & OP_STRING;
}

/** The instruction or iteration is done: make its registers the vCPU's. */
static void commit(struct emulator *e)
{
	u64 *gpr = e->gpr;
	u64 left;

	for (left = e->dirty & EMUL_DIRTY_GPR; left; left &= left - 1) {
		u64 n = __builtin_ctzll(left);

		gpr[n] = e->out[n];
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

/** A pass, or an iteration, starts from the vCPU's own registers. */
static inline void begin_pass(struct emulator *e)
{
	e->dirty = 0;
	e->next_rip = next_rip(e);
	e->new_rflags = e->rflags & ~RFLAGS_RF;
}

/** Commit the pass if it is done; drop what is pending if it went wrong. */
static inline enum emul_result end_pass(struct emulator *e,
					enum emul_result result)
{
	if (likely(!result)) {
		commit(e);
		return emulator_has_pending(e) ? EMUL_IO_NEEDED : EMUL_DONE;
	}
	if (unlikely(result != EMUL_IO_NEEDED)) {
		emulator_cancel(e);
	}
	return result;
}

/** A pass that began with an answer must have taken it. */
static enum emul_result check_taken(struct emulator *e, enum emul_result result)
{
	if (!result && !read_cache_settled(e)) {
		return context_stop(e, "an answered read was not taken");
	}
	return result;
}

/** Pass after pass while a string instruction goes on. */
static __noinline enum emul_result run_string(struct emulator *e)
{
	enum emul_result result;

	begin_pass(e);
	result = end_pass(e, check_taken(e, string_step(e)));
	while (!result && string_goes_on(e)) {
		read_cache_begin(e);
		begin_pass(e);
		result = end_pass(e, string_step(e));
	}
	return result;
}

/** The addresses depend on the registers of pass 1: once an instruction. */
static inline enum emul_result locate(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;

	if (insn->dst.from != FROM_DECODER) {
		result = operand_locate(e, &insn->dst);
	}
	if (!result && insn->src.from != FROM_DECODER) {
		result = operand_locate(e, &insn->src);
	}
	return result;
}

static inline bool same_eight(const u8 *a, const u8 *b)
{
	return __builtin_memcmp(a, b, 8) == 0;
}

/** Is this the instruction that was decoded last: same bytes, same mode? */
static inline bool is_known(const struct emulator *e)
{
	const u8 *code = e->code, *bytes = e->insn.bytes;
	const unsigned int last = INSN_MAX - 8; /* two eights, overlapping */

	return code && e->insn.mode == e->mode && same_eight(code, bytes) &&
	       same_eight(code + last, bytes + last);
}

enum emul_result emulator_run(struct emulator *e)
{
	enum emul_result result;

	e->retired = false;
	if (unlikely(emulator_has_pending(e))) {
		emulator_cancel(e);
	}
	read_cache_begin(e);
	if (unlikely(!is_known(e))) {
		result = decode_run(e);
		if (result) {
			return result;
		}
	}
	if (unlikely(e->insn.traits & (OP_STRING | OP_TWO_MEMORY))) {
		e->hint.valid = false;
		if (is_string(e)) {
			return run_string(e);
		}
	}
	result = locate(e);
	if (unlikely(result)) {
		return result;
	}
	begin_pass(e);
	return end_pass(e, execute_run(e));
}

bool emulator_piece(const struct emulator *e, struct mmio_piece *piece)
{
	return fragments_piece(e, piece);
}

bool emulator_has_pending(const struct emulator *e)
{
	return e->fragments.count != 0 || e->port.state == PORT_WAITS;
}

bool emulator_port(const struct emulator *e, struct port_piece *piece)
{
	*piece = e->port.piece;
	return e->port.state == PORT_WAITS;
}

/** The instruction once more, with the answer at hand. */
static enum emul_result run_again(struct emulator *e)
{
	read_cache_rewind(e);
	if (unlikely(is_string(e))) {
		return run_string(e);
	}
	begin_pass(e);
	return end_pass(e, check_taken(e, execute_run(e)));
}

enum emul_result emulator_complete(struct emulator *e, const u8 *data)
{
	bool is_write = e->fragments.is_write;
	enum emul_result result;

	e->retired = false;
	if (unlikely(e->port.state == PORT_WAITS)) {
		return port_answered(e, data) ? run_again(e) : EMUL_DONE;
	}
	result = fragments_complete(e, data);
	if (result || is_write) {
		return result;
	}
	result = read_cache_answered(e);
	return result ? result : run_again(e);
}

void emulator_cancel(struct emulator *e)
{
	fragments_reset(e);
	read_cache_cancel(e);
	port_reset(e);
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
