/** @file
 * Enter, record, answer - until the guest says how its test went.
 *
 * A record that two machines shall agree on must not depend on when something
 * happens, so nothing interrupts the guest but what it asks for: the watchdog
 * stands still meanwhile.  In its place one timer is set per test, far beyond
 * what any test takes.  Should it strike, the record is spoiled (rig->late) and
 * the test is made again from the start; whoever calls us counts how often.
 */
#include "hv/vmxtest/rig.h"

#include "hv/lib/options.h"
#include "hv/lib/watchdog.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/vmx/exit_reasons.h"

#define PATIENCE_US 4000000
#define VECTOR_PATIENCE 0xe2

/** The rig that runs on each CPU, for the timer's handler. */
static struct rig *running[CPU_MAX];

/** The timer's handler: whatever runs here has taken far too long. */
static void patience_ends(struct trap_frame *frame)
{
	struct rig *rig = running[this_cpu()->id];

	(void)frame;
	if (rig) {
		rig->late = true;
	}
}

/** CR2 is the one register which neither VMX nor vmx_entry_run() switches. */
static u64 enter(struct rig *rig)
{
	enum vmx_result result;

	write_cr2(rig->cr2);
	vmx_entry_run(rig->gpr, &result);
	rig->cr2 = read_cr2();
	return result ? vmread(VM_INSTRUCTION_ERROR) : 0;
}

/** An entry that no test has asked to fail. */
static void stop_for_entry(struct rig *rig, const struct services_exit *exit)
{
	const char *why = exit->fail ? vmx_error_sentence(exit->fail) :
				       vmx_error_entry(exit->reason,
						       exit->qualification);

	verdict_stop(&rig->verdict, VERDICT_ENTRY, "VM entry failed: %s",
		     vmx_unit_entry_failure(why));
}

/**
 * vmx_check=1 on the native unit: the checks in software must find nothing
 * wrong with what the processor enters, whatever mode the guest is in.
 */
static void check(struct rig *rig)
{
	struct entry_verdict verdict;

	if (options.vmx_check && !vmx_unit_is_soft && !rig->trying &&
	    !entry_checks_all(&verdict)) {
		verdict_stop(&rig->verdict, VERDICT_ENTRY,
			     "the checks object to a VM entry: %s",
			     entry_checks_sentence());
	}
}

/** From one entry to the next. */
static void step(struct rig *rig)
{
	u64 fail = enter(rig);
	struct services_exit *exit = rig_record(rig, fail);
	bool failed;

	if (!exit) {
		verdict_stop(&rig->verdict, VERDICT_LIVELOCK,
			     "the guest has exited %d times", RIG_EXITS_MAX);
		return;
	}
	failed = exit->fail || (exit->reason & EXIT_REASON_ENTRY_FAILURE);
	if (rig->trying) {
		rig_try_end(rig, fail);
	} else if (failed) {
		stop_for_entry(rig, exit);
	}
	if (!failed) {
		rig_exit_answer(rig, exit);
	}
	if (rig->late) {
		verdict_stop(&rig->verdict, VERDICT_LIVELOCK,
			     "the guest made no end of it at RIP 0x%llx",
			     (unsigned long long)exit->rip);
	}
}

/** An IRET: whatever the guest left blocked, the host has NMIs again. */
static void unblock_nmis(void)
{
	asm volatile("mov %%rsp, %%rax\n\t"
		     "push %0\n\t"
		     "push %%rax\n\t"
		     "pushfq\n\t"
		     "push %1\n\t"
		     "lea 1f(%%rip), %%rax\n\t"
		     "push %%rax\n\t"
		     "iretq\n"
		     "1:"
		     : : "i"(SEL_DATA), "i"(SEL_CODE64) : "rax", "memory");
}

/** What the test has left pending or blocked goes by here and now. */
static void clean_up(void)
{
	write_cr8(0);
	lapic_eoi(); /* a guest that took an interrupt itself cannot */
	unblock_nmis();
	irq_enable();
}

void rig_run(struct rig *rig)
{
	watchdog_stop();
	irq_set_handler(VECTOR_PATIENCE, patience_ends);
	running[this_cpu()->id] = rig;
	lapic_timer_oneshot(VECTOR_PATIENCE, PATIENCE_US);
	irq_disable();
	while (rig->verdict.stop == VERDICT_NONE) {
		check(rig);
		step(rig);
	}
	clean_up();
	lapic_timer_stop();
	running[this_cpu()->id] = NULL;
	watchdog_start();
}
