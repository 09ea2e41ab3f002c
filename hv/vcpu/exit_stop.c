/** @file
 * The end of a VM that cannot go on.
 *
 * What is unsupported, or broken, or goes round in circles, ends this VM and
 * nothing else: the record says which kind it was, where, and why, in a
 * sentence.
 * The vCPU refuses to run again.  vcpu_dump() shows the rest to people.
 *
 * The instruction's bytes go into the record, since with them most questions
 * are answered: for an unknown instruction they are the answer. They are read
 * through the guest's tables as these are now; what cannot be read is left out.
 */
#include <stdarg.h>

#include "hv/vcpu/exit.h"

#include "hv/lib/printf.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_controls.h"
#include "mmu/guest_walk.h"

/*
 * `pending` says STOPPED from here on: vcpu_run() gives -EIO and no second
 * reason can overwrite the first. A handler that calls this returns at once.
 */
enum exit_action exit_stop(struct vcpu *vcpu, u32 subreason, gpa_t gpa,
			   const char *format, ...)
{
	struct vcpu_run *run = &vcpu->run;
	va_list args;

	memset(&run->internal, 0, sizeof(run->internal));
	run->exit_reason = VCPU_EXIT_INTERNAL_ERROR;
	run->internal.subreason = subreason;
	run->internal.gpa = gpa;
	run->internal.rip = vcpu->rip;
	run->internal.insn_len =
		vcpu_peek(vcpu, gva(vmread(GUEST_CS_BASE) + vcpu->rip),
			  run->internal.insn, VCPU_INSN_BYTES);
	va_start(args, format);
	vsnprintf(run->internal.text, sizeof(run->internal.text), format, args);
	va_end(args);
	vcpu->pending = VCPU_PENDING_STOPPED;
	return EXIT_TO_VMM;
}
