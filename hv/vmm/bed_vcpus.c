/** @file
 * Several vCPUs in one bed, each in a loop of its own on its own CPU.
 *
 *	CPU 0  vcpu_run() | answer | vcpu_run() ...	 vCPU 0
 *	CPU 1  vcpu_run() ........ | answer | vcpu_run() vCPU 1
 *
 * Guests run at the same time, and so does the core.  The VMM's side, which is
 * devices without locks and a verdict, is one at a time: the bed's lock.  It is
 * held from vcpu_run() to vcpu_run(), never inside, so no vCPU that waits for
 * it is in a read section or in the guest, and its holder may wait for both.
 *
 * A crash on one CPU ends the test and must not leave another one waiting for a
 * lock that nobody will give up: who held it is in the lock.  The first crash
 * is the verdict, which is decided before others are let go on (bed->crashed).
 */
#include "hv/vmm/bed_vcpus.h"

#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/vcpu/irqchip.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

static bool is_over(const struct bed *bed)
{
	return READ_ONCE(bed->verdict.stop) != VERDICT_NONE;
}

/**
 * Look first, then try: a compare-and-exchange takes the cache line away from
 * the holder each time, a load shares it. Acquire pairs with the release of
 * bed_vcpus_unlock().
 */
static bool try_lock(struct bed *bed, u32 me)
{
	u32 nobody = 0;

	return !READ_ONCE(bed->lock) &&
	       __atomic_compare_exchange_n(&bed->lock, &nobody, me, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/**
 * The slow half of bed_vcpus_lock(). While it waits, this CPU says so to its
 * watchdog, since the holder may be in a long hypercall. A test that is over
 * never gives its lock up (follow_exit() in bed_run.c), so that ends the
 * waiting as well.
 */
bool bed_vcpus_wait_lock(struct bed *bed, u32 me)
{
	bool taken = false;

	cpu_begin_waiting();
	while (!taken && !is_over(bed)) {
		cpu_relax();
		taken = try_lock(bed, me);
	}
	cpu_end_waiting();
	return taken;
}

/* Life --------------------------------------------------------------------- */

/**
 * The system registers are those of the vCPU that has started it: same page
 * tables, same GDT. Only stack, entry and argument are its own.
 */
static int set_registers(struct bed_vcpu *b)
{
	struct vcpu_regs regs = {
		.rip = b->begin.rip,
		.rflags = RFLAGS_FIXED,
	};
	int error = vcpu_regs_set_system(b->vcpu, &b->system);

	regs.gpr[GPR_RSP] = b->begin.rsp;
	regs.gpr[GPR_RDI] = b->begin.argument;
	vcpu_regs_set(b->vcpu, &regs);
	return error;
}

/**
 * On its CPU: the one of before goes, a new one comes. A number may be used
 * again when its vCPU has ended; the old one is kept until then, since its
 * counters belong to the test. With HYPERCALL_VCPU_WAITS it begins as an
 * application processor after reset: it waits for INIT and SIPI.
 */
static void make(void *arg)
{
	struct bed_vcpu *b = arg;

	if (b->vcpu) {
		vcpu_destroy(b->vcpu);
		b->vcpu = NULL;
	}
	b->error = vcpu_create(b->bed->vm, (unsigned int)b->begin.number,
			       &b->vcpu);
	if (!b->error && b->begin.rip != HYPERCALL_VCPU_WAITS) {
		b->error = set_registers(b);
		irqchip_set_running(b->vcpu);
	}
}

/**
 * Call all others back: the test is over. The verdict stands, but a vCPU in the
 * guest does not look at it. A signal makes its vcpu_run() return, and then it
 * cannot get the lock any more.
 */
static void wake_others(struct bed *bed, unsigned int number)
{
	struct vcpu *first = bed->vm->vcpu[0];

	if (number && first) {
		vcpu_signal(first);
	}
	for (unsigned int i = 1; i < VM_VCPUS; i++) {
		const struct bed_vcpu *b = &bed->more[i];

		if (i != number &&
		    smp_load_acquire(&b->state) == BED_VCPU_RUNS) {
			vcpu_signal(b->vcpu);
		}
	}
}

static void run_guarded(void *arg)
{
	struct bed_vcpu *b = arg;

	bed_run_vcpu(b->bed, b->vcpu);
}

/**
 * What its CPU does as long as it runs. States of a started vCPU, and who moves
 * it on:
 *
 *	NONE --start()--> RUNS --calls_vcpu_end()--> LEAVES
 *	                    |                          |
 *	                    +--------- run() ----------+--> ENDED
 *
 * ENDED is stored last and with release: whoever sees it may start the number
 * again, and all that the vCPU did is visible.
 */
static void run(void *arg)
{
	struct bed_vcpu *b = arg;
	struct bed *bed = b->bed;

	if (!recovery_run(run_guarded, b, &b->crash)) {
		bed_vcpus_crashed(bed, (unsigned int)b->begin.number,
				  &b->crash);
	}
	if (is_over(bed)) {
		wake_others(bed, (unsigned int)b->begin.number);
	}
	smp_store_release(&b->state, BED_VCPU_ENDED);
}

/**
 * All is checked; the CPU may still be busy with something else. RUNS is set
 * before the CPU has begun, so that a second start of the same number is
 * refused at once.
 */
static int start(struct bed_vcpu *b)
{
	unsigned int cpu = (unsigned int)b->begin.number;
	int error = cpu_run_on(cpu, make, b);

	if (!error) {
		error = b->error;
	}
	if (!error) {
		b->state = BED_VCPU_RUNS;
		error = cpu_start_on(cpu, run, b);
	}
	if (error) {
		b->state = BED_VCPU_NONE;
	}
	return error;
}

/**
 * vCPU n runs on CPU n. An ended one is waited for: its CPU may still be on the
 * way out of run().
 */
int bed_vcpus_start(struct bed *bed, const struct hypercall_vcpu *begin)
{
	struct bed_vcpu *b;

	if (!begin->number || begin->number >= VM_VCPUS) {
		return -EINVAL;
	}
	if (begin->number >= cpu_count()) {
		return -ENODEV;
	}
	b = &bed->more[begin->number];
	switch ((enum bed_vcpu_state)smp_load_acquire(&b->state)) {
	case BED_VCPU_RUNS:
	case BED_VCPU_LEAVES:
		return -EEXIST;
	case BED_VCPU_ENDED:
		cpu_wait((unsigned int)begin->number);
		break;
	case BED_VCPU_NONE:
		break;
	}
	b->bed = bed;
	b->begin = *begin;
	b->value = 0;
	b->interrupts = 0;
	vcpu_regs_get_system(bed->vcpu, &b->system);
	return start(b);
}

/** After this no vCPU of the bed runs any more; also called after a crash. */
void bed_vcpus_stop(struct bed *bed)
{
	if (!bed->vm) {
		return;
	}
	wake_others(bed, 0);
	for (unsigned int i = 1; i < VM_VCPUS; i++) {
		if (bed->more[i].state != BED_VCPU_NONE) {
			cpu_wait(i);
		}
	}
}

/* Waiting, with the lock given up ------------------------------------------ */

/**
 * Back under the lock, as the vCPU that is being answered; or it is over.
 * bed->vcpu is "the one whose exit is answered"; others have had the lock in
 * between and have set it to themselves.
 */
static void return_to(struct bed *bed, struct vcpu *vcpu)
{
	if (bed_vcpus_lock(bed, bed_vcpus_holder(vcpu->number))) {
		bed->vcpu = vcpu;
	}
}

/**
 * It has a watchdog of its own; ours need not bark too. A hypercall is answered
 * under the bed's lock, and the other vCPU needs that lock to make its own
 * calls. To wait with the lock held would be a deadlock.
 */
void bed_vcpus_wait(struct bed *bed, unsigned int number)
{
	struct bed_vcpu *b = &bed->more[number];
	struct vcpu *vcpu = bed->vcpu;

	bed_vcpus_unlock(bed);
	while (smp_load_acquire(&b->state) != BED_VCPU_ENDED && !is_over(bed)) {
		cpu_progress();
		cpu_relax();
	}
	return_to(bed, vcpu);
}

/**
 * Patience is counted in this CPU's ticks, so that a test which hangs becomes a
 * failed check with a name and not a bark of the watchdog.
 */
bool bed_vcpus_wait_until(struct bed *bed, bool (*is_so)(const void *),
			  const void *argument, u64 ticks)
{
	struct vcpu *vcpu = bed->vcpu;
	u64 begun = this_cpu()->ticks;
	bool so = is_so(argument);

	if (so) {
		return true;
	}
	bed_vcpus_unlock(bed);
	while (!so && !is_over(bed) &&
	       READ_ONCE(this_cpu()->ticks) - begun < ticks) {
		cpu_relax();
		so = is_so(argument);
	}
	cpu_progress();
	return_to(bed, vcpu);
	return so;
}

/**
 * This must not take long, so here our watchdog is awake. The count is read
 * before the signal: an interrupt that comes at once must be seen as the answer
 * to this kick.
 */
void bed_vcpus_kick(struct bed *bed, unsigned int number)
{
	const struct bed_vcpu *b = &bed->more[number];
	u64 before = b->interrupts;
	struct vcpu *vcpu = bed->vcpu;

	vcpu_signal(bed->vm->vcpu[number]);
	bed_vcpus_unlock(bed);
	while (smp_load_acquire(&b->interrupts) == before && !is_over(bed)) {
		cpu_relax();
	}
	return_to(bed, vcpu);
}

bool bed_vcpus_interrupted(struct bed *bed)
{
	struct bed_vcpu *b = &bed->more[bed->vcpu->number];

	cpu_progress(); /* it may do nothing else than to be interrupted */
	smp_store_release(&b->interrupts, b->interrupts + 1);
	return b->state != BED_VCPU_LEAVES;
}

/* Crashes ------------------------------------------------------------------ */

/**
 * Under the lock, which is then never given up; or the test is over already,
 * and nobody else writes the verdict. The number of the vCPU stands before the
 * sentence only if there are several.
 */
static void write_verdict(struct bed *bed, unsigned int number,
			  const struct crash *crash)
{
	u32 me = bed_vcpus_holder(number);
	bool named = bed->vm && bed->vm->vcpus > 1;

	if (READ_ONCE(bed->lock) != me && !bed_vcpus_lock(bed, me)) {
		printf("vCPU %u: the test was over already\n", number);
	}
	verdict_crash(&bed->verdict, crash);
	if (named) {
		snprintf(bed->verdict.message, VERDICT_TEXT, "vCPU %u: %s",
			 number, crash->message);
	}
}

/**
 * The exchange makes exactly one CPU the first, whatever their order at the
 * lock. A later one that crashed while holding the lock must give it up, or the
 * first would wait for ever. The vCPU is abandoned, not destroyed: its VMCS may
 * be in any state.
 */
void bed_vcpus_crashed(struct bed *bed, unsigned int number,
		       const struct crash *crash)
{
	bool first = !__atomic_exchange_n(&bed->crashed, true,
					  __ATOMIC_SEQ_CST);

	if (bed->vm && bed->vm->vcpu[number]) {
		vcpu_abandon(bed->vm->vcpu[number]);
	}
	if (first) {
		write_verdict(bed, number, crash);
	} else if (READ_ONCE(bed->lock) == bed_vcpus_holder(number)) {
		bed_vcpus_unlock(bed); /* the first one waits for it */
	}
}
