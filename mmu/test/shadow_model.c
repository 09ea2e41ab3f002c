/** @file
 * A model of a TLB: operations and runs (shadow_model.h).
 *
 * Each operation is done twice: to the machine by what the hypervisor would
 * call, and to the model by what the manual says.
 */
#include "mmu/test/shadow_model.h"

#include "mmu/test/shadow_model_state.h"

#define BIG_SLOT 4
#define GENERATION_BITS 8

/* Operations --------------------------------------------------------------- */

static void touch(struct model *m, const struct model_op *op)
{
	gva_t addr = gva(model_addresses[op->a % ADDRESSES]);
	u32 access = model_access(op);
	struct bed_outcome out = op->kind == MODEL_ACCESS
					 ? bed_access(&m->bed, addr, access)
					 : bed_emulate(&m->bed, addr, access);

	if (out.end == BED_FAULT && !m->flat) {
		model_forget_page(m, m->pcid, op->a % ADDRESSES, false);
	}
	(void)model_remember(m); /* the access has set bits in the tables */
	m->tally->memory += out.end == BED_MEMORY;
	m->tally->mmio += out.end == BED_MMIO;
	m->tally->faults += out.end == BED_FAULT;
	m->tally->gva_hits += out.gva_hit;
	m->tally->fault_hits += out.fault_hit;
	m->why = model_check(m, &out, op);
}

static void set_right(struct model *m, const struct model_op *op)
{
	static const u64 rights[] = { RW, US, NX, G };
	u64 *large = model_large_entry(m, op->a % SPACES);
	u64 n = op->b % ADDRESSES;
	u64 *entry = (*large & PS) && n >= ADDRESSES - 2
			     ? large
			     : model_page_entry(m, op->a % SPACES, n);

	*entry ^= rights[op->c % ARRAY_SIZE(rights)];
}

static void clean(struct model *m, const struct model_op *op)
{
	u64 space = op->a % SPACES;

	*model_page_entry(m, space, op->b % ADDRESSES) &= ~(A | D);
	*bed_table(&m->bed, 16 + space, op->c % 2) &= ~(A | D);
}

static void load_cr3(struct model *m, u64 space, u64 pcid, bool no_flush)
{
	m->space = space;
	m->pcid = pcid;
	m->paging.root = gpa((1 + space) << PAGE_SHIFT);
	if (!no_flush) {
		model_forget_pcid(m, pcid);
	}
	if (!m->flat) {
		(void)shadow_new_pgd(&m->bed.shadow, &m->paging, pcid,
				     no_flush);
	}
}

static void set_options(struct model *m, u8 how)
{
	struct guest_paging flat = { .mode = GUEST_WALK_FLAT };

	m->flat = how % 8 == 0;
	m->paging.flags = GUEST_WALK_NX | (how & 8 ? 0 : GUEST_WALK_WP) |
			  (how & 16 ? GUEST_WALK_SMEP : 0) |
			  (how & 32 ? GUEST_WALK_SMAP : 0);
	model_forget_all(m);
	shadow_new_mode(&m->bed.shadow, m->flat ? &flat : &m->paging,
			m->flat ? 0 : m->pcid);
}

static void invlpg(struct model *m, u64 n)
{
	for (u64 pcid = 0; pcid < PCIDS; pcid++) {
		model_forget_page(m, pcid, n, pcid != m->pcid);
	}
	shadow_invlpg(&m->bed.shadow, gva(model_addresses[n]));
}

static void invpcid(struct model *m, const struct model_op *op)
{
	u64 type = op->a % 4;
	u64 n = op->c % ADDRESSES;
	u64 descriptor[2] = { op->b % PCIDS, model_addresses[n] };

	if (type == 0) {
		model_forget_page(m, descriptor[0], n, false);
	} else if (type == 1) {
		model_forget_pcid(m, descriptor[0]);
	} else {
		descriptor[0] = 0;
		model_forget_all(m);
	}
	if (shadow_invpcid(&m->bed.shadow, type, descriptor, true) < 0) {
		m->why = "INVPCID takes valid operands";
	}
}

static struct memslot new_slot(struct model *m, u64 n, u8 how)
{
	struct memslot slot = { .id = 10 + n, .pages = 1 };
	u64 page = SLOT_PAGE + n + (how & 16 ? 4 : 0);

	slot.base = gpa(WINDOW + n * PAGE_SIZE);
	slot.hpa = hpa(BED_HPA + page * PAGE_SIZE);
	slot.mem = m->bed.memory + page * PAGE_SIZE;
	slot.flags = (how & 96) == 96 ? MEMSLOT_READONLY : 0;
	if (n == BIG_SLOT) {
		slot.base = gpa(BIG);
		slot.hpa = hpa(BIG_HPA + (how & 16 ? PAGE_SIZE : 0));
		slot.pages = 1024;
	}
	return slot;
}

/** Add the slot if it is not there, else delete or move it. */
static void begin_change(struct model *m, const struct model_op *op)
{
	u64 n = op->a % SLOTS;
	struct memslot_change change = { .slot = new_slot(m, n, op->c) };

	change.kind = MEMSLOT_ADD;
	if (memslot_by_id(memslot_read(&m->bed.slots), 10 + n)) {
		change.kind = op->b % 4 ? MEMSLOT_DELETE : MEMSLOT_MOVE;
		change.slot.base = gpa(WINDOW + op->c % 4 * PAGE_SIZE);
	}
	/* It may be refused: another one is there, or is under way. */
	(void)!memslot_start(&m->bed.slots, &change);
}

static void change_slot(struct model *m, const struct model_op *op)
{
	if (op->kind != MODEL_SLOT_STEP) {
		begin_change(m, op);
	}
	while (memslot_step(&m->bed.slots) && op->kind == MODEL_SLOT) {
		/* to the end, or one step */
	}
}

static void change_log(struct model *m, const struct model_op *op)
{
	const struct memslot *ram =
		memslot_find(memslot_read(&m->bed.slots), gpa(0));

	if (op->a % 2) {
		/* Refused while a change is under way: try another time. */
		(void)!memslot_set_flags(&m->bed.slots, ram->id,
					 ram->flags ^ MEMSLOT_LOG_DIRTY);
		return;
	}
	(void)memslot_take_dirty(ram, 0);
	shadow_write_protect(&m->bed.shadow, ram->hpa, ram->pages);
}

static void do_op(struct model *m, const struct model_op *op)
{
	u64 space = op->a % SPACES;

	switch ((enum model_kind)op->kind) {
	case MODEL_ACCESS:
	case MODEL_EMULATE:
		touch(m, op);
		break;
	case MODEL_SET_PAGE:
		*model_page_entry(m, space, op->b % ADDRESSES) =
			model_new_page(op->c);
		break;
	case MODEL_SET_LARGE:
		*model_large_entry(m, space) = model_new_large(op);
		break;
	case MODEL_SET_RIGHT:
		set_right(m, op);
		break;
	case MODEL_CLEAN:
		clean(m, op);
		break;
	case MODEL_CR3:
		load_cr3(m, space, op->b % PCIDS, op->c % 2);
		break;
	case MODEL_INVLPG:
		invlpg(m, op->a % ADDRESSES);
		break;
	case MODEL_INVPCID:
		invpcid(m, op);
		break;
	case MODEL_OPTIONS:
		set_options(m, op->a);
		break;
	case MODEL_SLOT:
	case MODEL_SLOT_BEGIN:
	case MODEL_SLOT_STEP:
		change_slot(m, op);
		break;
	case MODEL_LOG:
		change_log(m, op);
		break;
	case MODEL_GENERATION:
		if (m->bed.slots.next == MEMSLOT_STEP_NONE) {
			memslot_skip_generations(&m->bed.slots, op->a + 1);
		}
		break;
	case MODEL_KINDS:
		break;
	}
}

/* A run -------------------------------------------------------------------- */

/** The machine's memory is kept from run to run: getting it takes long. */
static void create(struct model *m)
{
	struct memslot ram = { .id = 0, .pages = RAM_PAGES };

	if (m->bed.memory) {
		bed_again(&m->bed);
	} else {
		bed_create(&m->bed);
	}
	model_forget_all(m);
	m->space = 0;
	m->pcid = 0;
	m->why = NULL;
	m->bed.shadow.generation_bits = GENERATION_BITS;
	bed_add(&m->bed, &ram, 0);
	model_build_tables(m);
	m->paging = (struct guest_paging){ .mode = GUEST_WALK_4_LEVEL,
					   .phys_bits = 40,
					   .root = gpa(1 << PAGE_SHIFT) };
	set_options(m, 1);
}

size_t model_run(const struct model_op *ops, size_t count,
		 struct model_tally *tally, const char **why)
{
	static struct model model;
	struct model *m = &model;
	size_t i;

	create(m);
	m->tally = tally;
	for (i = 0; i < count; i++) {
		do_op(m, &ops[i]);
		if (m->why) {
			break;
		}
		if (!model_remember(m)) {
			set_options(m, 1);
			(void)model_remember(m);
		}
	}
	*why = m->why;
	tally->fast += m->bed.shadow.counters.fast_switches;
	tally->slow += m->bed.shadow.counters.slow_switches;
	tally->kept += m->bed.shadow.counters.kept;
	return i;
}
