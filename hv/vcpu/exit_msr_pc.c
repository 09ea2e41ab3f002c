/** @file
 * MSRs that only kernels of others ask for.
 *
 * A kernel reads some registers for no better reason than that every processor
 * of its kind has them.  Where a plain 0 is a true answer it gets that, so that
 * its log stays clean; everything else is #GP, which kernels are prepared for.
 * docs/guests.md has the whole list.
 */
#include "hv/vcpu/exit.h"

#include "bus/errno.h"
#include "hv/vcpu/mtrr.h"
#include "hv/vcpu/pvclock.h"
#include "hv/vcpu/vcpu.h"

/**
 * Registers that read as 0 and may be written with anything.  AMD's are used
 * without asking by kernels that see that vendor (APM 2 appendix A).
 */
static const u32 zeroes[] = {
	0x00000017, /* IA32_PLATFORM_ID: which microcode updates would fit */
	0x0000008b, /* IA32_BIOS_SIGN_ID: none was loaded */
	0x00000179, 0x0000017a, /* machine checks: there are no banks */
	0xc0010000, 0xc0010001, 0xc0010002, 0xc0010003, /* AMD's counters */
	0xc0010004, 0xc0010005, 0xc0010006, 0xc0010007,
	0xc0010010, /* SYSCFG */
	0xc0010015, /* HWCR */
	0xc001001f, /* NB_CFG */
	0xc0010140, 0xc0010141, /* AMD's list of errata: empty */
	0xc0010055, /* AMD's interrupt pending message: no C1E */
};

static bool is_zero(u32 msr)
{
	for (size_t i = 0; i < ARRAY_SIZE(zeroes); i++) {
		if (zeroes[i] == msr) {
			return true;
		}
	}
	return false;
}

int exit_msr_pc_get(const struct vcpu *vcpu, u32 msr, u64 *value)
{
	if (msr == PVCLOCK_MSR_SYSTEM) {
		*value = vcpu->pvclock;
		return 0;
	}
	*value = 0;
	return is_zero(msr) ? 0 : mtrr_get(&vcpu->mtrr, msr, value);
}

int exit_msr_pc_set(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (msr == PVCLOCK_MSR_WALL || msr == PVCLOCK_MSR_SYSTEM) {
		return pvclock_set(vcpu, msr, value);
	}
	return is_zero(msr) ? 0 : mtrr_set(&vcpu->mtrr, msr, value);
}
