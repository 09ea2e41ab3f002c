/** @file
 * 16-bit instructions at random (random.h).
 *
 * Each kind of instruction is a template: bytes in which marks stand for what
 * is chosen.  Behind one that leaves flags undefined comes a comparison that
 * defines all of them, so that nothing depends on what a processor does there.
 */
#include "guest-tests/real/random.h"

/* Marks in templates; other values are bytes. */
enum mark {
	END = 0,
	MODRM = 0x100,	/* any operand, reg AX, CX or DX */
	MODRM_REG,	/* a register, reg as well */
	MODRM_MEM,	/* memory */
	GROUP,		/* + n: any operand, reg field n */
	GROUP_MEM = GROUP + 8,
	GROUP_REG = GROUP_MEM + 8,
	IMM8 = GROUP_REG + 8,
	IMM16,		/* 2 bytes, 4 with an operand-size prefix */
	SMALL,		/* 0 to 7 */
	REG,		/* the byte before + AX, CX or DX */
	CONDITION,	/* the byte before + 0 to 15 */
	OPERATION,	/* the byte before + 8 times 0 to 7 */
	OFFSET,		/* 2 bytes, inside the window */
	DEFINE,		/* a comparison behind it */
	ZERO,
};

/* What prefixes it may have. */
#define SIZE BIT(0)    /* 66h */
#define ADDRESS BIT(1) /* 67h: then its memory is named in 32 bits */
#define SEGMENT BIT(2)
#define LOCK BIT(3)    /* if its operand is memory: it says MEM */
#define ANY (SIZE | ADDRESS | SEGMENT)

struct template {
	u16 prefixes;
	u16 byte[12]; /* the last one END */
};

/* table */
static const struct template templates[] = {
	{ ANY, { ZERO, OPERATION, MODRM } },
	{ ANY, { 0x01, OPERATION, MODRM } },
	{ ANY, { 0x02, OPERATION, MODRM } },
	{ ANY, { 0x03, OPERATION, MODRM } },
	{ ANY, { 0x03, OPERATION, MODRM } },
	{ SIZE, { 0x04, OPERATION, IMM8 } },
	{ SIZE, { 0x05, OPERATION, IMM16 } },
	{ ANY | LOCK, { 0x01, MODRM_MEM } },
	{ ANY | LOCK, { 0x31, MODRM_MEM } },
	{ ANY, { 0x80, GROUP + 0, IMM8 } },
	{ ANY, { 0x81, GROUP + 5, IMM16 } },
	{ ANY, { 0x83, GROUP + 2, IMM8 } },
	{ ANY, { 0x83, GROUP + 7, IMM8 } },
	{ ANY, { 0x84, MODRM, DEFINE } },
	{ ANY, { 0x85, MODRM, DEFINE } },
	{ ANY, { 0x86, MODRM } },
	{ ANY, { 0x87, MODRM } },
	{ ANY, { 0x88, MODRM } },
	{ ANY, { 0x89, MODRM } },
	{ ANY, { 0x8a, MODRM } },
	{ ANY, { 0x8b, MODRM } },
	{ ANY, { 0x8c, GROUP + 1 } }, /* MOV r/m, CS and DS */
	{ ANY, { 0x8c, GROUP + 3 } },
	{ ANY, { 0x8d, MODRM_MEM } }, /* LEA */
	{ ANY, { 0x8f, GROUP_MEM + 0 } },
	{ SIZE, { 0x40, REG } },
	{ SIZE, { 0x48, REG } },
	{ SIZE, { 0x50, REG } },
	{ SIZE, { 0x58, REG } },
	{ 0, { 0x06 } }, /* PUSH ES, CS, DS */
	{ 0, { 0x0e } },
	{ 0, { 0x1e } }, /* with 66h the upper half is anything (SDM 2B PUSH) */
	{ 0, { 0x1e, 0x07 } }, /* PUSH DS, POP ES */
	{ 0, { 0x60 } },
	{ SIZE, { 0x68, IMM16 } },
	{ SIZE, { 0x6a, IMM8 } },
	{ ANY, { 0x69, MODRM, IMM16, DEFINE } },
	{ ANY, { 0x6b, MODRM, IMM8, DEFINE } },
	{ 0, { 0x70, CONDITION, 1, 0x90 } }, /* Jcc over a NOP */
	{ SIZE, { 0x91 } }, /* XCHG AX, CX */
	{ SIZE, { 0x92 } },
	{ SIZE, { 0x98 } }, /* CBW */
	{ SIZE, { 0x99 } },
	{ SIZE, { 0x9c } }, /* PUSHF */
	{ 0, { 0x9c, 0x9d } },
	{ 0, { 0x9e } }, /* SAHF */
	{ 0, { 0x9f } },
	{ SEGMENT, { 0xa0, OFFSET } },
	{ SEGMENT | SIZE, { 0xa1, OFFSET } },
	{ SEGMENT, { 0xa2, OFFSET } },
	{ SEGMENT | SIZE, { 0xa3, OFFSET } },
	{ SIZE | SEGMENT, { 0xa5 } }, /* MOVS */
	{ 0, { 0xb9, SMALL, ZERO, 0xf3, 0xa5 } }, /* REP MOVS */
	{ 0, { 0xb9, SMALL, ZERO, 0x66, 0xf3, 0xa5 } },
	{ 0, { 0xb9, SMALL, ZERO, 0xf2, 0xa6 } }, /* REPNE CMPS */
	{ 0, { 0xfd, 0xa5, 0xfc } }, /* STD, MOVS, CLD */
	{ SIZE, { 0xa6 } },
	{ SIZE, { 0xab } },
	{ SIZE | SEGMENT, { 0xad } },
	{ SIZE, { 0xaf } },
	{ SIZE, { 0xa8, IMM8, DEFINE } },
	{ SIZE, { 0xa9, IMM16, DEFINE } },
	{ 0, { 0xb0, REG, IMM8 } },
	{ SIZE, { 0xb8, REG, IMM16 } },
	{ ANY, { 0xc0, GROUP + 0, SMALL, DEFINE } },
	{ ANY, { 0xc1, GROUP + 4, SMALL, DEFINE } },
	{ ANY, { 0xc1, GROUP + 7, SMALL, DEFINE } },
	{ ANY, { 0xd0, GROUP + 2, DEFINE } },
	{ ANY, { 0xd1, GROUP + 3, DEFINE } },
	{ ANY, { 0xd3, GROUP + 5, DEFINE } },
	{ ANY, { 0xc6, GROUP + 0, IMM8 } },
	{ ANY, { 0xc7, GROUP + 0, IMM16 } },
	{ SIZE, { 0xc8, SMALL, ZERO, ZERO, 0xc9 } }, /* ENTER, LEAVE */
	{ 0, { 0xcd, RANDOM_VECTOR } },
	{ 0, { 0xce } }, /* INTO */
	{ 0, { 0xcc } },
	{ 0, { 0xd4, 10, DEFINE } }, /* AAM */
	{ 0, { 0xd5, 10, DEFINE } },
	{ 0, { 0x27, DEFINE } },
	{ 0, { 0x2f, DEFINE } },
	{ 0, { 0x37, DEFINE } },
	{ 0, { 0x3f, DEFINE } },
	{ SEGMENT, { 0xd7 } }, /* XLAT; BX + AL */
	{ 0, { 0xe2, 1, 0x90 } }, /* LOOP */
	{ 0, { 0xe3, 1, 0x90 } },
	{ 0, { 0xe8, 1, ZERO, 0x90, 0x83, 0xc4, 2 } }, /* CALL, ADD SP */
	{ 0, { 0xeb, 1, 0x90 } },
	{ 0, { 0xe6, 0x80 } }, /* OUT */
	{ 0, { 0xf5 } },
	{ 0, { 0xf8 } },
	{ 0, { 0xf9 } },
	{ ANY, { 0xf6, GROUP + 2 } },
	{ ANY, { 0xf7, GROUP + 3 } },
	{ ANY, { 0xf6, GROUP + 4, DEFINE } },
	{ ANY, { 0xf7, GROUP + 5, DEFINE } },
	{ ANY, { 0xf7, GROUP + 6, DEFINE } }, /* DIV: #DE ends it */
	{ ANY, { 0xfe, GROUP + 1 } },
	{ ANY, { 0xff, GROUP + 0 } },
	{ ANY, { 0xff, GROUP + 6 } },
	{ SIZE, { 0x0f, 0x40, CONDITION, MODRM } },
	{ 0, { 0x0f, 0x90, CONDITION, GROUP + 0 } },
	{ ANY, { 0x0f, 0xb6, MODRM } },
	{ ANY, { 0x0f, 0xb7, MODRM } },
	{ ANY, { 0x0f, 0xbe, MODRM } },
	{ ANY, { 0x0f, 0xbf, MODRM } },
	{ ANY, { 0x0f, 0xaf, MODRM, DEFINE } },
	{ ANY, { 0x0f, 0xba, GROUP + 4, SMALL, DEFINE } },
	{ ANY, { 0x0f, 0xba, GROUP + 5, SMALL, DEFINE } },
	{ SIZE, { 0x0f, 0xb3, MODRM_REG, DEFINE } },
	{ ANY, { 0x0f, 0xa4, MODRM, SMALL, DEFINE } },
	{ ANY, { 0x0f, 0xac, MODRM, SMALL, DEFINE } },
	{ ANY, { 0x0f, 0xb0, MODRM } },
	{ ANY | LOCK, { 0x0f, 0xb1, MODRM_MEM } },
	{ ANY, { 0x0f, 0xc1, MODRM } },
	{ 0, { 0x66, 0x0f, 0xc8, REG } }, /* BSWAP */
	{ 0, { 0x0f, 0x01, GROUP_REG + 4 } }, /* SMSW */
	{ ANY, { 0x0f, 0x01, GROUP_MEM + 0 } }, /* SGDT */
	{ ANY, { 0x0f, 0x01, GROUP_MEM + 1 } },
};
/* end of table */

u64 random_next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/** One instruction as it is written. */
struct writer {
	u64 *random;
	u8 *at;
	bool wide;  /* operand-size prefix */
	bool far32; /* address-size prefix */
};

static u32 below(struct writer *w, u32 n)
{
	return (u32)((random_next(w->random) >> 16) % n);
}

static void put(struct writer *w, u8 byte)
{
	*w->at++ = byte;
}

/** Memory: by 16 bits, any form; by 32 bits, a base and 8 bits. */
static void put_memory(struct writer *w, u8 reg)
{
	static const u8 bases[] = { 3, 5, 6, 7 }; /* EBX EBP ESI EDI */
	u8 rm = below(w, 8), mod = below(w, 3);

	if (w->far32) {
		put(w, 0x40 | reg << 3 | bases[below(w, 4)]);
		put(w, below(w, 0x80));
		return;
	}
	put(w, mod << 6 | reg << 3 | rm);
	if (mod == 2 || (mod == 0 && rm == 6)) {
		put(w, below(w, 256));
		put(w, below(w, 8));
	} else if (mod == 1) {
		put(w, below(w, 256));
	}
}

/** AX, CX or DX; as bytes also AH, CH, DH are no addresses. */
static void put_operand(struct writer *w, u8 reg)
{
	if (below(w, 2)) {
		put(w, 0xc0 | reg << 3 | below(w, 3));
	} else {
		put_memory(w, reg);
	}
}

static void put_random(struct writer *w, unsigned int bytes)
{
	while (bytes--) {
		put(w, below(w, 4) ? below(w, 256) : 0xff * below(w, 2));
	}
}

static void put_group(struct writer *w, u16 mark)
{
	if (mark < GROUP_MEM) {
		put_operand(w, mark - GROUP);
	} else if (mark < GROUP_REG) {
		put_memory(w, mark - GROUP_MEM);
	} else {
		put(w, 0xc0 | (mark - GROUP_REG) << 3 | below(w, 3));
	}
}

static void put_mark(struct writer *w, u16 mark)
{
	switch ((enum mark)mark) {
	case MODRM:
		put_operand(w, below(w, 3));
		return;
	case MODRM_REG:
		put(w, 0xc0 | below(w, 3) << 3 | below(w, 3));
		return;
	case MODRM_MEM:
		put_memory(w, below(w, 3));
		return;
	case IMM8:
		put_random(w, 1);
		return;
	case IMM16:
		put_random(w, w->wide ? 4 : 2);
		return;
	case SMALL:
		put(w, below(w, 8));
		return;
	case REG:
		w->at[-1] += below(w, 3);
		return;
	case CONDITION:
		w->at[-1] += below(w, 16);
		return;
	case OPERATION:
		w->at[-1] += 8 * below(w, 8);
		return;
	case OFFSET:
		put(w, below(w, 256));
		put(w, below(w, 8));
		return;
	case DEFINE:
		put(w, 0x38); /* CMP AL, AL */
		put(w, 0xc0);
		return;
	case ZERO:
		put(w, 0);
		return;
	case END:
	case GROUP:
	case GROUP_MEM:
	case GROUP_REG:
		break;
	}
	put_group(w, mark);
}

static void put_prefixes(struct writer *w, u16 allowed)
{
	static const u8 segments[] = { 0x26, 0x36, 0x3e, 0x64, 0x65 };

	w->wide = (allowed & SIZE) && below(w, 3) == 0;
	w->far32 = (allowed & ADDRESS) && below(w, 5) == 0;
	if (w->wide) {
		put(w, 0x66);
	}
	if (w->far32) {
		put(w, 0x67);
	}
	if ((allowed & SEGMENT) && below(w, 4) == 0) {
		put(w, segments[below(w, ARRAY_SIZE(segments))]);
	}
	if ((allowed & LOCK) && below(w, 2)) {
		put(w, 0xf0);
	}
}

static u8 make_one(u64 *random, u8 *bytes)
{
	struct writer w = { random, bytes, false, false };
	const struct template *t = &templates[below(&w, ARRAY_SIZE(templates))];

	put_prefixes(&w, t->prefixes);
	for (const u16 *byte = t->byte; *byte != END; byte++) {
		if (*byte >= MODRM) {
			put_mark(&w, *byte);
		} else {
			put(&w, (u8)*byte);
		}
	}
	return w.at - bytes;
}

void random_make(u64 seed, struct random_code *code)
{
	u64 random = seed * 0x9e3779b97f4a7c15ull | 1;

	for (unsigned int i = 0; i < RANDOM_LENGTH; i++) {
		code->size[i] = make_one(&random, code->bytes[i]);
	}
}
