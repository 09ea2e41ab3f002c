/** @file
 * Prints the emulator's rows that access memory, for the guest's differential.
 *
 * guest-tests/diff executes each of these in a guest, on memory and on a
 * device; it cannot include the emulator's headers, so it is given what it
 * needs to build encodings as a source file, made when the guest is built: a
 * new row of the tables is tested without anybody's doing.
 *
 *	{ map, opcode, mandatory prefix, member or -1, form, flow, size, ... }
 *
 * Only the tables are linked, not the operations' functions: nothing here
 * calls them.
 */
#include <stdio.h>

#include "emulator/opcodes_groups.h"
#include "emulator/operations.h"

/** One way to reach a row. */
struct path {
	unsigned int map, opcode, mandatory;
	int member;
	bool alone; /* 66h would make it another row */
};

static bool has(const struct opcode *row, enum operand_code code)
{
	return row->dst == code || row->src == code || row->third == code;
}

static bool has_any(const struct opcode *row, enum operand_code first,
		    enum operand_code end)
{
	enum operand_code code;

	for (code = first; code < end; code++) {
		if (has(row, code)) {
			return true;
		}
	}
	return false;
}

/** How the row names its memory; NULL: it has none. */
static const char *memory_of(const struct opcode *row)
{
	bool x = has(row, Xb) || has(row, Xv), y = has(row, Yb) || has(row, Yv);

	if (has_any(row, Eb, OPERAND_CODES_WITH_MODRM_END) &&
	    row->op != OP_LEA && row->op != OP_NOP && row->op != OP_UD) {
		return "MEMORY_MODRM";
	}
	if (has(row, Ob) || has(row, Ov)) {
		return "MEMORY_OFFSET";
	}
	if (x || y) {
		return x && y ? "MEMORY_BOTH" : x ? "MEMORY_RSI" : "MEMORY_RDI";
	}
	if (row->op == OP_LEAVE) {
		return "MEMORY_RBP";
	}
	if (has(row, Table)) {
		return "MEMORY_RBX";
	}
	if (has(row, Stack) || row->op == OP_ENTER || row->op == OP_PUSHF ||
	    row->op == OP_POPF || row->op == OP_CALL || row->op == OP_RET) {
		return "MEMORY_STACK";
	}
	return NULL;
}

static const char *flow_of(const struct opcode *row)
{
	switch (row->op) {
	case OP_CALL:
		return row->src == Ev || row->dst == Ev ? "FLOW_TO_OPERAND"
							: "FLOW_RELATIVE";
	case OP_JMP:
		return "FLOW_TO_OPERAND";
	case OP_RET:
		return "FLOW_RETURN";
	default:
		return "FLOW_NEXT";
	}
}

/** Immediate bytes: how many, by the operand size. */
static const char *immediate_of(const struct opcode *row)
{
	bool byte = has(row, Ib), word = has(row, Iw);

	if (byte || word) {
		return byte && word ? "IMMEDIATE_3"
			: byte	    ? "IMMEDIATE_1"
				    : "IMMEDIATE_2";
	}
	if (has(row, Iv)) {
		return "IMMEDIATE_V";
	}
	return has(row, Iz) || has(row, Jz) ? "IMMEDIATE_Z" : "IMMEDIATE_0";
}

static void print(const struct path *path, const struct opcode *row)
{
	const struct operation *operation = &operations[row->op];
	unsigned int traits = operation->traits;
	const char *memory = memory_of(row);

	if (!memory || (traits & OP_SYSTEM) || (row->marks & I64)) {
		return;
	}
	printf("\t{ %u, 0x%02x, 0x%02x, %d, %s, %s, %s, 0x%x,\n\t  ",
	       path->map, path->opcode, path->mandatory, path->member, memory,
	       flow_of(row), immediate_of(row), operation->undefined);
	printf("%s%s%s%s%s%s%s%s%s%s0 },\n", path->alone ? "ROW_ALONE | " : "",
	       traits & OP_LOCKABLE && (row->dst == Eb || row->dst == Ev)
		       ? "ROW_LOCKABLE | "
		       : "",
	       traits & OP_BITS ? "ROW_BITS | " : "",
	       traits & OP_OWN ? "ROW_SSE | " : "",
	       traits & OP_F64 ? "ROW_F64 | " : "",
	       row->op == OP_DIV || row->op == OP_IDIV ? "ROW_DIVIDES | " : "",
	       row->op == OP_SSE_ALIGNED ? "ROW_ALIGNED | " : "",
	       has(row, Stack) || row->op == OP_CALL ? "ROW_STACK | " : "",
	       has(row, Sw) ? "ROW_SEGMENT | " : "",
	       has(row, Mpair) ? "ROW_PAIR | " : "");
}

static void expand(struct path path, const struct opcode *row)
{
	static const u8 mandatory[] = { 0, 0x66, 0xf3, 0xf2 };
	unsigned int i;

	if (row->op == OP_MODE) {
		expand(path, opcodes_groups_moded(row, true));
	} else if (row->op == OP_PREFIX) {
		for (i = 0; i < 4; i++) {
			const struct opcode *to =
				opcodes_groups_prefixed(row, i);

			path.mandatory = mandatory[i];
			path.alone = to->op !=
				     opcodes_groups_prefixed(row, 1)->op;
			expand(path, to);
		}
	} else if (row->op == OP_GROUP) {
		for (i = 0; i < 8; i++) {
			path.member = i;
			expand(path, opcodes_groups_member(row, i));
		}
	} else if (row->op != OP_UNKNOWN) {
		print(&path, row);
	}
}

/** 40 to 4F are prefixes in 64-bit mode. */
static bool is_rex(unsigned int i)
{
	return i >> 8 == MAP_ONE_BYTE && (i & 0xf0) == 0x40;
}

int main(void)
{
	unsigned int i;

	printf("#include \"guest-tests/diff/diff.h\"\n\n"
	       "const struct row rows_list[] = {\n");
	for (i = 0; i < MAP_COUNT * 256; i++) {
		struct path path = { i >> 8, i & 0xff, 0, -1, false };

		if (!is_rex(i)) {
			expand(path, opcodes_row(i >> 8, i & 0xff));
		}
	}
	printf("};\n\n"
	       "const unsigned int rows_count = ARRAY_SIZE(rows_list);\n");
	return 0;
}
