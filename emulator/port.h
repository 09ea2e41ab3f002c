/** @file
 * Ports: IN, OUT, INS, OUTS and what they ask of the VMM.
 *
 * A port is asked like a device: the core first, then the VMM.  A read ends
 * the pass; with the answer the instruction runs once more from its start and
 * finds it here, as a read of memory finds its own in the read cache.  A write
 * is told to the VMM when the instruction has retired.
 *
 * One instruction makes one access to one port, so one record is enough; and
 * no memory access waits while a port does: INS writes its memory behind the
 * answer, OUTS has read its memory before.
 */
#ifndef EMULATOR_PORT_H
#define EMULATOR_PORT_H

#include "emulator/system.h"

/** What is known of the instruction's access. */
enum port_state {
	PORT_NONE,
	PORT_WAITS,    /* the VMM is asked */
	PORT_ANSWERED, /* piece.value is the answer, to be taken */
};

/** No pointers, as in all that is pending (spec 10.1). */
struct port_access {
	u8 state; /* enum port_state */
	struct port_piece piece;
};

/** A new instruction or iteration: nothing is known. */
void port_reset(struct emulator *e);

/**
 * May the guest touch these ports?  Privilege, then the TSS's bitmap (SDM 1
 * 19.5).  Real mode may always.
 *
 * @param port  the first of size ports
 * @param size  1, 2 or 4
 * @return EMUL_DONE; EMUL_FAULT with #GP(0), or #PF on the TSS;
 *         EMUL_UNHANDLEABLE when the TSS is not in RAM
 */
enum emul_result __must_check port_check(struct emulator *e, u16 port,
					 unsigned int size);

/**
 * Read a port.
 *
 * @param value  gets the answer, zero-extended
 * @return EMUL_DONE, or EMUL_IO_NEEDED: the VMM must answer first
 */
enum emul_result __must_check port_read(struct emulator *e, u16 port,
					unsigned int size, u32 *value);

/** Write a port.  If the VMM is to be told, that is pending afterwards. */
void port_write(struct emulator *e, const struct port_piece *piece);

/**
 * The VMM has answered the question that was pending.
 *
 * @param data  8 bytes, of which the port's size count
 * @return true: it was a read, the instruction runs again
 */
bool port_answered(struct emulator *e, const u8 *data);

#endif
