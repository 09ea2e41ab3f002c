/** @file
 * VM exit, last part: loading the host state (SDM 3C 28.5).
 *
 * VMX loads all of it from the VMCS.  VMRUN has brought most of it back by now,
 * as it was at VM entry; a hypervisor's HOST_ fields say the same nearly
 * always, so what is compared and found equal is not written.  FS, GS, TR and
 * the SYSENTER MSRs come by one VMLOAD from `after`, a VMCB which is built when
 * the HOST_ fields change.  STAR and its like belong to nobody for VMX: the
 * guest's values stay in the registers, and so go into `after` each time.
 */
#include "hv/softvmx/svm_host.h"

#include "hv/lib/page.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"
#include "hv/x86/segment.h"

/* SDM 3C 28.5.2: what a VM exit puts into the hidden parts. */
#define ATTRIBUTES_DATA 0xc93
#define ATTRIBUTES_BUSY_TSS 0x8b
#define TSS_LIMIT 0x67
#define TABLE_LIMIT 0xffff

/*
 * VMRUN keeps CR0, CR3, CR4, EFER, GDTR, IDTR, CS, SS, DS, ES, RIP, RSP and RAX
 * by itself, in the host-save area (APM 2 15.5.1). What VMLOAD and VMSAVE move
 * it leaves alone, so that is kept here.
 */
void svm_host_keep(struct softvmx_cpu *cpu)
{
	vmcb_vmsave(virt_to_hpa(cpu->before));
}

/**
 * A flat segment as an exit makes it, whatever the descriptor says (SDM 3C
 * 28.5.2); with a null selector it is unusable.
 */
static struct vmcb_segment data_segment(u16 selector, u64 base)
{
	return (struct vmcb_segment){ .selector = selector,
				      .attributes =
					      selector ? ATTRIBUTES_DATA : 0,
				      .limit = ~0u,
				      .base = base };
}

/*
 * Bases come from the VMCS, the rest is what SDM 3C 28.5.2 lays down; LDTR is
 * made unusable. None of it changes from exit to exit, so it is done when
 * VMWRITE has touched the host area.
 */
void svm_host_prepare(struct softvmx_cpu *cpu)
{
	struct vmcb_save *after = &cpu->after->save;

	after->fs = data_segment(vmcs_memory_get(cpu, HOST_FS_SELECTOR),
				 vmcs_memory_get(cpu, HOST_FS_BASE));
	after->gs = data_segment(vmcs_memory_get(cpu, HOST_GS_SELECTOR),
				 vmcs_memory_get(cpu, HOST_GS_BASE));
	after->tr = (struct vmcb_segment){
		.selector = vmcs_memory_get(cpu, HOST_TR_SELECTOR),
		.attributes = ATTRIBUTES_BUSY_TSS,
		.limit = TSS_LIMIT,
		.base = vmcs_memory_get(cpu, HOST_TR_BASE),
	};
	after->ldtr = (struct vmcb_segment){ 0 };
	after->sysenter_cs = vmcs_memory_get(cpu, HOST_SYSENTER_CS);
	after->sysenter_esp = vmcs_memory_get(cpu, HOST_SYSENTER_ESP);
	after->sysenter_eip = vmcs_memory_get(cpu, HOST_SYSENTER_EIP);
	cpu->host_rip = vmcs_memory_get(cpu, HOST_RIP);
}

/**
 * CR3 last: what follows must be mapped in the host's tables, and is. CR4.VMXE
 * is left out, as this machine does not have it and TCG 7.2 would not survive
 * the write.
 */
static void load_control_registers(const struct softvmx_cpu *cpu)
{
	u64 cr0 = vmcs_memory_get(cpu, HOST_CR0);
	u64 cr3 = vmcs_memory_get(cpu, HOST_CR3);
	/* This machine has no CR4.VMXE, and writing it would be fatal. */
	u64 cr4 = vmcs_memory_get(cpu, HOST_CR4) & ~CR4_VMXE;

	if (cr0 != read_cr0()) {
		write_cr0(cr0);
	}
	if (cr4 != read_cr4()) {
		write_cr4(cr4);
	}
	if (cr3 != read_cr3()) {
		write_cr3(cr3);
	}
}

/**
 * SDM 3C 28.5.1: without "load IA32_EFER" the guest's value stays, but for LMA
 * and LME, which "host address-space size" decides. SVME is this unit's own.
 */
static void load_efer(const struct softvmx_cpu *cpu, u32 controls, bool ran)
{
	u64 now = rdmsr(MSR_IA32_EFER);
	u64 efer = now;

	if (controls & EXIT_LOAD_EFER) {
		efer = vmcs_memory_get(cpu, HOST_IA32_EFER);
	} else if (ran) {
		efer = cpu->guest->save.efer | EFER_LMA | EFER_LME;
	}
	efer |= EFER_SVME;
	if (efer != now) {
		wrmsr(MSR_IA32_EFER, efer);
	}
}

/**
 * Without "load IA32_PAT" the guest's value stays (SDM 3C 28.5.1). An entry
 * that failed has had no guest, so that there is none.
 */
static void load_pat(const struct softvmx_cpu *cpu, u32 controls, bool ran)
{
	u64 now = rdmsr(MSR_IA32_PAT);
	u64 pat = ran ? cpu->guest->save.g_pat : now;

	if (controls & EXIT_LOAD_PAT) {
		pat = vmcs_memory_get(cpu, HOST_IA32_PAT);
	}
	if (pat != now) {
		wrmsr(MSR_IA32_PAT, pat);
	}
}

/**
 * GDTR and IDTR: SDM 3C 28.5.2 gives both the largest limit, whatever the host
 * had; vmcs_host.c relies on it. LGDT and LIDT are slow where they are
 * emulated, hence the comparison.
 */
static void load_tables(const struct softvmx_cpu *cpu)
{
	struct table_register now;
	struct table_register gdtr = {
		TABLE_LIMIT, vmcs_memory_get(cpu, HOST_GDTR_BASE)
	};
	struct table_register idtr = {
		TABLE_LIMIT, vmcs_memory_get(cpu, HOST_IDTR_BASE)
	};

	sgdt(&now);
	if (now.base != gdtr.base || now.limit != gdtr.limit) {
		lgdt(&gdtr);
	}
	sidt(&now);
	if (now.base != idtr.base || now.limit != idtr.limit) {
		lidt(&idtr);
	}
}

/**
 * CS by a far return: nothing else loads it, and only from a descriptor. The
 * host's GDT is loaded by now.
 */
static void load_cs(u16 selector)
{
	asm volatile("pushq %q0\n\t"
		     "leaq 1f(%%rip), %%rax\n\t"
		     "pushq %%rax\n\t"
		     "lretq\n"
		     "1:"
		     :
		     : "r"((u64)selector)
		     : "rax", "memory");
}

/** For the comparison: exits rarely find another CS than that of the entry. */
static u16 read_cs(void)
{
	u16 selector;

	asm volatile("mov %%cs, %0" : "=r"(selector));
	return selector;
}

/**
 * SS and the data segments: in 64-bit mode no more than their selectors. What
 * the processor has in the hidden parts it does not look at there (SDM 3A
 * 3.4.4).
 */
static void load_segments(const struct softvmx_cpu *cpu)
{
	u16 cs = vmcs_memory_get(cpu, HOST_CS_SELECTOR);
	u16 ss = vmcs_memory_get(cpu, HOST_SS_SELECTOR);
	u16 ds = vmcs_memory_get(cpu, HOST_DS_SELECTOR);
	u16 es = vmcs_memory_get(cpu, HOST_ES_SELECTOR);

	if (ss != read_ss()) {
		write_ss(ss);
	}
	if (ds != read_ds()) {
		write_ds(ds);
	}
	if (es != read_es()) {
		write_es(es);
	}
	if (cs != read_cs()) {
		load_cs(cs);
	}
}

/**
 * What VMX does not switch is what the guest has made of it. It goes into the
 * VMCB from which VMLOAD loads, to save five WRMSRs.
 */
static void load_shared(struct softvmx_cpu *cpu, const struct vmcb_save *from)
{
	struct vmcb_save *after = &cpu->after->save;

	after->star = from->star;
	after->lstar = from->lstar;
	after->cstar = from->cstar;
	after->sfmask = from->sfmask;
	after->kernel_gs_base = from->kernel_gs_base;
}

/**
 * CR2, DR6 and CR8 by hand: VMLOAD does not load them. Nor does VMX, for which
 * they are the same in both worlds.
 */
static void load_shared_registers(const struct softvmx_cpu *cpu)
{
	const struct vmcb *guest = cpu->guest;
	u64 tpr = guest->control.virtual_interrupt & SVM_V_TPR;

	write_cr2(guest->save.cr2);
	if (guest->save.dr6 != read_dr6()) {
		write_dr6(guest->save.dr6);
	}
	/* V_INTR_MASKING gave the guest a TPR of its own. */
	if (tpr != read_cr8()) {
		write_cr8(tpr);
	}
}

/*
 * The order is that of SDM 3C 28.5: control registers, MSRs, segments and
 * tables. The guest's own parts come first, since the VMCB is theirs until
 * here. DR7 is 400h after any exit (28.5.1).
 */
void svm_host_load(struct softvmx_cpu *cpu, bool ran)
{
	u32 controls = vmcs_memory_get(cpu, VM_EXIT_CONTROLS);

	if (ran) {
		load_shared_registers(cpu);
	}
	load_shared(cpu, ran ? &cpu->guest->save : &cpu->before->save);
	load_control_registers(cpu);
	load_efer(cpu, controls, ran);
	load_pat(cpu, controls, ran);
	load_tables(cpu);
	load_segments(cpu);
	/* FS, GS, TR, LDTR, SYSENTER and the shared MSRs in one go. */
	vmcb_vmload(virt_to_hpa(cpu->after));
	write_dr7(DR7_RESET);
	cpu->host_rsp = vmcs_memory_get(cpu, HOST_RSP);
}
