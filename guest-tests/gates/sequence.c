/** @file
 * Sequences at random (sequence.h).
 *
 * Each element is a few bytes.  What an instruction takes from the stack is
 * pushed in front of it; where it goes on is the next element's place.  Most
 * selectors are good, and the others end the sequence by an exception.
 *
 * The generator knows the level that the sequence is at: a good return to
 * level 3 changes it, and nothing else does, since handlers return.
 *
 * QEMU knows no limits of segments (SDM 3A 5.3), and what may be accessed by
 * which (SDM 3A 5.5) only when a segment is loaded: there the short ones are
 * left out, and memory is accessed by SS.
 *
 * Level 0 may end in virtual-8086 mode.
 *
 * Not chosen: NT, as tasks are not emulated; a short stack at level 0,
 * which leaves no place to report an exception on.
 */
#include "guest-tests/gates/sequence.h"

#include "guest-tests/gates/arena.h"

#define FLAGS_STATUS 0x8d5u
#define FLAGS_TF 0x100u
#define FLAGS_IOPL 0x3000u
#define FLAGS_VM 0x20000u
#define FLAGS_RF_AC_ID 0x250000u

/** Where the next byte goes, and what is known there. */
struct writer {
	u64 *random;
	u8 *at;
	unsigned int level;
};

static u32 below(struct writer *w, u32 n)
{
	return arena_below(w->random, n);
}

static void put(struct writer *w, u8 byte)
{
	*w->at++ = byte;
}

static void put_two(struct writer *w, u8 first, u8 second)
{
	put(w, first);
	put(w, second);
}

static void put_long(struct writer *w, u32 value)
{
	for (unsigned int i = 0; i < 4; i++) {
		put(w, (u8)(value >> 8 * i));
	}
}

static void put_push(struct writer *w, u32 value)
{
	put(w, 0x68);
	put_long(w, value);
}

/** Offset of the byte that is n behind the next one. */
static u32 here(const struct writer *w, u32 n)
{
	return (u32)(u64)w->at - ARENA + n;
}

static u16 own_code(const struct writer *w)
{
	return w->level ? CODE_3 | 3 : CODE_0;
}

/** Mostly the code of now; else any selector. */
static u16 some_code(struct writer *w)
{
	return below(w, 6) ? own_code(w)
			   : arena_selector((u16)(
				     8 * below(w, GDT_BYTES / 8 + 1) +
				     below(w, 4)));
}

static u16 any_selector(struct writer *w)
{
	return arena_selector((u16)(8 * below(w, GDT_BYTES / 8 + 1) +
				    (below(w, 2) ? w->level : below(w, 4))));
}

/** Not TF, NT, VM: status flags, DF, IF, IOPL, and RF, AC, ID. */
static u32 some_flags(struct writer *w)
{
	return ((u32)arena_random(w->random) &
		(FLAGS_STATUS | FLAGS_IOPL | FLAGS_RF_AC_ID)) |
	       2;
}

static void put_interrupt(struct writer *w)
{
	static const u8 others[] = { 0xcc, 0xce };

	if (below(w, 6) == 0) {
		put(w, others[below(w, 2)]);
	} else {
		put_two(w, 0xcd, (u8)(VECTOR_GATES + below(w, GATES)));
	}
}

/** Through a gate, mostly; the offset means nothing then. */
static void put_far_call(struct writer *w)
{
	u16 gate = (u16)(CALL_GATES + 8 * below(w, 4) +
			 (below(w, 3) ? w->level : below(w, 4)));

	put(w, 0x9a);
	put_long(w, below(w, 0x10000));
	put(w, (u8)gate);
	put(w, 0);
}

static void put_far_jump(struct writer *w)
{
	put(w, 0xea);
	put_long(w, here(w, 6));
	put(w, (u8)some_code(w));
	put(w, 0);
}

/** RET to the next element, or with an odd selector nowhere. */
static void put_far_return(struct writer *w)
{
	put_push(w, some_code(w));
	put_push(w, here(w, 6));
	put(w, 0xcb);
}

static void put_iret(struct writer *w)
{
	put_push(w, some_flags(w));
	put_push(w, some_code(w));
	put_push(w, here(w, 6));
	put(w, 0xcf);
}

/** To level 3, with a stack of its own: by IRET or RET. */
static void put_outer(struct writer *w)
{
	bool iret = below(w, 2), good = below(w, 3);
	u16 stack = good ? DATA_3 | 3 : any_selector(w);

	put_push(w, stack);
	put_push(w, ARENA_STACK - 0x40);
	if (iret) {
		put_push(w, some_flags(w));
	}
	put_push(w, CODE_3 | 3);
	put_push(w, here(w, 6));
	put(w, iret ? 0xcf : 0xcb);
	w->level = 3;
}

static void put_return(struct writer *w)
{
	switch (below(w, w->level ? 2 : 3)) {
	case 0:
		put_far_return(w);
		break;
	case 1:
		put_iret(w);
		break;
	default:
		put_outer(w);
		break;
	}
}

/** MOV EAX, a selector; MOV segment, EAX.  SS at level 3 only. */
static void put_segment(struct writer *w)
{
	static const u8 registers[] = { 0, 3, 4, 5, 2 };
	u8 reg = registers[below(w, w->level ? 5 : 4)];

	put(w, 0xb8);
	put_long(w, below(w, 4) || reg == 2 ? any_selector(w)
					    : (w->level ? DATA_3 | 3 : DATA_0));
	put_two(w, 0x8e, 0xc0 | reg << 3);
}

/** Flags are loaded, and looked at. */
static void put_flags(struct writer *w)
{
	put_push(w, some_flags(w));
	put(w, 0x9d);
	put(w, 0x9c);
	put(w, 0x59); /* POP ECX */
}

/** Five instructions with TF; the last POPF still has its trap. */
static void put_steps(struct writer *w)
{
	put_push(w, FLAGS_TF | 2);
	put(w, 0x9d);
	put_two(w, 0x90, 0x40);
	put_two(w, 0xcd, (u8)(VECTOR_GATES + below(w, GATES)));
	put_push(w, 2);
	put(w, 0x9d);
}

/** LAR, LSL EAX, CX; VERR, VERW CX; and what ZF says. */
static void put_verify(struct writer *w)
{
	static const u8 last[] = { 0x02, 0xc1, 0x03, 0xc1, 0x00, 0xe1,
				   0x00, 0xe9 };
	unsigned int which = 2 * below(w, 4);

	put(w, 0xb9);
	put_long(w, any_selector(w));
	put(w, 0x0f);
	put_two(w, last[which], last[which + 1]);
	put(w, 0x9c);
	put(w, 0x5a); /* POP EDX */
}

/** What depends on the level, or is an exception at any. */
static void put_system(struct writer *w)
{
	static const u8 codes[][3] = {
		{ 0xfa, 0x90, 0x90 }, /* CLI */
		{ 0xe6, 0x80, 0x90 }, /* OUT */
		{ 0x0f, 0x00, 0xc8 }, /* STR EAX */
		{ 0x0f, 0x00, 0xc0 }, /* SLDT EAX */
		{ 0x0f, 0x20, 0xc0 }, /* MOV EAX, CR0 */
		{ 0x0f, 0x06, 0x90 }, /* CLTS */
		{ 0x0f, 0x0b, 0x90 }, /* UD2 */
		{ 0x31, 0xc9, 0x90 }, /* XOR ECX, ECX, for ... */
		{ 0xf7, 0xf1, 0x90 }, /* DIV ECX */
		{ 0x0f, 0x00, 0xd9 }, /* LTR CX */
	};
	unsigned int which = below(w, ARRAY_SIZE(codes));

	for (unsigned int i = 0; i < 3; i++) {
		put(w, codes[which][i]);
	}
}

/**
 * ADD to memory by DS or another segment, inside of its limit or not, by a null
 * selector, to code: QEMU looks at nothing of it, so there it is SS.
 */
static void put_memory(struct writer *w)
{
	static const u8 segments[] = { 0x3e, 0x26, 0x64, 0x65, 0x2e };
	u8 segment = segments[below(w, ARRAY_SIZE(segments))];

	put(w, arena_is_qemu() ? 0x36 : segment);
	put_two(w, below(w, 2) ? 0x01 : 0x03, 0x05);
	put_long(w, below(w, 8) || arena_is_qemu()
			    ? ARENA_DATA + 4 * below(w, 64)
			    : 0xfffd + below(w, 8));
}

static void put_element(struct writer *w)
{
	static void (*const elements[])(struct writer *w) = {
		put_interrupt, put_interrupt, put_interrupt, put_far_call,
		put_far_call,  put_far_jump,  put_return,    put_return,
		put_segment,   put_segment,   put_flags,     put_steps,
		put_verify,    put_system,    put_memory,
	};

	elements[below(w, ARRAY_SIZE(elements))](w);
}

/** 16-bit code at the arena's own address, its gates, and the end. */
static void put_8086_code(struct writer *w)
{
	for (unsigned int i = below(w, 4); i; i--) {
		put(w, (u8)(0x40 + below(w, 3))); /* INC AX, CX, DX */
		put_two(w, 0xcd, (u8)(VECTOR_GATES + below(w, GATES)));
	}
}

/** IRET to virtual-8086 mode, with the sequence's stack; IOPL mostly 3. */
static void put_8086(struct writer *w)
{
	u32 flags = some_flags(w) | FLAGS_VM;

	for (unsigned int i = 0; i < 4; i++) {
		put_push(w, (ARENA >> 4) + below(w, 16));
	}
	put_push(w, ARENA >> 4);
	put_push(w, ARENA_STACK - 0x80);
	put_push(w, below(w, 6) ? flags | FLAGS_IOPL : flags);
	put_push(w, ARENA >> 4);
	put_push(w, below(w, 12) ? here(w, 6) : 0x10000);
	put(w, 0xcf);
	put_8086_code(w);
}

void sequence_make(u64 *random, unsigned int level, unsigned int length)
{
	struct writer w = { random, arena_at(ARENA_SEQUENCE), level };

	put(&w, 0xbc); /* MOV ESP */
	put_long(&w, ARENA_STACK);
	while (length--) {
		put_element(&w);
	}
	if (w.level == 0 && below(&w, 3) == 0) {
		put_8086(&w);
	}
	put_two(&w, 0xcd, VECTOR_END);
}
