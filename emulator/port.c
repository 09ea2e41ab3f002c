/** @file
 * Ports (port.h).
 *
 * Which ports a guest may touch hangs on its mode.  Real mode may touch all.
 * In protected mode code whose CPL is at most IOPL may as well; other code,
 * and virtual-8086 mode always, is held against a bitmap in the TSS: a clear
 * bit for each of the access' ports lets it through.  The bitmap begins where
 * the TSS's word 102 says, and what lies beyond the TSS's limit counts as set
 * (SDM 1 19.5.2).  Two bytes of it are read always, since an access may
 * straddle them.
 *
 * Then the access itself, of which e->port keeps the state:
 *
 *	PORT_NONE --read, write--> a device in the core took it: PORT_NONE
 *	          --read---------> PORT_WAITS --answer--> PORT_ANSWERED
 *	                              --the next pass takes it--> PORT_NONE
 *	          --write--------> PORT_WAITS --answer--> PORT_NONE
 *
 * PORT_ANSWERED is what keeps a port from being read twice: the instruction
 * runs again from its start, and a byte that a serial port has handed out is
 * gone from it.
 */
#include "emulator/port.h"

#include "emulator/context.h"
#include "emulator/memory.h"
#include "emulator/segment.h"

/** Where the TSS says where its bitmap begins. */
#define TSS_BITMAP 102

void port_reset(struct emulator *e)
{
	e->port.state = PORT_NONE;
}

/** IOPL, bits 13:12 of RFLAGS, against the CPL. */
static bool needs_bitmap(struct emulator *e)
{
	u64 cr0 = e->ops->control(e, SYSTEM_CR0);

	if (!(cr0 & CONTROL_CR0_PE)) {
		return false;
	}
	return (e->rflags & RFLAGS_VM) ||
	       e->ops->cpl(e) > bits(e->rflags, 13, 12);
}

/** Two bytes of the TSS. @return as memory_system_read(), #GP beyond it */
static enum emul_result read_tss(struct emulator *e,
				 const struct segment_register *tss, u32 offset,
				 u16 *value)
{
	if (offset + sizeof(*value) - 1 > tss->limit) {
		return context_protection(e, VECTOR_GP);
	}
	return memory_system_read(e, gva_add(tss->base, offset), value,
				  sizeof(*value));
}

/*
 * Each port has its bit, and an access of 2 or 4 bytes takes as many ports: all
 * of their bits must be clear.  A TSS of 16 bits has no map, so with one
 * nothing is permitted.
 */
enum emul_result port_check(struct emulator *e, u16 port, unsigned int size)
{
	struct segment_register tss;
	enum emul_result result;
	u16 begin = 0, map = 0;

	if (!needs_bitmap(e)) {
		return EMUL_DONE;
	}
	e->ops->system->get_segment(e, SEGMENT_TR, &tss);
	if ((tss.rights & RIGHTS_TYPE) != SYSTEM_TSS_BUSY) {
		return context_protection(e, VECTOR_GP);
	}
	result = read_tss(e, &tss, TSS_BITMAP, &begin);
	if (!result) {
		result = read_tss(e, &tss, begin + port / 8, &map);
	}
	if (result) {
		return result;
	}
	if (map >> (port % 8) & (BIT(size) - 1)) {
		return context_protection(e, VECTOR_GP);
	}
	return EMUL_DONE;
}

/*
 * The question is kept in e->port as it was asked; the answer fills its value
 * and nothing else of it, whatever the VMM has written into its record.
 */
enum emul_result port_read(struct emulator *e, u16 port, unsigned int size,
			   u32 *value)
{
	struct port_piece *piece = &e->port.piece;

	if (e->port.state == PORT_ANSWERED) {
		e->port.state = PORT_NONE;
	} else {
		*piece = (struct port_piece){ .port = port, .size = size };
		if (e->ops->system->port(e, piece)) {
			piece->value = 0;
			e->port.state = PORT_WAITS;
			return EMUL_IO_NEEDED;
		}
	}
	*value = piece->value & context_mask(size);
	return EMUL_DONE;
}

/*
 * The instruction goes on and retires; if the VMM has to be told, it is when
 * RIP is behind it already, as with a write to memory.
 */
void port_write(struct emulator *e, const struct port_piece *piece)
{
	e->port.piece = *piece;
	e->port.piece.is_write = true;
	e->port.piece.value &= context_mask(piece->size);
	if (e->ops->system->port(e, &e->port.piece)) {
		e->port.state = PORT_WAITS;
	}
}

bool port_answered(struct emulator *e, const u8 *data)
{
	e->port.state = PORT_NONE;
	if (e->port.piece.is_write) {
		return false;
	}
	memcpy(&e->port.piece.value, data, sizeof(e->port.piece.value));
	e->port.state = PORT_ANSWERED;
	return true;
}
