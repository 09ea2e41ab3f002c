/** @file
 * Every row, at every width, against the processor that runs this.
 *
 * The test does not know the instructions: it goes through the opcode tables
 * and builds, from each row's operand codes, the encodings that it stands
 * for - 8, 16, 32 and 64 bits, registers and memory, with and without LOCK
 * and REP - and lets the processor and the emulator execute the same bytes on
 * the same registers, flags and memory.  All of these must be equal after it,
 * and RIP must have moved by the instruction's length.
 *
 * links: emulator/test/harness.c emulator/test/native.c
 */
#include "emulator/test/harness.h"

#include <stdio.h>

#include "emulator/flags.h"
#include "emulator/opcodes_groups.h"
#include "emulator/operations.h"
#include "emulator/test/native.h"

#define DATA_PAGE 1 /* RAM pages 1 and 2 are the guest's NATIVE_DATA */
#define DF	  BIT(10)

static const u64 edges[] = { 0,		 1,	     0x7f,	  0x80ff,
			     0x7fff8000, 0x80000000, BIT(63) | 3, ~0ull };

/** One way to encode a row. */
struct form {
	u8 map, opcode;
	u8 mandatory; /* prefix, or 0 */
	int member;   /* of a group, or -1 */
	bool alone;   /* 66h would make it another row */
	struct opcode row;
	u8 prefixes[4];
	unsigned int prefix_count;
	u8 modrm, sib; /* sib is used when modrm asks for one */
	u64 immediate;
};

static unsigned long long executed;

static bool has(const struct opcode *row, enum operand_code code)
{
	return row->dst == code || row->src == code;
}

/** Rows whose register form is no instruction, or another one. */
static bool is_memory_only(const struct opcode *row)
{
	static const u8 codes[] = { M, My, Mq, Mdq };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		if (has(row, codes[i])) {
			return true;
		}
	}
	return false;
}

static bool has_modrm(const struct form *f)
{
	enum operand_code code;

	for (code = Eb; code < OPERAND_CODES_WITH_MODRM_END; code++) {
		if (has(&f->row, code)) {
			return true;
		}
	}
	return f->member >= 0;
}

static bool has_prefix(const struct form *f, u8 prefix)
{
	unsigned int i;

	for (i = 0; i < f->prefix_count; i++) {
		if (f->prefixes[i] == prefix) {
			return true;
		}
	}
	return false;
}

static unsigned int immediate_size(const struct form *f)
{
	bool wide = has_prefix(f, 0x48), narrow = has_prefix(f, 0x66);

	if (has(&f->row, Ib)) {
		return 1;
	}
	if (has(&f->row, Ob) || has(&f->row, Ov)) {
		return 8;
	}
	if (has(&f->row, Iz)) {
		return narrow && !wide ? 2 : 4;
	}
	return !has(&f->row, Iv) ? 0 : wide ? 8 : narrow ? 2 : 4;
}

/** The form's bytes. */
static void encode(const struct form *f, struct native_state *s)
{
	unsigned int n = 0;

	if (f->mandatory) {
		s->bytes[n++] = f->mandatory;
	}
	memcpy(&s->bytes[n], f->prefixes, f->prefix_count);
	n += f->prefix_count;
	if (f->map != MAP_ONE_BYTE) {
		s->bytes[n++] = 0x0f;
	}
	if (f->map == MAP_0F38) {
		s->bytes[n++] = 0x38;
	}
	s->bytes[n++] = f->opcode;
	if (has_modrm(f)) {
		s->bytes[n++] = f->modrm;
		if ((f->modrm & 7) == 4 && f->modrm < 0xc0) {
			s->bytes[n++] = f->sib;
		}
	}
	memcpy(&s->bytes[n], &f->immediate, immediate_size(f));
	s->length = n + immediate_size(f);
}

static void fail_form(const struct native_state *s, const char *what, u64 ours,
		      u64 theirs)
{
	char text[3 * 16 + 1] = "";
	unsigned int i;

	for (i = 0; i < s->length; i++) {
		snprintf(&text[3 * i], 4, "%02x ", s->bytes[i]);
	}
	fail_msg("%s: %s %llx, the processor says %llx", text, what,
		 (unsigned long long)ours, (unsigned long long)theirs);
}

/** Run both and compare everything. */
static void compare(struct world *w, const struct form *f,
		    const struct native_state *input)
{
	struct native_state native = *input;
	u64 checked = FLAGS_STATUS | DF | RFLAGS_RF;
	unsigned int i;

	memcpy(harness_ram(w, RAM(DATA_PAGE)), native_data(), 2 * PAGE_SIZE);
	memcpy(w->gpr, input->gpr, sizeof(w->gpr));
	memcpy(w->xmm, input->xmm, sizeof(w->xmm));
	memcpy(&w->ram[0][NATIVE_CODE & ~PAGE_MASK], input->bytes,
	       input->length);
	w->e.rip = NATIVE_CODE;
	w->e.rflags = input->rflags | 2;
	harness_finish(w);
	native_run(&native);
	executed++;

	checked &= ~(u64)operations[f->row.op].undefined;
	for (i = 0; i < 16; i++) {
		if (w->gpr[i] != native.gpr[i]) {
			fail_form(&native, "register", w->gpr[i],
				  native.gpr[i]);
		}
	}
	if (memcmp(w->xmm, native.xmm, sizeof(w->xmm))) {
		fail_form(&native, "an XMM register differs", 0, 0);
	}
	if ((w->e.rflags ^ native.rflags) & checked) {
		fail_form(&native, "RFLAGS", w->e.rflags, native.rflags);
	}
	if (w->e.rip != NATIVE_CODE + input->length) {
		fail_form(&native, "RIP", w->e.rip,
			  NATIVE_CODE + input->length);
	}
	if (memcmp(harness_ram(w, RAM(DATA_PAGE)), native_data(),
		   2 * PAGE_SIZE)) {
		fail_form(&native, "memory differs", 0, 0);
	}
}

/** Registers that a memory operand or a string instruction may point with. */
static void point_registers(const struct form *f, struct native_state *s)
{
	if (has_modrm(f) && f->modrm < 0xc0) {
		s->gpr[REG_RDI] = NATIVE_DATA + 0x100;
	}
	if (operations[f->row.op].traits & OP_STRING) {
		s->gpr[REG_RSI] = NATIVE_DATA + 0x800;
		s->gpr[REG_RDI] = NATIVE_DATA + 0xffc;
		s->gpr[REG_RCX] &=
			has_prefix(f, 0xf2) || has_prefix(f, 0xf3) ? 7 : ~0ull;
	}
	if (has(&f->row, Stack)) {
		s->gpr[REG_RSP] = NATIVE_DATA + 0x400;
	}
}

/** One form with two values, one of which every register and cell gets. */
static void run_values(struct world *w, struct form *f, u64 a, u64 b)
{
	struct native_state s;
	unsigned int i;
	u64 *cells = (u64 *)native_data();

	for (i = 0; i < 16; i++) {
		s.gpr[i] = i & 1 ? a : b;
		s.xmm[i][0] = a * (i + 1);
		s.xmm[i][1] = b ^ i;
	}
	for (i = 0; i < 2 * PAGE_SIZE / 8; i++) {
		cells[i] = i & 0x40 ? a + i / 7 : b;
	}
	if (has(&f->row, Ob) || has(&f->row, Ov)) {
		f->immediate = NATIVE_DATA + 0x333;
	} else {
		f->immediate = a;
	}
	point_registers(f, &s);
	encode(f, &s);
	s.rflags = 0;
	compare(w, f, &s);
	memset(cells, 0x5a, 64);
	s.rflags = FLAGS_STATUS;
	if (operations[f->row.op].traits & OP_STRING) {
		s.rflags |= DF;
	}
	compare(w, f, &s);
}

static void run_edges(struct world *w, struct form *f)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			run_values(w, f, edges[i], edges[j]);
		}
	}
}

/** A ModRM byte, with the group's member in its reg field. */
static u8 with_member(const struct form *f, u8 modrm)
{
	return f->member < 0 ? modrm : (modrm & 0xc7) | f->member << 3;
}

/** The ModRM bytes that a row is tried with. */
static void run_operands(struct world *w, struct form *f)
{
	/* mod 3: equal, byte-high and stack registers; (%rdi); SIB (%rdi) */
	static const u8 modrms[] = { 0xc1, 0xd3, 0xe5, 0xec, 0xf8,
				     0x07, 0x1f, 0x27, 0x14 };
	unsigned int i;

	f->sib = 0x27;
	if (!has_modrm(f)) {
		run_edges(w, f);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(modrms); i++) {
		f->modrm = with_member(f, modrms[i]);
		if ((is_memory_only(&f->row) && f->modrm >= 0xc0) ||
		    (has(&f->row, Sw) && f->modrm >= 0xf0)) {
			continue;
		}
		run_edges(w, f);
	}
}

static void with_prefixes(struct world *w, struct form *f, const u8 *prefixes,
			  unsigned int count)
{
	memcpy(f->prefixes, prefixes, count);
	f->prefix_count = count;
	run_operands(w, f);
}

/** LOCK and REP where they mean something. */
static void run_special_prefixes(struct world *w, struct form *f)
{
	if (operations[f->row.op].traits & OP_STRING) {
		with_prefixes(w, f, (const u8[]){ 0xf3 }, 1);
		with_prefixes(w, f, (const u8[]){ 0xf2, 0x66 }, 2);
		with_prefixes(w, f, (const u8[]){ 0xf3, 0x48 }, 2);
		with_prefixes(w, f, (const u8[]){ 0x67, 0xf3 }, 2);
	}
}

static void run_row(struct world *w, struct form *f)
{
	if (operations[f->row.op].traits & OP_SYSTEM) {
		return;
	}
	with_prefixes(w, f, (const u8[]){ 0 }, 0);
	with_prefixes(w, f, (const u8[]){ 0x40 }, 1);
	with_prefixes(w, f, (const u8[]){ 0x48 }, 1);
	if (!f->alone) {
		with_prefixes(w, f, (const u8[]){ 0x66 }, 1);
		with_prefixes(w, f, (const u8[]){ 0x66, 0x48 }, 2);
	}
	run_special_prefixes(w, f);
}

static struct world *native_world(void)
{
	struct world *w = harness_new();
	unsigned int i;

	harness_map(w, NATIVE_CODE & PAGE_MASK, RAM(0), 1);
	harness_map(w, NATIVE_DATA, RAM(DATA_PAGE), 2);
	for (i = 0; i < 6; i++) {
		w->segments[i].selector = native_selector(i);
	}
	return w;
}

/** Whether the table's row is another instruction in 64-bit mode. */
static bool is_rex(const struct form *f)
{
	return f->map == MAP_ONE_BYTE && (f->opcode & 0xf0) == 0x40;
}

/** Call run for the row that is in f, or for each of those it leads to. */
static void expand(struct world *w, struct form f,
		   void (*run)(struct world *, struct form *))
{
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	const struct opcode row = f.row;
	unsigned int i;

	if (row.op == OP_MODE) {
		f.row = *opcodes_groups_moded(&row, true);
		expand(w, f, run);
	} else if (row.op == OP_PREFIX) {
		for (i = 0; i < 4; i++) {
			f.row = *opcodes_groups_prefixed(&row, i);
			f.mandatory = mandatory[i];
			f.alone = !i && opcodes_groups_prefixed(&row, 1)->op !=
						f.row.op;
			expand(w, f, run);
		}
	} else if (row.op == OP_GROUP) {
		for (i = 0; i < 8; i++) {
			f.row = *opcodes_groups_member(&row, i);
			f.member = i;
			expand(w, f, run);
		}
	} else if (row.op != OP_UNKNOWN && !(row.marks & I64)) {
		run(w, &f);
	}
}

/** Call run for each row of all maps. */
static void for_each_row(struct world *w,
			 void (*run)(struct world *, struct form *))
{
	unsigned int i;

	for (i = 0; i < MAP_COUNT * 256; i++) {
		struct form f = {
			.map = i >> 8,
			.opcode = i & 0xff,
			.member = -1,
			.row = *opcodes_row(i >> 8, i & 0xff),
		};

		if (!is_rex(&f)) {
			expand(w, f, run);
		}
	}
}

static void every_row_at_every_width_equals_the_processor(void **state)
{
	struct world *w = native_world();

	(void)state;
	for_each_row(w, run_row);
	print_message("%llu instructions compared\n", executed);
}

static void run_locked(struct world *w, struct form *f)
{
	static const u8 modrms[] = { 0x07, 0x0f, 0x1f, 0x37 };
	unsigned int i;

	if (!(operations[f->row.op].traits & OP_LOCKABLE) || !has_modrm(f) ||
	    (f->row.dst != Eb && f->row.dst != Ev)) {
		return;
	}
	for (i = 0; i < ARRAY_SIZE(modrms); i++) {
		f->modrm = with_member(f, modrms[i]);
		f->prefix_count = 1;
		f->prefixes[0] = 0xf0;
		run_edges(w, f);
		f->prefix_count = 2;
		f->prefixes[1] = 0x48;
		run_edges(w, f);
	}
}

static void locked_rows_equal_the_processor(void **state)
{
	struct world *w = native_world();

	(void)state;
	for_each_row(w, run_locked);
}

/** One addressing form, with another value in each register. */
static void run_address(struct world *w, const u8 *bytes, unsigned int length)
{
	static const struct form mov = {
		.row = { .op = OP_MOV, .dst = Gv, .src = Ev },
	};
	struct native_state s = { .length = length };
	unsigned int i;

	for (i = 0; i < 16; i++) {
		s.gpr[i] = NATIVE_DATA + 0x200 + i * 8;
	}
	memcpy(s.bytes, bytes, length);
	compare(w, &mov, &s);
}

/** LEA with one ModRM and SIB, with a displacement where they ask for one. */
static void run_lea(struct world *w, u8 rex, u8 modrm, u8 sib)
{
	u8 bytes[16] = { 0x67, rex, 0x8d, modrm };
	unsigned int n = 4;
	u32 displacement = 0xfffffff4;
	bool has_sib = (modrm & 7) == 4;

	if (has_sib) {
		bytes[n++] = sib;
	}
	if (modrm >> 6 == 1) {
		bytes[n++] = 0xf4;
	} else if (modrm >> 6 == 2 || (modrm & 7) == 5 ||
		   (has_sib && (sib & 7) == 5)) {
		memcpy(&bytes[n], &displacement, 4);
		n += 4;
	}
	run_address(w, bytes, n); /* 32-bit addresses */
	run_address(w, bytes + 1, n - 1);
}

/** Every ModRM byte with a memory operand, every SIB byte, and every REX. */
static void every_addressing_form_equals_the_processor(void **state)
{
	struct world *w = native_world();
	unsigned int i, sib;

	(void)state;
	for (i = 0; i < 16 * 0xc0; i++) {
		unsigned int modrm = i % 0xc0, rex = 0x40 + i / 0xc0;

		for (sib = 0; sib < ((modrm & 7) == 4 ? 256 : 1); sib++) {
			run_lea(w, rex, modrm, sib);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_at_every_width_equals_the_processor),
		cmocka_unit_test(locked_rows_equal_the_processor),
		cmocka_unit_test(every_addressing_form_equals_the_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
