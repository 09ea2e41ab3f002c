/** @file
 * The flag formulas against the processor that runs this.
 *
 * All pairs of operands with carry in 0 and 1 at 8 bits, random and edge
 * values at 16, 32 and 64.  AF after the logical operations is undefined in
 * the SDM and left out.
 */
#include "emulator/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CF 1ull
#define AF 0x10ull

enum operation { ADD, ADC, SUB, SBB, AND, OR, XOR, INC, DEC, NEG, OPERATIONS };

/**
 * One operation on the processor, its operands in registers of one width.
 * The stack pointer first leaves the compiler's red zone alone.
 */
#define NATIVE(width, mnemonic, operands)                                  \
	__asm__ volatile(                                                  \
		"leaq -128(%%rsp), %%rsp; pushq %[f]; popfq; " mnemonic    \
		" " operands "; pushfq; popq %[f]; leaq 128(%%rsp), %%rsp" \
		: [a] "+r"(a.width), [f] "+r"(flags)                       \
		: [b] "r"(b.width)                                         \
		: "cc", "memory")

union value {
	u8 b;
	u16 w;
	u32 l;
	u64 q;
};

#define NATIVE_WIDTH(width, suffix, prefix)                                \
	static u64 native_##width(enum operation operation, union value a, \
				  union value b, u64 *rflags)              \
	{                                                                  \
		u64 flags = *rflags;                                       \
		switch (operation) {                                       \
		case ADD:                                                  \
			NATIVE(width, "add" suffix, TWO(prefix));          \
			break;                                             \
		case ADC:                                                  \
			NATIVE(width, "adc" suffix, TWO(prefix));          \
			break;                                             \
		case SUB:                                                  \
			NATIVE(width, "sub" suffix, TWO(prefix));          \
			break;                                             \
		case SBB:                                                  \
			NATIVE(width, "sbb" suffix, TWO(prefix));          \
			break;                                             \
		case AND:                                                  \
			NATIVE(width, "and" suffix, TWO(prefix));          \
			break;                                             \
		case OR:                                                   \
			NATIVE(width, "or" suffix, TWO(prefix));           \
			break;                                             \
		case XOR:                                                  \
			NATIVE(width, "xor" suffix, TWO(prefix));          \
			break;                                             \
		case INC:                                                  \
			NATIVE(width, "inc" suffix, ONE(prefix));          \
			break;                                             \
		case DEC:                                                  \
			NATIVE(width, "dec" suffix, ONE(prefix));          \
			break;                                             \
		case NEG:                                                  \
			NATIVE(width, "neg" suffix, ONE(prefix));          \
			break;                                             \
		case OPERATIONS:                                           \
			break;                                             \
		}                                                          \
		*rflags = flags;                                           \
		return a.width;                                            \
	}

#define TWO(prefix) "%" prefix "[b], %" prefix "[a]"
#define ONE(prefix) "%" prefix "[a]"

NATIVE_WIDTH(b, "b", "b")
NATIVE_WIDTH(w, "w", "w")
NATIVE_WIDTH(l, "l", "k")
NATIVE_WIDTH(q, "q", "q")

static u64 native(enum operation operation, struct alu *alu)
{
	union value a = { .q = alu->dst }, b = { .q = alu->src };

	switch (alu->size) {
	case 1:
		return native_b(operation, a, b, &alu->flags);
	case 2:
		return native_w(operation, a, b, &alu->flags);
	case 4:
		return native_l(operation, a, b, &alu->flags);
	default:
		return native_q(operation, a, b, &alu->flags);
	}
}

static u64 ours(enum operation operation, struct alu *alu)
{
	switch (operation) {
	case ADD:
		return flags_add(alu, false);
	case ADC:
		return flags_add(alu, true);
	case SUB:
		return flags_subtract(alu, false);
	case SBB:
		return flags_subtract(alu, true);
	case AND:
		return flags_logic(alu, alu->dst & alu->src);
	case OR:
		return flags_logic(alu, alu->dst | alu->src);
	case XOR:
		return flags_logic(alu, alu->dst ^ alu->src);
	case INC:
		return flags_increment(alu);
	case DEC:
		return flags_decrement(alu);
	case NEG:
		return flags_negate(alu);
	case OPERATIONS:
		break;
	}
	return 0;
}

static void check(enum operation operation, const struct alu *input)
{
	struct alu mine = *input, theirs = *input;
	u64 my_result = ours(operation, &mine);
	u64 their_result = native(operation, &theirs);
	u64 defined = operation >= AND && operation <= XOR ? ~AF : ~0ull;

	if (my_result != their_result ||
	    ((mine.flags ^ theirs.flags) & defined)) {
		fail_msg("operation %d size %u: %llx, %llx: ours %llx %llx, "
			 "processor %llx %llx",
			 operation, input->size, (unsigned long long)input->dst,
			 (unsigned long long)input->src,
			 (unsigned long long)my_result,
			 (unsigned long long)mine.flags,
			 (unsigned long long)their_result,
			 (unsigned long long)theirs.flags);
	}
}

/** Every operation, with all status flags clear and with all set. */
static void check_all(u64 dst, u64 src, unsigned int size)
{
	struct alu alu = { .dst = dst, .src = src, .size = size };
	enum operation operation;

	for (operation = ADD; operation < OPERATIONS; operation++) {
		alu.flags = 0x202;
		check(operation, &alu);
		alu.flags = 0x202 | FLAGS_STATUS;
		check(operation, &alu);
	}
}

static void every_byte_pair_equals_the_processor(void **state)
{
	unsigned int dst, src;

	(void)state;
	for (dst = 0; dst < 256; dst++) {
		for (src = 0; src < 256; src++) {
			check_all(dst, src, 1);
		}
	}
}

/** A xorshift generator: the same numbers in every run. */
static u64 next_random(void)
{
	static u64 x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void random_and_edge_values_equal_the_processor(void **state)
{
	static const u64 edges[] = { 0,		 1,	     0x7f,    0x80,
				     0xff,	 0x7fff,     0x8000,  0xffff,
				     0x7fffffff, 0x80000000, BIT(63), ~0ull,
				     ~BIT(63) };
	unsigned int size, i, j;

	(void)state;
	for (size = 1; size <= 8; size *= 2) {
		for (i = 0; i < ARRAY_SIZE(edges); i++) {
			for (j = 0; j < ARRAY_SIZE(edges); j++) {
				check_all(edges[i], edges[j], size);
			}
		}
		for (i = 0; i < 20000; i++) {
			check_all(next_random(), next_random(), size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_pair_equals_the_processor),
		cmocka_unit_test(random_and_edge_values_equal_the_processor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
