/** @file
 * Several vCPUs may take turns on one CPU.
 *
 * What VMX switches by itself is in the VMCS; making another VMCS current is
 * one VMPTRLD.  The rest stays in the processor when a guest exits: the FPU
 * and SSE registers, which the hypervisor never uses, the MSRs of SYSCALL, and
 * the debug registers but DR7.  They stay there as long as the same vCPU runs
 * and change hands here when another one's turn comes.
 */
#include "hv/vcpu/vcpu_load.h"

#include "bus/errno.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/* The FXSAVE area, SDM 1 10.5.1: control words after FNINIT and reset. */
#define FPU_FCW 0
#define FPU_FCW_RESET 0x037f
#define FPU_MXCSR 24
#define FPU_MXCSR_RESET 0x1f80

struct vcpu *vcpu_load_current[CPU_MAX];

static void save_extra(struct vcpu_extra *extra)
{
	extra->star = rdmsr(MSR_IA32_STAR);
	extra->lstar = rdmsr(MSR_IA32_LSTAR);
	extra->cstar = rdmsr(MSR_IA32_CSTAR);
	extra->fmask = rdmsr(MSR_IA32_FMASK);
	extra->kernel_gs_base = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	extra->dr[0] = read_dr0();
	extra->dr[1] = read_dr1();
	extra->dr[2] = read_dr2();
	extra->dr[3] = read_dr3();
	extra->dr6 = read_dr6();
	asm volatile("fxsave64 %0" : "=m"(extra->fpu));
}

static void load_extra(const struct vcpu_extra *extra)
{
	wrmsr(MSR_IA32_STAR, extra->star);
	wrmsr(MSR_IA32_LSTAR, extra->lstar);
	wrmsr(MSR_IA32_CSTAR, extra->cstar);
	wrmsr(MSR_IA32_FMASK, extra->fmask);
	wrmsr(MSR_IA32_KERNEL_GS_BASE, extra->kernel_gs_base);
	write_dr0(extra->dr[0]);
	write_dr1(extra->dr[1]);
	write_dr2(extra->dr[2]);
	write_dr3(extra->dr[3]);
	write_dr6(extra->dr6);
	asm volatile("fxrstor64 %0" : : "m"(extra->fpu));
}

void vcpu_load_switch(struct vcpu *vcpu)
{
	struct vcpu **here = &vcpu_load_current[vcpu->cpu];
	enum vmx_result result;

	if (*here) {
		save_extra(&(*here)->extra);
	}
	*here = NULL;
	result = vmx_unit->vmptrld(vcpu->vmcs);
	if (result) {
		vmx_unit_panic("VMPTRLD", ~0u, result);
	}
	load_extra(&vcpu->extra);
	*here = vcpu;
}

void vcpu_load_drop(struct vcpu *vcpu)
{
	enum vmx_result result = vmx_unit->vmclear(vcpu->vmcs);

	vcpu->gpr[GPR_HOST_RSP] = 0;
	vcpu->gpr[GPR_LAUNCHED] = 0;
	if (vcpu_load_current[vcpu->cpu] == vcpu) {
		vcpu_load_current[vcpu->cpu] = NULL;
	}
	if (result) {
		vmx_unit_panic("VMCLEAR", ~0u, result);
	}
}

void vcpu_load_get(struct vcpu *vcpu, struct vcpu_extra *out)
{
	if (vcpu_load_current[vcpu->cpu] == vcpu) {
		save_extra(&vcpu->extra);
	}
	*out = vcpu->extra;
}

void vcpu_load_set(struct vcpu *vcpu, const struct vcpu_extra *in)
{
	vcpu->extra = *in;
	if (vcpu_load_current[vcpu->cpu] == vcpu) {
		load_extra(&vcpu->extra);
	}
}

void vcpu_load_reset(struct vcpu *vcpu)
{
	struct vcpu_extra *extra = &vcpu->extra;

	memset(extra, 0, sizeof(*extra));
	extra->dr6 = DR6_RESET;
	*(u16 *)&extra->fpu[FPU_FCW] = FPU_FCW_RESET;
	*(u32 *)&extra->fpu[FPU_MXCSR] = FPU_MXCSR_RESET;
	if (vcpu_load_current[vcpu->cpu] == vcpu) {
		load_extra(extra);
	}
}
