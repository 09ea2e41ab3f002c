/** @file
 * Memory: from segment:offset to the layers that labs 3 and 4 build.
 *
 *	operand (segment, offset, size)
 *	   | memory_linear(): base, limit or canonical check
 *	   v
 *	read cache: was it read before?                     lab 3
 *	   v
 *	fragments: two pages, RAM, devices, the rest        lab 4
 *	   | memory_translate(): one page, linear to guest physical
 *	   v
 *	struct emul_ops                                     the hypervisor
 *
 * Three kinds of access do not take this road and are here.  Instruction bytes
 * come neither through the read cache nor from devices: a completion pass
 * does not fetch, and code in MMIO is not supported (spec 1.4).  Nor do
 * descriptors and the TSS, which the processor reads for itself.  And a locked
 * write must find the memory as it was read.
 */
#include "emulator/memory.h"

/**
 * How many bytes there are from at to the end of its page: 1 to 4096.
 *
 * Linear pages that are neighbours may lie anywhere in guest physical memory,
 * and of two of them one may be RAM and the other a device.  So nothing that
 * is translated once may be used beyond this many bytes.
 */
static unsigned int left_on_page(gva_t at)
{
	return PAGE_SIZE - gva_offset(at);
}

/**
 * The RAM that holds the code at RIP + skip; *left is to its page's end.
 *
 * The hypervisor is asked directly and not by memory_translate(): the hint is
 * about a data access, and the code's offset in its page could be the same by
 * chance.  The access has one byte, since how many are needed only the decoder
 * will know.
 */
static enum emul_result find_code(struct emulator *e, unsigned int skip,
					 const u8 **code, unsigned int *left)
{
	struct mem_access at = { .size = 1, .kind = EMUL_FETCH };
	u64 offset = e->mode == MODE_64 ? e->rip + skip : (u32)(e->rip + skip);
	enum emul_result result = memory_linear(e, SEGMENT_CS, offset, &at);
	const u8 *ram;
	gpa_t where;

	if (!result) {
		result = e->ops->translate(e, at.address, EMUL_FETCH, &where);
	}
	if (result) {
		return result;
	}
	ram = e->ops->ram(e, where, false);
	if (!ram) {
		return context_stop(e, "the instruction is not in RAM");
	}
	*code = ram;
	*left = left_on_page(at.address);
	return EMUL_DONE;
}

/*
 * The instruction may end before its page does, and then the next page must
 * not be looked at: a #PF from there would be one that the processor would not
 * have met.  So what is taken ends with the page.
 *
 * The bytes are copied.  Another vCPU may rewrite them at any time, and a
 * decoder that looked at the guest's memory twice could see two instructions.
 */
enum emul_result memory_fetch_page(struct emulator *e)
{
	struct insn *insn = &e->insn;
	const u8 *code = NULL;
	unsigned int left = 0;
	enum emul_result result;

	result = find_code(e, 0, &code, &left);
	insn->fetched = 0;
	if (result) {
		return result;
	}
	insn->fetched = left < INSN_MAX ? left : INSN_MAX;
	memcpy(insn->bytes, code, insn->fetched);
	return EMUL_DONE;
}

/*
 * The decoder has asked for bytes beyond what is there.  As the first fetch
 * went up to the end of its page, RIP + fetched is the first byte of the next
 * one; that is also the address which a #PF here reports in CR2.
 */
enum emul_result memory_fetch_more(struct emulator *e)
{
	struct insn *insn = &e->insn;
	const u8 *code = NULL;
	unsigned int left = 0;
	enum emul_result result = find_code(e, insn->fetched, &code, &left);

	if (result) {
		return result;
	}
	if (left > INSN_MAX - insn->fetched) {
		left = INSN_MAX - insn->fetched;
	}
	memcpy(&insn->bytes[insn->fetched], code, left);
	insn->fetched += left;
	return EMUL_DONE;
}

/** The bytes of an access that lie on its first page, and on its second. */
struct part {
	u8 *ram;
	unsigned int size;
};

/**
 * Find the RAM of a system access' part that begins at `at`.
 *
 * There is no way to the VMM from here.  A descriptor in MMIO would mean to
 * stop in the middle of a load of a segment, and no guest has a reason for it;
 * so the VM stops with a sentence (spec 10.11).
 *
 * As for code, the hypervisor is asked directly: the hint is about the
 * instruction's own operand, whose offset in its page could be the same.
 */
static enum emul_result find_part(struct emulator *e, gva_t at,
				  enum emul_access kind, struct part *part)
{
	enum emul_result result;
	gpa_t where;

	if (!part->size) {
		return EMUL_DONE;
	}
	result = memory_walk(e, at, kind, &where);
	if (result) {
		return result;
	}
	part->ram = e->ops->ram(e, where, kind == EMUL_SYSTEM_WRITE);
	return part->ram ? EMUL_DONE
			 : context_stop(e, "a descriptor table or TSS is not "
					   "in RAM");
}

/**
 * Both parts are found before anything moves: if the second page faults, the
 * first must not have been written.
 */
static enum emul_result find_parts(struct emulator *e,
				   const struct mem_access *at,
				   struct part parts[2])
{
	unsigned int left = left_on_page(at->address);
	enum emul_result result;

	parts[0].size = at->size < left ? at->size : left;
	parts[1].size = at->size - parts[0].size;
	result = find_part(e, at->address, at->kind, &parts[0]);
	if (result) {
		return result;
	}
	return find_part(e, gva_add(at->address, parts[0].size), at->kind,
			 &parts[1]);
}

enum emul_result memory_system_read(struct emulator *e, gva_t at, void *bytes,
				    unsigned int size)
{
	struct mem_access access = { at, size, EMUL_SYSTEM_READ };
	struct part parts[2] = { { NULL, 0 }, { NULL, 0 } };
	enum emul_result result = find_parts(e, &access, parts);

	if (result) {
		return result;
	}
	memory_copy(bytes, parts[0].ram, parts[0].size);
	if (parts[1].size) {
		memory_copy((u8 *)bytes + parts[0].size, parts[1].ram,
			    parts[1].size);
	}
	return EMUL_DONE;
}

enum emul_result memory_system_write(struct emulator *e, gva_t at,
				     const void *bytes, unsigned int size)
{
	struct mem_access access = { at, size, EMUL_SYSTEM_WRITE };
	struct part parts[2] = { { NULL, 0 }, { NULL, 0 } };
	enum emul_result result = find_parts(e, &access, parts);

	if (result) {
		return result;
	}
	memory_copy(parts[0].ram, bytes, parts[0].size);
	if (parts[1].size) {
		memory_copy(parts[1].ram, (const u8 *)bytes + parts[0].size,
			    parts[1].size);
	}
	return EMUL_DONE;
}

/*
 * To translate is enough: whether an access is a page fault is decided there
 * and nowhere else, and memory itself cannot refuse.
 */
enum emul_result memory_check(struct emulator *e, const struct mem_access *at)
{
	unsigned int left = left_on_page(at->address);
	enum emul_result result;
	gpa_t unused;

	result = memory_translate(e, at->address, at->kind, &unused);
	if (result || at->size <= left) {
		return result;
	}
	return memory_translate(e, gva_add(at->address, left), at->kind,
				&unused);
}

/*
 * A walk through the guest's page tables is up to four reads of guest memory,
 * a REP MOVS of a page has two for each of its iterations.  What a string
 * instruction has found is kept for its next iteration (memory_knows());
 * emulator_run() forgets it, so that no translation outlives its instruction.
 */
enum emul_result memory_walk(struct emulator *e, gva_t gva,
			     enum emul_access kind, gpa_t *out)
{
	enum emul_result result;

	if (likely(!(e->insn.traits & OP_STRING))) {
		return e->ops->translate(e, gva, kind, out);
	}
	result = e->ops->translate(e, gva, kind, out);
	if (!result && kind <= EMUL_WRITE) {
		e->pages[kind].gva = gva_page(gva);
		e->pages[kind].gpa = gpa_page(*out);
	}
	return result;
}

/**
 * One atomic compare-exchange on host memory; whether it took place.
 *
 * It is the processor's own locked instruction, on the very memory that other
 * vCPUs are running on.  Nothing less would do: these execute their locked
 * instructions without us, and no lock of ours would make them wait.
 */
static bool compare_exchange(void *at, unsigned int size,
			     const struct memory_exchange *values)
{
	u64 old = values->old, new = values->new;
	u32 old32 = old;
	u16 old16 = old;
	u8 old8 = old;

	switch (size) {
	case 1:
		return __atomic_compare_exchange_n((u8 *)at, &old8, (u8) new,
						   false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	case 2:
		return __atomic_compare_exchange_n((u16 *)at, &old16, (u16) new,
						   false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	case 4:
		return __atomic_compare_exchange_n((u32 *)at, &old32, (u32) new,
						   false, __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	default:
		return __atomic_compare_exchange_n((u64 *)at, &old, new, false,
						   __ATOMIC_SEQ_CST,
						   __ATOMIC_SEQ_CST);
	}
}

/*
 *	RAM, in one page     compare-exchange; somebody was faster: EMUL_RETRY
 *	RAM on two pages,    a plain write of the new value: behind an exit a
 *	or a device          lock means nothing (spec 3.6)
 *
 * EMUL_RETRY commits nothing.  The guest is resumed at the same RIP and begins
 * anew with what the other vCPU has left; a loop in here would do the same,
 * but keep interrupts waiting.
 */
enum emul_result memory_exchange(struct emulator *e,
				 const struct mem_access *at,
				 const struct memory_exchange *values)
{
	enum emul_result result = EMUL_DONE;
	void *ram = NULL;
	gpa_t where;

	if (at->size <= left_on_page(at->address)) {
		result = memory_translate(e, at->address, EMUL_WRITE, &where);
		if (result) {
			return result;
		}
		ram = memory_ram(e, where, true);
	}
	if (!ram) {
		return fragments_write(e, at, &values->new);
	}
	return compare_exchange(ram, at->size, values) ? EMUL_DONE : EMUL_RETRY;
}

/*
 * For instructions whose access cannot be taken apart.  Asked before their
 * first read, which on a device would have an effect already.
 */
enum emul_result memory_need_ram(struct emulator *e,
				 const struct mem_access *at)
{
	enum emul_result result;
	gpa_t where;

	result = memory_translate(e, at->address, EMUL_WRITE, &where);
	if (result) {
		return result;
	}
	if (at->size > left_on_page(at->address) ||
	    !memory_ram(e, where, true)) {
		return context_stop(e, "this instruction works in RAM only");
	}
	return EMUL_DONE;
}

typedef unsigned __int128 u128;

/** Sixteen bytes at once: every processor that has VMX or SVM can (-mcx16). */
static bool compare_exchange_16(void *at, const struct memory_wide *old,
				const struct memory_wide *new)
{
	u128 before = (u128)old->half[1] << 64 | old->half[0];
	u128 after = (u128) new->half[1] << 64 | new->half[0];

	return __sync_bool_compare_and_swap((u128 *)at, before, after);
}

/*
 * Of 16 bytes memory_need_ram() has been asked before, so that there is RAM;
 * that they are aligned, and so in one page, was checked with it.
 */
enum emul_result memory_exchange_wide(struct emulator *e,
				      const struct mem_access *at,
				      const struct memory_wide *old,
				      const struct memory_wide *new)
{
	struct memory_exchange values = { old->half[0], new->half[0] };
	enum emul_result result;
	gpa_t where;

	if (at->size == 8) {
		return memory_exchange(e, at, &values);
	}
	result = memory_translate(e, at->address, EMUL_WRITE, &where);
	if (result) {
		return result;
	}
	return compare_exchange_16(memory_ram(e, where, true), old, new)
		       ? EMUL_DONE
		       : EMUL_RETRY;
}
