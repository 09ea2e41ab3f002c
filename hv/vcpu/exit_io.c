/** @file
 * Port I/O: IN, OUT, INS, OUTS.
 *
 * The port bus of the core is asked first; a port which it does not know goes
 * to the VMM.  An OUT is finished when the VMM is told: RIP is behind it.  An
 * IN waits: RIP is at the instruction until the value is there.
 *
 * INS and OUTS go to the emulator.  Their other operand is memory, which has
 * all that memory can have: two pages, devices, page faults.
 */
#include "hv/vcpu/exit.h"

#include "bus/access.h"
#include "bus/bus.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/step.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"

/* Exit qualification for I/O instructions, SDM 3C table 28-5 */
#define IO_SIZE BITS(2, 0) /* minus 1 */
#define IO_IN BIT(3)
#define IO_STRING BIT(4)

/** AL, AX: the other bytes stay; EAX: the upper half is cleared. */
static void set_accumulator(struct vcpu *vcpu, unsigned int size, u64 value)
{
	u64 *rax = &vcpu->gpr[GPR_RAX];

	switch (size) {
	case 1:
		*rax = (*rax & ~0xffull) | (u8)value;
		break;
	case 2:
		*rax = (*rax & ~0xffffull) | (u16)value;
		break;
	default:
		*rax = (u32)value;
	}
}

/**
 * The VMM is asked.  An OUT is a message and over.  An IN stays open: what its
 * completion needs is kept in struct vcpu, as the next thing that runs on this
 * CPU may be another vCPU with another VMCS.
 */
static enum exit_action to_vmm(struct vcpu *vcpu, const struct bus_access *a)
{
	struct vcpu_run *run = &vcpu->run;

	run->exit_reason = VCPU_EXIT_IO;
	run->io.port = a->address.v;
	run->io.size = a->length;
	run->io.count = 1;
	run->io.is_write = a->is_write;
	*(u64 *)run->io.data = a->is_write ? a->value : 0;
	vcpu->count.io_exits++;
	if (a->is_write) {
		return EXIT_ADVANCE_TO_VMM;
	}
	vcpu->pending = VCPU_PENDING_IN;
	vcpu->in_length = vmread(VM_EXIT_INSTRUCTION_LEN);
	return EXIT_TO_VMM;
}

/** What the exit says of the operand is of no use: REP may go on (spec 3.7). */
static __noinline enum exit_action handle_string(struct vcpu *vcpu)
{
	struct emulator *e = &vcpu->emulation->e;
	enum exit_action action;

	e->hint.valid = false;
	e->mmio_page = EMULATOR_NO_PAGE;
	read_section_begin(vcpu);
	action = emulate_run(vcpu, memslot_read(&vcpu->vm->slots));
	read_section_end(vcpu);
	return action;
}

/*
 * The qualification (SDM 3C table 28-5): bits 2:0 size less 1, bit 3 direction,
 * bit 4 string, bits 31:16 the port, whether it was DX or in the instruction.
 * Privilege (IOPL, the bitmap in the TSS) was checked before the exit.
 *
 * An empty bus is not worth a read section.
 */
enum exit_action exit_io_handle(struct vcpu *vcpu)
{
	u64 q = vmread(EXIT_QUALIFICATION);
	struct bus_access access = {
		.address = bus_addr(bits(q, 31, 16)),
		.length = (q & IO_SIZE) + 1,
		.is_write = !(q & IO_IN),
	};

	vcpu->qualification = q; /* the completion of an IN needs it */
	if (unlikely(q & IO_STRING)) {
		return handle_string(vcpu);
	}
	if (access.is_write) {
		access.value = vcpu->gpr[GPR_RAX] &
			       (~0ull >> (64 - 8 * access.length));
	}
	if (bus_is_empty(&vcpu->vm->port_bus) ||
	    bus_dispatch_alone(&vcpu->vm->port_bus, &vcpu->reader, &access)) {
		return to_vmm(vcpu, &access);
	}
	if (!access.is_write) {
		set_accumulator(vcpu, access.length, access.value);
	}
	return EXIT_ADVANCE;
}

/**
 * Port, size and direction are those of the exit, not the record's; and they
 * are the vCPU's, not the VMCS's: by now it may run in another one.
 */
enum exit_action exit_io_complete_in(struct vcpu *vcpu)
{
	u64 value;

	memcpy(&value, vcpu->run.io.data, sizeof(value));
	set_accumulator(vcpu, (vcpu->qualification & IO_SIZE) + 1, value);
	step_by(vcpu, vcpu->in_length);
	return EXIT_RESUME;
}
