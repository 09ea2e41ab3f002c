/** @file
 * What happens to an instruction from its exit to its retirement.
 *
 *	emulator_run()        decode it, locate its operands, first pass
 *	emulator_complete()   take an answer; a read's last one: next pass
 *
 * A pass is the instruction from its start to its end, or to a read that has
 * to wait.  The passes and what they have read are lab 3 (read_cache.h):
 *
 *	pass:  forget out[]; execute
 *	       done?     commit: out[] -> gpr[], RIP, RFLAGS; retired
 *	                 a queued write makes it EMUL_IO_NEEDED all the same
 *	       waiting?  nothing committed, the read is remembered
 *	       else      what was queued or remembered is dropped
 *
 * A pass ends at most once with each of the reads that go to the VMM; its
 * writes come after its reads; so an instruction is a row of read exits, then
 * its retirement, then a row of write exits.
 *
 * For ADD [device], AX with a device that the VMM has:
 *
 *	emulator_run()       pass 1: reads, must wait      -> exit: read
 *	emulator_complete()  pass 2: the read is served from the cache; adds,
 *	                     queues the write, commits     -> exit: write
 *	emulator_complete()  nothing runs any more         -> into the guest
 *
 * Why twice from the start, and not a thread or a saved stack that is stopped
 * in the middle?  Because what is kept is then a few plain values: they can be
 * saved, moved to another machine and given up at any time.
 */
#include "emulator/emulator.h"

#include "emulator/context.h"
#include "emulator/decode.h"
#include "emulator/operand.h"
#include "emulator/operations.h"

/** INT imm8 CD ib */
#define OPCODE_INT 0xcd

void emulator_init(struct emulator *e, const struct emul_ops *ops)
{
	memset(e, 0, sizeof(*e));
	e->ops = ops;
	e->mode = MODE_64;
	e->mmio_page = EMULATOR_NO_PAGE;
	for (unsigned int i = 0; i < EMUL_ACCESS_COUNT; i++) {
		e->pages[i].gva = EMULATOR_NO_GVA;
	}
}

/**
 * The addresses depend on the registers of pass 1: once an instruction.
 *
 * A string's operands are left out, being FROM_DECODER: each iteration has them
 * elsewhere, and string.c points them.
 */
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

/**
 * Is this the instruction that was decoded last: same bytes, same mode?
 *
 * Fifteen bytes in two comparisons, 0 to 7 and 7 to 14.  The address it stands
 * at does not matter: nothing decoded depends on RIP.  A mode of 0 fits
 * nothing, so whoever must not be found again sets it.
 */
static inline bool is_known(const struct emulator *e)
{
	const u8 *code = e->code, *bytes = e->insn.bytes;
	const unsigned int last = INSN_MAX - 8; /* two eights, overlapping */

	return code && e->insn.mode == e->mode && same_eight(code, bytes) &&
	       same_eight(code + last, bytes + last);
}

/*
 * What is still pending belongs to an instruction that nobody will finish.
 *
 * The hint says of one access where it went.  An instruction with two cannot
 * tell which of them is meant, and one that is repeated has the next iteration
 * elsewhere; for these the guest's page tables are walked.
 */
enum emul_result emulator_run(struct emulator *e)
{
	enum emul_result result;

	e->retired = false;
	if (unlikely(emulator_has_pending(e))) {
		emulator_cancel(e);
	}
	if (unlikely(!is_known(e))) {
		result = decode_run(e);
		if (result) {
			return result;
		}
	}
	if (unlikely(e->insn.traits & (OP_STRING | OP_TWO_MEMORY))) {
		e->hint.valid = false;
		e->insn.pointed = false;
		emulator_forget_pages(e);
	}
	result = locate(e);
	if (unlikely(result)) {
		return result;
	}
	return read_cache_run(e);
}

/**
 * The delivery is an instruction without length: it takes its pass, and its
 * writes their way, like any other.  No other has its bytes and its mode.
 *
 * e->insn is left without a length, by which op_interrupt.c knows that it is
 * not the guest's INT n, and without a mode, so that a true INT n which comes
 * next is decoded and not taken for this one.
 */
enum emul_result emulator_deliver(struct emulator *e,
				  const struct emul_event *event)
{
	const u8 code[INSN_MAX] = { OPCODE_INT, event->vector };
	enum emul_result result;

	e->retired = false;
	if (unlikely(emulator_has_pending(e))) {
		emulator_cancel(e);
	}
	e->event = *event;
	e->code = code;
	result = decode_run(e);
	e->code = NULL;
	e->insn.mode = 0;
	e->insn.length = 0;
	return result ? result : read_cache_run(e);
}

bool emulator_piece(const struct emulator *e, struct mmio_piece *piece)
{
	return fragments_piece(e, piece);
}

/*
 * The answer's bytes are in the read cache already (fragments.h); the record
 * turns from "waits" to "answered", and the pass that follows takes it.
 */
enum emul_result emulator_rerun(struct emulator *e)
{
	enum emul_result result = read_cache_answered(e);

	return result ? result : read_cache_rerun(e);
}

/*
 *	pending       the answer            then
 *	port read     is noted              the instruction runs again
 *	port write    means nothing         done: it had retired before
 *	piece, not    goes to its place     the next piece is due
 *	 the last
 *	last, read    the same              the instruction runs again
 *	last, write   means nothing         done: it had retired before
 */
enum emul_result emulator_complete(struct emulator *e, const u8 *data)
{
	bool is_write = emulator_is_write(e);
	enum emul_result result;

	if (unlikely(emulator_waits_for_port(e))) {
		e->retired = false;
		return port_answered(e, data) ? read_cache_rerun(e)
					      : EMUL_DONE;
	}
	result = emulator_answer(e, data);
	return result || is_write ? result : emulator_rerun(e);
}

/*
 * All three places where something can be pending.  What has been read is
 * forgotten with them: the next instruction must not be served from it.
 */
void emulator_cancel(struct emulator *e)
{
	fragments_reset(e);
	read_cache_cancel(e);
	port_reset(e);
}

/*
 * The context has no pointers into itself: operands name registers by number
 * and fragments name bytes by offset, so a plain copy is a whole one.
 */
void emulator_save(const struct emulator *e, struct emulator *to)
{
	*to = *e;
	to->ops = NULL;
	to->gpr = NULL;
	to->code = NULL;
	to->error = NULL;
}

/* The remembered pages are those of a guest whose tables may have changed. */
void emulator_restore(struct emulator *e, const struct emulator *from)
{
	const struct emul_ops *ops = e->ops;
	u64 *gpr = e->gpr;

	*e = *from;
	e->ops = ops;
	e->gpr = gpr;
	emulator_forget_pages(e);
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
