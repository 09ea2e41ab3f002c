/** @file
 * Whether a guest that is not ours still does something.
 *
 * Our tests say when they get on, by hypercalls; a kernel that somebody else
 * has written owes us no sign.  It may compute for hours with interrupts off
 * and without an exit, as a memory test does.  What can be told from outside
 * is the opposite: with interrupts off, no exits, at the same place and with
 * the same registers each time that we look, nothing will ever change.
 *
 *	1:	pause
 *		jmp	1b
 *
 * So a guest with interrupts on needs no closer look, and that is most of them.
 * A spinlock whose holder waits for us looks like that for a moment; the
 * watchdog's patience is a multiple of that.
 */
#include "hv/vcpu/hang.h"

#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/** A loop of so few bytes counts as one place. */
#define SAME_PLACE 32

static u64 sum_registers(const struct vcpu *vcpu)
{
	u64 sum = vmread(GUEST_RSP);

	for (unsigned int i = 0; i < GPR_COUNT; i++) {
		if (i != GPR_RSP) {
			sum = (sum << 7 | sum >> 57) ^ vcpu->gpr[i];
		}
	}
	return sum;
}

/** A guest with interrupts off. */
static void look_closer(struct vcpu *vcpu)
{
	struct hang_place *last = &vcpu->hang;
	struct hang_place now = {
		.rip = vcpu->rip,
		.registers = sum_registers(vcpu),
		.exits = this_cpu()->exits,
	};
	u64 distance = now.rip > last->rip ? now.rip - last->rip
					   : last->rip - now.rip;

	if (now.exits != last->exits || now.registers != last->registers ||
	    distance > SAME_PLACE) {
		cpu_progress();
		*last = now;
	}
}

void hang_look(struct vcpu *vcpu)
{
	if (likely(vmread(GUEST_RFLAGS) & RFLAGS_IF)) {
		cpu_progress();
	} else {
		look_closer(vcpu);
	}
}
