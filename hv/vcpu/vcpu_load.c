/** @file
 * Several vCPUs may take turns on one CPU.
 *
 * What VMX switches by itself is in the VMCS; making another VMCS current is
 * one VMPTRLD.  The rest stays in the processor when a guest exits: the FPU
 * and SSE registers, which the hypervisor never uses, the MSRs of SYSCALL
 * and RDTSCP, and the debug registers but DR7.  They stay there as long as
 * the same vCPU runs and change hands here when another one's turn comes.
 *
 * The rule is laziness: nothing is saved at an exit, and nothing at the end of
 * vcpu_run(). Only when another vCPU is about to use the same CPU does the old
 * one's state go to memory. So at any time the truth about these registers is
 * in one of two places, and vcpu_load_current[] says in which:
 *
 *	vcpu_load_current[cpu] == vcpu	in the processor; vcpu->extra is old
 *	anything else			in vcpu->extra
 *
 * Whoever wants to look asks vcpu_load_get() and vcpu_load_set(), which know.
 *
 * No lock is needed: a vCPU belongs to one CPU for life, and only that CPU
 * comes here, with the vCPU outside of the guest.
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

/**
 * Each CPU writes its own place only. It is NULL after boot, after the vCPU
 * that was there has gone, and for the moment within vcpu_load_switch() in
 * which neither of the two is whole: a crash in there finds nobody's state, and
 * not half of somebody's.
 */
struct vcpu *vcpu_load_current[CPU_MAX];

/**
 * DR7 is not in the list, as it is in the VMCS: each exit saves it and sets the
 * real one to 0x400, so that the guest's breakpoints cannot go off in the
 * hypervisor although their addresses stay in DR0 to DR3.
 *
 * The MSRs of SYSCALL and KERNEL_GS_BASE could be in the VMCS' MSR lists. Then
 * each exit would pay for them; the hypervisor uses neither SYSCALL nor SWAPGS,
 * so they may stay as the guest left them. FXSAVE has x87, MMX and SSE; AVX is
 * not offered to guests, so there is no more.
 */
static void save_extra(struct vcpu_extra *extra)
{
	extra->star = rdmsr(MSR_IA32_STAR);
	extra->lstar = rdmsr(MSR_IA32_LSTAR);
	extra->cstar = rdmsr(MSR_IA32_CSTAR);
	extra->fmask = rdmsr(MSR_IA32_FMASK);
	extra->kernel_gs_base = rdmsr(MSR_IA32_KERNEL_GS_BASE);
	extra->tsc_aux = rdmsr(MSR_IA32_TSC_AUX);
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
	wrmsr(MSR_IA32_TSC_AUX, extra->tsc_aux);
	write_dr0(extra->dr[0]);
	write_dr1(extra->dr[1]);
	write_dr2(extra->dr[2]);
	write_dr3(extra->dr[3]);
	write_dr6(extra->dr6);
	asm volatile("fxrstor64 %0" : : "m"(extra->fpu));
}

/**
 * Old one out, new one in. VMPTRLD makes the new VMCS current; the old one
 * stays active on this CPU, and coming back to it costs one more VMPTRLD and no
 * VMCLEAR (SDM 3C 25.11.1). Every vmread() and vmwrite() of the hypervisor goes
 * to the current VMCS, whichever that is: reading a register of a vCPU that is
 * not loaded would give another one's without a word. Hence vcpu_load() at the
 * head of all that touches a VMCS from outside the run loop.
 */
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

/**
 * VMCLEAR is first and last in a VMCS' life. It writes back what the processor
 * keeps of it inside itself; without that, a page that is given to somebody
 * else could still be written by the processor. And it makes the launch state
 * "clear", so that the next entry must be VMLAUNCH and not VMRESUME: hence
 * GPR_LAUNCHED goes to 0 as well. GPR_HOST_RSP is what the VMCS was last told
 * of our stack: a cleared one was told nothing.
 */
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

/*
 * The two below ask first where the state is. Getting does not unload: the
 * registers are copied, and the vCPU may go on as if nothing had happened.
 */
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

/*
 * An area of zeros is nearly what FXRSTOR wants. But FCW and MXCSR of 0 would
 * unmask all exceptions of the FPU, and the guest's first division would end in
 * #MF or #XM.
 */
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
