/** @file
 * Hypercalls: a vCPU in real mode, and instructions that are all emulated.
 *
 * A test program is 64-bit code.  To see real mode it lays 16-bit code down
 * somewhere below 1 MiB and sends its own vCPU there, which comes back by a
 * hypercall of that code's own:
 *
 *	REAL(r) --> EAX .. GS of r, CS:IP --> 16-bit code ...
 *	    behind REAL  <-- r has the registers of then <-- REAL_END
 *
 * CR0 is that of reset, and so are CR4, EFER and IDTR; GDTR and CR3 stay, for
 * code that wants to go on from there by itself.  Segments are 64 KiB long,
 * their bases follow from the selectors, but for what the flags say.
 */
#ifndef HV_VMM_HYPERCALL_REAL_H
#define HV_VMM_HYPERCALL_REAL_H

#include "bus/types.h"

/** Names of segment registers, in the order of their numbers. */
enum hypercall_real_segment {
	REAL_ES,
	REAL_CS,
	REAL_SS,
	REAL_DS,
	REAL_FS,
	REAL_GS,
	REAL_SEGMENTS,
};

/* What may be said of it. */
#define REAL_EMULATED BIT(0) /* also if the processor could run it */
#define REAL_BIG BIT(1)	     /* ES, DS, FS and GS reach to 4 GiB */
#define REAL_PROTECTED BIT(2) /* CR0.PE is set: what is behind MOV to CR0 */
#define REAL_FOR_GOOD BIT(3) /* it will not come back by REAL_END */
#define REAL_FLAGS \
	(REAL_EMULATED | REAL_BIG | REAL_PROTECTED | REAL_FOR_GOOD)

/** The registers to begin with, and those at the end. */
struct hypercall_real {
	u32 gpr[8]; /* EAX first */
	u32 eip;
	u32 eflags;
	u16 segment[REAL_SEGMENTS];
	u16 flags; /* REAL_ */
	u16 idt_limit; /* IDTR: its base is 0 */
	u64 emulations; /* out: instructions that the emulator has done */
	u64 cr0; /* out */
};

#endif
