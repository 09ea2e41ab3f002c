/** @file
 * The decoder: limits, fetches, modes, and what it does not know.
 *
 * The list of opcodes without a row, emulator/test/unsupported.txt, is kept
 * true from here.  Lengths have a test of their own (lengths_test.c).
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#include <stdio.h>
#include <string.h>

#include "emulator/decode.h"
#include "emulator/opcodes_groups.h"
#include "emulator/operations.h"

static void sixteen_bytes_are_a_general_protection_fault(void **state)
{
	u8 bytes[16] = { [14] = 0x8b, [15] = 0x03 };
	struct world *w = harness_new();

	(void)state;
	memset(bytes, 0x2e, 14);
	harness_code(w, bytes, 16);
	harness_decode(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_GP);
	memset(bytes, 0x66, 16);
	harness_code(w, bytes, 16);
	harness_decode(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_GP);
}

/** Code that ends at the end of its page, count bytes of it on that page. */
static struct world *world_across(const u8 *bytes, unsigned int length,
				  unsigned int count)
{
	struct world *w = harness_new();

	harness_map(w, CODE_AT + PAGE_SIZE, RAM(2), 1);
	memcpy(harness_ram(w, RAM(1) - count), bytes, count);
	memcpy(harness_ram(w, RAM(2)), bytes + count, length - count);
	w->e.rip = CODE_AT + PAGE_SIZE - count;
	return w;
}

static void code_across_two_pages_is_fetched(void **state)
{
	static const u8 bytes[] = { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned int count;

	(void)state;
	for (count = 1; count < sizeof(bytes); count++) {
		struct world *w = world_across(bytes, sizeof(bytes), count);

		harness_run(w, EMUL_DONE);
		assert_int_equal(w->gpr[REG_RAX], 0x0807060504030201);
		assert_int_equal(w->fetches, 2);
		assert_int_equal(w->e.rip, CODE_AT + PAGE_SIZE - count + 10);
	}
}

/** Which member of a group it is stands on the second page. */
static void a_group_across_two_pages_is_fetched(void **state)
{
	static const u8 bytes[] = { 0xfe, 0xc0 }; /* inc %al */
	struct world *w = world_across(bytes, sizeof(bytes), 1);

	(void)state;
	memset(w->e.insn.bytes, 0xff, INSN_MAX); /* FE /7 is nothing */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX], 1);
	assert_int_equal(w->e.insn.length, 2);
}

static void the_next_page_is_left_alone_unless_needed(void **state)
{
	static const u8 bytes[] = { 0x89, 0xc3 }; /* mov %eax,%ebx */
	struct world *w = world_across(bytes, 2, 2);

	(void)state;
	w->mapping_count = 1; /* the second page is not mapped */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->fetches, 1);
}

static void code_at_hand_is_not_fetched(void **state)
{
	static const u8 bytes[] = { 0x89, 0xc3 }; /* mov %eax,%ebx */
	struct world *w = harness_new();
	u8 *code = harness_ram(w, RAM(0));
	u64 value;

	(void)state;
	harness_code(w, bytes, sizeof(bytes));
	w->e.code = code;
	for (value = 1; value < 4; value++) {
		w->e.rip = CODE_AT;
		w->gpr[REG_RAX] = value;
		harness_run(w, EMUL_DONE);
		assert_int_equal(w->gpr[REG_RBX], value);
		assert_int_equal(w->fetches, 0);
	}
	code[1] = 0xc1; /* mov %eax,%ecx */
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RCX], 3);
	w->e.mode = MODE_32;
	w->e.rip = CODE_AT;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->fetches, 0);
}

static void a_fault_on_the_second_page_has_its_address(void **state)
{
	static const u8 bytes[] = { 0xb8, 1, 2, 3, 4 };
	struct world *w = world_across(bytes, 5, 3);

	(void)state;
	w->mapping_count = 1;
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_PF);
	assert_int_equal(w->e.exception.address.v, CODE_AT + PAGE_SIZE);
	assert_int_equal(w->e.exception.error_code, 0x10);
}

static void code_in_mmio_is_not_supported(void **state)
{
	struct world *w = harness_new();

	(void)state;
	harness_map(w, 0x5000, MMIO, 1);
	w->e.rip = 0x5000;
	harness_run(w, EMUL_UNHANDLEABLE);
	assert_non_null(w->e.error);
}

static void lock_where_it_is_not_allowed_is_undefined(void **state)
{
	static const u8 table[][4] = {
		{ 0xf0, 0x8b, 0x03 }, /* lock mov */
		{ 0xf0, 0x39, 0x03 }, /* lock cmp */
		{ 0xf0, 0x01, 0xc3 }, /* lock add, register destination */
		{ 0xf0, 0x03, 0x03 }, /* lock add, memory is the source */
		{ 0xf0, 0x84, 0x03 }, /* lock test */
		{ 0xf0, 0x87, 0xc3 }, /* lock xchg, registers */
		{ 0xf0, 0xa4 },	      /* lock movs */
		{ 0x8d, 0xc3 },	      /* lea of a register */
	};
	struct world *w = harness_new();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		harness_code(w, table[i], 4);
		harness_run(w, EMUL_FAULT);
		assert_int_equal(w->e.exception.vector, VECTOR_UD);
		assert_false(w->e.exception.has_error_code);
	}
}

/** The same bytes mean something else in another mode. */
static void the_mode_is_part_of_what_was_decoded(void **state)
{
	struct world *w = harness_new();

	(void)state;
	CODE(w, 0x40, 0x8b,
	     0xc3); /* inc %eax in 32-bit mode, REX in 64-bit mode */
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 3);
	w->e.rip = CODE_AT;
	w->e.mode = MODE_32;
	w->e.stack_size = 4;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->e.rip, CODE_AT + 1);
	assert_int_equal(w->gpr[REG_RAX], 1);
}

/** A prefix between REX and the opcode: REX has no effect. */
static void a_rex_that_is_not_last_is_dead(void **state)
{
	struct world *w = harness_new();

	(void)state;
	CODE(w, 0x48, 0x66, 0x89, 0xc3); /* mov %ax,%bx, not %rax,%rbx */
	w->gpr[REG_RAX] = 0x1111111111111111;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RBX], 0x1111);
}

static void sixteen_bit_addresses_have_eight_forms(void **state)
{
	static const u16 expected[8] = { 0x30 + 0x600,	 0x30 + 0x700,
					 0x5000 + 0x600, 0x5000 + 0x700,
					 0x600,		 0x700,
					 0x5000,	 0x30 };
	struct world *w = harness_new();
	unsigned int rm;

	(void)state;
	w->e.mode = MODE_16;
	w->e.stack_size = 2;
	w->segments[SEGMENT_CS].base = gva(CODE_AT);
	w->gpr[REG_RBX] = 0x30;
	w->gpr[REG_RBP] = 0x5000;
	w->gpr[REG_RSI] = 0x600;
	w->gpr[REG_RDI] = 0x700;
	for (rm = 0; rm < 8; rm++) {
		CODE(w, 0x8d, 0x80 | rm, 0xf0, 0xff); /* lea -0x10(...),%ax */
		w->e.rip = 0;
		harness_run(w, EMUL_DONE);
		assert_int_equal(w->gpr[REG_RAX] & 0xffff, expected[rm] - 0x10);
		assert_int_equal(w->e.insn.segment,
				 rm == 2 || rm == 3 || rm == 6 ? SEGMENT_SS
							       : SEGMENT_DS);
	}
	CODE(w, 0x8d, 0x06, 0x34, 0x12); /* lea 0x1234,%ax */
	w->e.rip = 0;
	harness_run(w, EMUL_DONE);
	assert_int_equal(w->gpr[REG_RAX] & 0xffff, 0x1234);
}

static void segment_limits_are_checked_outside_64_bit_mode(void **state)
{
	struct world *w = harness_new();

	(void)state;
	w->e.mode = MODE_32;
	w->e.stack_size = 4;
	w->segments[SEGMENT_DS].limit = CODE_AT + 0xfff;
	w->segments[SEGMENT_SS].limit = CODE_AT + 0xfff;
	CODE(w, 0x8b, 0x03);
	w->gpr[REG_RBX] = CODE_AT + 0xffd;
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_GP);
	CODE(w, 0x50); /* push %eax */
	w->gpr[REG_RSP] = 2;
	harness_run(w, EMUL_FAULT);
	assert_int_equal(w->e.exception.vector, VECTOR_SS);
	assert_int_equal(w->gpr[REG_RSP], 2);
}

/* --- what has no row --- */

/** The list as it should be, in the form of unsupported.txt. */
static char list[16384];

static void add_text(const char *format, unsigned int value)
{
	size_t length = strlen(list);

	snprintf(list + length, sizeof(list) - length, format, value);
}

static bool is_prefix(u8 byte)
{
	static const u8 prefixes[] = { 0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64,
				       0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 };

	return (byte & 0xf0) == 0x40 ||
	       memchr(prefixes, byte, sizeof(prefixes));
}

/** Whether the emulator says in 64-bit mode that it does not know bytes. */
static bool is_unsupported(const u8 *bytes)
{
	struct world *w = harness_new();

	harness_code(w, bytes, INSN_MAX);
	return decode_run(&w->e) == EMUL_UNHANDLEABLE;
}

/** What the list says of one encoding that has no row, or nothing. */
static void list_encoding(const u8 *bytes, unsigned int length, int member)
{
	unsigned int i;

	if (!is_unsupported(bytes)) {
		return;
	}
	for (i = 0; i < length; i++) {
		add_text(i ? " %02X" : "%02X", bytes[i]);
	}
	if (member >= 0) {
		add_text(" /%u", member);
	}
	add_text("\n", 0);
}

/** The opcode at bytes[length - 1], or the members of its group. */
static void list_members(u8 *bytes, unsigned int length,
			 const struct opcode *row)
{
	unsigned int reg;

	bytes[length] = 0;
	if (row->op != OP_GROUP) {
		list_encoding(bytes, length, -1);
		return;
	}
	for (reg = 0; reg < 8; reg++) {
		bytes[length] = reg << 3;
		list_encoding(bytes, length, reg);
	}
}

/** An opcode with each of the prefixes that make it another one. */
static void list_opcode(u8 map, u8 byte)
{
	static const u8 escapes[MAP_COUNT][2] = { [MAP_0F] = { 0x0f },
						  [MAP_0F38] = { 0x0f, 0x38 } };
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	const struct opcode *row = opcodes_row(map, byte);
	unsigned int i, n = 0;
	u8 bytes[INSN_MAX] = { 0 };

	if (row->op == OP_MODE) {
		row = opcodes_groups_moded(row, true);
	}
	for (i = 0; i < (row->op == OP_PREFIX ? 4 : 1); i++) {
		n = 0;
		if (mandatory[i]) {
			bytes[n++] = mandatory[i];
		}
		memcpy(&bytes[n], escapes[map], map);
		n += map;
		bytes[n++] = byte;
		list_members(bytes, n,
			     row->op == OP_PREFIX
				     ? opcodes_groups_prefixed(row, i)
				     : row);
	}
}

/** Whether the opcode has nothing to say of its own: prefix, escape. */
static bool is_no_opcode(u8 map, u8 byte)
{
	return (map == MAP_ONE_BYTE && is_prefix(byte)) ||
	       (map == MAP_0F && byte == 0x38);
}

/** Leave the true list, without names, for whoever added a row. */
static void write_list(void)
{
	FILE *stream = fopen("build/unsupported.txt", "w");

	if (stream) {
		fputs(list, stream);
		fclose(stream);
	}
}

static void the_list_of_unsupported_opcodes_is_true(void **state)
{
	static char file[65536], listed[16384];
	FILE *stream = fopen("emulator/test/unsupported.txt", "r");
	char *line = file;
	unsigned int i;

	(void)state;
	for (i = 0; i < MAP_0F38 * 256; i++) {
		if (!is_no_opcode(i >> 8, i)) {
			list_opcode(i >> 8, i);
		}
	}
	for (i = 0; i < 256; i++) {
		if (opcodes_row(MAP_0F38, i)->op != OP_UNKNOWN) {
			list_opcode(MAP_0F38, i);
		}
	}
	assert_non_null(stream);
	/* A line is an opcode, two blanks, and a name for the reader. */
	while (fgets(line, 256, stream)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '#') {
			*(strstr(line, "  ") ? strstr(line, "  ")
					     : line + strlen(line)) = '\0';
			strcat(strcat(listed, line), "\n");
		}
	}
	fclose(stream);
	for (i = 0; list[i] && list[i] == listed[i]; i++) {
	}
	if (list[i] != listed[i]) {
		write_list();
		fail_msg("unsupported.txt differs from the true list, which "
			 "is in build/unsupported.txt now");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sixteen_bytes_are_a_general_protection_fault),
		cmocka_unit_test(code_across_two_pages_is_fetched),
		cmocka_unit_test(a_group_across_two_pages_is_fetched),
		cmocka_unit_test(the_next_page_is_left_alone_unless_needed),
		cmocka_unit_test(code_at_hand_is_not_fetched),
		cmocka_unit_test(a_fault_on_the_second_page_has_its_address),
		cmocka_unit_test(code_in_mmio_is_not_supported),
		cmocka_unit_test(lock_where_it_is_not_allowed_is_undefined),
		cmocka_unit_test(a_rex_that_is_not_last_is_dead),
		cmocka_unit_test(the_mode_is_part_of_what_was_decoded),
		cmocka_unit_test(sixteen_bit_addresses_have_eight_forms),
		cmocka_unit_test(
			segment_limits_are_checked_outside_64_bit_mode),
		cmocka_unit_test(the_list_of_unsupported_opcodes_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
