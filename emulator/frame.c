/** @file
 * The stack that a gate leads to (frame.h).
 *
 *	level 0, 1, 2 ---> TSS: SS:ESP of that level, or in IA-32e mode RSP
 *	                   and no segment: SS is null then, its RPL the level
 *
 * Which layout the TSS has is in TR's type.  What is wrong with the stack
 * that it names is #TS, an invalid TSS; a stack that is absent is #SS.
 *
 * An inner stack belongs to the supervisor: its pages are written with the
 * rights of the new level, while the CPL is still the old one.
 *
 * Why another stack at all?  The program's own may be full, absent or shared
 * with another thread that would change a return address on it.  The kernel
 * says beforehand, in the TSS, where it wants to be entered.
 *
 * The order of the calls, each of which may refuse until the last:
 *
 *	frame_here() or frame_inner()   which stack
 *	frame_room()                    is there room for all of it
 *	frame_mark(), frame_push()      memory is written
 *	frame_use()                     SS and rSP are the new ones
 */
#include "emulator/frame.h"

#include "emulator/memory.h"
#include "emulator/stack.h"

/** Which TSS it is: the bit that a busy or available one of 32 bits has. */
#define TSS_IS_32 8u

/*
 * Where stacks stand in the TSS, in bytes.  16 bits: SP and SS of level 0 from
 * 2 on, 4 bytes a level.  32 bits: ESP and SS from 4 on, 8 bytes a level.  64
 * bits: RSP of level 0 from 4 on, the interrupt stacks IST1 to IST7 from 36 on.
 */
#define TSS_64_RSP0 4u
#define TSS_64_IST1 36u

/*
 * A 64-bit target uses the whole of rSP, even if compatibility mode, which is
 * left, had 32 bits of it.
 */
void frame_here(struct emulator *e, unsigned int size, bool wide,
		struct frame *out)
{
	struct segment_register *ss = &out->stack.segment;

	e->ops->system->get_segment(e, SEGMENT_SS, ss);
	out->sp = context_register(e, REG_RSP);
	out->width = wide ? 8 : ss->rights & RIGHTS_DB ? 4 : 2;
	out->size = size;
	out->inner = false;
}

/** A field of the TSS; outside its limit the TSS itself is invalid. */
static enum emul_result read_tss(struct emulator *e, unsigned int offset,
				 void *bytes, unsigned int size)
{
	struct segment_register tr;

	e->ops->system->get_segment(e, SEGMENT_TR, &tr);
	if (offset + size - 1 > tr.limit) {
		return segment_fault(e, VECTOR_TS, tr.selector);
	}
	return memory_system_read(e, gva_add(tr.base, offset), bytes, size);
}

/**
 * IA-32e mode: an address, and no segment.  SS becomes null; that it carries
 * the new level as its RPL and DPL is what the CPL will be read from.
 */
static enum emul_result find_wide(struct emulator *e, unsigned int level,
				  unsigned int ist, struct frame *out)
{
	unsigned int offset = ist ? TSS_64_IST1 + 8 * (ist - 1)
				  : TSS_64_RSP0 + 8 * level;

	out->stack.selector = level;
	out->stack.segment = (struct segment_register){
		.selector = level,
		.rights = RIGHTS_UNUSABLE | level << 5,
	};
	out->width = 8;
	return read_tss(e, offset, &out->sp, 8);
}

/**
 * SS:SP or SS:ESP.  In both layouts the selector stands behind the pointer, so
 * words of 16 bits are enough to take them apart.
 * @param selector is filled
 */
static enum emul_result read_pointer(struct emulator *e, unsigned int level,
				     u64 *sp, u16 *selector)
{
	struct segment_register tr;
	u16 words[3] = { 0, 0, 0 };
	enum emul_result result;

	e->ops->system->get_segment(e, SEGMENT_TR, &tr);
	if (tr.rights & TSS_IS_32) {
		result = read_tss(e, 4 + 8 * level, words, 6);
		*sp = words[0] | (u32)words[1] << 16;
		*selector = words[2];
	} else {
		result = read_tss(e, 2 + 4 * level, words, 4);
		*sp = words[0];
		*selector = words[1];
	}
	return result;
}

/*
 * Outside of IA-32e mode the selector is one of a descriptor like any other,
 * with one difference: whatever is wrong with it is #TS, since not the program
 * but the system's table is to blame.
 */
enum emul_result frame_inner(struct emulator *e, unsigned int level,
			     unsigned int ist, struct frame *out)
{
	enum emul_result result;

	out->inner = true;
	if (segment_long_mode(e)) {
		return find_wide(e, level, ist, out);
	}
	result = read_pointer(e, level, &out->sp, &out->stack.selector);
	if (!result) {
		result = segment_stack(e, level, VECTOR_TS, &out->stack);
	}
	if (!result) {
		out->width = out->stack.segment.rights & RIGHTS_DB ? 4 : 2;
	}
	return result;
}

/** Where the next value goes, as an offset. */
static u64 next_of(const struct frame *frame, u64 sp)
{
	return (sp - frame->size) & context_mask(frame->width);
}

/** 64-bit stacks have no limit, but an address must be canonical. */
static bool holds(const struct frame *frame, u64 sp)
{
	if (frame->width == 8) {
		return context_canonical(sp, frame->size);
	}
	return segment_holds(&frame->stack.segment, sp, frame->size);
}

/*
 * Asked of each value, not of the sum: rSP wraps at its width, and the values
 * in front of the wrap and behind it may lie in the segment or not.
 */
enum emul_result frame_room(struct emulator *e, const struct frame *frame,
			    unsigned int count)
{
	u64 sp = frame->sp;

	while (count--) {
		sp = next_of(frame, sp);
		if (!holds(frame, sp)) {
			return segment_fault(e, VECTOR_SS,
					     frame->inner
						     ? frame->stack.selector
						     : 0);
		}
	}
	return EMUL_DONE;
}

/**
 * Not stack_push(), which uses the SS and rSP of the vCPU: these are still the
 * program's, and have to stay if a later page faults.
 */
static enum emul_result push(struct emulator *e, struct frame *frame,
			     u64 value)
{
	struct mem_access at = {
		.size = frame->size,
		.kind = frame->inner ? EMUL_SYSTEM_WRITE : EMUL_WRITE,
	};
	u64 base = frame->width == 8 ? 0 : frame->stack.segment.base.v;

	frame->sp = next_of(frame, frame->sp);
	at.address = gva(base + frame->sp);
	if (frame->width != 8) {
		at.address.v = (u32)at.address.v;
	}
	return fragments_write(e, &at, &value);
}

enum emul_result frame_push(struct emulator *e, struct frame *frame,
			    const u64 *values, unsigned int count)
{
	enum emul_result result = EMUL_DONE;

	for (unsigned int i = 0; i < count && !result; i++) {
		result = push(e, frame, values[i]);
	}
	return result;
}

/*
 * The stack in use is marked already, and a 64-bit one has no descriptor.
 */
enum emul_result frame_mark(struct emulator *e, const struct frame *frame)
{
	if (!frame->inner || frame->width == 8) {
		return EMUL_DONE;
	}
	return segment_mark(e, &frame->stack, RIGHTS_ACCESSED);
}

/* A null SS must not seem accessed: its rights are its level and no more. */
void frame_use(struct emulator *e, const struct frame *frame)
{
	struct segment_register ss = frame->stack.segment;

	context_merge_register(e, REG_RSP, frame->sp, frame->width);
	if (frame->inner) {
		ss.rights |= ss.rights & RIGHTS_UNUSABLE ? 0 : RIGHTS_ACCESSED;
		e->ops->system->set_segment(e, SEGMENT_SS, &ss);
	}
}
