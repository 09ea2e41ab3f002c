/** @file
 * A form in a place: its bytes, and the registers that point there.
 *
 *	prefixes, mandatory prefix, REX, opcode, ModRM, SIB, displacement,
 *	immediate
 *
 * The effective address is fixed first, and the register that makes it is
 * what follows: base = address - displacement - index * scale.  Without a base
 * the displacement is the address itself, or the way from RIP.
 */
#include "guest-tests/diff/diff.h"

#define RAX 0
#define RBX 3
#define RSP 4
#define RBP 5
#define RSI 6
#define RDI 7
#define NO_REGISTER 16

/** Where in a window the stack pointer is. */
#define STACK_OFFSET 320

/** The bytes as they are put together. */
struct bytes {
	u8 *at;
	unsigned int length;
};

static void add(struct bytes *bytes, u64 value, unsigned int size)
{
	memcpy(bytes->at + bytes->length, &value, size);
	bytes->length += size;
}

static bool has_prefix(const struct form *form, u8 prefix)
{
	for (unsigned int i = 0; i < form->prefix_count; i++) {
		if (form->prefixes[i] == prefix) {
			return true;
		}
	}
	return false;
}

static unsigned int immediate_size(const struct form *form)
{
	bool wide = form->rex & 8, narrow = has_prefix(form, 0x66);

	switch ((enum immediate)form->row->immediate) {
	case IMMEDIATE_0:
		return 0;
	case IMMEDIATE_1:
		return 1;
	case IMMEDIATE_2:
		return 2;
	case IMMEDIATE_3:
		return 3;
	case IMMEDIATE_Z:
		return narrow && !wide ? 2 : 4;
	case IMMEDIATE_V:
		break;
	}
	return wide ? 8 : narrow ? 2 : 4;
}

static void add_opcode(struct bytes *bytes, const struct form *form)
{
	const struct row *row = form->row;

	for (unsigned int i = 0; i < form->prefix_count; i++) {
		add(bytes, form->prefixes[i], 1);
	}
	if (row->mandatory) {
		add(bytes, row->mandatory, 1);
	}
	if (form->rex) {
		add(bytes, form->rex, 1);
	}
	if (row->map) {
		add(bytes, 0x0f, 1);
	}
	if (row->map == 2) {
		add(bytes, 0x38, 1);
	}
	add(bytes, row->opcode, 1);
}

/** A register that makes an address; above 32 bits it may hold anything. */
static void point(const struct form *form, u64 *reg, u64 value)
{
	if (form->address_size == 4) {
		value = (u32)value | (*reg & ~0xffffffffull);
	}
	*reg = value;
}

static u64 index_of(const struct form *form, const struct state *state)
{
	if (form->index == NO_REGISTER) {
		return 0;
	}
	return state->gpr[form->index] << (form->sib >> 6);
}

/** ModRM to displacement; target is the memory's address. */
static void add_modrm(struct bytes *bytes, const struct form *form, u64 target,
		      struct state *state)
{
	unsigned int mod = form->modrm >> 6;
	unsigned int size = mod == 2 ? 4 : mod;
	u64 displacement = (u64)(s64)form->displacement;
	bool sib = (form->modrm & 7) == 4;

	add(bytes, form->modrm, 1);
	if (sib) {
		add(bytes, form->sib, 1);
	}
	if (form->base != NO_REGISTER) {
		point(form, &state->gpr[form->base],
		      target - displacement - index_of(form, state));
		add(bytes, displacement, size);
		return;
	}
	displacement = target - index_of(form, state);
	if (!sib) { /* from the next instruction */
		displacement -= (u64)bytes->at + bytes->length + 4 +
				immediate_size(form);
	}
	add(bytes, displacement, 4);
}

/** The registers that string instructions and their like point with. */
static void point_implied(const struct form *form, const struct place *place,
			  u64 target, struct state *state)
{
	u64 other = place->other + form->offset;

	switch ((enum memory)form->row->memory) {
	case MEMORY_RSI:
	case MEMORY_RDI:
	case MEMORY_BOTH:
		state->gpr[RSI] = form->source_there ? target : other;
		state->gpr[RDI] = form->destination_there ? target + 7
							  : other + 7;
		break;
	case MEMORY_RBP:
		state->gpr[RBP] = target;
		break;
	case MEMORY_RBX:
		point(form, &state->gpr[RBX],
		      target - 128 - (u8)state->gpr[RAX]);
		break;
	case MEMORY_STACK:
		state->gpr[RBP] = place->memory + STACK_OFFSET - 64;
		break;
	case MEMORY_MODRM:
	case MEMORY_OFFSET:
		break;
	}
}

/** Nothing that the row does may be without a stack. */
static void point_stack(const struct form *form, const struct place *place,
			struct state *state)
{
	u64 page = form->stack_there && !(form->row->marks & ROW_DIVIDES)
			   ? place->memory
			   : place->other;

	state->gpr[RSP] = page + STACK_OFFSET;
}

unsigned int place_form(const struct form *form, const struct place *place,
			struct state *state)
{
	struct bytes bytes = { place->code, 0 };
	u64 target = place->memory + form->offset;

	point_stack(form, place, state);
	point_implied(form, place, target, state);
	add_opcode(&bytes, form);
	if (form->row->memory == MEMORY_MODRM) {
		add_modrm(&bytes, form, target, state);
	}
	if (form->row->memory == MEMORY_OFFSET) {
		add(&bytes, target, form->address_size);
	}
	add(&bytes, form->immediate, immediate_size(form));
	return bytes.length;
}
