/** @file
 * How long an instruction is, and where its memory operand lies.
 *
 * This is not the hypervisor's emulator (emulator/) and executes nothing: it
 * stands in for what a VMX processor knows of the instruction that exited and
 * SVM under QEMU does not tell.  For the length it is enough to know of each
 * opcode whether a ModRM byte and how many immediate bytes follow; SDM 2D
 * appendix A has the maps.  The stages are the grammar of SDM 2A 2.1:
 *
 *	prefixes, REX, opcode, ModRM, SIB, displacement, immediate
 */
#include "hv/softvmx/svm_decode.h"

#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/svm_opcode.h"
#include "hv/softvmx/vmcb_segments.h"

/** Reads the bytes in order and remembers when they ran out. */
struct cursor {
	const u8 *bytes;
	size_t count;
	size_t at;
	bool short_read;
};

#define REX_W BIT(3)
#define REX_R BIT(2)
#define REX_X BIT(1)
#define REX_B BIT(0)

/** The next byte, without taking it; 0 when there is none. */
static u8 peek(struct cursor *c)
{
	if (c->at >= c->count) {
		c->short_read = true;
		return 0;
	}
	return c->bytes[c->at];
}

static u8 next(struct cursor *c)
{
	u8 byte = peek(c);

	c->at++;
	return byte;
}

/** A little-endian number of 1, 2, 4 or 8 bytes, sign-extended. */
static s64 next_signed(struct cursor *c, unsigned int size)
{
	u64 value = 0;

	for (unsigned int i = 0; i < size; i++) {
		value |= (u64)next(c) << 8 * i;
	}
	if (size < 8 && size && value >> (8 * size - 1)) {
		value |= ~0ull << 8 * size;
	}
	return value;
}

/** One legacy prefix; false when the byte is none (SDM 2A 2.1.1). */
static bool take_prefix(struct svm_insn *insn, u8 byte, unsigned int mode)
{
	switch (byte) {
	case 0x66:
		insn->operand_size = mode == 2 ? 4 : 2;
		return true;
	case 0x67:
		insn->address_size = mode == 4 ? 2 : 4;
		return true;
	case 0xf2:
	case 0xf3:
		insn->repeat = byte;
		return true;
	case 0xf0:
		return true;
	case 0x26: /* ES */
	case 0x2e: /* CS */
	case 0x36: /* SS */
	case 0x3e: /* DS */
		insn->segment = byte >> 3 & 3;
		return true;
	case 0x64:
	case 0x65:
		insn->segment = byte - 0x64 + SEGMENT_FS;
		return true;
	default:
		return false;
	}
}

/** Prefixes and REX.  @return the REX byte, or 0 */
static u8 take_prefixes(struct svm_insn *insn, struct cursor *c,
			unsigned int mode)
{
	u8 rex = 0;

	insn->operand_size = mode == 2 ? 2 : 4;
	insn->address_size = mode;
	while (take_prefix(insn, peek(c), mode) && c->at < INSN_MAX) {
		c->at++;
	}
	if (mode == 8 && (peek(c) & 0xf0) == 0x40) {
		rex = next(c);
		if (rex & REX_W) {
			insn->operand_size = 8;
		}
	}
	return rex;
}

/** One to three opcode bytes.  @return what follows, see svm_opcode.h */
static u16 take_opcode(struct svm_insn *insn, struct cursor *c)
{
	insn->map = INSN_MAP_ONE;
	insn->opcode = next(c);
	if (insn->opcode != 0x0f) {
		return svm_opcode_one[insn->opcode];
	}
	insn->map = INSN_MAP_0F;
	insn->opcode = next(c);
	if (insn->opcode == 0x38) {
		insn->map = INSN_MAP_0F38;
		insn->opcode = next(c);
		return INSN_MODRM;
	}
	if (insn->opcode == 0x3a) {
		insn->map = INSN_MAP_0F3A;
		insn->opcode = next(c);
		return INSN_MODRM | INSN_IMM8;
	}
	return insn_table_0f[insn->opcode];
}

/** 16-bit addressing: rm names a pair of registers (SDM 2A table 2-1). */
static void take_memory16(struct svm_insn *insn, struct cursor *c)
{
	static const s8 bases[8] = { GPR_RBX, GPR_RBX, GPR_RBP, GPR_RBP,
				     GPR_RSI, GPR_RDI, GPR_RBP, GPR_RBX };
	static const s8 indexes[8] = { GPR_RSI,	  GPR_RDI,   GPR_RSI,
				       GPR_RDI,	  INSN_NONE, INSN_NONE,
				       INSN_NONE, INSN_NONE };
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;

	insn->base = bases[rm];
	insn->index = indexes[rm];
	if (mod == 0 && rm == 6) {
		insn->base = INSN_NONE;
		mod = 2;
	}
	insn->displacement = next_signed(c, mod);
}

/** A SIB byte.  @return whether a 32-bit displacement replaces the base */
static bool take_sib(struct svm_insn *insn, struct cursor *c, u8 rex)
{
	u8 sib = next(c);

	insn->scale = sib >> 6;
	insn->index = (sib >> 3 & 7) | (rex & REX_X ? 8 : 0);
	if (insn->index == GPR_RSP) {
		insn->index = INSN_NONE;
	}
	insn->base = (sib & 7) | (rex & REX_B ? 8 : 0);
	if ((sib & 7) == 5 && insn->modrm >> 6 == 0) {
		insn->base = INSN_NONE;
		return true;
	}
	return false;
}

/** 32- and 64-bit addressing (SDM 2A tables 2-2 and 2-3). */
static void take_memory(struct svm_insn *insn, struct cursor *c, u8 rex,
			unsigned int mode)
{
	static const u8 sizes[4] = { 0, 1, 4, 0 };
	u8 mod = insn->modrm >> 6, rm = insn->modrm & 7;
	unsigned int size = sizes[mod];

	if (rm == 4) {
		size = take_sib(insn, c, rex) ? 4 : size;
	} else if (mod == 0 && rm == 5) {
		insn->base = mode == 8 ? INSN_BASE_RIP : INSN_NONE;
		size = 4;
	} else {
		insn->base = rm | (rex & REX_B ? 8 : 0);
	}
	insn->displacement = next_signed(c, size);
}

/** ModRM with what it brings: SIB and displacement (SDM 2A 2.1.3). */
static void take_modrm(struct svm_insn *insn, struct cursor *c, u8 rex,
		       unsigned int mode)
{
	insn->has_modrm = true;
	insn->modrm = next(c);
	insn->reg = (insn->modrm >> 3 & 7) | (rex & REX_R ? 8 : 0);
	insn->rm = (insn->modrm & 7) | (rex & REX_B ? 8 : 0);
	/* MOV to and from CR and DR ignore mod. */
	insn->has_memory = insn->modrm >> 6 != 3 &&
			   !(insn->map == INSN_MAP_0F &&
			     insn->opcode >= 0x20 && insn->opcode <= 0x23);
	if (!insn->has_memory) {
		return;
	}
	if (insn->address_size == 2) {
		take_memory16(insn, c);
	} else {
		take_memory(insn, c, rex, mode);
	}
}

/** How many immediate bytes the opcode has. */
static unsigned int immediate_size(const struct svm_insn *insn, u16 follows)
{
	unsigned int z = insn->operand_size == 2 ? 2 : 4;
	unsigned int size = 0;

	size += follows & INSN_IMM8 ? 1 : 0;
	size += follows & INSN_IMM16 ? 2 : 0;
	size += follows & INSN_IMMZ ? z : 0;
	size += follows & INSN_IMMV ? insn->operand_size : 0;
	/* Group 3: TEST has an immediate, its siblings do not. */
	if ((follows & INSN_GROUP3) && (insn->modrm >> 3 & 7) < 2) {
		size += insn->opcode == 0xf6 ? 1 : z;
	}
	return size;
}

/* Straight through the grammar; what went wrong shows at the end. */
void svm_decode_bytes(const u8 *bytes, size_t count, unsigned int mode,
		       struct svm_insn *insn)
{
	struct cursor c = { .bytes = bytes, .count = count };
	u16 follows;
	u8 rex;

	*insn = (struct svm_insn){ .segment = INSN_NONE, .base = INSN_NONE,
			       .index = INSN_NONE };
	rex = take_prefixes(insn, &c, mode);
	follows = take_opcode(insn, &c);
	if (follows & INSN_MODRM) {
		take_modrm(insn, &c, rex, mode);
	}
	if (follows & INSN_MOFFS) {
		insn->has_memory = true;
		insn->displacement = next_signed(&c, insn->address_size);
	}
	insn->imm8 = c.at < count ? bytes[c.at] : 0;
	c.at += immediate_size(insn, follows);
	if (!c.short_read && c.at <= count && c.at <= INSN_MAX) {
		insn->length = c.at;
	}
}

void svm_decode_current(struct softvmx_cpu *cpu, struct svm_insn *insn)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u64 linear = save->rip;
	unsigned int mode = 8;
	u8 bytes[INSN_MAX];
	size_t count;

	if (!softvmx_cpu_in_64bit(cpu)) {
		linear = (u32)(save->cs.base + save->rip);
		mode = save->cs.attributes & SVM_SEG_DB ? 4 : 2;
	}
	count = svm_walk_fetch(cpu, gva(linear), bytes, INSN_MAX);
	svm_decode_bytes(bytes, count, mode, insn);
}

/** base + index * scale + displacement, cut to the address size. */
u64 svm_decode_offset(const struct softvmx_cpu *cpu,
		      const struct svm_insn *insn)
{
	u64 offset = insn->displacement;

	if (insn->base == INSN_BASE_RIP) {
		offset += cpu->guest->save.rip + insn->length;
	} else if (insn->base != INSN_NONE) {
		offset += cpu->gpr[insn->base];
	}
	if (insn->index != INSN_NONE) {
		offset += cpu->gpr[insn->index] << insn->scale;
	}
	if (insn->address_size < 8) {
		offset &= BITS(8 * insn->address_size - 1, 0);
	}
	return offset;
}

/** Addresses by RSP or RBP are on the stack (SDM 1 3.7.4). */
int svm_decode_segment(const struct svm_insn *insn)
{
	if (insn->segment != INSN_NONE) {
		return insn->segment;
	}
	return insn->base == GPR_RSP || insn->base == GPR_RBP ? SEGMENT_SS :
								SEGMENT_DS;
}

u64 svm_decode_segment_base(const struct softvmx_cpu *cpu, int segment)
{
	if (softvmx_cpu_in_64bit(cpu) && segment < SEGMENT_FS) {
		return 0;
	}
	return vmcb_segments_get(cpu->guest, segment)->base;
}

gva_t svm_decode_linear(const struct softvmx_cpu *cpu,
			 const struct svm_insn *insn)
{
	u64 linear = svm_decode_offset(cpu, insn) +
		     svm_decode_segment_base(cpu, svm_decode_segment(insn));

	return gva(softvmx_cpu_in_64bit(cpu) ? linear : (u32)linear);
}
