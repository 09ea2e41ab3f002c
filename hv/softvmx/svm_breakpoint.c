/** @file
 * The guest's breakpoints, armed while it runs.
 *
 * VMRUN and #VMEXIT load DR7, but TCG 7.2 arms breakpoints at MOV to a debug
 * register only: a guest whose DR7 comes from the VMCS would have none, and the
 * host would run into those that a guest has left behind.  So DR7 is moved to
 * the register right before VMRUN and right behind it, and each MOV to DR7 by
 * the guest is intercepted (svm_exit_dr.c), whence it changes in no other way.
 *
 * Between the two moves the host is exposed to them for a few instructions,
 * which is why a breakpoint in the host's own half of the addresses - its image
 * and the direct map - is not armed.
 */
#include "hv/softvmx/svm_breakpoint.h"

#include "hv/x86/cr.h"

/** Where the host's addresses begin: the direct map, and behind it all else. */
#define HOST_HALF BITS(63, 47)

/** L and G of one breakpoint: DR7 bits 1:0, 3:2, 5:4, 7:6 (SDM 3B 18.2.4). */
static u64 enable_bits(unsigned int i)
{
	return BITS(2 * i + 1, 2 * i);
}

/** DR7 without the breakpoints that could stop the host. */
static u64 without_host(u64 dr7)
{
	const u64 address[] = { read_dr0(), read_dr1(), read_dr2(),
				read_dr3() };

	for (unsigned int i = 0; i < ARRAY_SIZE(address); i++) {
		if ((address[i] & HOST_HALF) == HOST_HALF) {
			dr7 &= ~enable_bits(i);
		}
	}
	return dr7;
}

/* DR0 to DR3 are the guest's already: VMX does not switch them. */
bool svm_breakpoint_arm(const struct softvmx_cpu *cpu)
{
	u64 dr7 = cpu->guest->save.dr7;

	if (likely(!(dr7 & BITS(7, 0)))) {
		return false;
	}
	write_dr7(without_host(dr7));
	return true;
}

void svm_breakpoint_disarm(void)
{
	write_dr7(DR7_RESET);
}
