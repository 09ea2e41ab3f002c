/** @file
 * Virtual-8086 mode's doors (SDM 3A 20.2).
 *
 *	IRET, level 0, VM set in the flags on the stack
 *	      [GS FS DS ES SS ESP EFLAGS CS EIP]  -->  virtual-8086 mode
 *	      <--  an interrupt or exception, to level 0, leaves the same
 *
 * Segments are real mode's there, of 64 KiB and level 3.  Behind an event they
 * are null, so that nothing of them is left for protected mode to trip over:
 * their selectors are paragraph numbers, which as indices into the GDT would
 * mean anything.
 *
 * The mode runs a program of real mode as a program of level 3, under a monitor
 * at level 0: by way of this file he gets what it must not do itself.
 */
#include "emulator/virtual_8086.h"

#include "emulator/stack.h"
#include "emulator/system.h"

/* What the processor gives each of the six; VM entry wants just this, too. */
#define RIGHTS_8086                                         \
	(RIGHTS_ACCESSED | RIGHTS_WRITABLE | RIGHTS_S | RIGHTS_P | 3u << 5)

/** In the order of the stack, from its top on. */
static const u8 segments[] = { SEGMENT_SS, SEGMENT_ES, SEGMENT_DS,
			       SEGMENT_FS, SEGMENT_GS };

void virtual_8086_selectors(struct emulator *e, u64 *values)
{
	struct segment_register segment;

	for (unsigned int i = 0; i < VIRTUAL_8086_SEGMENTS; i++) {
		e->ops->system->get_segment(
			e, segments[VIRTUAL_8086_SEGMENTS - i], &segment);
		values[i] = segment.selector;
	}
}

void virtual_8086_leave(struct emulator *e)
{
	const struct segment_register null = { .rights = RIGHTS_UNUSABLE };

	for (unsigned int i = 1; i < ARRAY_SIZE(segments); i++) {
		e->ops->system->set_segment(e, segments[i], &null);
	}
}

/** No descriptor is looked at, so nothing can fault. */
static void load(struct emulator *e, enum emul_segment which, u16 selector)
{
	const struct segment_register segment = {
		.base = gva((u64)selector << 4),
		.limit = 0xffff,
		.rights = RIGHTS_8086,
		.selector = selector,
	};

	e->ops->system->set_segment(e, which, &segment);
}

/*
 * Nine values stand there, three of them in entry already.  All are popped
 * before anything changes; a selector is pushed as four bytes, of which two
 * count.
 */
enum emul_result virtual_8086_enter(struct emulator *e,
				    const struct virtual_8086_entry *entry,
				    u64 *flags)
{
	u64 sp, selectors[ARRAY_SIZE(segments)];
	enum emul_result result = stack_pop(e, &sp, 4);

	for (unsigned int i = 0; i < ARRAY_SIZE(segments) && !result; i++) {
		result = stack_pop(e, &selectors[i], 4);
	}
	if (!result && entry->offset > 0xffff) {
		result = context_protection(e, VECTOR_GP);
	}
	if (result) {
		return result;
	}
	*flags = entry->flags;
	e->next_rip = entry->offset;
	context_set_register(e, REG_RSP, (u32)sp);
	load(e, SEGMENT_CS, entry->cs);
	for (unsigned int i = 0; i < ARRAY_SIZE(segments); i++) {
		load(e, segments[i], selectors[i]);
	}
	return EMUL_DONE;
}
