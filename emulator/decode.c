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
 * Each stage below takes its part from a cursor, which hands out at most 15
 * bytes: beyond them there is no instruction but a #GP.  The bytes are copied
 * out of guest memory first, since another vCPU may rewrite them at any time;
 * every decision is made on the copy.
 *
 * An instruction that faults on a device register is likely to come again: a
 * driver polls.  If the fifteen bytes and the mode are those that were decoded
 * last, what they decoded to is still in e->insn and only the addresses that
 * depend on registers are new.  The comparison includes bytes behind the
 * instruction; they decide nothing, but telling them apart would cost more.
 *
 * A byte on the next page is fetched only when the instruction turns out to
 * reach there: a fault on a page that the processor would not have touched
 * must not reach the guest.
 */
#include "emulator/decode.h"

#include "emulator/cursor.h"
#include "emulator/decode_address.h"
#include "emulator/opcodes_groups.h"
#include "emulator/operand.h"
#include "emulator/operations.h"

/** The control registers that there are: CR0, 2, 3, 4, 8. */
#define CONTROL_REGISTERS (BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(8))

/** The set of operand codes that c alone makes. */
#define CODE(c) (1ull << (c))
_Static_assert(OPERAND_CODE_COUNT <= 64, "a bit for each operand code");

#define CODES_WITH_MODRM (CODE(OPERAND_CODES_WITH_MODRM_END) - CODE(Eb))
#define CODES_MEMORY_ONLY                                               \
	(CODE(M) | CODE(Ma) | CODE(Mv) | CODE(Mpair) | CODE(Mp) | CODE(Ms) | \
	 CODE(My) | CODE(Mq) | CODE(Mdq))
#define CODES_SPECIAL (CODE(Sw) | CODE(Cy) | CODE(Dy))
#define CODES_WITH_IMMEDIATE                                            \
	(CODE(Ib) | CODE(Iw) | CODE(Iz) | CODE(Iv) | CODE(Jb) | CODE(Jz) | \
	 CODE(Ob) | CODE(Ov))

/** Whether byte is a legacy prefix; if so note it (SDM 2A 2.1.1). */
static bool note_prefix(struct insn *insn, u8 byte)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e: /* ES, CS, SS, DS */
		insn->segment_prefix = 1 + ((byte >> 3) & 3);
		return true;
	case 0x64:
		insn->segment_prefix = 1 + SEGMENT_FS;
		return true;
	case 0x65:
		insn->segment_prefix = 1 + SEGMENT_GS;
		return true;
	case 0x66:
		insn->operand_size_prefix = true;
		return true;
	case 0x67:
		insn->address_size_prefix = true;
		return true;
	case 0xf0:
		insn->lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		insn->rep = byte;
		return true;
	default:
		return false;
	}
}

/** Whether byte is a prefix in some mode: a bit for each of the 256. */
static inline bool may_be_prefix(u8 byte)
{
	static const u32 prefixes[8] = {
		[0x20 / 32] = BIT(0x06) | BIT(0x0e) | BIT(0x16) | BIT(0x1e),
		[0x40 / 32] = BITS(15, 0),
		[0x60 / 32] = BITS(7, 4),
		[0xe0 / 32] = BIT(0x10) | BIT(0x12) | BIT(0x13),
	};

	return prefixes[byte / 32] >> (byte % 32) & 1;
}

/**
 * prefixes = { legacy prefix in any order } [ REX ]
 *
 * In 64-bit mode 40h to 4fh are REX, and one that is not the last byte before
 * the opcode has no effect (SDM 2A 2.2.1); the four old segment prefixes have
 * none either.
 */
static enum emul_result decode_prefixes(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result;
	u8 segment, byte;

	for (;;) {
		result = cursor_need(e, 1);
		if (result) {
			return result;
		}
		byte = insn->bytes[insn->length];
		if (likely(!may_be_prefix(byte))) {
			return EMUL_DONE;
		}
		segment = insn->segment_prefix;
		if (e->mode == MODE_64 && (byte & 0xf0) == 0x40) {
			insn->rex = byte;
		} else if (note_prefix(insn, byte)) {
			insn->rex = 0;
			if (e->mode == MODE_64 && (byte & 0xe7) == 0x26) {
				insn->segment_prefix = segment;
			}
		} else {
			return EMUL_DONE;
		}
		insn->length++;
	}
}

/** The next opcode byte, of that map. */
static enum emul_result decode_opcode_byte(struct emulator *e,
					   enum opcode_map map)
{
	enum emul_result result = cursor_need(e, 1);

	if (!result) {
		e->insn.opcode = cursor_take(&e->insn);
		e->insn.map = map;
	}
	return result;
}

/** opcode = byte | 0Fh byte | 0Fh 38h byte */
static enum emul_result decode_opcode(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = decode_opcode_byte(e, MAP_ONE_BYTE);

	if (!result && insn->opcode == 0x0f) {
		result = decode_opcode_byte(e, MAP_0F);
		if (!result && insn->opcode == 0x38) {
			result = decode_opcode_byte(e, MAP_0F38);
		}
	}
	if (!result) {
		insn->row = *opcodes_row(insn->map, insn->opcode);
	}
	return result;
}

/** ModRM = mod (2 bits) reg (3) r/m (3); REX.R, REX.B widen the last two */
static enum emul_result decode_modrm(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = cursor_need(e, 1);

	if (result) {
		return result;
	}
	insn->has_modrm = true;
	insn->modrm = cursor_take(insn);
	insn->mod = insn->modrm >> 6;
	insn->reg = (insn->modrm >> 3) & 7;
	insn->rm = insn->modrm & 7;
	if (unlikely(insn->rex)) {
		insn->reg |= (insn->rex & REX_R) << 1;
		insn->rm |= (insn->rex & REX_B) << 3;
	}
	return EMUL_DONE;
}

/** F3h and F2h go before 66h, whichever came first (SDM 2D A.2.1). */
static enum opcode_mandatory mandatory_prefix(const struct insn *insn)
{
	if (insn->rep) {
		return insn->rep == 0xf3 ? MANDATORY_F3 : MANDATORY_F2;
	}
	return insn->operand_size_prefix ? MANDATORY_66 : MANDATORY_NONE;
}

/** The row, where it hangs on more than the opcode byte (opcodes.h). */
static __noinline enum emul_result decode_row(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;

	while (!result && insn->row.op <= OP_MODE) {
		const struct opcode *row = &insn->row;

		if (row->op == OP_MODE) {
			row = opcodes_groups_moded(row, e->mode == MODE_64);
		} else if (row->op == OP_PREFIX) {
			row = opcodes_groups_prefixed(row,
						      mandatory_prefix(insn));
		} else if (row->op == OP_GROUP) {
			result = decode_modrm(e);
			row = opcodes_groups_member(row, insn->reg);
		} else {
			break;
		}
		insn->row = *row;
	}
	return result;
}

/** The operand codes of the row, as a set. */
static inline u64 codes_of(const struct opcode *row)
{
	return CODE(row->dst) | CODE(row->src) | CODE(row->third);
}

/** The sizes that the mode, 66h, 67h and REX.W make together (SDM 1 3.6). */
static inline void decode_sizes(struct emulator *e)
{
	struct insn *insn = &e->insn;

	if (unlikely(e->mode != MODE_64)) {
		u8 size = e->mode, other = 6 - e->mode;

		insn->operand_size = insn->operand_size_prefix ? other : size;
		insn->address_size = insn->address_size_prefix ? other : size;
		return;
	}
	insn->operand_size = 4;
	insn->address_size = insn->address_size_prefix ? 4 : 8;
	if (insn->operand_size_prefix) {
		insn->operand_size = 2;
	} else if (insn->traits & OP_D64) {
		insn->operand_size = 8;
	}
	if ((insn->rex & REX_W) || (insn->traits & OP_F64)) {
		insn->operand_size = 8;
	}
}

/** DS, or SS for an address made from rSP or rBP, or what the prefix says. */
static void decode_segment(struct insn *insn)
{
	bool stack = insn->base == REG_RSP || insn->base == REG_RBP;

	insn->segment = stack ? SEGMENT_SS : SEGMENT_DS;
	if (unlikely(insn->segment_prefix)) {
		insn->segment = insn->segment_prefix - 1;
	}
}

/** How many bytes of immediate an operand code asks for; 0: none. */
static unsigned int immediate_size(const struct insn *insn, u8 code)
{
	switch (code) {
	case Ib:
	case Jb:
		return 1;
	case Iw:
		return 2;
	case Iz:
	case Jz:
		return insn->operand_size == 2 ? 2 : 4;
	case Iv:
		return insn->operand_size;
	case Ob:
	case Ov:
		return insn->address_size;
	default:
		return 0;
	}
}

/** immediates = one or two of 1, 2, 4 or 8 bytes, or an absolute offset */
static enum emul_result decode_immediates(struct emulator *e)
{
	struct insn *insn = &e->insn;
	const u8 codes[] = { insn->row.dst, insn->row.src, insn->row.third };
	u64 *value = &insn->immediate;
	enum emul_result result = EMUL_DONE;
	unsigned int i;

	for (i = 0; !result && i < ARRAY_SIZE(codes); i++) {
		unsigned int size = immediate_size(insn, codes[i]);

		if (size) {
			result = cursor_take_signed(e, size, value);
			value = &insn->immediate2;
		}
	}
	return result;
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

/** The encodings that decode but are none: #UD. */
static enum emul_result decode_check(struct emulator *e, u64 codes)
{
	struct insn *insn = &e->insn;

	if (unlikely(codes & CODES_SPECIAL) && !special_exists(insn, codes)) {
		return context_undefined(e);
	}
	if (insn->lock && (!(insn->traits & OP_LOCKABLE) ||
			   insn->dst.kind != OPERAND_MEMORY)) {
		return context_undefined(e);
	}
	if ((codes & CODES_MEMORY_ONLY) && insn->mod == 3) {
		return context_undefined(e);
	}
	/* XCHG with memory is locked without being told to (SDM 2D, XCHG). */
	insn->lock |=
		insn->row.op == OP_XCHG && insn->dst.kind == OPERAND_MEMORY;
	return EMUL_DONE;
}

/** What follows ModRM, as the row's operand codes ask for it. */
static enum emul_result decode_operands(struct emulator *e, u64 codes)
{
	struct insn *insn = &e->insn;
	enum emul_result result = EMUL_DONE;

	insn->traits = operations[insn->row.op].traits;
	decode_sizes(e);
	insn->address_mask = context_mask(insn->address_size);
	if ((codes & CODES_WITH_MODRM) && insn->mod != 3) {
		result = decode_address_run(e);
	}
	if (!result && (codes & CODES_WITH_IMMEDIATE)) {
		result = decode_immediates(e);
	}
	if (result) {
		return result;
	}
	/* POP to memory at rSP uses rSP after the pop (SDM 2B, POP). */
	if (insn->row.op == OP_POP && insn->base == REG_RSP) {
		insn->displacement += insn->operand_size;
	}
	decode_segment(insn);
	insn->base_only = insn->base != REG_NONE && insn->index == REG_NONE;
	operand_resolve(e);
	return decode_check(e, codes);
}

/** Everything that a stage may leave as it is must start from here. */
static void decode_reset(struct insn *insn)
{
	insn->length = 0;
	insn->rex = 0;
	insn->rep = 0;
	insn->segment_prefix = 0;
	insn->lock = false;
	insn->operand_size_prefix = false;
	insn->address_size_prefix = false;
	insn->rip_relative = false;
	insn->has_modrm = false;
	insn->modrm = 0;
	insn->mod = 0;
	insn->base = REG_NONE;
	insn->index = REG_NONE;
	insn->scale = 0;
	insn->displacement = 0;
	insn->immediate = 0;
}

/** All stages, in the order of the grammar. */
static enum emul_result decode_stages(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = decode_prefixes(e);
	u64 codes;

	if (!result) {
		result = decode_opcode(e);
	}
	if (!result && unlikely(insn->row.op <= OP_MODE)) {
		result = decode_row(e);
	}
	if (result) {
		return result;
	}
	codes = codes_of(&insn->row);
	if ((codes & CODES_WITH_MODRM) && !insn->has_modrm) {
		result = decode_modrm(e);
	}
	if (result) {
		return result;
	}
	if (unlikely(codes & CODE(Ry))) {
		insn->mod = 3; /* whatever it says: SDM 2B MOV */
	}
	if (insn->row.op == OP_UNKNOWN ||
	    ((insn->row.marks & MEMORY_ROW) && insn->mod == 3)) {
		return context_stop(e,
				    "the emulator has no row for this opcode");
	}
	if ((insn->row.marks & I64) && e->mode == MODE_64) {
		return context_undefined(e);
	}
	return decode_operands(e, codes);
}

enum emul_result decode_run(struct emulator *e)
{
	struct insn *insn = &e->insn;
	enum emul_result result = memory_fetch_first(e);

	insn->mode = 0;
	if (result) {
		return result;
	}
	decode_reset(insn);
	result = decode_stages(e);
	if (!result && insn->fetched == INSN_MAX) {
		insn->mode = e->mode;
	}
	return result;
}
