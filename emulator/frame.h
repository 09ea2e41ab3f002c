/** @file
 * What a transfer through a gate leaves on the stack of its target.
 *
 * That stack may be the one in use, or the one that the task-state segment has
 * for an inner level.  The values are pushed all together: first it is asked
 * whether there is room for them, then they are written.
 */
#ifndef EMULATOR_FRAME_H
#define EMULATOR_FRAME_H

#include "emulator/segment.h"

/** Where the values go. */
struct frame {
	struct descriptor stack; /* its segment is SS as it will be */
	u64 sp;	    /* rSP before the first value */
	u8 width;   /* of rSP: 2, 4 or 8 bytes */
	u8 size;    /* of each value: 2, 4 or 8 bytes */
	bool inner; /* not the stack in use: SS changes, and with it the CPL */
};

/** Values for it: SS, rSP, 31 parameters of a call, CS, rIP. */
#define FRAME_VALUES 35

/**
 * The stack in use.
 *
 * @param size  bytes of a value
 * @param wide  for 64-bit code, which has rSP as a whole
 */
void frame_here(struct emulator *e, unsigned int size, bool wide,
		struct frame *out);

/**
 * The stack of an inner level, from the TSS (SDM 3A 6.12.1, 6.14.2).
 *
 * @param level  0 to 2
 * @param ist    in IA-32e mode one of the interrupt stacks, 1 to 7; or 0
 * @param out    size is set; the rest is filled
 * @return EMUL_DONE; #TS with the selector of the TSS, or of the stack; #SS
 *         with the latter if it is absent; #PF; EMUL_UNHANDLEABLE
 */
enum emul_result __must_check frame_inner(struct emulator *e,
					  unsigned int level, unsigned int ist,
					  struct frame *out);

/**
 * Is there room for so many values?
 *
 * @return EMUL_DONE, or #SS, of an inner stack with its selector
 */
enum emul_result __must_check frame_room(struct emulator *e,
					 const struct frame *frame,
					 unsigned int count);

/**
 * Push values, the first one first.  The frame's rSP moves, the vCPU's not yet.
 *
 * @return EMUL_DONE, or as fragments_write()
 */
enum emul_result __must_check frame_push(struct emulator *e,
					 struct frame *frame,
					 const u64 *values, unsigned int count);

/** Mark an inner stack's descriptor accessed.  @return as segment_mark() */
enum emul_result __must_check frame_mark(struct emulator *e,
					 const struct frame *frame);

/** SS and rSP are the frame's now: the last but CS that changes. */
void frame_use(struct emulator *e, const struct frame *frame);

#endif
