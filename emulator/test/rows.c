/** @file
 * From rows to instructions, and what they need to run (rows.h).
 */
#include "emulator/test/rows.h"

#include "emulator/flags.h"
#include "emulator/opcodes_groups.h"
#include "emulator/operations.h"

static const u64 edges[] = { 0,		 1,	     0x7f,	  0x80ff,
			     0x7fff8000, 0x80000000, BIT(63) | 3, ~0ull };

/* --- bytes --- */

static bool has(const struct opcode *row, enum operand_code code)
{
	return row->dst == code || row->src == code || row->third == code;
}

bool rows_has_modrm(const struct form *f)
{
	enum operand_code code;

	for (code = Eb; code < OPERAND_CODES_WITH_MODRM_END; code++) {
		if (has(&f->row, code)) {
			return true;
		}
	}
	return f->member >= 0;
}

bool rows_has_prefix(const struct form *f, u8 prefix)
{
	unsigned int i;

	for (i = 0; i < f->prefix_count; i++) {
		if (f->prefixes[i] == prefix) {
			return true;
		}
	}
	return f->mandatory == prefix;
}

u8 rows_with_member(const struct form *f, u8 modrm)
{
	return f->member < 0 ? modrm : (modrm & 0xc7) | f->member << 3;
}

static u16 traits_of(const struct form *f)
{
	return operations[f->row.op].traits;
}

static unsigned int operand_size(const struct rows *r, const struct form *f)
{
	bool changed = rows_has_prefix(f, 0x66);

	if (r->mode != MODE_64) {
		return changed ? 6 - r->mode : r->mode;
	}
	if (rows_has_prefix(f, 0x48) || (traits_of(f) & OP_F64)) {
		return 8;
	}
	return changed ? 2 : traits_of(f) & OP_D64 ? 8 : 4;
}

static unsigned int immediate_size(const struct rows *r, const struct form *f,
				   u8 code)
{
	unsigned int size = operand_size(r, f);

	switch (code) {
	case Ib:
	case Jb:
		return 1;
	case Iw:
		return 2;
	case Iz:
	case Jz:
		return size == 2 ? 2 : 4;
	case Iv:
		return size;
	case Ob:
	case Ov:
		return rows_has_prefix(f, 0x67) ? 4 : r->mode;
	default:
		return 0;
	}
}

static unsigned int encode_opcode(const struct form *f, u8 *bytes)
{
	unsigned int n = 0;

	if (f->mandatory) {
		bytes[n++] = f->mandatory;
	}
	memcpy(&bytes[n], f->prefixes, f->prefix_count);
	n += f->prefix_count;
	if (f->map != MAP_ONE_BYTE) {
		bytes[n++] = 0x0f;
	}
	if (f->map == MAP_0F38) {
		bytes[n++] = 0x38;
	}
	bytes[n++] = f->opcode;
	return n;
}

/** The form's bytes. */
static void encode(const struct rows *r, const struct form *f,
		   struct native_state *s)
{
	const u8 codes[] = { f->row.dst, f->row.src, f->row.third };
	unsigned int i, n = encode_opcode(f, s->bytes);
	bool has_sib = r->mode != MODE_16 || rows_has_prefix(f, 0x67);

	if (rows_has_modrm(f)) {
		s->bytes[n++] = f->modrm;
		if (has_sib && (f->modrm & 7) == 4 && f->modrm < 0xc0) {
			s->bytes[n++] = f->sib;
		}
	}
	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		unsigned int size = immediate_size(r, f, codes[i]);

		memcpy(&s->bytes[n], &f->immediate, size);
		n += size;
	}
	s->length = n;
}

/* --- what an instruction needs --- */

/** An offset in the segments of data. */
static u64 data_at(const struct rows *r, u64 offset)
{
	return r->mode == MODE_16 ? offset : NATIVE_DATA + offset;
}

static void point_string(const struct rows *r, const struct form *f,
			 struct native_state *s)
{
	s->gpr[REG_RSI] = data_at(r, 0x800);
	s->gpr[REG_RDI] = data_at(r, 0xffc);
	if (rows_has_prefix(f, 0xf2) || rows_has_prefix(f, 0xf3)) {
		s->gpr[REG_RCX] &= 7;
	}
}

/** Bit offsets that stay in the two pages around the middle of them. */
static void point_bits(const struct rows *r, struct native_state *s)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		s->gpr[i] = (u64)(s16)s->gpr[i];
	}
	s->gpr[REG_RDI] = data_at(r, 0x1000);
}

/** A value below and at rSP, rBP in the same memory; what POPF may pop. */
static void point_stack(const struct rows *r, const struct form *f,
			struct native_state *s)
{
	u64 *top = (u64 *)(native_data() + 0x400);

	s->gpr[REG_RSP] = data_at(r, 0x400);
	if (f->row.op == OP_ENTER || f->row.op == OP_LEAVE) {
		s->gpr[REG_RBP] = data_at(r, 0xa00);
	} else if (f->row.op == OP_POPF) {
		*top &= FLAGS_STATUS | RFLAGS_DF | RFLAGS_ID;
	} else if (f->row.op == OP_RET) {
		*top = rows_code_at(r, NATIVE_LANDING);
	}
}

/** The target of an indirect jump, in the register or in memory. */
static void point_target(const struct rows *r, const struct form *f,
			 struct native_state *s)
{
	u64 target = rows_code_at(r, NATIVE_LANDING);

	if (f->modrm >= 0xc0) {
		s->gpr[f->modrm & 7] = target;
	} else {
		memcpy(native_data() + 0x100, &target, 8);
	}
}

/** Registers that point somewhere must do so. */
static void point_registers(const struct rows *r, const struct form *f,
			    struct native_state *s)
{
	u16 traits = traits_of(f);

	if (rows_has_modrm(f) && f->modrm < 0xc0) {
		s->gpr[REG_RDI] = data_at(r, 0x100);
		if (traits & OP_BITS) {
			point_bits(r, s);
		}
	}
	if (traits & OP_STRING) {
		point_string(r, f, s);
	}
	if (has(&f->row, Stack) || f->row.op == OP_CALL ||
	    f->row.op == OP_RET ||
	    (f->row.op >= OP_PUSH && f->row.op <= OP_POPF)) {
		point_stack(r, f, s);
	}
	if (has(&f->row, Table)) {
		s->gpr[REG_RBX] = data_at(r, 0x100);
	}
	if ((f->row.op == OP_CALL || f->row.op == OP_JMP) &&
	    has(&f->row, Ev)) {
		point_target(r, f, s);
	}
}

/** SHLD and SHRD of 16 bits: beyond 16 the result is undefined. */
static void limit_count(const struct rows *r, struct form *f,
			struct native_state *s)
{
	if ((f->row.op == OP_SHLD || f->row.op == OP_SHRD) &&
	    operand_size(r, f) == 2) {
		f->immediate = (f->immediate & 31) % 17;
		s->gpr[REG_RCX] = (s->gpr[REG_RCX] & 31) % 17;
	}
}

/** Immediates that are addresses, distances or nesting levels. */
static void choose_immediate(const struct rows *r, struct form *f,
			     struct native_state *s, u64 value)
{
	f->immediate = value;
	limit_count(r, f, s);
	if (has(&f->row, Ob) || has(&f->row, Ov)) {
		f->immediate = data_at(r, 0x333);
	} else if (f->row.op == OP_ENTER) {
		f->immediate = 0x0404 + (value & 0x1f1f);
	} else if (has(&f->row, Jb) || has(&f->row, Jz)) {
		encode(r, f, s);
		f->immediate = NATIVE_LANDING - NATIVE_CODE - s->length;
	}
	encode(r, f, s);
}

/* --- values --- */

/** Division that does not overflow, as most of them would. */
static void make_divisible(const struct form *f, struct native_state *s)
{
	if (f->row.op == OP_DIV || f->row.op == OP_IDIV) {
		bool negative = f->row.op == OP_IDIV && s->gpr[0] >> 63;

		s->gpr[REG_RDX] = negative ? ~0ull : 0;
		s->gpr[REG_RAX] &= f->row.src == Eb ? 0x3f : ~0ull;
	}
}

/**
 * Which flags the SDM leaves undefined.  After a shift it hangs on the count:
 * 0 changes none, 1 defines OF, and SHL and SHR define CF only up to the
 * operand's width.
 */
static u64 undefined_flags(const struct rows *r, const struct form *f,
			   const struct native_state *s)
{
	u64 undefined = operations[f->row.op].undefined;
	bool is_byte = f->row.dst == Eb;
	unsigned int size = is_byte ? 1 : operand_size(r, f), count = 1;

	if (f->row.op < OP_ROL || f->row.op > OP_SHRD) {
		return undefined;
	}
	if (has(&f->row, CL)) {
		count = s->gpr[REG_RCX] & (size == 8 ? 63 : 31);
	} else if (has(&f->row, Ib)) {
		count = f->immediate & (size == 8 ? 63 : 31);
	}
	if (count == 0) {
		return 0;
	}
	if (f->row.op <= OP_SHR && f->row.op >= OP_SHL && count >= 8 * size) {
		undefined |= RFLAGS_CF;
	}
	return count == 1 ? undefined & ~(u64)RFLAGS_OF : undefined;
}

void rows_run_values(struct rows *r, struct form *f, u64 a, u64 b)
{
	u64 *cells = (u64 *)native_data();
	struct native_state s;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		s.gpr[i] = i & 1 ? a : b;
		s.gpr[i] &= r->mode == MODE_64 ? ~0ull : ~0u;
		s.xmm[i][0] = a * (i + 1);
		s.xmm[i][1] = b ^ i;
	}
	for (i = 0; i < 2 * PAGE_SIZE / 8; i++) {
		cells[i] = i & 0x40 ? a + i / 7 : b;
	}
	r->kept = f->row.op == OP_PUSHF || f->row.op == OP_POPF ? 0 : ROWS_KEPT;
	point_registers(r, f, &s);
	choose_immediate(r, f, &s, a);
	s.rflags = 0;
	rows_compare(r, &s, undefined_flags(r, f, &s));
	memset(cells, 0x5a, 64);
	cells[0x108 / 8] ^= 1;
	make_divisible(f, &s);
	s.rflags = FLAGS_STATUS | (traits_of(f) & OP_STRING ? RFLAGS_DF : 0);
	rows_compare(r, &s, undefined_flags(r, f, &s));
}

static u64 next_random(void)
{
	static u64 x = 0x2545f4914f6cdd1dull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

void rows_run_edges(struct rows *r, struct form *f)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			rows_run_values(r, f, edges[i], edges[j]);
		}
	}
	for (i = 0; i < 16; i++) {
		rows_run_values(r, f, next_random(), next_random());
	}
}

/* --- rows --- */

void rows_expand(struct rows *r, struct form f,
		 void (*run)(struct rows *, struct form *))
{
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	const struct opcode row = f.row;
	unsigned int i;

	if (row.op == OP_MODE) {
		f.row = *opcodes_groups_moded(&row, r->mode == MODE_64);
		rows_expand(r, f, run);
	} else if (row.op == OP_PREFIX) {
		for (i = 0; i < 4; i++) {
			f.row = *opcodes_groups_prefixed(&row, i);
			f.mandatory = mandatory[i];
			f.alone = !i && opcodes_groups_prefixed(&row, 1)->op !=
						f.row.op;
			rows_expand(r, f, run);
		}
	} else if (row.op == OP_GROUP) {
		for (i = 0; i < 8; i++) {
			f.row = *opcodes_groups_member(&row, i);
			f.member = i;
			rows_expand(r, f, run);
		}
	} else if (row.op != OP_UNKNOWN &&
		   !((row.marks & I64) && r->mode == MODE_64)) {
		run(r, &f);
	}
}

void rows_for_each(struct rows *r, void (*run)(struct rows *, struct form *))
{
	unsigned int i;

	for (i = 0; i < MAP_COUNT * 256; i++) {
		struct form f = {
			.map = i >> 8,
			.opcode = i & 0xff,
			.member = -1,
			.sib = 0x27,
			.row = *opcodes_row(i >> 8, i & 0xff),
		};
		bool rex = r->mode == MODE_64 && (i & ~0xfu) == 0x40;

		if (!rex) {
			rows_expand(r, f, run);
		}
	}
}

static void set_segment(struct world *w, enum emul_segment which, u64 base,
			u32 limit)
{
	w->segments[which].base = gva(base);
	w->segments[which].limit = limit;
}

struct rows rows_begin(unsigned int mode)
{
	struct rows r = { .w = harness_new(), .mode = mode };
	unsigned int i;

	r.w->e.mode = mode;
	r.w->e.stack_size = mode == MODE_16 ? 2 : 4;
	r.w->cpl = 3;
	harness_map(r.w, NATIVE_CODE_BASE, RAM(0), 1);
	harness_map(r.w, NATIVE_DATA, RAM(ROWS_DATA_PAGE), 2);
	for (i = SEGMENT_ES; i <= SEGMENT_GS; i++) {
		r.w->segments[i].selector = native_selector(mode, i);
	}
	if (mode == MODE_16) {
		set_segment(r.w, SEGMENT_CS, NATIVE_CODE_BASE, 0xffff);
		set_segment(r.w, SEGMENT_SS, NATIVE_DATA, 0xffff);
		set_segment(r.w, SEGMENT_DS, NATIVE_DATA, 0xffff);
		set_segment(r.w, SEGMENT_ES, NATIVE_DATA, 0xffff);
	}
	return r;
}
