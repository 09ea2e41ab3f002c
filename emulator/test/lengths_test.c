/** @file
 * How long instructions are.
 *
 * The decoder's lengths are compared with a table made by hand and, for random
 * encodings of every supported row in all three modes, with objdump.
 *
 * links: emulator/test/harness.c
 */
#include "emulator/test/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "emulator/decode.h"
#include "emulator/opcodes.h"

static void decode(struct world *w, enum emul_result expected)
{
	enum emul_result result = decode_run(&w->e);

	if (result != expected) {
		fail_msg("opcode %02x: %s, expected %s", w->e.insn.opcode,
			 emulator_result_name(result),
			 emulator_result_name(expected));
	}
}

static const struct {
	u8 length;
	u8 bytes[15];
} table[] = {
	{ 2, { 0x8b, 0x03 } },			 /* mov (%rbx),%eax */
	{ 3, { 0x48, 0x8b, 0x03 } },		 /* mov (%rbx),%rax */
	{ 3, { 0x8b, 0x43, 0x10 } },		 /* disp8 */
	{ 6, { 0x8b, 0x83, 0, 0, 0, 1 } },	 /* disp32 */
	{ 6, { 0x8b, 0x05, 0, 0, 0, 1 } },	 /* RIP-relative */
	{ 3, { 0x8b, 0x04, 0x24 } },		 /* (%rsp) */
	{ 4, { 0x41, 0x8b, 0x04, 0x24 } },	 /* (%r12) */
	{ 4, { 0x8b, 0x44, 0x24, 8 } },		 /* 8(%rsp) */
	{ 7, { 0x8b, 0x04, 0x25, 0, 0, 0, 1 } }, /* absolute */
	{ 7, { 0x8b, 0x84, 0xc3, 0, 0, 0, 1 } }, /* disp32(%rbx,%rax,8) */
	{ 4, { 0x41, 0x8b, 0x45, 0 } },		 /* 0(%r13) */
	{ 9, { 0xa1, 1, 2, 3, 4, 5, 0, 0, 0 } }, /* movabs moffs,%eax */
	{ 6, { 0x67, 0xa1, 1, 2, 3, 4 } },	 /* the same, 32-bit */
	{ 10, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } }, /* movabs imm64 */
	{ 5, { 0xb8, 1, 2, 3, 4 } },
	{ 4, { 0x66, 0xb8, 1, 2 } },
	{ 2, { 0xb0, 1 } },
	{ 6, { 0xc7, 0x03, 1, 2, 3, 4 } },
	{ 7, { 0x48, 0xc7, 0x03, 1, 2, 3, 4 } },
	{ 5, { 0x66, 0xc7, 0x03, 1, 2 } },
	{ 3, { 0xc6, 0x03, 1 } },
	{ 3, { 0x83, 0x03, 1 } },
	{ 6, { 0x81, 0x03, 1, 2, 3, 4 } },
	{ 3, { 0x0f, 0xb6, 0x03 } },
	{ 4, { 0x48, 0x0f, 0xbe, 0x03 } },
	{ 3, { 0xf6, 0x03, 1 } }, /* TEST has an immediate ... */
	{ 2, { 0xf6, 0x13 } },	  /* ... NOT has none */
	{ 6, { 0xf7, 0x03, 1, 2, 3, 4 } },
	{ 3, { 0xf3, 0x48, 0xa5 } },
	{ 1, { 0x50 } },
	{ 5, { 0x68, 1, 2, 3, 4 } },
	{ 2, { 0x6a, 1 } },
	{ 4, { 0x64, 0x67, 0x8b, 0x03 } },
	{ 3, { 0x48, 0x66, 0xa5 } }, /* a REX that is not last is dead */
	{ 15,
	  { 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x8b, 0x84, 0x03, 1,
	    2, 3, 4 } },
};

static void lengths_are_those_of_the_manual(void **state)
{
	struct world *w = harness_new();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		harness_code(w, table[i].bytes, 15);
		decode(w, EMUL_DONE);
		assert_int_equal(w->e.insn.length, table[i].length);
	}
}

#define SLOT  32
#define SLOTS 6000

static u64 next_random(void)
{
	static u64 x = 0x2545f4914f6cdd1dull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 11;
}

/** A random opcode that has a row; its ModRM byte as well, in a group. */
static unsigned int random_opcode(enum emul_mode mode, u8 *bytes)
{
	unsigned int n = 0;

	for (;;) {
		u8 map = next_random() & 1, byte = next_random(),
		   modrm = next_random();
		const struct opcode *row = opcodes_row(map, byte);

		if (row->op == OP_UNKNOWN ||
		    (row->src == Ed && mode != MODE_64) ||
		    (mode == MODE_64 && map == MAP_ONE_BYTE &&
		     (byte & 0xf0) == 0x40) ||
		    (row->src == M && modrm >= 0xc0)) {
			continue;
		}
		if (row->op == OP_GROUP &&
		    opcodes_member(row, modrm >> 3 & 7)->op == OP_UNKNOWN) {
			continue;
		}
		if (map == MAP_0F) {
			bytes[n++] = 0x0f;
		}
		bytes[n++] = byte;
		bytes[n++] = modrm;
		return n;
	}
}

/** Each of the prefixes at most once, REX last. */
static unsigned int random_prefixes(enum emul_mode mode, u8 *bytes)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x64, 0xf3 };
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		if (n < 2 && next_random() % 5 == 0) {
			bytes[n++] = prefixes[i];
		}
	}
	if (mode == MODE_64 && next_random() % 2) {
		bytes[n++] = 0x40 | (next_random() & 0xf);
	}
	return n;
}

/** Fill slots of 32 bytes with an instruction each and NOPs behind it. */
static void fill_slots(enum emul_mode mode, u8 *slots)
{
	unsigned int i, n;

	memset(slots, 0x90, SLOT * SLOTS);
	for (i = 0; i < SLOTS; i++) {
		u8 *slot = slots + SLOT * i;

		n = random_prefixes(mode, slot);
		n += random_opcode(mode, slot + n);
		slot[n] =
			next_random(); /* a SIB byte, or whatever comes next */
	}
}

/** objdump's lengths: the address of the second instruction in each slot. */
static void ask_objdump(const char *machine, const u8 *slots, u8 *lengths)
{
	char name[] = "/tmp/exit49-decode-XXXXXX", command[160], line[256];
	int file = mkstemp(name);
	FILE *output;

	assert_int_equal(write(file, slots, SLOT * SLOTS), SLOT * SLOTS);
	close(file);
	snprintf(command, sizeof(command),
		 "objdump -D -z -w -b binary -m %s %s", machine, name);
	output = popen(command, "r");
	assert_non_null(output);
	while (fgets(line, sizeof(line), output)) {
		unsigned int address, i;
		char colon;

		if (sscanf(line, " %x%c", &address, &colon) != 2 ||
		    colon != ':') {
			continue;
		}
		i = address / SLOT;
		if (address % SLOT && i < SLOTS && !lengths[i]) {
			lengths[i] = address % SLOT;
		}
	}
	assert_int_equal(pclose(output), 0);
	unlink(name);
}

static void check_mode(enum emul_mode mode, const char *machine)
{
	static u8 slots[SLOT * SLOTS], lengths[SLOTS];
	struct world *w = harness_new();
	unsigned int i, j;

	memset(lengths, 0, sizeof(lengths));
	fill_slots(mode, slots);
	ask_objdump(machine, slots, lengths);
	w->e.mode = mode;
	w->e.stack_size = 4;
	for (i = 0; i < SLOTS; i++) {
		harness_code(w, slots + SLOT * i, SLOT);
		w->e.rip = CODE_AT;
		if (decode_run(&w->e) == EMUL_DONE &&
		    w->e.insn.length == lengths[i]) {
			continue;
		}
		if (w->e.exception.vector == VECTOR_GP &&
		    w->e.exception.has_error_code) {
			w->e.exception.vector =
				0; /* a random address that is not canonical */
			if (w->e.insn.length == lengths[i]) {
				continue;
			}
		}
		for (j = 0; j < SLOT; j++) {
			print_error("%02x ", slots[SLOT * i + j]);
		}
		fail_msg("%s: length %u, objdump says %u", machine,
			 w->e.insn.length, lengths[i]);
	}
}

static void random_encodings_are_as_long_as_objdump_says(void **state)
{
	(void)state;
	if (system("objdump --version >/dev/null 2>&1")) {
		skip();
	}
	check_mode(MODE_64, "i386:x86-64");
	check_mode(MODE_32, "i386");
	check_mode(MODE_16, "i8086");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_those_of_the_manual),
		cmocka_unit_test(random_encodings_are_as_long_as_objdump_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
