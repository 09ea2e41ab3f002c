/** @file
 * The same 16-bit code on the processor and in the emulator.
 *
 * Sequences of random instructions (random.h) run in real mode twice, from the
 * same registers and memory: as the VM does it, which is on the processor if
 * its guests are unrestricted, and emulated.  All that they leave behind must
 * be the same.  A sequence that differs is tried again from its beginning, one
 * instruction more each time, until it is clear which one it was.
 *
 *	CS:0     VMCALL		CS:0x300 + 8 * n  vector n: PUSH n, and there
 *	CS:0x10  IRET		CS:0x8000         the sequence
 */
#include "guest-tests/lib/boot.h"
#include "guest-tests/lib/test.h"
#include "guest-tests/lib/text.h"
#include "guest-tests/real/code16.h"
#include "guest-tests/real/random.h"

#define RETURN_AT 0x10
#define VECTORS_AT 0x300
#define SEQUENCE_AT 0x8000
#define STACK_AT 0xe800 /* RANDOM_WINDOW bytes; SP in their middle */

#define CASES 400
#define VECTORS 32

/** Of EFLAGS; the others are no arithmetic's. */
#define FLAGS_COMPARED 0xed5

/** All that a run leaves behind. */
struct outcome {
	struct hypercall_real r;
	u8 data[RANDOM_WINDOW];
	u8 stack[RANDOM_WINDOW];
};

static struct random_code code;
static u8 data_before[RANDOM_WINDOW] __aligned(8);
static struct outcome native, emulated;

static void copy(void *to, const void *from, u64 bytes)
{
	asm volatile("rep movsb"
		     : "+D"(to), "+S"(from), "+c"(bytes)
		     :
		     : "memory");
}

/** Every vector ends the sequence, but those of INT n. */
static void write_vectors(void)
{
	u8 *at = (u8 *)(u64)(REAL_CODE + VECTORS_AT);

	for (unsigned int n = 0; n < VECTORS; n++) {
		u16 back = (u16)-(VECTORS_AT + 8 * n + 5);
		u8 handler[8] = { 0x6a, (u8)n, 0xe9, (u8)back,
				  (u8)(back >> 8) };

		copy(at + 8ul * n, handler, sizeof(handler));
		real_set_vector(n, (u16)(VECTORS_AT + 8 * n));
	}
	*(u8 *)(u64)(REAL_CODE + RETURN_AT) = 0xcf; /* IRET */
	real_set_vector(3, RETURN_AT);
	real_set_vector(4, RETURN_AT);
	real_set_vector(RANDOM_VECTOR, RETURN_AT);
}

static void write_sequence(unsigned int length)
{
	u8 *at = (u8 *)(u64)(REAL_CODE + SEQUENCE_AT);

	for (unsigned int i = 0; i < length; i++) {
		copy(at, code.bytes[i], code.size[i]);
		at += code.size[i];
	}
	copy(at, code16_back, (u64)(code16_back_end - code16_back));
}

static void choose_registers(u64 seed, struct hypercall_real *r)
{
	u64 random = seed * 0xbf58476d1ce4e5b9ull | 1;

	for (unsigned int i = 0; i < 3; i++) {
		r->gpr[i] = (u32)(random_next(&random) >> 8);
	}
	for (unsigned int i = 3; i < 8; i++) {
		r->gpr[i] = 0x100 + (random_next(&random) >> 20) % 0x300;
	}
	r->gpr[4] = STACK_AT + RANDOM_WINDOW / 2;
	r->eflags |= (random_next(&random) >> 9) & 0x8d5;
	r->eip = SEQUENCE_AT;
	r->segment[REAL_FS] = REAL_DATA >> 4;
	r->segment[REAL_GS] = REAL_DATA >> 4;
	for (unsigned int i = 0; i < RANDOM_WINDOW; i += 8) {
		*(u64 *)(data_before + i) = random_next(&random);
	}
}

static void run(u64 seed, u16 flags, struct outcome *out)
{
	u8 *data = (u8 *)(u64)REAL_DATA;
	u8 *stack = (u8 *)(u64)(REAL_STACK + STACK_AT);

	CODE16_PREPARE(&out->r, code16_back);
	choose_registers(seed, &out->r);
	out->r.flags = flags;
	copy(data, data_before, RANDOM_WINDOW);
	copy(stack, data_before, RANDOM_WINDOW);
	/* Where BP points to is in the stack's segment, too. */
	copy((u8 *)(u64)REAL_STACK, data_before, RANDOM_WINDOW);
	real_run(&out->r);
	copy(out->data, data, RANDOM_WINDOW);
	copy(out->stack, stack, RANDOM_WINDOW);
}

static bool differs(const void *a, const void *b, u64 bytes)
{
	const u8 *x = a, *y = b;

	for (u64 i = 0; i < bytes; i++) {
		if (x[i] != y[i]) {
			return true;
		}
	}
	return false;
}

/** What differs, in words; NULL: nothing.  EAX is in EBP. */
static const char *difference(void)
{
	static const char *const names[8] = { NULL, "ECX", "EDX", "EBX",
					      "ESP", "EAX", "ESI", "EDI" };
	u32 flags = native.r.eflags ^ emulated.r.eflags;

	for (unsigned int i = 1; i < ARRAY_SIZE(names); i++) {
		if (native.r.gpr[i] != emulated.r.gpr[i]) {
			return names[i];
		}
	}
	if (differs(native.r.segment, emulated.r.segment,
		    sizeof(native.r.segment))) {
		return "a segment register";
	}
	if (differs(native.data, emulated.data, RANDOM_WINDOW)) {
		return "memory";
	}
	if (differs(native.stack, emulated.stack, RANDOM_WINDOW)) {
		return "the stack";
	}
	return flags & FLAGS_COMPARED ? "EFLAGS" : NULL;
}

static const char *try(u64 seed, unsigned int length)
{
	write_sequence(length);
	run(seed, 0, &native);
	run(seed, REAL_EMULATED, &emulated);
	return difference();
}

static void add_bytes(struct text *text, unsigned int n)
{
	for (unsigned int i = 0; i < code.size[n]; i++) {
		text_add_hex(text, code.bytes[n][i]);
		text_add(text, " ");
	}
}

/** Find the instruction, and fail. */
static void explain(u64 seed)
{
	struct text text = { .length = 0 };
	const char *what = NULL;
	unsigned int length = 0;

	while (!what && ++length < RANDOM_LENGTH) {
		what = try(seed, length);
	}
	text_add(&text, what ? what : "something");
	text_add(&text, " differs behind ");
	add_bytes(&text, length - 1);
	text_add(&text, "seed ");
	text_add_decimal(&text, seed);
	check_text(CHECK_PLACE("16-bit code does in the emulator what it does "
			       "on the processor (spec 9)", FORMAT_TEXT),
		   text.buffer, "no difference");
}

TEST(code_at_random_does_what_the_processor_does)
{
	u64 seed = boot_info()->seed;

	write_vectors();
	for (u64 end = seed + CASES; seed < end; seed++) {
		random_make(seed, &code);
		if (try(seed, RANDOM_LENGTH)) {
			explain(seed);
		}
	}
	CHECK_TRUE(emulated.r.emulations > 0, "one of the two was emulated");
}
