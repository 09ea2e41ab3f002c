/** @file
 * VMCS to VMCB, one function for each area.
 *
 * An area is copied when VMWRITE has touched it since the last entry; the
 * fields that change at nearly every entry (RIP, RSP, RFLAGS ..) are copied
 * always.  What the guest does not own but the VMCB switches nevertheless is
 * carried over by hand: VMX leaves CR2, DR6, STAR, LSTAR, CSTAR, SFMASK and
 * KernelGSbase as they are, so the guest's are whatever the host has in them
 * at entry, and the host gets whatever the guest has left.
 */
#include "hv/softvmx/vmcb_load.h"

#include "hv/softvmx/vmcb_controls.h"
#include "hv/softvmx/vmcb_save.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** SDM 3C 27.3.2.1: bits of CR0 that VM entry leaves as they are. */
#define CR0_KEPT                                                           \
	(CR0_ET | CR0_CD | CR0_NW | BITS(63, 32) | BITS(28, 19) | BIT(17) | \
	 BITS(15, 6))

/**
 * CR4.VMXE is set in every VMCS (SDM 3C 27.3.1.1), and an AMD guest must not
 * have it.
 */
static void load_control_registers(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;

	save->cr0 = (vmcs_memory_get(cpu, GUEST_CR0) & ~CR0_KEPT) |
		    (read_cr0() & CR0_KEPT);
	save->cr3 = vmcs_memory_get(cpu, GUEST_CR3);
	save->cr4 = vmcs_memory_get(cpu, GUEST_CR4) & ~CR4_VMXE;
}

/** EFER without "load IA32_EFER": the host's, in the guest's mode. */
static u64 entry_efer(const struct softvmx_cpu *cpu, u32 controls)
{
	u64 efer;

	if (controls & ENTRY_LOAD_EFER) {
		return vmcs_memory_get(cpu, GUEST_IA32_EFER);
	}
	efer = rdmsr(MSR_IA32_EFER) & ~(EFER_LMA | EFER_LME);
	if (controls & ENTRY_IA32E_MODE_GUEST) {
		return efer | EFER_LMA | EFER_LME;
	}
	/* SDM 3C 27.3.2.1: LME stays as it is when paging is off. */
	if (!(vmcs_memory_get(cpu, GUEST_CR0) & CR0_PG)) {
		efer |= rdmsr(MSR_IA32_EFER) & EFER_LME;
	}
	return efer;
}

/**
 * Their limits have 16 bits in the VMCS' checks and 32 in its fields; SVM has
 * room for 32 as well.
 */
static void load_tables(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;

	save->gdtr.base = vmcs_memory_get(cpu, GUEST_GDTR_BASE);
	save->gdtr.limit = vmcs_memory_get(cpu, GUEST_GDTR_LIMIT);
	save->idtr.base = vmcs_memory_get(cpu, GUEST_IDTR_BASE);
	save->idtr.limit = vmcs_memory_get(cpu, GUEST_IDTR_LIMIT);
}

/**
 * Whether what a guest leaves in EFER and DR7 is what it will find there: then
 * the area may stay in the VMCB from exit to entry. If entry loads what exit
 * has not saved, it must be loaded again each time.
 */
static bool keeps_system(const struct softvmx_cpu *cpu, u32 entry)
{
	u32 load = ENTRY_LOAD_EFER | ENTRY_LOAD_DEBUG_CONTROLS;
	u32 save = EXIT_SAVE_EFER | EXIT_SAVE_DEBUG_CONTROLS;
	u32 exit = vmcs_memory_get(cpu, VM_EXIT_CONTROLS);

	return (entry & load) == load && (exit & save) == save;
}

/**
 * SDM 3C 27.3.2.1. What entry does not load stays as the host has it; SVME must
 * be set for VMRUN (APM 2 15.5.1).
 */
static void load_system(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;
	u32 controls = vmcs_memory_get(cpu, VM_ENTRY_CONTROLS);

	load_tables(cpu);
	save->efer = entry_efer(cpu, controls) | EFER_SVME;
	save->g_pat = controls & ENTRY_LOAD_PAT ?
			      vmcs_memory_get(cpu, GUEST_IA32_PAT) :
			      rdmsr(MSR_IA32_PAT);
	save->dr7 = controls & ENTRY_LOAD_DEBUG_CONTROLS ?
			    vmcs_memory_get(cpu, GUEST_DR7) :
			    read_dr7();
	save->sysenter_cs = vmcs_memory_get(cpu, GUEST_SYSENTER_CS);
	save->sysenter_esp = vmcs_memory_get(cpu, GUEST_SYSENTER_ESP);
	save->sysenter_eip = vmcs_memory_get(cpu, GUEST_SYSENTER_EIP);
	cpu->reload_system = !keeps_system(cpu, controls);
}

/** What VMX does not switch: VMSAVE has just put the host's into `before`. */
static void load_shared(struct softvmx_cpu *cpu)
{
	struct vmcb_save *save = &cpu->guest->save;
	const struct vmcb_save *host = &cpu->before->save;

	save->star = host->star;
	save->lstar = host->lstar;
	save->cstar = host->cstar;
	save->sfmask = host->sfmask;
	save->kernel_gs_base = host->kernel_gs_base;
	save->cr2 = read_cr2();
	save->dr6 = read_dr6();
}

/**
 * What changes at nearly every entry. SVM has one interrupt shadow for STI and
 * for MOV SS; which one it was VMX is told again at the exit (vmcb_save.c).
 */
static void load_hot(struct softvmx_cpu *cpu)
{
	struct vmcb *guest = cpu->guest;
	u32 blocking = vmcs_memory_get(cpu, GUEST_INTERRUPTIBILITY_STATE);

	guest->save.rip = vmcs_memory_get(cpu, GUEST_RIP);
	guest->save.rsp = vmcs_memory_get(cpu, GUEST_RSP);
	guest->save.rflags = vmcs_memory_get(cpu, GUEST_RFLAGS);
	guest->save.rax = cpu->gpr[GPR_RAX];
	guest->control.interrupt_shadow =
		(blocking & (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)) !=
		0;
	cpu->nmi_blocked = blocking & INTERRUPTIBILITY_NMI;
	cpu->halt = vmcs_memory_get(cpu, GUEST_ACTIVITY_STATE) == ACTIVITY_HLT;
}

/*
 * The tables first: what follows looks at the guest's mode. Controls decide
 * what entry loads, so a change of theirs reloads the area that they speak of.
 */
void vmcb_load_all(struct softvmx_cpu *cpu)
{
	u8 dirty = cpu->dirty;

	if (cpu->reload_system || (dirty & AREA_CONTROLS)) {
		vmcb_save_areas(cpu, AREA_SYSTEM & ~cpu->ready);
		dirty |= AREA_SYSTEM;
	}
	/* The tables first: what follows looks at the guest's mode. */
	if (dirty & AREA_SYSTEM) {
		load_system(cpu);
	}
	if (dirty & AREA_CONTROL_REGS) {
		load_control_registers(cpu);
	}
	if (dirty & AREA_SEGMENTS) {
		vmcb_segments_load(cpu);
	}
	if (dirty & (AREA_CONTROLS | AREA_CONTROL_REGS)) {
		vmcb_controls_load(cpu);
	}
	load_hot(cpu);
	load_shared(cpu);
	vmcb_controls_load_hot(cpu);
	cpu->dirty = 0;
}
