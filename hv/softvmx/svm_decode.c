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

#include "hv/softvmx/svm_cursor.h"
#include "hv/softvmx/svm_fetch.h"
#include "hv/softvmx/svm_opcode.h"
#include "hv/softvmx/vmcb_segments.h"

#define REX_W BIT(3)
#define REX_R BIT(2)
#define REX_X BIT(1)
#define REX_B BIT(0)

/**
 * One legacy prefix; false when the byte is none (SDM 2A 2.1.1). The last one
 * of a group counts. LOCK is taken and forgotten: it changes neither length nor
 * operand.
 */
static bool take_prefix(struct svm_insn *insn, u8 byte, unsigned int mode)
{
	switch (byte) {
	case 0x66:
		insn->operand_size = mode == 2 ? 4 : 2;
		insn->has_66 = true;
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
		/* SDM 1 3.7.4: nothing, in 64-bit mode. */
		if (mode != 8) {
			insn->segment = byte >> 3 & 3;
		}
		return true;
	case 0x64:
	case 0x65:
		insn->segment = byte - 0x64 + VMCB_FS;
		return true;
	default:
		return false;
	}
}

/**
 * Prefixes and REX, which counts only right in front of the opcode (SDM 2A
 * 2.2.1); REX.W goes over a 66.
 * @return the REX byte, or 0
 */
static u8 take_prefixes(struct svm_insn *insn, struct svm_cursor *c,
			unsigned int mode)
{
	u8 rex = 0;

	insn->operand_size = mode == 2 ? 2 : 4;
	insn->address_size = mode;
	while (c->at < INSN_MAX &&
	       take_prefix(insn, svm_cursor_peek(c), mode)) {
		c->at++;
	}
	if (mode == 8 && (svm_cursor_peek(c) & 0xf0) == 0x40) {
		rex = svm_cursor_next(c);
		if (rex & REX_W) {
			insn->operand_size = 8;
		}
	}
	return rex;
}

/**
 * One to three opcode bytes. All of 0F 38 has a ModRM byte, all of 0F 3A an
 * immediate byte as well.
 * @return what follows, see svm_opcode.h
 */
static u16 take_opcode(struct svm_insn *insn, struct svm_cursor *c)
{
	insn->map = INSN_MAP_ONE;
	insn->opcode = svm_cursor_next(c);
	if (insn->opcode != 0x0f) {
		return svm_opcode_one[insn->opcode];
	}
	insn->map = INSN_MAP_0F;
	insn->opcode = svm_cursor_next(c);
	if (insn->opcode == 0x38) {
		insn->map = INSN_MAP_0F38;
		insn->opcode = svm_cursor_next(c);
		return INSN_MODRM;
	}
	if (insn->opcode == 0x3a) {
		insn->map = INSN_MAP_0F3A;
		insn->opcode = svm_cursor_next(c);
		return INSN_MODRM | INSN_IMM8;
	}
	return insn_table_0f[insn->opcode];
}

/**
 * 16-bit addressing: rm names a pair of registers (SDM 2A table 2-1); mod 0
 * with rm 6 is a displacement alone. mod is the displacement's size, as it
 * happens.
 */
static void take_memory16(struct svm_insn *insn, struct svm_cursor *c)
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
	insn->displacement = svm_cursor_next_signed(c, mod);
}

/**
 * A SIB byte. RSP is no index, and a base of 5 with mod 0 is none (SDM 2A table
 * 2-3).
 * @return whether a 32-bit displacement replaces the base
 */
static bool take_sib(struct svm_insn *insn, struct svm_cursor *c, u8 rex)
{
	u8 sib = svm_cursor_next(c);

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

/**
 * 32- and 64-bit addressing (SDM 2A tables 2-2 and 2-3). In 64-bit mode mod 0
 * with rm 5 is relative to the next instruction (2.2.1.6).
 */
static void take_memory(struct svm_insn *insn, struct svm_cursor *c, u8 rex,
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
	insn->displacement = svm_cursor_next_signed(c, size);
}

/**
 * ModRM with what it brings: SIB and displacement (SDM 2A 2.1.3). MOV to and
 * from control and debug registers has registers whatever mod says.
 */
static void take_modrm(struct svm_insn *insn, struct svm_cursor *c, u8 rex,
		       unsigned int mode)
{
	insn->has_modrm = true;
	insn->modrm = svm_cursor_next(c);
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

/**
 * How many immediate bytes the opcode has: fixed ones, those of the operand
 * size up to 4 bytes (Iz) or 8 (Iv), and in group 3 (F6, F7) only for TEST.
 */
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

/**
 * Straight through the grammar; what went wrong shows at the end. An
 * instruction is at most 15 bytes long (SDM 2A 2.3.11).
 * @param bytes the instruction
 * @param count how many of them could be read, at most INSN_MAX
 * @param mode 8 in 64-bit mode, else 4 or 2: the default operand size
 * @param insn filled; length 0 when it needs more bytes than there are
 */
static void decode(const u8 *bytes, size_t count, unsigned int mode,
		   struct svm_insn *insn)
{
	struct svm_cursor c = { .bytes = bytes, .count = count };
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
		insn->displacement =
			svm_cursor_next_signed(&c, insn->address_size);
	}
	insn->imm8 = c.at < count ? bytes[c.at] : 0;
	c.at += immediate_size(insn, follows);
	if (!c.short_read && c.at <= count && c.at <= INSN_MAX) {
		insn->length = c.at;
	}
}

/*
 * Outside of 64-bit mode RIP is relative to CS, and the sum wraps at 4 GiB;
 * CS.D gives the default sizes (SDM 3A 3.4.5).
 */
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
	count = svm_fetch_bytes(cpu, gva(linear), bytes, INSN_MAX);
	decode(bytes, count, mode, insn);
}
