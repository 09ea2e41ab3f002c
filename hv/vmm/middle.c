/** @file
 * Disturbing the middle of an access, and writing down what came of it.
 *
 *	vcpu_run() --> MMIO exit, answered; a hook asks the vCPU back
 *	vcpu_run() --> MMIO exit: another piece    counted
 *	           --> -EINTR, nothing is pending  looked at, perhaps moved
 *	vcpu_run() --> the guest goes on
 *
 * A store of 16 bytes, or one that crosses a page, goes to the VMM in pieces,
 * an exit for each. If the VMM asks the vCPU back after the first, vcpu_run()
 * must not return to the guest half done. It hands out the remaining pieces
 * first, and only then says -EINTR: at an instruction boundary, where the state
 * can be saved (spec 4.3).
 */
#include "hv/vmm/middle.h"

#include "bus/coalesced.h"
#include "hv/vcpu/vm_coalesced.h"

/**
 * From here on a -EINTR is expected, and pieces before it are counted. An
 * -EINTR that nobody has asked for is an error of the test (judge_error() in
 * bed_run.c).
 */
static void expect_interrupt(struct bed *bed)
{
	bed->awaited = true;
	bed->asked_at = bed->io_count;
}

/**
 * immediate_exit is KVM's flag of the same name: complete what is pending, do
 * not enter the guest.
 */
void middle_ask_back(struct bed *bed)
{
	expect_interrupt(bed);
	bed->vcpu->run.immediate_exit = 1;
}

/**
 * The other way to the same end, which a real VMM needs when it does not own
 * the struct: another thread sends it a signal.
 */
void middle_signal(struct bed *bed)
{
	expect_interrupt(bed);
	vcpu_signal(bed->vcpu);
}

/**
 * Moved at once, the vCPU would take its pending pieces along. Moved when it
 * has been asked back, there must be none. Tests want both.
 */
void middle_move_drained(struct bed *bed)
{
	bed->move_later = true;
	middle_ask_back(bed);
}

void middle_move(struct bed *bed)
{
	int error = bed_move(bed);

	if (error) {
		bed->middle.error = error;
	} else {
		bed->middle.moves++;
	}
}

/**
 * The exit at which the vCPU was asked back is not one of those that came after
 * it: hence the 1.
 */
void middle_interrupted(struct bed *bed)
{
	struct hypercall_middle *out = &bed->middle;
	struct vcpu_regs regs;

	bed->awaited = false;
	bed->vcpu->run.immediate_exit = 0;
	vcpu_regs_get(bed->vcpu, &regs);
	out->interrupts++;
	out->pieces += bed->io_count - bed->asked_at - 1;
	out->rip = regs.rip;
	out->rax = regs.gpr[GPR_RAX];
	if (bed->move_later) {
		bed->move_later = false;
		middle_move(bed);
	}
}

/**
 * Before the exit itself is answered: those stores came first in the guest's
 * program, and its devices must see them first. The entry gives 8 bytes, of
 * which the device takes `length`.
 */
u64 middle_drain_ring(struct bed *bed)
{
	struct coalesced_ring *ring = vm_coalesced_ring(bed->vm);
	struct bus_access a = { .is_write = true };
	struct coalesced_entry entry;
	u64 count = 0;

	while (ring && coalesced_pop(ring, &entry)) {
		a.address = bus_addr(entry.address);
		a.length = entry.length;
		memcpy(&a.value, entry.data, sizeof(a.value));
		bed_store(bed, &a);
		count++;
	}
	return count;
}
