/** @file
 * What happens at an exit to the VMM, besides the answer.
 *
 * The time between a question and its answer is the most interesting one: the
 * instruction is half done, and everybody else goes on.  A VMM looks at the
 * vCPU's registers, another CPU writes to memory that has just been read, and
 * all of that must make no difference.  Here it is done by hooks, at an exit of
 * the test's choice, every time in the same moment.
 */
#include "hv/vmm/calls_io.h"

#include "hv/vmm/calls_groups.h"
#include "hv/vmm/middle.h"

/**
 * The registers as a VMM would have read them at that exit. In the middle of a
 * load its destination must still be the old one, and RIP at the instruction
 * (spec 4.3).
 */
s64 calls_io_state(struct bed *bed, const u64 *args)
{
	void *to = bed_memory(bed, args[0], sizeof(bed->io_state[0]));

	if (!to) {
		return -EFAULT;
	}
	if (args[1] >= bed->io_count || args[1] >= BED_IO_LOG) {
		return -ENOENT;
	}
	memcpy(to, &bed->io_state[args[1]], sizeof(bed->io_state[0]));
	return 0;
}

/**
 * A hook acts while the guest waits, when there is nobody to hear of an error.
 * So the place of a poke is checked now. It stays good: the guest's RAM keeps
 * its size, also when the vCPU moves.
 */
static bool is_valid(struct bed *bed, const struct hypercall_io_hook *hook)
{
	if (hook->action >= IO_ACTION_COUNT || !hook->nth) {
		return false;
	}
	return hook->action != IO_HOOK_POKE ||
	       (hook->length >= 1 && hook->length <= 8 &&
		bed_memory(bed, hook->gpa, hook->length));
}

/** A place that no hook has, or NULL. */
static struct hypercall_io_hook *free_hook(struct bed *bed)
{
	for (unsigned int i = 0; i < BED_IO_HOOKS; i++) {
		if (!bed->io_hook[i].nth) {
			return &bed->io_hook[i];
		}
	}
	return NULL;
}

/**
 * The hook counts exits down from `nth`, and 0 is how an empty place looks. An
 * nth of 0 is therefore refused.
 */
s64 calls_io_hook(struct bed *bed, const u64 *args)
{
	const struct hypercall_io_hook *from =
		bed_memory(bed, args[0], sizeof(*from));
	struct hypercall_io_hook hook, *to = free_hook(bed);

	if (!from) {
		return -EFAULT;
	}
	memcpy(&hook, from, sizeof(hook));
	if (!is_valid(bed, &hook)) {
		return -EINVAL;
	}
	if (!to) {
		return -ENOSPC;
	}
	*to = hook;
	return 0;
}

/**
 * All that the core may not believe.  Of a read's data its answer stays. struct
 * vcpu_run is shared with the VMM, as a page of memory is under KVM. What the
 * core needs for going on (address, length, direction) it must have kept for
 * itself; whoever reads it back from here does with it what the VMM wants. So
 * each field is turned into its opposite or into nonsense. The one thing that
 * the core is to take is the answer of a read: exactly `len` bytes of it.
 */
static void scribble(struct vcpu_run *run)
{
	if (run->exit_reason == VCPU_EXIT_MMIO) {
		if (run->mmio.is_write) {
			memset(run->mmio.data, 0xa5, sizeof(run->mmio.data));
		} else {
			memset(run->mmio.data + run->mmio.len, 0xa5,
			       sizeof(run->mmio.data) - run->mmio.len);
		}
		run->mmio.gpa = gpa(~run->mmio.gpa.v);
		run->mmio.len = 64;
		run->mmio.is_write = !run->mmio.is_write;
	} else {
		run->io.port = ~run->io.port;
		run->io.size = 64;
		run->io.count = ~0u;
		run->io.is_write = !run->io.is_write;
	}
	run->exit_reason = ~0u;
}

/**
 * Three of them only order something for the next vcpu_run() (asked back,
 * signalled, moved when drained); the others act on the spot.
 */
static void act(struct bed *bed, const struct hypercall_io_hook *hook)
{
	switch ((enum hypercall_io_action)hook->action) {
	case IO_HOOK_POKE:
		memcpy(bed_memory(bed, hook->gpa, hook->length), &hook->bytes,
		       hook->length);
		return;
	case IO_HOOK_SCRIBBLE:
		scribble(&bed->vcpu->run);
		return;
	case IO_HOOK_DUMP:
		vcpu_dump(bed->vcpu);
		return;
	case IO_HOOK_MOVE:
		middle_move(bed);
		return;
	case IO_HOOK_ASK_BACK:
		middle_ask_back(bed);
		return;
	case IO_HOOK_SIGNAL:
		middle_signal(bed);
		return;
	case IO_HOOK_MOVE_DRAINED:
		middle_move_drained(bed);
		return;
	case IO_ACTION_COUNT:
		break;
	}
}

/**
 * Called for each logged exit, before bed->io_count is counted up: so the state
 * has the same index as the entry of the log.
 */
void calls_io_at_exit(struct bed *bed)
{
	struct hypercall_io_state *state = &bed->io_state[bed->io_count];
	struct vcpu_regs regs;

	vcpu_regs_get(bed->vcpu, &regs);
	state->rip = regs.rip;
	state->rflags = regs.rflags;
	memcpy(state->gpr, regs.gpr, sizeof(state->gpr));
	for (unsigned int i = 0; i < BED_IO_HOOKS; i++) {
		struct hypercall_io_hook *hook = &bed->io_hook[i];

		if (hook->nth && !--hook->nth) {
			act(bed, hook);
		}
	}
}
