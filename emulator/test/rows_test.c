/** @file
 * Every row, at every width, against the processor that runs this.
 *
 * The test does not know the instructions: it goes through the opcode tables
 * and builds, from each row's operand codes, the encodings that it stands
 * for - 8, 16, 32 and 64 bits, registers and memory, with and without LOCK
 * and REP, in 64-bit, 32-bit and 16-bit code - and lets the processor and the
 * emulator execute the same bytes on the same registers, flags and memory
 * (rows.h).  All of these must be equal after it, RIP and faults as well.
 *
 * links: emulator/test/harness.c emulator/test/native.c emulator/test/rows.c
 * links: emulator/test/rows_compare.c
 */
#include "emulator/test/rows.h"

#include "emulator/flags.h"
#include "emulator/operations.h"

/**
 * What AMD's processors do in another way than Intel's: they cut a near
 * branch's target to 16 bits after 66h in 64-bit mode too (and a target that
 * is cut does not lie in our memory), and know no PREFETCHW of a register.
 */
static bool is_peculiar(const struct rows *r, const struct form *f)
{
	if ((operations[f->row.op].traits & OP_F64) &&
	    rows_has_prefix(f, 0x66)) {
		return r->mode != MODE_16;
	}
	return f->map == MAP_0F && f->opcode == 0x0d && f->modrm >= 0xc0;
}

/** A jump to where rSP points. */
static bool jumps_to_stack(const struct form *f)
{
	return (f->row.op == OP_CALL || f->row.op == OP_JMP) &&
	       rows_has_modrm(f) && f->modrm >= 0xc0 && (f->modrm & 7) == 4;
}

/** One form with all values, unless there is nothing to compare it with. */
static void run_form(struct rows *r, struct form *f)
{
	bool other = (f->row.marks & MEMORY_ROW) && f->modrm >= 0xc0;

	if (!other && !is_peculiar(r, f) && !jumps_to_stack(f)) {
		rows_run_edges(r, f);
	}
}

/** The ModRM bytes that a row is tried with. */
static void run_operands(struct rows *r, struct form *f)
{
	/* mod 3: equal, byte-high and stack registers; (%rdi); SIB (%rdi) */
	static const u8 modrms[] = { 0xc1, 0xd3, 0xe5, 0xec, 0xf8,
				     0x07, 0x1f, 0x27, 0x14 };
	unsigned int i;

	if (!rows_has_modrm(f)) {
		run_form(r, f);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(modrms); i++) {
		f->modrm = rows_with_member(f, modrms[i]);
		if (r->mode == MODE_16 && f->modrm < 0xc0 &&
		    !rows_has_prefix(f, 0x67)) {
			f->modrm = (f->modrm & 0x38) | 5; /* (%di) */
		}
		run_form(r, f);
	}
}

static void with_prefixes(struct rows *r, struct form *f, const u8 *prefixes,
			  unsigned int count)
{
	memcpy(f->prefixes, prefixes, count);
	f->prefix_count = count;
	run_operands(r, f);
}

/** REP where it means something. */
static void run_repeated(struct rows *r, struct form *f)
{
	if (!(operations[f->row.op].traits & OP_STRING)) {
		return;
	}
	with_prefixes(r, f, (const u8[]){ 0xf3 }, 1);
	with_prefixes(r, f, (const u8[]){ 0xf2, 0x66 }, 2);
	if (r->mode == MODE_64) {
		with_prefixes(r, f, (const u8[]){ 0xf3, 0x48 }, 2);
		with_prefixes(r, f, (const u8[]){ 0x67, 0xf3 }, 2);
	}
}

static void run_row(struct rows *r, struct form *f)
{
	bool wide = r->mode == MODE_64;

	if (operations[f->row.op].traits & OP_SYSTEM) {
		return;
	}
	with_prefixes(r, f, (const u8[]){ 0 }, 0);
	if (!f->alone) {
		with_prefixes(r, f, (const u8[]){ 0x66 }, 1);
	}
	if (r->mode != MODE_32) { /* there our memory has no 16-bit address */
		with_prefixes(r, f, (const u8[]){ 0x67 }, 1);
	}
	if (wide) {
		with_prefixes(r, f, (const u8[]){ 0x40 }, 1);
		with_prefixes(r, f, (const u8[]){ 0x48 }, 1);
	}
	if (wide && !f->alone) {
		with_prefixes(r, f, (const u8[]){ 0x66, 0x48 }, 2);
	}
	run_repeated(r, f);
}

static void compare_mode(unsigned int mode)
{
	struct rows r;

	if (!native_begin(mode)) {
		print_message("no %u-bit code here\n", 8 * mode);
		skip();
	}
	r = rows_begin(mode);
	rows_for_each(&r, run_row);
	print_message("%u-bit code: %llu instructions compared\n", 8 * mode,
		      r.compared);
}

static void every_row_equals_the_processor_in_64_bit_code(void **state)
{
	(void)state;
	compare_mode(MODE_64);
}

static void every_row_equals_the_processor_in_32_bit_code(void **state)
{
	(void)state;
	compare_mode(MODE_32);
}

static void every_row_equals_the_processor_in_16_bit_code(void **state)
{
	(void)state;
	compare_mode(MODE_16);
}

static void run_locked(struct rows *r, struct form *f)
{
	static const u8 modrms[] = { 0x07, 0x0f, 0x1f, 0x37 };
	unsigned int i;

	if (!(operations[f->row.op].traits & OP_LOCKABLE) ||
	    !rows_has_modrm(f)) {
		return;
	}
	for (i = 0; i < ARRAY_SIZE(modrms); i++) {
		f->modrm = rows_with_member(f, modrms[i]);
		f->prefix_count = 1;
		f->prefixes[0] = 0xf0;
		rows_run_edges(r, f);
		f->prefix_count = 2;
		f->prefixes[1] = 0x48;
		rows_run_edges(r, f);
	}
}

static void locked_rows_equal_the_processor(void **state)
{
	struct rows r = rows_begin(MODE_64);

	(void)state;
	assert_true(native_begin(MODE_64));
	rows_for_each(&r, run_locked);
}

/** One addressing form, with another value in each register. */
static void run_address(struct rows *r, const u8 *bytes, unsigned int length)
{
	struct native_state s = { .length = length };
	unsigned int i;

	for (i = 0; i < 16; i++) {
		s.gpr[i] = NATIVE_DATA + 0x200 + i * 8;
	}
	memcpy(s.bytes, bytes, length);
	rows_compare(r, &s, 0);
}

/** LEA with one ModRM and SIB, with a displacement where they ask for one. */
static void run_lea(struct rows *r, u8 rex, u8 modrm, u8 sib)
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
	run_address(r, bytes, n); /* 32-bit addresses */
	run_address(r, bytes + 1, n - 1);
}

/** Every ModRM byte with a memory operand, every SIB byte, and every REX. */
static void every_addressing_form_equals_the_processor(void **state)
{
	struct rows r = rows_begin(MODE_64);
	unsigned int i, sib;

	(void)state;
	assert_true(native_begin(MODE_64));
	for (i = 0; i < 16 * 0xc0; i++) {
		unsigned int modrm = i % 0xc0, rex = 0x40 + i / 0xc0;

		for (sib = 0; sib < ((modrm & 7) == 4 ? 256 : 1); sib++) {
			run_lea(&r, rex, modrm, sib);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_equals_the_processor_in_64_bit_code),
		cmocka_unit_test(every_row_equals_the_processor_in_32_bit_code),
		cmocka_unit_test(every_row_equals_the_processor_in_16_bit_code),
		cmocka_unit_test(locked_rows_equal_the_processor),
		cmocka_unit_test(every_addressing_form_equals_the_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
