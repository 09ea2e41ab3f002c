/** @file
 * How long instructions are.
 *
 * The decoder's lengths are compared with a table made by hand and, for
 * millions of random byte strings in all three modes, with Zydis.  What our
 * decoder takes must be as long as Zydis says; where it says #UD or #GP, there
 * must be no instruction.  An opcode without a row claims nothing: those are in
 * unsupported.txt.
 *
 * links: emulator/test/harness.c
 * libraries: -lZydis
 */
#include "emulator/test/harness.h"

#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "emulator/decode.h"

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
		harness_decode(w, EMUL_DONE);
		assert_int_equal(w->e.insn.length, table[i].length);
	}
}

#define STRINGS 3000000u /* of each mode */

static u64 next_random(void)
{
	static u64 x = 0x2545f4914f6cdd1dull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x >> 11;
}

/** Sometimes none, mostly a few, now and then too many. */
static unsigned int random_prefixes(u8 *bytes)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x66, 0xf2, 0xf3, 0xf0,
				       0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				       0x48, 0x41, 0x4f, 0x44 };
	unsigned int i, count = next_random() % 4;

	if (next_random() % 64 == 0) {
		count = next_random() % 16;
	}
	for (i = 0; i < count; i++) {
		bytes[i] = prefixes[next_random() % ARRAY_SIZE(prefixes)];
	}
	return count;
}

/** Sixteen bytes: prefixes, perhaps 0Fh or 0Fh 38h, and whatever comes. */
static void random_string(u8 bytes[INSN_MAX + 1])
{
	u64 noise[2] = { next_random() << 11 ^ next_random(),
			 next_random() << 11 ^ next_random() };
	unsigned int n;

	memcpy(bytes, noise, INSN_MAX + 1);
	n = random_prefixes(bytes);
	if (n < INSN_MAX && next_random() % 2) {
		bytes[n] = 0x0f;
		if (next_random() % 8 == 0) {
			bytes[n + 1] = 0x38;
		}
	}
}

static void fail_string(const u8 *bytes, enum emul_mode mode, int ours,
			int theirs)
{
	char text[3 * INSN_MAX + 1] = "";
	unsigned int i;

	for (i = 0; i < INSN_MAX; i++) {
		snprintf(&text[3 * i], 4, "%02x ", bytes[i]);
	}
	fail_msg("%u-bit code, %s: %d bytes, Zydis says %d (-1: no "
		 "instruction)",
		 8 * mode, text, ours, theirs);
}

/** The instruction's length; -1: Zydis knows none. */
static int zydis_length(const ZydisDecoder *decoder, const u8 *bytes)
{
	ZydisDecodedInstruction insn;
	ZyanStatus status = ZydisDecoderDecodeInstruction(decoder, ZYAN_NULL,
							  bytes, INSN_MAX,
							  &insn);

	return ZYAN_SUCCESS(status) ? insn.length : -1;
}

/** The same of ours; 0: there is no row. */
static int our_length(struct world *w)
{
	enum emul_result result = decode_run(&w->e);

	if (result == EMUL_DONE) {
		return w->e.insn.length;
	}
	return result == EMUL_FAULT ? -1 : 0;
}

/** @return how many of the strings our decoder has taken */
static unsigned int check_mode(enum emul_mode mode, ZydisMachineMode machine,
			       ZydisStackWidth width)
{
	struct world *w = harness_new();
	unsigned int i, taken = 0;
	u8 bytes[INSN_MAX + 1];
	ZydisDecoder decoder;

	assert_true(
		ZYAN_SUCCESS(ZydisDecoderInit(&decoder, machine, width)));
	w->e.mode = mode;
	w->e.stack_size = 4;
	for (i = 0; i < STRINGS; i++) {
		int ours, theirs;

		random_string(bytes);
		harness_code(w, bytes, sizeof(bytes));
		ours = our_length(w);
		theirs = ours ? zydis_length(&decoder, bytes) : 0;
		if (ours != theirs) {
			fail_string(bytes, mode, ours, theirs);
		}
		taken += ours > 0;
	}
	return taken;
}

static void random_strings_are_as_long_as_zydis_says(void **state)
{
	unsigned int taken;

	(void)state;
	taken = check_mode(MODE_64, ZYDIS_MACHINE_MODE_LONG_64,
			   ZYDIS_STACK_WIDTH_64);
	taken += check_mode(MODE_32, ZYDIS_MACHINE_MODE_LEGACY_32,
			    ZYDIS_STACK_WIDTH_32);
	taken += check_mode(MODE_16, ZYDIS_MACHINE_MODE_LEGACY_16,
			    ZYDIS_STACK_WIDTH_16);
	print_message("%u strings, %u of them instructions\n", 3 * STRINGS,
		      taken);
	assert_in_range(taken, STRINGS / 2, 3 * STRINGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_are_those_of_the_manual),
		cmocka_unit_test(random_strings_are_as_long_as_zydis_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
