/** @file
 * IN, OUT, INS, OUTS.
 *
 * INS looks at its memory before it reads its port, so that no value is taken
 * out of a device and then lost to a page fault.  Memory may be a device as
 * well: then an element is a port access and an MMIO access, each of which
 * may go to the VMM.
 */
#include "emulator/op_port.h"

#include "emulator/operand.h"
#include "emulator/port.h"

/** An immediate port is one byte; the decoder has extended its sign. */
static u16 port_of(const struct operand *operand, u64 value)
{
	return operand->kind == OPERAND_IMMEDIATE ? (u8)value : (u16)value;
}

/* Into AL, AX or EAX: with REX.W, too, no port is asked for eight bytes. */
enum emul_result op_port_in(struct emulator *e, struct alu *alu)
{
	const struct insn *insn = &e->insn;
	u16 port = port_of(&insn->src, alu->src);
	enum emul_result result = port_check(e, port, insn->dst.size);
	u32 value = 0;

	if (!result) {
		result = port_read(e, port, insn->dst.size, &value);
	}
	alu->dst = value;
	return result;
}

/**
 * OUT and OUTS: may it be done, what is to be written, then the write, which is
 * not taken back.
 */
static enum emul_result write(struct emulator *e, u16 port,
			      const struct operand *src)
{
	struct port_piece piece = { .port = port, .size = src->size };
	enum emul_result result = port_check(e, port, src->size);
	u64 value;

	if (!result) {
		result = operand_read(e, src, &value);
	}
	if (!result) {
		piece.value = value;
		port_write(e, &piece);
	}
	return result;
}

enum emul_result op_port_out(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return write(e, port_of(&e->insn.dst, e->insn.dst.kind ==
							OPERAND_IMMEDIATE
						? e->insn.dst.value
						: e->gpr[REG_RDX]),
		     &e->insn.src);
}

/*
 *	port permitted?  -->  page there and writable?  -->  read  -->  write
 *
 * The page is looked at in each pass, since nothing keeps the guest's tables as
 * they are while the VMM is asked.
 */
enum emul_result op_port_ins(struct emulator *e, struct alu *alu)
{
	const struct operand *dst = &e->insn.dst;
	u16 port = e->gpr[REG_RDX];
	enum emul_result result = port_check(e, port, dst->size);
	u32 value = 0;

	(void)alu;
	if (!result) {
		result = memory_check(e, &dst->at);
	}
	if (!result) {
		result = port_read(e, port, dst->size, &value);
	}
	return result ? result : operand_write(e, dst, value);
}

enum emul_result op_port_outs(struct emulator *e, struct alu *alu)
{
	(void)alu;
	return write(e, e->gpr[REG_RDX], &e->insn.src);
}
