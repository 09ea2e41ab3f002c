/** @file
 * INS and OUTS: port I/O from and to memory, one element an exit.
 *
 * Each element is an exit of its own: after it the registers are those of an
 * interrupted REP, RIP stands at the instruction until RCX has run out, and the
 * guest executes it again.  That is slow and right: an interrupt is taken
 * between two elements, and a fault finds the registers as hardware has them.
 *
 *	OUTS   memory is read, then the port is written; registers move on
 *	       before the VMM is asked
 *	INS    the memory is checked first, so that no port is read in vain;
 *	       registers move on when the value is there
 *
 * The linear address, segment included and limit checked, is the processor's
 * (GUEST_LINEAR_ADDRESS, SDM 3C 28.2.1).  Memory that is no memory ends the VM.
 */
#include "hv/vcpu/exit.h"

#include "bus/bus.h"
#include "emulator/emulator.h"
#include "hv/vcpu/events.h"
#include "hv/vcpu/guest_access.h"
#include "hv/vcpu/read_section.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/* Exit qualification, SDM 3C table 28-5; instruction information, table 28-9 */
#define IO_SIZE BITS(2, 0)
#define IO_IN BIT(3)
#define IO_REP BIT(5)

/** One element, as the exit describes it. */
struct element {
	u64 mask; /* of the address size: what of RCX, RSI, RDI counts */
	struct guest_access memory;
	u64 value;
	bool rep;
	u16 port;
};

static void describe(struct vcpu *vcpu, struct element *el)
{
	static const u64 masks[4] = {0xffff, 0xffffffff, ~0ull, ~0ull};
	u64 q = vcpu->qualification;

	el->mask = masks[bits(vmread(VM_EXIT_INSTRUCTION_INFO), 9, 7) & 3];
	el->memory.address = gva(vmread(GUEST_LINEAR_ADDRESS));
	el->memory.buffer = &el->value;
	el->memory.size = (q & IO_SIZE) + 1;
	el->memory.write = q & IO_IN;
	el->value = 0;
	el->rep = q & IO_REP;
	el->port = bits(q, 31, 16);
}

/** A register of 16, 32 or 64 bits; a 32-bit write clears the upper half. */
static void put(u64 *reg, u64 mask, u64 value)
{
	if (mask == 0xffff) {
		*reg = (*reg & ~mask) | (value & mask);
	} else {
		*reg = value & mask;
	}
}

/** Step RSI or RDI, count RCX down; RIP moves when there is nothing left. */
static void retire(struct vcpu *vcpu, const struct element *el)
{
	u64 *index = &vcpu->gpr[el->memory.write ? GPR_RDI : GPR_RSI];
	u64 *rcx = &vcpu->gpr[GPR_RCX];
	u64 rflags = vmread(GUEST_RFLAGS);
	u64 step = el->memory.size;

	if (rflags & RFLAGS_DF) {
		step = -step;
	}
	put(index, el->mask, *index + step);
	if (el->rep) {
		put(rcx, el->mask, *rcx - 1);
	}
	vcpu->stuck.times = 0;
	if (!el->rep || !(*rcx & el->mask)) {
		exit_advance(vcpu);
	} else {
		events_step_trap(vcpu, rflags);
	}
}

/** Move one element, or only see whether it could be moved. */
static bool move(struct vcpu *vcpu, struct element *el, bool dry,
		 enum exit_action *action)
{
	struct exception e = {0};
	enum guest_access_result result;

	read_section_begin(vcpu);
	result = guest_access_move(vcpu, &el->memory, dry, &e);
	read_section_end(vcpu);
	*action = EXIT_RESUME;
	if (result == GUEST_ACCESS_FAULT && events_inject(vcpu, &e)) {
		return false;
	}
	if (result != GUEST_ACCESS_OK) {
		*action = exit_stop(vcpu, VCPU_INTERNAL_EMULATION, gpa(~0ull),
				    "a port I/O string instruction whose "
				    "memory operand is no memory");
		return false;
	}
	return true;
}

static enum exit_action to_vmm(struct vcpu *vcpu, const struct element *el)
{
	struct vcpu_run *run = &vcpu->run;

	run->exit_reason = VCPU_EXIT_IO;
	run->io.port = el->port;
	run->io.size = el->memory.size;
	run->io.count = 1;
	run->io.is_write = !el->memory.write;
	memcpy(run->io.data, &el->value, sizeof(el->value));
	vcpu->count.io_exits++;
	return EXIT_TO_VMM;
}

/** The port bus of the core. @return true: done, a read's value is in el */
static bool ask_core(struct vcpu *vcpu, struct element *el)
{
	struct bus_access access = {
		.address = bus_addr(el->port),
		.length = el->memory.size,
		.is_write = !el->memory.write,
		.value = el->value,
	};

	if (bus_dispatch(&vcpu->vm->port_bus, &access)) {
		return false;
	}
	el->value = access.value;
	return true;
}

static enum exit_action handle_outs(struct vcpu *vcpu, struct element *el)
{
	enum exit_action action;

	if (!move(vcpu, el, false, &action)) {
		return action;
	}
	retire(vcpu, el);
	return ask_core(vcpu, el) ? EXIT_RESUME : to_vmm(vcpu, el);
}

static enum exit_action finish_ins(struct vcpu *vcpu, struct element *el)
{
	enum exit_action action;

	if (move(vcpu, el, false, &action)) {
		retire(vcpu, el);
	}
	return action;
}

enum exit_action exit_io_string_handle(struct vcpu *vcpu)
{
	struct element el;
	enum exit_action action;

	describe(vcpu, &el);
	if (el.rep && !(vcpu->gpr[GPR_RCX] & el.mask)) {
		return EXIT_ADVANCE; /* no element, no access (spec 3.7) */
	}
	if (!el.memory.write) {
		return handle_outs(vcpu, &el);
	}
	if (!move(vcpu, &el, true, &action)) {
		return action;
	}
	if (ask_core(vcpu, &el)) {
		return finish_ins(vcpu, &el);
	}
	vcpu->pending = VCPU_PENDING_INS;
	return to_vmm(vcpu, &el);
}

/** Everything but the value is taken from the exit, which is still there. */
enum exit_action exit_io_string_complete(struct vcpu *vcpu)
{
	struct element el;

	describe(vcpu, &el);
	memcpy(&el.value, vcpu->run.io.data, sizeof(el.value));
	return finish_ins(vcpu, &el);
}
