/** @file
 * The emulator's way to guest memory: segment, page, read cache, fragments.
 */
#ifndef EMULATOR_MEMORY_H
#define EMULATOR_MEMORY_H

#include "emulator/context.h"
#include "emulator/operations.h"
#include "emulator/segment.h"

/**
 * Copy len bytes; 1, 2, 4 and 8 in one access each.
 *
 * An aligned access of those widths is atomic on the processor (SDM 3A
 * 9.1.1), and a guest relies on it whether it is emulated or not.
 */
static inline void memory_copy(void *dst, const void *src, unsigned int len)
{
	switch (len) {
	case 1:
		__builtin_memcpy(dst, src, 1);
		break;
	case 2:
		__builtin_memcpy(dst, src, 2);
		break;
	case 4:
		__builtin_memcpy(dst, src, 4);
		break;
	case 8:
		__builtin_memcpy(dst, src, 8);
		break;
	default:
		memcpy(dst, src, len);
	}
}

/** Copy len bytes, 1 to 8, which need not be atomic where len is odd. */
static inline void memory_copy_piece(void *dst, const void *src,
				     unsigned int len)
{
	u8 *to = dst;
	const u8 *from = src;

	switch (len) {
	case 1:
		__builtin_memcpy(to, from, 1);
		break;
	case 2:
		__builtin_memcpy(to, from, 2);
		break;
	case 3:
		__builtin_memcpy(to, from, 2);
		to[2] = from[2];
		break;
	case 4:
		__builtin_memcpy(to, from, 4);
		break;
	case 8:
		__builtin_memcpy(to, from, 8);
		break;
	default: /* 5, 6, 7: the last four overlap the first */
		__builtin_memcpy(to, from, 4);
		__builtin_memcpy(to + len - 4, from + len - 4, 4);
	}
}

/** memory_fetch_first(), where the bytes are not at hand. */
enum emul_result __must_check memory_fetch_page(struct emulator *e);

/**
 * Fetch the instruction at e->rip into e->insn.bytes: 15 bytes, or what there
 * is up to the end of the page.
 *
 * @return EMUL_DONE: at least one byte is there; EMUL_FAULT; EMUL_RETRY;
 *         EMUL_UNHANDLEABLE: there is no RAM (spec 1.4)
 */
static inline enum emul_result __must_check
memory_fetch_first(struct emulator *e)
{
	if (unlikely(!e->code)) {
		return memory_fetch_page(e);
	}
	e->insn.fetched = INSN_MAX;
	__builtin_memcpy(e->insn.bytes, e->code, INSN_MAX);
	return EMUL_DONE;
}

/** Fetch what lies on the next page, up to byte 15; results as above. */
enum emul_result __must_check memory_fetch_more(struct emulator *e);

/**
 * The linear address of offset in a segment of 64-bit mode that has base 0:
 * it must be canonical.
 *
 * @return as memory_linear()
 */
static inline enum emul_result __must_check
memory_flat(struct emulator *e, enum emul_segment segment, u64 offset,
	    struct mem_access *access)
{
	access->address = gva(offset);
	if (likely(context_canonical(offset, access->size))) {
		return EMUL_DONE;
	}
	return context_protection(e, segment == SEGMENT_SS ? VECTOR_SS
							   : VECTOR_GP);
}

/**
 * The linear address of offset in segment, checked as the processor checks
 * it: canonical in 64-bit mode, where ES, CS, SS and DS have base 0 and no
 * limit (SDM 3A 3.4.4); segment_linear() elsewhere.
 *
 * @param access  size and kind are looked at, address is filled
 * @return EMUL_DONE, or EMUL_FAULT with #GP(0) or #SS(0)
 */
static inline enum emul_result __must_check
memory_linear(struct emulator *e, enum emul_segment segment, u64 offset,
	      struct mem_access *access)
{
	if (unlikely(e->mode != MODE_64 || segment >= SEGMENT_FS)) {
		return segment_linear(e, segment, offset, access);
	}
	return memory_flat(e, segment, offset, access);
}

/**
 * Whether e->hint.gpa, which the hardware has reported, is the translation of
 * this linear address, by the rules of spec 3.7: one memory operand, no
 * string, and the same offset in its page.
 */
static inline bool memory_hint_fits(const struct emulator *e, gva_t gva)
{
	const struct emul_hint *hint = &e->hint;

	return hint->valid && gpa_offset(hint->gpa) == gva_offset(gva) &&
	       (!hint->gva_valid || hint->gva.v == gva.v);
}

/**
 * The translation of one linear address, if it lies on the page of the
 * iteration before.  A string instruction stays on its two pages for long, so
 * these are remembered, as the processor's TLB does: until the instruction is
 * left.
 *
 * @param out  filled when the result is true
 */
static inline bool memory_knows(const struct emulator *e, gva_t gva,
				enum emul_access kind, gpa_t *out)
{
	const struct emul_page *page = &e->pages[kind];
	u64 offset = gva.v - page->gva.v;

	*out = gpa_add(page->gpa, offset);
	return (e->insn.traits & OP_STRING) && offset < PAGE_SIZE;
}

/** Ask the hypervisor; a string instruction remembers the page. */
enum emul_result __must_check memory_walk(struct emulator *e, gva_t gva,
					  enum emul_access kind, gpa_t *out);

/** Translate the page of one linear address.  This is what lab 4 calls. */
static inline enum emul_result __must_check memory_translate(
	struct emulator *e, gva_t gva, enum emul_access kind, gpa_t *out)
{
	if (memory_hint_fits(e, gva)) {
		*out = e->hint.gpa;
		return EMUL_DONE;
	}
	return memory_knows(e, gva, kind, out) ? EMUL_DONE
					       : memory_walk(e, gva, kind, out);
}

/**
 * Guest RAM at gpa, to the end of its page, or NULL if it is not RAM.  Not
 * tried on the page that is known to be MMIO.
 *
 * @param write  the caller is going to write there
 */
static inline void *memory_ram(struct emulator *e, gpa_t gpa, bool write)
{
	if (gpa_page(gpa).v == e->mmio_page.v) {
		return NULL;
	}
	return e->ops->ram(e, gpa, write);
}

/**
 * Read or write what the processor itself reads and writes: descriptors, the
 * TSS.  At CPL 0 whatever the CPL is, and always in RAM: a descriptor table in
 * MMIO is not supported (spec 10.11).
 *
 * @param at     linear address
 * @param bytes  ours
 * @param size   1 to 16; may cross a page boundary
 * @return EMUL_DONE, EMUL_FAULT (#PF), EMUL_RETRY, EMUL_UNHANDLEABLE
 */
enum emul_result __must_check memory_system_read(struct emulator *e, gva_t at,
						 void *bytes,
						 unsigned int size);
enum emul_result __must_check memory_system_write(struct emulator *e, gva_t at,
						  const void *bytes,
						  unsigned int size);

/**
 * Would this access meet a page fault?  For instructions that must not begin
 * before they know: INS reads no port in vain.
 *
 * @return EMUL_DONE, EMUL_FAULT (#PF), EMUL_RETRY, EMUL_UNHANDLEABLE
 */
enum emul_result __must_check memory_check(struct emulator *e,
					   const struct mem_access *at);

/** What a locked operation found, and what it puts in its place. */
struct memory_exchange {
	u64 old;
	u64 new;
};

/**
 * Write memory if it still holds what was read: one atomic
 * compare-exchange where it is RAM in one page.  Elsewhere, and on
 * devices always, it is a plain write (spec 3.6).
 *
 * @return EMUL_RETRY when the memory has changed since it was read
 */
enum emul_result __must_check
memory_exchange(struct emulator *e, const struct mem_access *at,
		const struct memory_exchange *values);

/** A value of 8 or 16 bytes, its lower half first. */
struct memory_wide {
	u64 half[2];
};

/** The same as memory_exchange() for 8 bytes, or 16 aligned ones in RAM. */
enum emul_result __must_check
memory_exchange_wide(struct emulator *e, const struct mem_access *at,
		     const struct memory_wide *old,
		     const struct memory_wide *new);

/**
 * Make sure that an access, which is going to write, lies in RAM in one page.
 *
 * @return EMUL_DONE, EMUL_FAULT, EMUL_RETRY, or EMUL_UNHANDLEABLE if it does
 *         not
 */
enum emul_result __must_check memory_need_ram(struct emulator *e,
					      const struct mem_access *at);

#endif
