/** @file
 * #VMEXITs for RDMSR and WRMSR (SDM 3C 25.6.9, 26.1.3).
 *
 * VMX's bitmap has a bit for reads and one for writes in separate quarters of
 * a page, SVM's has the two side by side in two pages.  Rather than translate
 * one into the other whenever it may have changed, every access exits and VMX's
 * bitmap is asked here; what it lets pass is carried out here.
 */
#include "hv/lib/page.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_exit.h"
#include "hv/softvmx/svm_msr.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/trap.h"

/* The quarters of the MSR bitmap (SDM 3C 25.6.9). */
#define BITMAP_READ_HIGH 1024
#define BITMAP_WRITE 2048 /* added for writes */
#define MSRS_PER_QUARTER 0x2000u
#define FIRST_HIGH_MSR 0xc0000000u

/**
 * Does VMX want to see this access? Without a bitmap, all of them; and those of
 * MSRs beyond the two ranges of 2000h in any case.
 */
static bool bitmap_exits(const struct softvmx_cpu *cpu, u32 msr, bool write)
{
	const u8 *bitmap;
	u32 offset = write ? BITMAP_WRITE : 0;
	u32 index = msr;

	if (!(cpu->processor_ctls & CPU_USE_MSR_BITMAPS)) {
		return true;
	}
	if (msr >= FIRST_HIGH_MSR) {
		index = msr - FIRST_HIGH_MSR;
		offset += BITMAP_READ_HIGH;
	}
	if (index >= MSRS_PER_QUARTER) {
		return true;
	}
	bitmap = hpa_to_virt(hpa(vmcs_memory_get(cpu, MSR_BITMAP)));
	return bitmap[offset + index / 8] >> index % 8 & 1;
}

/** The value is in EDX:EAX; what is in the upper halves does not count. */
static int pass_write(struct softvmx_cpu *cpu, u32 msr)
{
	u64 value = cpu->gpr[GPR_RDX] << 32 | (u32)cpu->gpr[GPR_RAX];

	return svm_msr_write(cpu, msr, value);
}

/**
 * A read clears the upper halves of both registers (SDM 2B RDMSR). One that
 * faults changes nothing.
 */
static int pass_read(struct softvmx_cpu *cpu, u32 msr)
{
	u64 value = 0;
	int error = svm_msr_read(cpu, msr, &value);

	if (!error) {
		cpu->gpr[GPR_RAX] = (u32)value;
		cpu->gpr[GPR_RDX] = value >> 32;
	}
	return error;
}

/*
 * EXITINFO1 is 1 for WRMSR (APM 2 15.11). CPL and the mode have been checked by
 * the processor before it exited.
 */
enum svm_exit_verdict svm_exit_msr_access(struct softvmx_cpu *cpu)
{
	bool write = cpu->guest->control.exit_info1 & 1;
	u32 msr = cpu->gpr[GPR_RCX];
	struct svm_insn insn;
	int error;

	svm_decode_current(cpu, &insn);
	if (bitmap_exits(cpu, msr, write)) {
		return svm_exit_leave_insn(cpu,
					write ? EXIT_REASON_WRMSR :
						EXIT_REASON_RDMSR,
					&insn);
	}
	error = write ? pass_write(cpu, msr) : pass_read(cpu, msr);
	if (error) {
		return svm_event_raise(cpu, VECTOR_GP, 0);
	}
	return svm_exit_skip(cpu, &insn);
}
