/** @file
 * A model of a TLB: the guest's tables (shadow_model_state.h).
 */
#include "mmu/test/shadow_model_state.h"

const u64 model_addresses[ADDRESSES] = {
	0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000, 0x200000, 0x2ff000,
};

static const u32 manners[] = {
	0,
	GUEST_WALK_WRITE,
	GUEST_WALK_FETCH,
	GUEST_WALK_USER,
	GUEST_WALK_USER | GUEST_WALK_WRITE,
	GUEST_WALK_USER | GUEST_WALK_FETCH,
	GUEST_WALK_AC,
	GUEST_WALK_AC | GUEST_WALK_WRITE,
};

u32 model_access(const struct model_op *op)
{
	return manners[op->b % ARRAY_SIZE(manners)];
}

/* The guest's tables ------------------------------------------------------- */

u64 *model_page_entry(struct model *m, u64 space, u64 n)
{
	u64 table = model_addresses[n] >> 21 ? 32 + space : 24 + space;

	return bed_table(&m->bed, table, model_addresses[n] >> 12 & 511);
}

u64 *model_large_entry(struct model *m, u64 space)
{
	return bed_table(&m->bed, 16 + space, 1);
}

u64 model_resolve(struct model *m, u64 n)
{
	u64 above =
		*bed_table(&m->bed, 1 + m->space, 0) &
		*bed_table(&m->bed, 8 + m->space, 0) &
		*bed_table(&m->bed, 16 + m->space, model_addresses[n] >> 21);
	u64 value = *model_page_entry(m, m->space, n);

	if (model_addresses[n] >> 21 &&
	    (*model_large_entry(m, m->space) & PS)) {
		value = *model_large_entry(m, m->space) +
			(model_addresses[n] & 0x1ff000);
	} else {
		value &= ~PS;
	}
	return value & P ? value & (above | ~A) : 0;
}

u64 model_new_page(u8 how)
{
	static const u64 frames[] = {
		DATA_PAGE << 12, (DATA_PAGE + 1) << 12,
		WINDOW,		 WINDOW + 0x1000,
		WINDOW + 0x2000, WINDOW + 0x3000,
		NOWHERE,	 BIG,
	};
	u64 value = frames[how % 8] | P;

	value |= (how & 24 ? RW : 0) | (how & 40 ? US : 0) | (how & 32 ? G : 0);
	return value | ((how & 0xd0) == 0x40 ? NX : 0) |
	       ((how & 0xc0) == 0x80 ? A | D : 0);
}

u64 model_new_large(const struct model_op *op)
{
	static const u64 frames[] = { 0, BIG, BIG + 0x200000, WINDOW };

	if (op->c % 2) {
		return ((32 + op->a % SPACES) << 12) | ALL;
	}
	return frames[op->c / 2 % 4] | P | PS | (op->c & 8 ? RW : 0) |
	       (op->c & 16 ? US : 0) | (op->c & 32 ? G : 0);
}

void model_build_tables(struct model *m)
{
	for (u64 space = 0; space < SPACES; space++) {
		*bed_table(&m->bed, 1 + space, 0) = (8 + space) << 12 | ALL;
		*bed_table(&m->bed, 8 + space, 0) = (16 + space) << 12 | ALL;
		*bed_table(&m->bed, 16 + space, 0) = (24 + space) << 12 | ALL;
		*model_large_entry(m, space) = (32 + space) << 12 | ALL;
		for (u64 n = 0; n < ADDRESSES; n++) {
			*model_page_entry(m, space, n) =
				model_new_page(space * 8 + n) | RW;
		}
	}
}
