/** @file
 * Each exit of a test as a line on COM2, to compare two machines by:
 *
 *	# exit lab1/name 48 gpa=0xd0000000 qual=0x181 rip=0x201040 len=3
 *
 * Interrupts of the host are left out by the core; when they arrive is nobody's
 * business.
 *
 * What remains is the guest's doing alone, and so the lines of QEMU and Bochs
 * can be compared one by one (tools/compare-exits): two VMX units by different
 * hands that say the same are a better witness than either.
 */
#include "hv/vmm/exit_lines.h"

#include "hv/vmm/tap.h"
#include "hv/x86/cpu.h"

/**
 * Lines of one test that count as progress.  A line takes a serial port some
 * milliseconds, in which the watchdog must not lose its patience; a guest that
 * exits for ever must still be stopped.
 */
#define LINES_OF_PATIENCE 20000

static void print_exit(struct vcpu *vcpu, const struct vcpu_exit_info *info)
{
	struct bed *bed = vcpu->exit_log_data;

	if (bed->exit_lines++ < LINES_OF_PATIENCE) {
		cpu_progress();
	}

	tap_comment("exit %s/%s %u gpa=0x%llx qual=0x%llx rip=0x%llx len=%u",
		    bed->plan.module, bed->plan.test->name, info->reason,
		    (unsigned long long)info->gpa.v,
		    (unsigned long long)info->qualification,
		    (unsigned long long)info->rip, info->insn_len);
}

void exit_lines_attach(struct bed *bed, struct vcpu *vcpu)
{
	vcpu->exit_log_data = bed;
	vcpu->exit_log = bed->plan.log_exits ? print_exit : NULL;
}
