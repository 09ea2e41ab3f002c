/** @file
 * VMCB to VMCS, one function for each area (SDM 3C 28.3).
 *
 * At a VM exit only the fields are written that every hypervisor reads: RIP,
 * RSP, RFLAGS, interruptibility, activity.  Segments, control registers and the
 * rest stay in the VMCB and are no longer `ready`; the first VMREAD, VMWRITE or
 * VMCLEAR that wants one of them copies its area.  Most exits never do.
 *
 * What VMX calls otherwise than SVM is renamed on the way: CR4.VMXE is added,
 * EFER.SVME removed, EFER.LMA shows as an entry control.
 */
#include "hv/softvmx/vmcb_save.h"

#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/svm_fetch.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcb_segments.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/** TCG sets it in a PDPTE, where it is reserved: VM entry would object. */
#define PDPTE_ACCESSED BIT(5)

/**
 * SDM 3C 28.3.1: with EPT, a guest that uses PAE has its PDPTEs saved. SVM has
 * no such registers and reads them at each walk, so memory has what a processor
 * would have loaded with CR3.
 */
static void save_pdptes(struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	gpa_t table = gpa(save->cr3 & BITS(31, 5));
	u64 entries[4] = { 0 };

	if (!(cpu->processor_ctls2 & CPU2_ENABLE_EPT) ||
	    !(save->cr0 & CR0_PG) || !(save->cr4 & CR4_PAE) ||
	    (save->efer & EFER_LMA)) {
		return;
	}
	if (!svm_walk_read(cpu, table, entries, sizeof(entries))) {
		return;
	}
	for (unsigned int i = 0; i < 4; i++) {
		vmcs_memory_set(cpu, GUEST_PDPTE0 + 2 * i,
				entries[i] & ~PDPTE_ACCESSED);
	}
}

/** Bits of CR0 that MOV to CR0 ignores (SDM 3A 2.5). TCG keeps them. */
#define CR0_RESERVED (BITS(28, 19) | BIT(17) | BITS(15, 6))

/** CR4.VMXE, which entry has taken away, comes back. */
static void save_control_registers(struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;

	vmcs_memory_set(cpu, GUEST_CR0, save->cr0 & ~CR0_RESERVED);
	vmcs_memory_set(cpu, GUEST_CR3, save->cr3);
	vmcs_memory_set(cpu, GUEST_CR4, save->cr4 | CR4_VMXE);
	save_pdptes(cpu);
}

/**
 * SDM 3C 28.3.1, last bullets: "IA-32e mode guest" follows EFER.LMA, so that
 * the next entry finds the mode which the guest is in.
 */
static void save_mode(struct softvmx_cpu *cpu)
{
	u64 controls = vmcs_memory_get(cpu, VM_ENTRY_CONTROLS);

	controls &= ~ENTRY_IA32E_MODE_GUEST;
	if (cpu->guest->save.efer & EFER_LMA) {
		controls |= ENTRY_IA32E_MODE_GUEST;
	}
	vmcs_memory_set(cpu, VM_ENTRY_CONTROLS, controls);
}

/**
 * SDM 3C 28.3.1 and 28.3.2. EFER, PAT and DR7 are saved only on demand: else
 * the old value stays in the VMCS.
 */
static void save_system(struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u32 controls = vmcs_memory_get(cpu, VM_EXIT_CONTROLS);

	vmcs_memory_set(cpu, GUEST_GDTR_BASE, save->gdtr.base);
	vmcs_memory_set(cpu, GUEST_GDTR_LIMIT, bits(save->gdtr.limit, 15, 0));
	vmcs_memory_set(cpu, GUEST_IDTR_BASE, save->idtr.base);
	vmcs_memory_set(cpu, GUEST_IDTR_LIMIT, bits(save->idtr.limit, 15, 0));
	vmcs_memory_set(cpu, GUEST_SYSENTER_CS, (u32)save->sysenter_cs);
	vmcs_memory_set(cpu, GUEST_SYSENTER_ESP, save->sysenter_esp);
	vmcs_memory_set(cpu, GUEST_SYSENTER_EIP, save->sysenter_eip);
	if (controls & EXIT_SAVE_EFER) {
		vmcs_memory_set(cpu, GUEST_IA32_EFER, save->efer & ~EFER_SVME);
	}
	if (controls & EXIT_SAVE_PAT) {
		vmcs_memory_set(cpu, GUEST_IA32_PAT, save->g_pat);
	}
	if (controls & EXIT_SAVE_DEBUG_CONTROLS) {
		vmcs_memory_set(cpu, GUEST_DR7, save->dr7);
	}
	save_mode(cpu);
}

/* Areas that are not the guest's have never been anywhere but in the VMCS. */
void vmcb_save_areas(struct softvmx_cpu *cpu, u8 areas)
{
	if (areas & AREA_CONTROL_REGS) {
		save_control_registers(cpu);
	}
	if (areas & AREA_SYSTEM) {
		save_system(cpu);
	}
	if (areas & AREA_SEGMENTS) {
		vmcb_segments_save(cpu);
	}
	cpu->ready |= areas & AREAS_OF_GUEST;
}

/**
 * SVM has one interrupt shadow; VMX tells two kinds apart. Which instruction
 * cast it, the byte before RIP says: STI is FB, everything else is a load of
 * SS.
 */
static u32 shadow_kind(struct softvmx_cpu *cpu)
{
	const struct vmcb_save *save = &cpu->guest->save;
	u8 byte = 0;

	if (svm_fetch_bytes(cpu, gva(save->cs.base + save->rip - 1), &byte,
			     1) == 1 &&
	    byte != 0xfb) {
		return INTERRUPTIBILITY_MOV_SS;
	}
	return INTERRUPTIBILITY_STI;
}

/**
 * The trap of TF behind a MOV SS is still to come when the next instruction
 * faults and exits; VM entry insists on it (SDM 3C 28.3.4, 27.3.1.5).
 */
static u64 held_back(const struct softvmx_cpu *cpu)
{
	const struct vmcb *guest = cpu->guest;

	return (guest->control.interrupt_shadow & 1) &&
			       (guest->save.rflags & RFLAGS_TF) ?
		       SVM_DR6_BS :
		       0;
}

/** QEMU's SYSRET takes RFLAGS.VM from R11, though 64-bit mode has none and VM
 * entry refuses it: it is taken out again (SDM 2B SYSRET). */
static u64 flags_of(const struct vmcb *guest)
{
	u64 flags = guest->save.rflags;

	if (unlikely(flags & RFLAGS_VM) && (guest->save.efer & EFER_LMA)) {
		flags &= ~RFLAGS_VM;
	}
	return flags;
}

/*
 * Activity: a guest that waits in HLT is not in its VMCB at all (svm_halt.c).
 * Debug exceptions SVM delivers with the instruction that caused them; only the
 * monitor trap flag comes in between (svm_step.c).
 */
void vmcb_save_hot(struct softvmx_cpu *cpu)
{
	const struct vmcb *guest = cpu->guest;
	u32 blocking = cpu->nmi_blocked ? INTERRUPTIBILITY_NMI : 0;

	if (guest->control.interrupt_shadow & 1) {
		blocking |= shadow_kind(cpu);
	}
	vmcs_memory_set(cpu, GUEST_RIP, guest->save.rip);
	vmcs_memory_set(cpu, GUEST_RSP, guest->save.rsp);
	vmcs_memory_set(cpu, GUEST_RFLAGS, flags_of(guest));
	vmcs_memory_set(cpu, GUEST_INTERRUPTIBILITY_STATE, blocking);
	vmcs_memory_set(cpu, GUEST_ACTIVITY_STATE,
			cpu->halt ? ACTIVITY_HLT : ACTIVITY_ACTIVE);
	vmcs_memory_set(cpu, GUEST_PENDING_DBG_EXCEPTIONS,
			cpu->pending_debug | held_back(cpu));
	cpu->ready &= ~AREAS_OF_GUEST;
}
