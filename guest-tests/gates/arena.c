/** @file
 * Making the arena (arena.h): the tables of one case.
 */
#include "guest-tests/gates/arena.h"

#include "guest-tests/gates/code.h"

#define PUSH_IMM8 0x6a
#define JMP_REL32 0xe9
#define VECTOR_BYTES 16u
#define EXCEPTIONS 0x30

#define INTERRUPT_32 0x8e
#define TSS_LIMIT 0x67u

/* So many of a case's stacks of level 1 are good. */
#define GOOD_STACKS 4

/* Where the code that call gates lead to is, 16 bytes each. */
#define CALLED (ARENA_VECTORS + 0x600)

u64 arena_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

u32 arena_below(u64 *state, u32 n)
{
	return (u32)((arena_random(state) >> 16) % n);
}

bool arena_is_qemu(void)
{
	u32 eax = 0, ebx, ecx, edx;

	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return ebx == 0x68747541; /* "Auth" */
}

/**
 * QEMU knows no limits of segments (SDM 3A 5.3), and leaves FS and GS their RPL
 * on the way to an outer level when they are null (SDM 2A IRET).
 */
u16 arena_selector(u16 selector)
{
	if (!arena_is_qemu()) {
		return selector;
	}
	if (selector <= 3) {
		return 0;
	}
	return (selector & ~7) == SHORT_CODE ? CODE_0 | (selector & 7)
					     : selector;
}

/**
 * The arena's segments: all have its base.  QEMU does not always set the
 * accessed bit of code (SDM 3A 3.4.5.1); there it is set before.
 */
static u64 segment_of(u8 rights, u32 limit)
{
	rights |= arena_is_qemu();
	return limit | (u64)(ARENA & 0xffffff) << 16 | (u64)rights << 40 |
	       0x40ull << 48;
}

static u64 gate_of(u32 offset, u16 selector, u8 rights, u8 extra)
{
	return (offset & 0xffff) | (u64)selector << 16 | (u64)extra << 32 |
	       (u64)rights << 40 | (u64)(offset >> 16) << 48;
}

/** Offset of a place among the handlers. */
static u32 handler(const u8 *place)
{
	return ARENA_HANDLERS + (u32)(place - code_handlers);
}

/**
 * Code that a gate may lead to: most are good.  Under QEMU none is absent: a
 * JMP through a call gate to it is #GP there (SDM 2A JMP), and see any_gate().
 */
static u16 any_code(u64 *random)
{
	static const u16 selectors[] = {
		CODE_0, CODE_0, CODE_0, CONFORMING,  CODE_1,	 CODE_1,
		CODE_3, DATA_0, 0,	ABSENT_CODE, SHORT_CODE, 0xf8,
	};

	u16 code = selectors[arena_below(random, ARRAY_SIZE(selectors))];

	if (code == ABSENT_CODE && arena_is_qemu()) {
		code = DATA_0;
	}
	return arena_selector(code | arena_below(random, 4));
}

static void make_gdt(u64 *random)
{
	u64 *gdt = (u64 *)arena_at(ARENA_GDT);

	gdt[0] = 0;
	gdt[CODE_0 / 8] = segment_of(0x9b, 0xffff);
	gdt[DATA_0 / 8] = segment_of(0x93, 0xffff);
	gdt[CODE_3 / 8] = segment_of(0xfa, 0xffff); /* not accessed yet */
	gdt[DATA_3 / 8] = segment_of(0xf2, 0xffff);
	gdt[CONFORMING / 8] = segment_of(0x9e, 0xffff);
	gdt[CODE_1 / 8] = segment_of(0xba, 0xffff);
	gdt[DATA_1 / 8] = segment_of(0xb2, 0xffff);
	gdt[ABSENT_CODE / 8] = segment_of(0x1b, 0xffff);
	gdt[ABSENT_DATA / 8] = segment_of(0x33, 0xffff);
	gdt[SHORT_CODE / 8] = segment_of(0x9b, 0xff);
	gdt[SHORT_DATA / 8] = segment_of(0xb3, 0x0f);
	gdt[READ_ONLY / 8] = segment_of(0xf0, 0xffff);
	gdt[EXECUTE_ONLY / 8] = segment_of(0xf8, 0xffff);
	gdt[TSS / 8] = TSS_LIMIT | (u64)(ARENA + ARENA_TSS) << 16 |
		       0x89ull << 40;
	for (unsigned int i = 0; i < 4; i++) {
		u8 type = arena_below(random, 4) ? 0x8c : 0x84;
		u8 count = arena_below(random, 3) ? 0 : arena_below(random, 4);

		count <<= !(type & 8); /* the stack stays aligned */
		if (arena_below(random, 8) == 0) {
			type &= 0x7f; /* absent */
		}
		gdt[CALL_GATES / 8 + i] = gate_of(
			CALLED + 16 * i, any_code(random),
			type | arena_below(random, 4) << 5, count);
		/* RET n of the gate's own width */
		*(u32 *)arena_at(CALLED + 16 * i) =
			type & 8 ? 0xcau | 4u * count << 8
				 : 0xca66u | 2u * count << 16;
	}
}

/**
 * A gate at random, to code that returns as its width asks for.  Under QEMU an
 * INT n that ends in #NP or #TS has been executed: what is pushed is the
 * address behind it (docs/machines.md).  So there nothing is absent.
 */
static u64 any_gate(u64 *random)
{
	static const u8 types[] = { 0x8e, 0x8e, 0x8e, 0x8f, 0x8f, 0x86,
				    0x87, 0x8c, 0x89, 0x82, 0x9e, 0x0e };
	u8 type = types[arena_below(random, ARRAY_SIZE(types))];
	u8 dpl = arena_below(random, 3) ? 3 : arena_below(random, 4);
	u16 code = any_code(random);

	if (arena_is_qemu()) {
		type |= 0x80;
	}
	return gate_of(handler(type & 8 ? code_return : code_return_16), code,
		       type | dpl << 5, 0);
}

/** PUSH n, JMP code_common; behind an error code, if there is one. */
static void make_vector(u8 n)
{
	u32 at = ARENA_VECTORS + VECTOR_BYTES * n;
	u8 *code = arena_at(at);

	code[0] = PUSH_IMM8;
	code[1] = n;
	code[2] = JMP_REL32;
	*(u32 *)(code + 3) = handler(code_common) - (at + 7);
	((u64 *)arena_at(ARENA_IDT))[n] =
		gate_of(at, CODE_0, INTERRUPT_32, 0);
}

static void make_idt(u64 *random)
{
	u64 *idt = (u64 *)arena_at(ARENA_IDT);

	for (unsigned int n = 0; n < EXCEPTIONS; n++) {
		make_vector((u8)n);
	}
	idt[VECTOR_DB] = gate_of(handler(code_step), CODE_0, INTERRUPT_32, 0);
	idt[VECTOR_BP] = any_gate(random);
	idt[VECTOR_OF] = any_gate(random);
	idt[VECTOR_END] |= 0x60ull << 40;
	for (unsigned int n = 0; n < GATES; n++) {
		idt[VECTOR_GATES + n] = any_gate(random);
	}
}

/** The stack of level 1.  Under QEMU it is good: for #TS see above, and a stack
 * that is absent is #TS there in place of #SS (SDM 2A INT n). */
static void make_tss(u64 *random)
{
	static const u16 stacks[] = { DATA_1 | 1, DATA_1 | 1, DATA_1 | 1,
				      DATA_1 | 1, DATA_1,     ABSENT_DATA | 1,
				      DATA_3 | 1, CODE_1 | 1, 1, 0xf9 };
	u32 *tss = (u32 *)arena_at(ARENA_TSS);

	tss[1] = ARENA_STACK_0;
	tss[2] = DATA_0;
	tss[3] = ARENA_STACK_1;
	tss[4] = stacks[arena_below(random, arena_is_qemu()
						    ? GOOD_STACKS
						    : ARRAY_SIZE(stacks))];
	tss[25] = TSS_LIMIT + 1; /* no bits for ports */
}

/** What code_enter takes: segments, registers, and what IRET takes. */
static void make_frame(const struct arena_start *start)
{
	u32 *frame = (u32 *)arena_at(ARENA_FRAME);
	bool outer = start->level;
	u32 data = outer ? DATA_3 | 3 : DATA_0;

	for (unsigned int i = 0; i < 4; i++) {
		*frame++ = data;
	}
	for (unsigned int i = 0; i < 8; i++) {
		*frame++ = start->gpr[i];
	}
	*frame++ = ARENA_SEQUENCE;
	*frame++ = outer ? CODE_3 | 3 : CODE_0;
	*frame++ = start->eflags;
	*frame++ = ARENA_STACK;
	*frame++ = data;
}

void arena_make(u64 *random, const struct arena_start *start, u32 number)
{
	u64 *all = (u64 *)arena_at(0);

	for (unsigned int i = 0; i < ARENA_BYTES / 8; i++) {
		all[i] = 0;
	}
	memcpy(arena_at(ARENA_HANDLERS), code_handlers,
	       (u64)(code_handlers_end - code_handlers));
	*(u32 *)arena_at(handler(code_number)) = number;
	make_gdt(random);
	make_idt(random);
	make_tss(random);
	make_frame(start);
}
