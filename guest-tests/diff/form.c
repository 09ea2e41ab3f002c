/** @file
 * Choosing a form: which row, with which prefixes, registers and values.
 *
 * Everything that a row allows comes up, but for a few things that would make
 * a case meaningless: the register of a bit offset is not the pointer's, a
 * stack pointer stays usable where an exception may come, and 66h is left out
 * where processors differ about it (near branches).
 */
#include "guest-tests/diff/diff.h"

#define RSP 4
#define RBP 5
#define NO_REGISTER 16

/** ENTER's first byte is the allocation, its third the nesting level. */
#define ENTER_BYTES 0x3full
#define ENTER_LEVELS 4

static bool chance(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

static bool takes_66(const struct row *row)
{
	return !row->mandatory && !(row->marks & (ROW_ALONE | ROW_F64));
}

static bool is_string(const struct row *row)
{
	return row->memory == MEMORY_RSI || row->memory == MEMORY_RDI ||
	       row->memory == MEMORY_BOTH;
}

static void add_prefix(struct form *form, u8 prefix)
{
	form->prefixes[form->prefix_count++] = prefix;
}

static void choose_prefixes(struct random *random, struct form *form)
{
	const struct row *row = form->row;

	form->address_size = 8;
	if (takes_66(row) && chance(random, 25)) {
		add_prefix(form, 0x66);
	}
	if (row->memory != MEMORY_STACK && row->memory != MEMORY_RBP &&
	    chance(random, 10)) {
		add_prefix(form, 0x67);
		form->address_size = 4;
	}
	if (chance(random, 8)) {
		static const u8 segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64,
					       0x65 };

		add_prefix(form, segments[random_below(random, 6)]);
	}
	if (is_string(row) && chance(random, 70)) {
		add_prefix(form, chance(random, 50) ? 0xf3 : 0xf2);
	} else if ((row->marks & ROW_LOCKABLE) && chance(random, 20)) {
		add_prefix(form, 0xf0);
	}
	if (chance(random, 60)) {
		form->rex = 0x40 | random_below(random, 16);
	}
	if (row->marks & ROW_SEGMENT) {
		form->rex &= ~4; /* nothing on processors, #UD on Bochs */
	}
	if (row->marks & ROW_PAIR) {
		form->rex &= ~8;
	}
}

/** REX.R, X or B above three bits of ModRM or SIB. */
static unsigned int widened(const struct form *form, unsigned int low, u8 bit)
{
	return low | (form->rex & bit ? 8 : 0);
}

/** A SIB byte: base, index and scale; index 4 without REX.X is none. */
static void choose_sib(struct random *random, struct form *form)
{
	unsigned int base = random_below(random, 8);
	unsigned int index = random_below(random, 8);

	form->sib = random_below(random, 4) << 6 | index << 3 | base;
	form->index = widened(form, index, 2);
	form->base = widened(form, base, 1);
	if (form->index == RSP) {
		form->index = NO_REGISTER;
	}
	if (base == RBP && form->modrm >> 6 == 0) {
		form->base = NO_REGISTER;
	}
}

static void choose_modrm(struct random *random, struct form *form)
{
	unsigned int mod = random_below(random, 3);
	unsigned int rm = random_below(random, 8);
	unsigned int reg = random_below(random, 8);

	if (form->row->member >= 0) {
		reg = form->row->member;
	}
	form->modrm = mod << 6 | reg << 3 | rm;
	form->index = NO_REGISTER;
	form->base = widened(form, rm, 1);
	if (rm == RSP) {
		choose_sib(random, form);
	} else if (rm == RBP && mod == 0) {
		form->base = NO_REGISTER; /* RIP */
	}
	form->displacement = (s8)random_next(random);
	if (mod == 0) {
		form->displacement = 0;
	}
}

/** Is ModRM's choice one with which the case means something? */
static bool is_meaningful(const struct form *form)
{
	unsigned int reg = widened(form, form->modrm >> 3 & 7, 4);
	const struct row *row = form->row;

	if (form->index == form->base && form->index != NO_REGISTER) {
		return false;
	}
	if (row->map == 1 && (row->opcode & 0xf7) == 0xa4 &&
	    (form->modrm & 0xc7) == RBP) {
		/* QEMU: SHLD, SHRD with imm8 count RIP from the wrong byte */
		return false;
	}
	if ((row->marks & ROW_BITS) && row->member < 0 &&
	    (reg == form->base || reg == form->index)) {
		return false;
	}
	if ((row->marks & ROW_SEGMENT) && (form->modrm >> 3 & 7) > 5) {
		return false;
	}
	return !(row->marks & (ROW_DIVIDES | ROW_STACK)) ||
	       (form->base != RSP && form->index != RSP);
}

static void choose_registers(struct random *random, struct form *form,
			     struct state *state)
{
	for (unsigned int i = 0; i < 16; i++) {
		state->gpr[i] = random_value(random);
		state->xmm[i][0] = random_value(random);
		state->xmm[i][1] = random_value(random);
	}
	/* status flags and DF; bit 1 is always set */
	state->rflags = (random_next(random) & 0xcd5) | BIT(1);
	if (form->index != NO_REGISTER) {
		state->gpr[form->index] = random_below(random, 16);
	}
	if (form->row->marks & ROW_BITS) {
		unsigned int reg = widened(form, form->modrm >> 3 & 7, 4);

		if (form->row->member < 0 && reg != RSP) {
			state->gpr[reg] = random_below(random, 1024) - 512;
		}
	}
	if (is_string(form->row)) {
		state->gpr[1] = random_below(random, 7);
	}
}

static void choose_memory(struct random *random, struct form *form)
{
	form->offset = 192 + random_below(random, 128);
	if (form->row->marks & ROW_ALIGNED) {
		form->offset &= ~15;
	}
	form->stack_there = form->row->memory == MEMORY_STACK ||
			    chance(random, 30);
	form->source_there = chance(random, 60);
	form->destination_there = !form->source_there || chance(random, 40);
	if (form->row->memory == MEMORY_RSI) {
		form->source_there = true;
	}
	if (form->row->memory == MEMORY_RDI) {
		form->destination_there = true;
	}
}

static void choose_immediate(struct random *random, struct form *form)
{
	form->immediate = random_value(random);
	if (form->row->immediate == IMMEDIATE_3) {
		form->immediate = random_below(random, ENTER_LEVELS) << 16 |
				  (form->immediate & ENTER_BYTES);
	}
	if (form->row->flow == FLOW_RETURN) {
		form->immediate &= ENTER_BYTES;
	}
	if (form->row->flow == FLOW_RELATIVE) {
		form->immediate = 0;
	}
}

/**
 * What one of the two machines gets wrong is not chosen.  (What one of them
 * does not have is #UD there, and left out by both.c.)
 */
static bool is_deviation(const struct form *form)
{
	const struct row *row = form->row;
	bool narrow = false;

	for (unsigned int i = 0; i < form->prefix_count; i++) {
		narrow |= form->prefixes[i] == 0x66;
	}
	narrow |= row->mandatory == 0x66;
	if (row->map == 2 && row->opcode == 0xf6) {
		return true; /* QEMU: ADCX, ADOX leave nonsense in RFLAGS */
	}
	if (row->map == 0 && (row->opcode | 1) == 0xf7 && row->member == 1) {
		return true; /* QEMU: TEST's second encoding is #UD */
	}
	if (row->map == 2 && (row->opcode & 0xfe) == 0xf0) {
		/* QEMU: 66h goes before REX.W in MOVBE */
		return narrow && (form->rex & 8);
	}
	/* Bochs: ENTER and LEAVE move eight bytes whatever 66h says */
	return row->map == 0 && (row->opcode & 0xfe) == 0xc8 && narrow;
}

static void choose_row(struct random *random, struct form *form)
{
	do {
		*form = (struct form){
			.base = NO_REGISTER,
			.index = NO_REGISTER,
			.row = &rows_list[random_below(random, rows_count)],
		};
		choose_prefixes(random, form);
	} while (is_deviation(form));
}

void form_choose(u64 seed, struct form *form, struct state *state)
{
	struct random random = { seed * 0x9e3779b97f4a7c15ull | 1 };

	random_next(&random);
	random_next(&random);
	choose_row(&random, form);
	if (form->row->memory == MEMORY_MODRM) {
		do {
			choose_modrm(&random, form);
		} while (!is_meaningful(form));
	}
	choose_registers(&random, form, state);
	choose_memory(&random, form);
	choose_immediate(&random, form);
}
