/** @file
 * The VMM's loop: run the guest, answer what it needs, run it again.
 *
 * This is the far side of vcpu_run().  Each reason to come back is either
 * answered (MMIO, ports, hypercalls) or ends the test, and what ends it may be
 * just what the test has announced.  Between two calls the stack below is
 * overwritten, so that whoever keeps a pointer into it is found out.
 *
 * Each vCPU has this loop to itself, on its own CPU; answers are given one at a
 * time, under the bed's lock.
 *
 *	vcpu_run() --> 0       one exit for us    follow_exit()
 *	           --> -EINTR  asked back         follow_error()
 *	           --> other   the core gives up  follow_error(), verdict
 *
 * follow_exit() is on the way of each MMIO access that the VMM answers, which
 * is what the bench measures. So it is inline, what is rare is kept out of
 * line, and `likely` says which branch that is.
 */
#include "hv/vmm/bed.h"

#include "hv/lib/printf.h"
#include "hv/vmm/bed_vcpus.h"
#include "hv/vmm/calls.h"
#include "hv/vmm/calls_io.h"
#include "hv/vmm/exit_lines.h"
#include "hv/vmm/middle.h"
#include "hv/x86/cpu.h"

/**
 * Fill the next entry of the log. Only the first exits are remembered: a test
 * asks about a handful, and the bench makes many more.
 */
static __noinline void remember(struct bed *bed, const struct bus_access *a,
				bool is_port)
{
	bed->io_log[bed->io_count] = (struct hypercall_io){
		.address = a->address.v,
		.data = device_mask(a->value, a->length),
		.length = a->length,
		.is_write = a->is_write,
		.is_port = is_port,
	};
	calls_io_at_exit(bed);
}

/**
 * Remember an exit for the guest's questions: the first so many.  Hooks act
 * while there is room in the log.
 */
static inline void log_io(struct bed *bed, const struct bus_access *a,
			  bool is_port)
{
	if (unlikely(bed->io_count < BED_IO_LOG)) {
		remember(bed, a, is_port);
	}
	bed->io_count++;
}

/**
 * Let a device answer; nobody there reads as all ones. As on a PC's bus, where
 * the lines float high when no device drives them.
 */
static void answer(struct device *device, struct bus_access *a)
{
	if (device) {
		a->offset = a->address.v - device->base;
		device_access(device, a);
	} else if (!a->is_write) {
		a->value = ~0ull;
	}
}

/**
 * Who is there outside of the core: a device of every VM, or a made one. Only
 * devices of the VMM: those in the core have answered before the exit ever got
 * here.
 */
static inline struct device *find(struct bed *bed, gpa_t address,
				  unsigned int len)
{
	struct device *device = devices_find(&bed->devices, address, len);

	return likely(device) ? device
			      : made_device_find(&bed->made, address, len);
}

/**
 * Of the 8 bytes of data the core takes those that it needs. `data` is the
 * core's buffer, in the order of memory. All 8 bytes are copied whatever the
 * length: a copy of fixed size is one instruction.
 */
static void answer_mmio(struct bed *bed, struct vcpu_run *run)
{
	struct bus_access a;

	a.address = bus_addr(run->mmio.gpa.v);
	a.length = run->mmio.len;
	a.is_write = run->mmio.is_write;
	__builtin_memcpy(&a.value, run->mmio.data, 8);
	answer(find(bed, run->mmio.gpa, a.length), &a);
	__builtin_memcpy(run->mmio.data, &a.value, 8);
	log_io(bed, &a, false);
}

static void answer_port(struct bed *bed, struct vcpu_run *run)
{
	struct bus_access a;

	a.address = bus_addr(run->io.port);
	a.length = run->io.size;
	a.is_write = run->io.is_write;
	__builtin_memcpy(&a.value, run->io.data, 8);
	answer(devices_find_port(&bed->devices, run->io.port, a.length), &a);
	__builtin_memcpy(run->io.data, &a.value, 8);
	log_io(bed, &a, true);
}

/**
 * The guest's registers are where the message says what cannot go on. Reasons
 * for which KVM has KVM_EXIT_INTERNAL_ERROR. The bytes of the instruction are
 * what one needs first to find out why the emulator gave up.
 */
static void stop_internal(struct bed *bed, const struct vcpu_run *run)
{
	static const enum verdict_stop stops[] = {
		[VCPU_INTERNAL_EMULATION] = VERDICT_EMULATION,
		[VCPU_INTERNAL_DELIVERY] = VERDICT_DELIVERY,
		[VCPU_INTERNAL_UNEXPECTED_EXIT] = VERDICT_ERROR,
		[VCPU_INTERNAL_MMU] = VERDICT_ERROR,
		[VCPU_INTERNAL_LIVELOCK] = VERDICT_LIVELOCK,
	};
	char bytes[3 * VCPU_INSN_BYTES + 1] = "none";

	for (unsigned int i = 0; i < run->internal.insn_len; i++) {
		snprintf(bytes + 3 * i, 4, "%02x ", run->internal.insn[i]);
	}
	verdict_stop(&bed->verdict, stops[run->internal.subreason],
		     "%s; guest RIP 0x%llx, instruction bytes %s",
		     run->internal.text,
		     (unsigned long long)run->internal.rip, bytes);
}

/**
 * Come back with something that is no question. A switch without default, so
 * that a new exit reason makes the compiler ask where it belongs.
 */
static void stop_run(struct bed *bed, const struct vcpu_run *run)
{
	struct verdict *verdict = &bed->verdict;

	switch ((enum vcpu_exit)run->exit_reason) {
	case VCPU_EXIT_HLT:
		verdict_stop(verdict, VERDICT_UNFINISHED,
			     "the guest halted before the end of its test");
		return;
	case VCPU_EXIT_SHUTDOWN:
		verdict_stop(verdict, VERDICT_TRIPLE_FAULT, "%s",
			     run->internal.text);
		return;
	case VCPU_EXIT_FAIL_ENTRY:
		verdict_stop(verdict, VERDICT_ENTRY, "VM entry failed: %s",
			     run->fail_entry.sentence);
		return;
	case VCPU_EXIT_INTERNAL_ERROR:
		stop_internal(bed, run);
		return;
	case VCPU_EXIT_NONE:
	case VCPU_EXIT_MMIO:
	case VCPU_EXIT_IO:
	case VCPU_EXIT_HYPERCALL:
	case VCPU_EXIT_INTERRUPTED:
	case VCPU_EXIT_COUNT:
		break;
	}
	verdict_stop(verdict, VERDICT_ERROR,
		     "vcpu_run() came back for no known reason (%u)",
		     run->exit_reason);
}

void bed_store(struct bed *bed, struct bus_access *a)
{
	answer(find(bed, gpa(a->address.v), a->length), a);
}

/**
 * One exit to the VMM. Stores that wait in the ring are older than this exit,
 * so they go first. cpu_progress() only at hypercalls: a guest that does MMIO
 * for ever shall be stopped by the watchdog, one that reports to us is alive.
 */
static void handle(struct bed *bed, struct vcpu_run *run)
{
	u64 nr;

	if (run->exit_reason == VCPU_EXIT_MMIO) {
		if (unlikely(bed->coalesces)) {
			middle_drain_ring(bed);
		}
		answer_mmio(bed, run);
	} else if (run->exit_reason == VCPU_EXIT_IO) {
		if (unlikely(bed->coalesces)) {
			middle_drain_ring(bed);
		}
		answer_port(bed, run);
	} else if (run->exit_reason == VCPU_EXIT_HYPERCALL) {
		nr = run->hypercall.nr;
		run->hypercall.ret =
			(u64)calls_handle(bed, nr, run->hypercall.args);
		cpu_progress();
	} else {
		stop_run(bed, run);
	}
}

/**
 * vcpu_run() has returned an error. First the interrupt that the test has
 * ordered itself, then one by another vCPU; any other is a mistake of the core.
 * @return whether the vCPU goes on
 */
static bool judge_error(struct bed *bed, int error)
{
	if (error == -EINTR && bed->awaited) {
		middle_interrupted(bed);
	} else if (error == -EINTR && bed->vm->vcpus > 1) {
		return bed_vcpus_interrupted(bed);
	} else {
		verdict_stop(&bed->verdict, VERDICT_ERROR,
			     "vcpu_run() failed with %d", error);
	}
	return true;
}

/** @return the vCPU that goes on, which may have moved; NULL: none does */
static __noinline struct vcpu *follow_error(struct bed *bed, struct vcpu *vcpu,
					    int error)
{
	bool more;

	if (!bed_vcpus_lock(bed, bed_vcpus_holder(vcpu->number))) {
		return NULL;
	}
	bed->vcpu = vcpu;
	more = judge_error(bed, error);
	if (bed->verdict.stop != VERDICT_NONE) {
		return NULL;
	}
	vcpu = bed->vcpu;
	bed_vcpus_unlock(bed);
	return more ? vcpu : NULL;
}

/**
 * One exit to the VMM.  If its answer ends the test the lock stays taken:
 * nobody answers any more.
 * @param me bed_vcpus_holder() of the vCPU
 * @return as follow_error()
 */
static inline struct vcpu *follow_exit(struct bed *bed, struct vcpu *vcpu,
				       u32 me)
{
	if (unlikely(!bed_vcpus_lock(bed, me))) {
		return NULL;
	}
	bed->vcpu = vcpu;
	handle(bed, &vcpu->run);
	if (unlikely(bed->verdict.stop != VERDICT_NONE)) {
		return NULL;
	}
	vcpu = bed->vcpu;
	bed_vcpus_unlock(bed);
	if (!vcpu) {
		__builtin_unreachable(); /* spares the loop a comparison */
	}
	return vcpu;
}

/**
 * `vcpu` may change in the loop: after a move the same guest goes on in another
 * VM. Poison: whoever keeps a pointer to a local variable across two calls of
 * vcpu_run() finds nonsense behind it, and not by chance the old value.
 */
void bed_run_vcpu(struct bed *bed, struct vcpu *vcpu)
{
	const u32 me = bed_vcpus_holder(vcpu->number);
	int error;

	exit_lines_attach(bed, vcpu);
	do {
		if (bed->plan.poison) {
			vcpu_poison_stack();
		}
		error = vcpu_run(vcpu);
		vcpu = likely(!error) ? follow_exit(bed, vcpu, me) :
					follow_error(bed, vcpu, error);
	} while (vcpu);
}

/**
 * Only when all have stopped is it decided whether this was the announced end:
 * another vCPU could still change the counters.
 */
void bed_run(struct bed *bed)
{
	bed_run_vcpu(bed, bed->vcpu);
	bed_vcpus_stop(bed);
	calls_judge_stop(bed);
}
