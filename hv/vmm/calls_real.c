/** @file
 * The hypercalls about real mode (hypercall_real.h), and about vCPUs of which
 * every instruction is emulated.
 *
 * The guest library is 64-bit code and cannot itself go to real mode and tell
 * of it.  So a hypercall takes the vCPU there: it keeps the registers, sets
 * those that the guest has asked for, and lets it run; the code there ends by
 * another hypercall, which hands out what is in the registers and puts the old
 * ones back.  To the caller it is one call that took a while.
 *
 *	64-bit guest   VMCALL HYPERCALL_REAL      registers are kept
 *	real mode      ... the code of the test ...
 *	               VMCALL HYPERCALL_REAL_END  registers are put back
 *	64-bit guest   the instruction behind the first VMCALL
 *
 * A processor with "unrestricted guest" runs real mode itself. Without it VM
 * entry demands protected mode, and the emulator does every instruction until
 * the state is one that can be entered (spec 9). The tests are the same for
 * both.
 */
#include "hv/vmm/calls_groups.h"

#include "hv/vcpu/invalid_state.h"
#include "hv/x86/cr.h"

_Static_assert((int)REAL_ES == SEG_ES && (int)REAL_CS == SEG_CS &&
		       (int)REAL_GS == SEG_GS,
	       "hypercall_real.h");

/**
 * Reset state first, then what differs. A real-mode segment's base is its
 * selector times 16; "big" ones have a limit of 4 GiB, which is what is left
 * when code goes back from protected mode ("unreal mode"). CS and SS are never
 * big here. GDT and CR3 stay, for tests that go on to protected mode.
 */
static int set_system(struct vcpu *vcpu, const struct hypercall_real *real,
		      const struct vcpu_sregs *before)
{
	struct vcpu_sregs system;

	vcpu_regs_reset_system(&system);
	for (unsigned int i = 0; i < REAL_SEGMENTS; i++) {
		bool big = (real->flags & REAL_BIG) && i != SEG_CS &&
			   i != SEG_SS;

		system.segment[i] = vcpu_regs_real_segment(
			i, real->segment[i], big);
	}
	system.gdt = before->gdt;
	system.cr3 = before->cr3;
	system.idt.limit = real->idt_limit;
	system.cr0 |= real->flags & REAL_PROTECTED ? CR0_PE : 0;
	return vcpu_regs_set_system(vcpu, &system);
}

/**
 * What it returns is the guest's RAX behind the hypercall; that register was
 * set by this very call, so its own value is given back. `at` doubles as "is in
 * real mode", and with REAL_FOR_GOOD there is no way back.
 */
s64 calls_real_begin(struct bed *bed, const u64 *args)
{
	struct bed_real *b = &bed->real[bed->vcpu->number];
	struct hypercall_real *real = bed_memory(bed, args[0], sizeof(*real));
	struct vcpu_regs regs = { .gpr = { 0 } };
	int error;

	if (!real) {
		return -EFAULT;
	}
	if (b->at || (real->flags & ~REAL_FLAGS)) {
		return -EINVAL;
	}
	vcpu_regs_get(bed->vcpu, &b->regs);
	vcpu_regs_get_system(bed->vcpu, &b->system);
	error = set_system(bed->vcpu, real, &b->system);
	if (error) {
		return error;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(real->gpr); i++) {
		regs.gpr[i] = real->gpr[i];
	}
	regs.rip = real->eip;
	regs.rflags = real->eflags;
	vcpu_regs_set(bed->vcpu, &regs);
	b->at = real->flags & REAL_FOR_GOOD ? 0 : args[0];
	b->forced = bed->vcpu->forced;
	b->emulations = bed->vcpu->count.emulations;
	invalid_state_force(bed->vcpu, b->forced ||
				       (real->flags & REAL_EMULATED));
	return real->gpr[GPR_RAX];
}

/**
 * What the code has left, but for EAX, which is the hypercall's number. Code in
 * real mode cannot reach the upper halves of registers, so 32 bits are handed
 * out.
 */
static void read_back(struct vcpu *vcpu, struct hypercall_real *real)
{
	struct vcpu_sregs system;
	struct vcpu_regs regs;

	vcpu_regs_get(vcpu, &regs);
	vcpu_regs_get_system(vcpu, &system);
	for (unsigned int i = 0; i < ARRAY_SIZE(real->gpr); i++) {
		real->gpr[i] = (u32)regs.gpr[i];
	}
	for (unsigned int i = 0; i < REAL_SEGMENTS; i++) {
		real->segment[i] = system.segment[i].selector;
	}
	real->eip = (u32)regs.rip;
	real->eflags = (u32)regs.rflags;
	real->cr0 = system.cr0;
}

/**
 * The address comes from the beginning and not from the arguments: those are
 * registers that the real-mode code has used. It is looked up again, since a
 * pointer kept in between would be wrong after a move.
 */
s64 calls_real_end(struct bed *bed, const u64 *args)
{
	struct bed_real *b = &bed->real[bed->vcpu->number];
	struct hypercall_real *real = bed_memory(bed, b->at, sizeof(*real));
	int error;

	(void)args;
	if (!b->at || !real) {
		return -EINVAL;
	}
	read_back(bed->vcpu, real);
	real->emulations = bed->vcpu->count.emulations - b->emulations;
	b->at = 0;
	error = vcpu_regs_set_system(bed->vcpu, &b->system);
	vcpu_regs_set(bed->vcpu, &b->regs);
	invalid_state_force(bed->vcpu, b->forced);
	return error;
}

/**
 * The whole emulator against the processor: a test runs the same code in both
 * ways and compares.
 */
s64 calls_real_emulate_all(struct bed *bed, const u64 *args)
{
	if (args[0] > 1) {
		return -EINVAL;
	}
	invalid_state_force(bed->vcpu, args[0]);
	return 0;
}
