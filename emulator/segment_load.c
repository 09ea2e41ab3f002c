/** @file
 * Segments: descriptors, and what may be loaded from them.
 *
 *	selector ----> GDT or LDT ----> descriptor ----> segment register
 *	 RPL  |         limit           type, DPL, P      base, limit, rights
 *	      '-- all of these are checked in the order of the SDM's
 *	          pseudo-code; what is wrong is #GP(selector), but absence is
 *	          #NP(selector), of a stack #SS(selector)
 *
 * In real and virtual-8086 mode there are no descriptors: the base is sixteen
 * times the selector.  Real mode leaves limit and rights as they are, so that
 * "big real mode" survives.
 *
 * Descriptor tables are read at CPL 0 whatever the CPL is, and must be in RAM:
 * a table in MMIO ends the VM with a sentence (spec 10.11).
 *
 * Three numbers decide who may use what, 0 being the innermost:
 *
 *	CPL   of the code that runs now
 *	DPL   in the descriptor: from which level on it may be used
 *	RPL   in the selector: for whom it is used; a system that is handed a
 *	      selector by a program lets it count as the program's
 */
#include "emulator/segment.h"

#include "emulator/memory.h"

#define SELECTOR_RPL 3u
#define SELECTOR_TI  4u

/** Where the accessed bit and the type are in a descriptor. */
#define TYPE_BYTE 5

/** The table that a selector's TI bit names. @return false: there is none */
static bool find_table(struct emulator *e, u16 selector, gva_t *base,
		       u32 *limit)
{
	struct segment_register ldt;
	struct table_base gdt;

	if (selector & SELECTOR_TI) {
		e->ops->system->get_segment(e, SEGMENT_LDTR, &ldt);
		*base = ldt.base;
		*limit = ldt.limit;
		return !(ldt.rights & RIGHTS_UNUSABLE);
	}
	e->ops->system->get_table(e, SYSTEM_GDT, &gdt);
	*base = gdt.base;
	*limit = gdt.limit;
	return true;
}

/**
 * Base, limit and rights are scattered over the descriptor (SDM 3A 3.4.5): the
 * 80286 had six bytes of it, and what the 80386 widened had to go behind them.
 *
 *	63    56 55  52 51  48 47    40 39             16 15         0
 *	+-------+------+------+--------+-----------------+-----------+
 *	| base  |GDL   |limit |P,DPL,  | base            | limit     |
 *	| 31:24 |flags |19:16 |S, type | 23:0            | 15:0      |
 *	+-------+------+------+--------+-----------------+-----------+
 *
 * Bits 55:40 become the rights, without the limit's four in between.  With G
 * set the limit counts pages, and its last page belongs to it as a whole.
 */
static void decode(struct descriptor *of)
{
	struct segment_register *segment = &of->segment;
	u64 low = of->low;

	segment->selector = of->selector;
	segment->base = gva(bits(low, 39, 16) | bits(low, 63, 56) << 24 |
			    of->high << 32);
	segment->limit = bits(low, 15, 0) | bits(low, 51, 48) << 16;
	segment->rights = bits(low, 55, 40) & ~0xf00u;
	if (segment->rights & RIGHTS_G) {
		segment->limit = segment->limit << 12 | 0xfff;
	}
}

/*
 * The selector's upper thirteen bits, times eight, are the offset in the table;
 * that they stand at bit 3 already saves the multiplication.  All of the
 * descriptor must be inside of the limit, which is the last valid byte.
 */
enum emul_result segment_find(struct emulator *e, u16 selector, bool wide,
			      struct descriptor *out)
{
	unsigned int size = wide ? 16 : 8;
	u32 offset = selector & ~7u, limit;
	enum emul_result result;
	u64 bytes[2] = { 0, 0 };
	gva_t base;

	if (!find_table(e, selector, &base, &limit) ||
	    offset + size - 1 > limit) {
		return segment_fault(e, VECTOR_GP, selector);
	}
	out->selector = selector;
	out->at = gva_add(base, offset);
	result = memory_system_read(e, out->at, bytes, size);
	out->low = bytes[0];
	out->high = (u32)bytes[1];
	decode(out);
	return result;
}

/*
 * Only the byte with the type is written, and only if it changes: a table may
 * lie in read-only memory when all of its bits have been set beforehand.
 */
enum emul_result segment_mark(struct emulator *e, const struct descriptor *of,
			      u8 type)
{
	u8 byte = bits(of->low, 47, 40) | type;

	if (byte == bits(of->low, 47, 40)) {
		return EMUL_DONE;
	}
	return memory_system_write(e, gva_add(of->at, TYPE_BYTE), &byte, 1);
}

/** Real and virtual-8086 mode: sixteen times the selector. */
static enum emul_result load_real(struct emulator *e, enum emul_segment which,
				  u16 selector)
{
	struct segment_register segment;

	e->ops->system->get_segment(e, which, &segment);
	segment.selector = selector;
	segment.base = gva((u64)selector << 4);
	e->ops->system->set_segment(e, which, &segment);
	return EMUL_DONE;
}

/**
 * A null selector makes a segment unusable.  A stack may be null only in
 * 64-bit mode above CPL 3, and then its RPL is the CPL (SDM 2B MOV).
 */
static enum emul_result load_null(struct emulator *e, enum emul_segment which,
				  u16 selector)
{
	unsigned int cpl = e->ops->cpl(e);
	struct segment_register segment = {
		.rights = RIGHTS_UNUSABLE,
		.selector = selector,
	};

	if (which == SEGMENT_SS) {
		if (e->mode != MODE_64 || cpl == 3 || selector != cpl) {
			return context_protection(e, VECTOR_GP);
		}
		segment.rights |= cpl << 5; /* SS.DPL is the CPL, always */
	}
	e->ops->system->set_segment(e, which, &segment);
	return EMUL_DONE;
}

/** The stack must be writable data of exactly this level. */
static bool may_be_stack(u32 rights, unsigned int rpl, unsigned int cpl)
{
	return (rights & RIGHTS_S) && !(rights & RIGHTS_CODE) &&
	       (rights & RIGHTS_WRITABLE) && rpl == cpl &&
	       rights_dpl(rights) == cpl;
}

/** Data, or code that can be read; conforming code at any level. */
static bool may_be_data(u32 rights, unsigned int rpl, unsigned int cpl)
{
	bool code = rights & RIGHTS_CODE;

	if (!(rights & RIGHTS_S) || (code && !(rights & RIGHTS_WRITABLE))) {
		return false;
	}
	if (code && (rights & RIGHTS_DOWN)) {
		return true;
	}
	return rights_dpl(rights) >= rpl && rights_dpl(rights) >= cpl;
}

/** Absence is the last question; a stack has an exception of its own for it. */
static enum emul_result check(struct emulator *e, enum emul_segment which,
			      const struct descriptor *of)
{
	unsigned int cpl = e->ops->cpl(e);
	unsigned int rpl = of->selector & SELECTOR_RPL;
	u32 rights = of->segment.rights;
	bool stack = which == SEGMENT_SS;

	if (!(stack ? may_be_stack : may_be_data)(rights, rpl, cpl)) {
		return segment_fault(e, VECTOR_GP, of->selector);
	}
	if (!(rights & RIGHTS_P)) {
		return segment_fault(e, stack ? VECTOR_SS : VECTOR_NP,
				     of->selector);
	}
	return EMUL_DONE;
}

/*
 *	real, virtual-8086   base = 16 * selector
 *	null selector        unusable; of SS only where 64-bit mode permits it
 *	else                 find, check, mark as accessed, and only then set
 */
enum emul_result segment_load(struct emulator *e, enum emul_segment which,
			      u16 selector)
{
	struct descriptor found;
	enum emul_result result;

	if (!segment_protected(e)) {
		return load_real(e, which, selector);
	}
	if (selector <= SELECTOR_RPL) {
		return load_null(e, which, selector);
	}
	result = segment_find(e, selector, false, &found);
	if (!result) {
		result = check(e, which, &found);
	}
	if (!result) {
		result = segment_mark(e, &found, RIGHTS_ACCESSED);
	}
	if (result) {
		return result;
	}
	found.segment.rights |= RIGHTS_ACCESSED;
	e->ops->system->set_segment(e, which, &found.segment);
	return EMUL_DONE;
}

/*
 * The same question as for MOV to SS, but asked for another level than the CPL,
 * and with another exception when a TSS has named the stack.
 */
enum emul_result segment_stack(struct emulator *e, unsigned int level,
			       u8 vector, struct descriptor *stack)
{
	u16 selector = stack->selector;
	enum emul_result result;

	if (selector <= SELECTOR_RPL) {
		return context_protection(e, vector);
	}
	result = segment_find(e, selector, false, stack);
	if (result == EMUL_FAULT && e->exception.vector == VECTOR_GP) {
		e->exception.vector = vector;
	}
	if (result) {
		return result;
	}
	if (!may_be_stack(stack->segment.rights, selector & SELECTOR_RPL,
			  level)) {
		return segment_fault(e, vector, selector);
	}
	return stack->segment.rights & RIGHTS_P
		       ? EMUL_DONE
		       : segment_fault(e, VECTOR_SS, selector);
}

/**
 * Conforming code from its own and outer levels, other code from its own.
 * Conforming code is like a library: it runs at the level of who calls it.
 */
static bool may_go(u32 rights, unsigned int rpl, unsigned int cpl)
{
	unsigned int dpl = rights_dpl(rights);

	if (rights & RIGHTS_DOWN) {
		return dpl <= cpl;
	}
	return dpl == cpl && rpl <= cpl;
}

/** @param level where the code is to run */
static enum emul_result check_code(struct emulator *e,
				   const struct descriptor *of,
				   unsigned int level)
{
	unsigned int rpl = of->selector & SELECTOR_RPL;
	u32 rights = of->segment.rights;

	if (!(rights & RIGHTS_S) || !(rights & RIGHTS_CODE) ||
	    !may_go(rights, rpl, level)) {
		return segment_fault(e, VECTOR_GP, of->selector);
	}
	if ((rights & RIGHTS_L) && (rights & RIGHTS_DB) &&
	    segment_long_mode(e)) {
		return segment_fault(e, VECTOR_GP, of->selector);
	}
	return rights & RIGHTS_P
		       ? EMUL_DONE
		       : segment_fault(e, VECTOR_NP, of->selector);
}

/*
 * A return may go outwards and never inwards, which is asked first.  Then it is
 * as if the code were called from the level that is returned to.
 */
enum emul_result segment_code(struct emulator *e, u16 selector, bool is_return,
			      struct descriptor *out)
{
	unsigned int rpl = selector & SELECTOR_RPL, level = e->ops->cpl(e);
	enum emul_result result;

	if (selector <= SELECTOR_RPL) {
		return context_protection(e, VECTOR_GP);
	}
	result = segment_find(e, selector, false, out);
	if (!result && is_return && rpl < level) {
		result = segment_fault(e, VECTOR_GP, selector);
	}
	if (is_return) {
		level = rpl;
	}
	if (!result) {
		result = check_code(e, out, level);
	}
	out->segment.rights |= RIGHTS_ACCESSED;
	out->segment.selector = (selector & ~SELECTOR_RPL) | level;
	return result;
}
