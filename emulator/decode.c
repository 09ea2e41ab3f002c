/** @file
 * The decoder: which instruction stands at RIP.
 *
 * The processor does not tell.  An EPT misconfiguration reports a guest
 * physical address and nothing else, not even a length that could be trusted,
 * so the bytes are fetched and taken apart here, once per instruction.
 *
 *	[prefixes] [REX] opcode [ModRM [SIB]] [displacement] [immediate]
 *	                                                  (SDM 2A 2.1, 2.2.1)
 *
 * Each stage below takes its part from a cursor.  The bytes are copied out of
 * guest memory first, since another vCPU may rewrite them at any time; every
 * decision is made on the copy.
 *
 * An instruction that faults on a device register is likely to come again: a
 * driver polls.  If the fifteen bytes and the mode are those that were decoded
 * last, what they decoded to is still in e->insn and only the addresses that
 * depend on registers are new.  The comparison includes bytes behind the
 * instruction; they decide nothing, but telling them apart would cost more.
 *
 * A byte on the next page is fetched only when the instruction turns out to
 * reach there: a fault on a page that the processor would not have touched
 * must not reach the guest.  No stage asks whether its byte is there; when all
 * are done, one look at the length tells whether they have gone beyond what was
 * fetched.  Then more is fetched and all is decoded anew; beyond 15 bytes there
 * is no instruction but a #GP.
 */
#include "emulator/decode.h"

#include "emulator/cursor.h"
#include "emulator/decode_address.h"
#include "emulator/opcodes_groups.h"
#include "emulator/operand.h"
#include "emulator/operations.h"

/** The control registers that there are: CR0, 2, 3, 4, 8. */
#define CONTROL_REGISTERS (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8))

/**
 * The set of operand codes that c alone makes.
 *
 * A row has up to three, and the same questions are asked of all of them: does
 * one need ModRM, an immediate, a check?  As bits of one word they are asked at
 * once; "all with ModRM" is a difference of two powers.
 */
#define CODE(c) (1ull << (c))
_Static_assert(OPERAND_CODE_COUNT <= 64, "a bit for each operand code");

#define CODES_WITH_MODRM (CODE(OPERAND_CODES_WITH_MODRM_END) - CODE(Eb))
#define CODES_MEMORY_ONLY                                               \
	(CODE(M) | CODE(Ma) | CODE(Mv) | CODE(Mpair) | CODE(Mp) | CODE(Ms) | \
	 CODE(My) | CODE(Mq) | CODE(Mdq))
#define CODES_SPECIAL (CODE(Sw) | CODE(Cy) | CODE(Dy))
#define CODES_TO_CHECK (CODES_MEMORY_ONLY | CODES_SPECIAL)
#define CODES_WITH_IMMEDIATE                                            \
	(CODE(Ib) | CODE(Iw) | CODE(Iz) | CODE(Iv) | CODE(Jb) | CODE(Jz) | \
	 CODE(Ob) | CODE(Ov))

/** What a byte is in front of the opcode (SDM 2A 2.1.1, 2.2.1). */
enum prefix {
	NO_PREFIX,
	REX, /* in 64-bit mode; elsewhere it is an opcode */
	OLD_SEGMENT,
	NEW_SEGMENT,
	OPERAND_SIZE,
	ADDRESS_SIZE,
	LOCK,
	REPEAT,
};

static const u8 prefixes[256] = {
	[0x26] = OLD_SEGMENT, /* ES */
	[0x2e] = OLD_SEGMENT, /* CS */
	[0x36] = OLD_SEGMENT, /* SS */
	[0x3e] = OLD_SEGMENT, /* DS */
	[0x40 ... 0x4f] = REX,
	[0x64] = NEW_SEGMENT, /* FS */
	[0x65] = NEW_SEGMENT, /* GS */
	[0x66] = OPERAND_SIZE,
	[0x67] = ADDRESS_SIZE,
	[0xf0] = LOCK,
	[0xf2] = REPEAT, /* REPNE */
	[0xf3] = REPEAT, /* REP, REPE */
};

static inline void note_segment(struct insn *insn, enum emul_segment segment)
{
	insn->segment = segment;
	insn->segment_prefix = true;
	insn->flat = false; /* FS, GS; or it has never been true */
}

/**
 * Note a legacy prefix.  64-bit mode has no use for the four old segments.
 *
 * Their bytes have the segment in bits 4:3: 26h, 2Eh, 36h, 3Eh are ES, CS, SS,
 * DS.  A size prefix means "the other size" outside 64-bit mode: of 2 and 4,
 * which the modes' values are, the other one is 6 minus the mode.
 */
static inline void note_prefix(struct emulator *e, enum prefix prefix, u8 byte)
{
	struct insn *insn = &e->insn;

	switch (prefix) {
	case OLD_SEGMENT:
		if (e->mode != MODE_64) {
			note_segment(insn, (byte >> 3) & 3);
		}
		break;
	case NEW_SEGMENT:
		note_segment(insn, SEGMENT_FS + (byte & 1));
		break;
	case OPERAND_SIZE:
		insn->operand_size_prefix = true;
		insn->operand_size = e->mode == MODE_64 ? 2 : 6 - e->mode;
		break;
	case ADDRESS_SIZE:
		insn->address_size = e->mode == MODE_64 ? 4 : 6 - e->mode;
		insn->address_mask = context_mask(insn->address_size);
		break;
	case LOCK:
		insn->lock = true;
		break;
	case REPEAT:
		insn->rep = byte;
		break;
	case NO_PREFIX:
	case REX:
		break;
	}
}

/**
 * prefixes = { legacy prefix in any order } [ REX ]
 *
 * A REX that is not the last byte before the opcode has no effect (SDM 2A
 * 2.2.1).  REX.W goes before 66h (2.2.1.2).
 *
 * Prefixes may repeat; of segments and of F2h, F3h the last counts.  The bound
 * keeps fifteen prefixes from running off the buffer: the opcode behind them
 * would be byte 16, which decode_more() makes a #GP of.
 */
static inline void decode_prefixes(struct emulator *e)
{
	struct insn *insn = &e->insn;

	while (insn->length < INSN_MAX) {
		u8 byte = cursor_peek(insn);
		enum prefix prefix = prefixes[byte];

		if (likely(prefix == NO_PREFIX)) {
			break;
		}
		if (prefix != REX) {
			note_prefix(e, prefix, byte);
			insn->rex = 0;
		} else if (e->mode == MODE_64) {
			insn->rex = byte;
		} else {
			break;
		}
		insn->length++;
	}
	if (insn->rex & REX_W) {
		insn->operand_size = 8;
	}
}

/** opcode = byte | 0Fh byte | 0Fh 38h byte */
static inline void decode_opcode(struct insn *insn)
{
	insn->opcode = cursor_take(insn);
	if (insn->opcode == 0x0f) {
		insn->map = MAP_0F;
		insn->opcode = cursor_take(insn);
		if (insn->opcode == 0x38) {
			insn->map = MAP_0F38;
			insn->opcode = cursor_take(insn);
		}
	}
	insn->row = *opcodes_row(insn->map, insn->opcode);
}

/**
 * ModRM = mod (2 bits) reg (3) r/m (3); REX.R, REX.B widen the last two: the
 * one is 4, the other 1, and both become bit 3 of a register's number.
 */
static inline void decode_modrm(struct insn *insn)
{
	u8 modrm = cursor_take(insn);

	insn->mod = modrm >> 6;
	insn->reg = (modrm >> 3) & 7;
	insn->rm = modrm & 7;
	if (unlikely(insn->rex & (REX_R | REX_B))) {
		insn->reg |= (insn->rex & REX_R) << 1;
		insn->rm |= (insn->rex & REX_B) << 3;
	}
}

/** F3h and F2h go before 66h, whichever came first (SDM 2D A.2.1). */
static enum opcode_mandatory mandatory_prefix(const struct insn *insn)
{
	if (insn->rep) {
		return insn->rep == 0xf3 ? MANDATORY_F3 : MANDATORY_F2;
	}
	return insn->operand_size_prefix ? MANDATORY_66 : MANDATORY_NONE;
}

/**
 * The row, where it hangs on more than the opcode byte (opcodes.h).
 *
 *	OP_MODE   --> by the mode, to a row or to a group
 *	OP_GROUP  --> by ModRM's reg, which is looked at and not taken: if the
 *	              row that it leads to has operands, decode_operands() will
 *	OP_PREFIX --> by 66h, F3h, F2h, which are no longer prefixes then
 */
static inline void decode_row(struct emulator *e)
{
	struct insn *insn = &e->insn;
	struct opcode *row = &insn->row;

	if (unlikely(row->op == OP_MODE)) {
		*row = *opcodes_groups_moded(row, e->mode == MODE_64);
	}
	if (row->op == OP_GROUP) {
		*row = *opcodes_groups_member(row, cursor_peek(insn) >> 3);
		if (unlikely(row->marks & MEMORY_ROW) &&
		    mandatory_prefix(insn) == MANDATORY_NONE) {
			*row = *opcodes_groups_form(row, cursor_peek(insn));
		}
		/* without a row nobody takes ModRM: it has been looked at */
		insn->length += row->op == OP_UNKNOWN;
	} else if (row->op == OP_PREFIX) {
		*row = *opcodes_groups_prefixed(row, mandatory_prefix(insn));
	}
}

/** The operand codes of the row, as a set. */
static inline u64 codes_of(const struct opcode *row)
{
	return CODE(row->dst) | CODE(row->src) | CODE(row->third);
}

/**
 * The sizes that go with what the operation is (SDM 1 3.6, 2A 2.2.1.7).
 *
 * In 64-bit mode most instructions have 4 bytes unless REX.W asks for 8.  The
 * stack's and near branches have 8 without asking: nobody pushes half a
 * pointer.  PUSH can still be made 2 by 66h (D64), a near branch cannot (F64).
 */
static __noinline void decode_sizes(struct emulator *e)
{
	struct insn *insn = &e->insn;

	if (e->mode == MODE_64 &&
	    (insn->operand_size == 4 || (insn->traits & OP_F64))) {
		insn->operand_size = 8;
	}
}

/** How many bytes of immediate an operand code asks for. */
static inline unsigned int immediate_size(const struct insn *insn, u8 code)
{
	/* with an operand size of 2, 4, 8; Ob and Ov have the address size */
	static const u8 sizes[][4] = {
		[Ib] = { 1, 1, 1 }, [Jb] = { 1, 1, 1 }, [Iw] = { 2, 2, 2 },
		[Iz] = { 2, 4, 4 }, [Jz] = { 2, 4, 4 }, [Iv] = { 2, 4, 8 },
		[Ob] = { 0, 0, 0 }, [Ov] = { 0, 0, 0 },
	};
	u8 size = sizes[code][insn->operand_size >> 2];

	return likely(size) ? size : insn->address_size;
}

/**
 * immediates = one or two of 1, 2, 4 or 8 bytes, or an absolute offset
 *
 * Two follow each other in the order of enum operand_code.
 */
static inline void decode_immediates(struct insn *insn, u64 codes)
{
	unsigned int code = __builtin_ctzll(codes);
	u64 left = codes & (codes - 1);

	insn->immediate = cursor_take_signed(insn, immediate_size(insn, code));
	if (unlikely(left)) {
		code = __builtin_ctzll(left);
		insn->immediate2 =
			cursor_take_signed(insn, immediate_size(insn, code));
	}
}

/** Is there a segment, control or debug register of this number? */
static bool special_exists(const struct insn *insn, u64 codes)
{
	if (codes & CODE(Sw)) { /* CS cannot be loaded by MOV */
		u8 reg = insn->reg & 7; /* REX.R is nothing here */

		return reg <= SEGMENT_GS &&
		       (insn->row.dst != Sw || reg != SEGMENT_CS);
	}
	if (codes & CODE(Cy)) {
		return BIT(insn->reg) & CONTROL_REGISTERS;
	}
	return insn->reg < 8;
}

/**
 * The encodings that decode but are none: #UD.  LOCK is for a
 * read-modify-write of memory and a mistake in front of anything else.
 */
static __noinline enum emul_result decode_check(struct emulator *e, u64 codes)
{
	struct insn *insn = &e->insn;

	if ((codes & CODES_SPECIAL) && !special_exists(insn, codes)) {
		return context_undefined(e);
	}
	if ((codes & CODES_MEMORY_ONLY) && insn->mod == 3) {
		return context_undefined(e);
	}
	if (insn->lock && (!(insn->traits & OP_LOCKABLE) ||
			   insn->dst.kind != OPERAND_MEMORY)) {
		return context_undefined(e);
	}
	return EMUL_DONE;
}

static __noinline enum emul_result stop_no_row(struct emulator *e)
{
	return context_stop(e, "the emulator has no row for this opcode");
}

/** What the row says besides its operands (enum opcode_mark). */
static __noinline enum emul_result decode_marks(struct emulator *e)
{
	struct insn *insn = &e->insn;
	u32 marks = insn->row.marks;

	if ((marks & MEMORY_ROW) && insn->mod == 3) {
		return stop_no_row(e);
	}
	if ((marks & I64) && e->mode == MODE_64) {
		return context_undefined(e);
	}
	if (marks & REGISTER_ROW) {
		insn->mod = 3;
	}
	if ((marks & LOCKED_ROW) && insn->mod != 3) {
		insn->lock = true;
	}
	return EMUL_DONE;
}

/**
 * What follows the opcode, as the row's operand codes ask for it.
 *
 * In the grammar's order, but for the sizes, which the immediate's length hangs
 * on.  mod is 3, "a register", also where there is no ModRM byte.
 */
static inline enum emul_result decode_operands(struct emulator *e)
{
	struct insn *insn = &e->insn;
	u64 codes = codes_of(&insn->row);
	enum emul_result result;

	if (codes & CODES_WITH_MODRM) {
		decode_modrm(insn);
	}
	if (unlikely(insn->row.marks)) {
		result = decode_marks(e);
		if (result) {
			return result;
		}
	}
	insn->traits = operations[insn->row.op].traits;
	if (unlikely(insn->traits & (OP_D64 | OP_F64))) {
		decode_sizes(e);
	}
	if (insn->mod != 3) {
		decode_address_run(e);
	}
	if (codes & CODES_WITH_IMMEDIATE) {
		decode_immediates(insn, codes & CODES_WITH_IMMEDIATE);
	}
	operand_resolve(e);
	if (unlikely((codes & CODES_TO_CHECK) || insn->lock)) {
		return decode_check(e, codes);
	}
	return EMUL_DONE;
}

/**
 * Everything that a stage may leave as it is must start from here.
 *
 * mode stays 0 until the whole instruction is known to be good.
 */
static inline void decode_reset(struct emulator *e)
{
	struct insn *insn = &e->insn;

	insn->mode = 0;
	insn->length = 0;
	insn->rex = 0;
	insn->rep = 0;
	insn->lock = false;
	insn->operand_size_prefix = false;
	insn->segment_prefix = false;
	insn->segment = SEGMENT_DS;
	insn->flat = true;
	insn->map = MAP_ONE_BYTE;
	insn->mod = 3;
	insn->base = REG_NONE;
	insn->index = REG_NONE;
	insn->scale = 0;
	insn->rip_relative = false;
	insn->base_only = false;
	insn->operand_size = 4;
	insn->address_size = 8;
	insn->address_mask = ~0ull;
	insn->displacement = 0;
	insn->immediate = 0;
	if (unlikely(e->mode != MODE_64)) {
		insn->flat = false;
		insn->operand_size = e->mode;
		insn->address_size = e->mode;
		insn->address_mask = context_mask(e->mode);
	}
}

/** All stages, in the order of the grammar. */
static inline enum emul_result decode_stages(struct emulator *e)
{
	struct insn *insn = &e->insn;

	decode_reset(e);
	if (prefixes[insn->bytes[0]] != NO_PREFIX) {
		decode_prefixes(e);
	}
	decode_opcode(insn);
	if (insn->row.op <= OP_MODE) {
		decode_row(e);
	}
	if (unlikely(insn->row.op == OP_UNKNOWN)) {
		return stop_no_row(e);
	}
	return decode_operands(e);
}

static enum emul_result decode_fetched(struct emulator *e);

/**
 * The decoder has taken bytes that are not there: what it made of them is
 * worth nothing.  But that it asked for them is certain, so they are fetched,
 * and may fault, before the 16th is a #GP.
 */
static __noinline enum emul_result decode_more(struct emulator *e)
{
	enum emul_result result;

	e->insn.length = e->insn.fetched;
	if (e->insn.fetched == INSN_MAX) {
		return context_protection(e, VECTOR_GP);
	}
	result = memory_fetch_more(e);
	return result ? result : decode_fetched(e);
}

/**
 * Decode what is at hand, and look afterwards whether it was enough.
 *
 * Setting insn->mode says that the fields may be used again (is_known()).  Not
 * after a failure; and not with fewer than 15 bytes, since those that are
 * compared next time would not all have been fetched.
 */
static __noinline enum emul_result decode_fetched(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = decode_stages(e);

	if (unlikely(insn->length > insn->fetched)) {
		return decode_more(e);
	}
	if (!result && insn->fetched == INSN_MAX) {
		insn->mode = e->mode;
	}
	return result;
}

enum emul_result decode_run(struct emulator *e)
{
	enum emul_result result = memory_fetch_first(e);

	if (unlikely(result)) {
		decode_reset(e);
		return result;
	}
	return decode_fetched(e);
}
