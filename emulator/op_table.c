/** @file
 * GDTR and IDTR, LDTR and TR.
 *
 * The first two are a limit and a base, moved as one operand of 6 bytes, or 10
 * in 64-bit mode; with an operand size of 16 bits LGDT and LIDT take 24 bits
 * of the base (SDM 2A LGDT).  The other two are loaded from a system
 * descriptor in the GDT, like a segment; a task-state segment is marked busy
 * in memory.  They exist in protected mode only.
 *
 *	GDTR  where segment descriptors are       LGDT  SGDT  base and limit
 *	IDTR  where the gates of events are       LIDT  SIDT  base and limit
 *	LDTR  a second table of segments          LLDT  SLDT  a selector
 *	TR    the TSS: inner stacks, ports' map   LTR   STR   a selector
 *
 * What is loaded here is used at once and unseen: a GDT that is gone is noticed
 * at the next load of a segment, an IDT at the next exception.
 */
#include "emulator/op_table.h"

#include "emulator/memory.h"
#include "emulator/segment.h"

/** The operand's bytes: the limit, the base behind it. */
#define TABLE_BASE 2

/**
 * All eight bytes of the base are at hand; how many of them are written says
 * the operand's size, 6 or 10.
 */
static enum emul_result store(struct emulator *e, enum system_table which)
{
	const struct mem_access *at = &e->insn.dst.at;
	struct table_base table;
	u8 bytes[10];

	e->ops->system->get_table(e, which, &table);
	memcpy(bytes, &table.limit, TABLE_BASE);
	memcpy(bytes + TABLE_BASE, &table.base.v, 8);
	return fragments_write(e, at, bytes);
}

/**
 * In one read, since the operand is one: on a device the VMM is asked in pieces
 * of at most 8 bytes, and the pass is run again when all of them are there.
 * Neither limit nor base is held against anything but canonical form; tables
 * may be anywhere.
 */
static enum emul_result load(struct emulator *e, enum system_table which)
{
	const struct mem_access *at = &e->insn.src.at;
	struct table_base table = { .limit = 0 };
	enum emul_result result;
	u8 bytes[10] = { 0 };

	result = read_cache_read(e, at, bytes);
	if (result) {
		return result;
	}
	memcpy(&table.limit, bytes, TABLE_BASE);
	memcpy(&table.base.v, bytes + TABLE_BASE, 8);
	if (e->insn.operand_size == 2) {
		table.base.v &= 0xffffff;
	}
	if (e->mode == MODE_64 && !context_canonical(table.base.v, 1)) {
		return context_protection(e, VECTOR_GP);
	}
	e->ops->system->set_table(e, which, &table);
	return EMUL_DONE;
}

enum emul_result op_table_sgdt(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return store(e, SYSTEM_GDT);
}

enum emul_result op_table_sidt(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return store(e, SYSTEM_IDT);
}

enum emul_result op_table_lgdt(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return load(e, SYSTEM_GDT);
}

enum emul_result op_table_lidt(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return load(e, SYSTEM_IDT);
}

/** What is hidden behind a selector, base and limit, no instruction shows. */
static enum emul_result get_selector(struct emulator *e, struct alu *alu,
				     enum emul_segment which)
{
	struct segment_register segment;

	if (!segment_protected(e)) {
		return context_undefined(e);
	}
	e->ops->system->get_segment(e, which, &segment);
	alu->dst = segment.selector;
	return EMUL_DONE;
}

enum emul_result op_table_sldt(struct emulator *e, struct alu *alu)
{
	return get_selector(e, alu, SEGMENT_LDTR);
}

enum emul_result op_table_str(struct emulator *e, struct alu *alu)
{
	return get_selector(e, alu, SEGMENT_TR);
}

/** #UD outside protected mode goes before #GP for privilege. */
static enum emul_result check_mode(struct emulator *e)
{
	if (!segment_protected(e)) {
		return context_undefined(e);
	}
	return e->ops->cpl(e) ? context_protection(e, VECTOR_GP) : EMUL_DONE;
}

/**
 * A system descriptor of the GDT, present, of this type; of TSSs outside IA-32e
 * mode one of 16 bits as well.
 *
 * TI set would mean the LDT, which cannot hold what describes itself.  The type
 * asked for is an *available* TSS: one that is busy is in use by a task, and to
 * load it twice would be a mistake of the system.
 */
static enum emul_result find_system(struct emulator *e, u16 selector, u8 type,
				    struct descriptor *found)
{
	bool wide = segment_long_mode(e);
	enum emul_result result;
	u8 seen;

	if (selector & 4) {
		return segment_fault(e, VECTOR_GP, selector);
	}
	result = segment_find(e, selector, wide, found);
	if (result) {
		return result;
	}
	seen = found->segment.rights & (RIGHTS_TYPE | RIGHTS_S);
	if (seen != type && !(type == SYSTEM_TSS && seen == SYSTEM_TSS_16 &&
			      !wide)) {
		return segment_fault(e, VECTOR_GP, selector);
	}
	if (!(found->segment.rights & RIGHTS_P)) {
		return segment_fault(e, VECTOR_NP, selector);
	}
	return wide && !context_canonical(found->segment.base.v, 1)
		       ? segment_fault(e, VECTOR_GP, selector)
		       : EMUL_DONE;
}

/*
 * A null selector is right here and means that there is no LDT: whoever then
 * names a segment in it meets #GP.
 */
enum emul_result op_table_lldt(struct emulator *e, struct alu *alu)
{
	struct descriptor found = {
		.segment = { .rights = RIGHTS_UNUSABLE, .selector = alu->src },
	};
	enum emul_result result = check_mode(e);

	if (!result && (alu->src & 0xfffc)) {
		result = find_system(e, alu->src, SYSTEM_LDT, &found);
	}
	if (!result) {
		e->ops->system->set_segment(e, SEGMENT_LDTR, &found.segment);
	}
	return result;
}

/*
 * Busy is bit 1 of the type.  The mark in memory comes before TR changes: the
 * page of the GDT may be read-only, and then nothing has happened.
 */
enum emul_result op_table_ltr(struct emulator *e, struct alu *alu)
{
	const u8 busy = SYSTEM_TSS_16_BUSY & ~SYSTEM_TSS_16;
	struct descriptor found;
	enum emul_result result = check_mode(e);

	if (!result && !(alu->src & 0xfffc)) {
		result = context_protection(e, VECTOR_GP);
	}
	if (!result) {
		result = find_system(e, alu->src, SYSTEM_TSS, &found);
	}
	if (!result) {
		result = segment_mark(e, &found, busy);
	}
	if (result) {
		return result;
	}
	found.segment.rights |= busy;
	e->ops->system->set_segment(e, SEGMENT_TR, &found.segment);
	return EMUL_DONE;
}
