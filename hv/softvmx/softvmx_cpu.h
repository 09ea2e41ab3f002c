/** @file
 * What the soft unit keeps for each CPU.
 *
 * A processor's VMX unit has a current VMCS, a place for the VMXON region, and
 * caches.  Ours has the same, and beside them what SVM wants: VMCBs, bitmaps
 * and nested page tables, allocated by enable() and found through
 * this_cpu()->vmx ever after.
 *
 * Two sets of areas (vmcs_memory.h) tell which copy of the guest is the newer
 * one.  An area that is not `ready` has moved on in the VMCB while the guest
 * ran, one that is `dirty` was changed in the VMCS by VMWRITE:
 *
 *	guest runs  --> not ready --> VMREAD, VMCLEAR copy VMCB -> VMCS
 *	VMWRITE     --> dirty     --> VM entry copies VMCS -> VMCB
 *
 * An exit whose handler looks at RIP and RAX only thus moves nothing else, as
 * a processor does that keeps its VMCS on the chip (SDM 3C 25.1).
 */
#ifndef HV_SOFTVMX_SOFTVMX_CPU_H
#define HV_SOFTVMX_SOFTVMX_CPU_H

#include "bus/types.h"
#include "hv/softvmx/softvmx_offsets.h"
#include "hv/softvmx/vmcb.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"

struct vmcs_region;
struct ept_shadow;
struct svm_tlb;

/** What an exit will write to the exit-information fields (SDM 3C 25.9). */
struct softvmx_exit {
	u32 reason; /* with bit 31 for a failed entry */
	u32 intr_info, intr_error;
	u32 idt_info, idt_error;
	u32 length;
	u32 info;
	u64 qualification;
};

/**
 * A software interrupt or exception on its way into the guest.  SVM wants RIP
 * behind the instruction; should delivery fail, VMX wants it in front.
 */
struct softvmx_soft_event {
	bool active;
	u8 vector;
	u8 type;   /* enum intr_type */
	u8 length; /* of the INT n, INT3, INTO or INT1 */
	u64 rip;   /* of that instruction */
};

/** Paging levels of a guest, at most. */
#define SVM_WALK_LEVELS 4

/**
 * The last page that an instruction was fetched from.  Its translation holds
 * as long as the guest's paging-structure entries that made it are unchanged,
 * and the EPT has not been invalidated.
 */
struct softvmx_fetch_page {
	const void *mode; /* how the guest was paging */
	u64 cr3, linear, eptp, generation;
	unsigned int count; /* of entries */
	const u64 *entry[SVM_WALK_LEVELS];
	u64 value[SVM_WALK_LEVELS];
	const u8 *page; /* NULL: nothing is kept */
};

/**
 * A VMRUN that is to stop at the next instruction boundary: what it is about,
 * and what of the guest's had to be changed for it (svm_step.c).
 */
struct softvmx_step {
	bool delivers; /* an event is delivered; else an instruction runs */
	bool done;     /* the boundary has been reached */
	bool let_in;   /* an interrupt is pending, and it is the guest's */
	bool over;     /* this instruction may do what is watched else */
	u8 use;	       /* what the instruction does with RFLAGS.TF */
	u32 intercept, exceptions;
	u64 rflags, dr6, sfmask, r11;
	u64 n_cr3, np_enable;
	u64 pending; /* debug exceptions that the instruction has caused */
};

/** The page that a task switch stores to first (svm_task.c). */
struct softvmx_task {
	bool watched;
	gpa_t tss; /* where the current TSS begins */
	/* While the processor executes an LTR: what was before it. */
	bool loads;
	u64 rip;
	struct vmcb_segment tr;
};

struct softvmx_cpu {
	/*
	 * Known to softvmx_run.S by offset.  RAX and RSP of gpr[] are copies
	 * of the VMCB's, brought up to date after each #VMEXIT.
	 */
	u64 gpr[GPR_COUNT];
	u64 stack_top;	/* our own stack */
	u64 caller_rsp; /* RSP at VMLAUNCH, for VMfail */
	u64 host_rsp, host_rip; /* where a VM exit goes */
	u64 entry_vmcb;		/* physical: host state as it was on entry */

	/* The VMX unit. */
	bool on;	/* between VMXON and VMXOFF */
	u8 ready;	/* areas that VMREAD may take from memory */
	u8 dirty;	/* areas newer in the VMCS than in the VMCB */
	hpa_t vmxon_region;
	hpa_t vmcs_address; /* VMCS_NONE without a current VMCS */
	struct vmcs_region *vmcs; /* the same as a pointer, or NULL */

	/* SVM's, fixed after enable(). */
	struct vmcb *guest;  /* the guest's VMCB */
	struct vmcb *before; /* VMSAVE of the host at entry */
	struct vmcb *after;  /* VMLOAD for the host at exit */
	struct vmcb *halted; /* a guest of one HLT: waits for an event */
	u8 *host_save;	     /* where VMRUN hides the host (APM 2 15.30.4) */
	u8 *msrpm;	     /* 8 KiB, all ones: every MSR access exits */
	u8 *iopm_all;	     /* 12 KiB, all ones */
	u8 *iopm_copy;	     /* 12 KiB, the VMCS' bitmaps side by side */
	struct ept_shadow *shadow;
	struct svm_tlb *tlb;

	/* This stay in the guest. */
	struct softvmx_exit exit;
	struct softvmx_soft_event soft;
	struct softvmx_fetch_page fetch;
	struct softvmx_step step;
	struct softvmx_task task;
	u64 pending_debug; /* debug exceptions that the exit leaves pending */
	bool halt;	   /* the guest is in HLT and waits for an event */
	bool own_tlb;	   /* the processor walks none of the guest's tables */
	bool nmi_blocked;  /* blocking by NMI, or by virtual NMI */
	bool nmi_masked;   /* the processor itself blocks NMIs */
	bool iret_open;	   /* the IRET at iret_rip has unblocked NMIs ... */
	u64 iret_rip;	   /* ... and has not been completed */
	bool reload_system; /* AREA_SYSTEM is not kept between exit and entry */
	bool flush;	   /* forget all translations at the next VMRUN */
	u32 processor_ctls, processor_ctls2; /* as of this entry */
	u32 pin_ctls;
};

#define VMCS_NONE (~0ull)

_Static_assert(offsetof(struct cpu, vmx) == OFFSET_CPU_VMX &&
		       offsetof(struct softvmx_cpu, gpr) == OFFSET_GPR &&
		       offsetof(struct softvmx_cpu, stack_top) ==
			       OFFSET_STACK_TOP &&
		       offsetof(struct softvmx_cpu, caller_rsp) ==
			       OFFSET_CALLER_RSP &&
		       offsetof(struct softvmx_cpu, host_rsp) ==
			       OFFSET_HOST_RSP &&
		       offsetof(struct softvmx_cpu, host_rip) ==
			       OFFSET_HOST_RIP &&
		       offsetof(struct softvmx_cpu, entry_vmcb) ==
			       OFFSET_ENTRY_VMCB,
	       "softvmx_offsets.h is out of date");

/** Allocate and fill the unit of one CPU.  @return NULL without memory */
struct softvmx_cpu *softvmx_cpu_create(void) __must_check;

/** Give it back, on the same CPU. */
void softvmx_cpu_destroy(struct softvmx_cpu *cpu);

/** This CPU's unit; NULL before enable(). */
static inline struct softvmx_cpu *softvmx_cpu(void)
{
	void *unit;

	asm volatile("movq %%gs:%c1, %0" : "=r"(unit) : "i"(OFFSET_CPU_VMX));
	return unit;
}

/** This CPU's unit; outside of VMX operation its instructions are #UD, and so
 * they are here: the report names the caller. */
static inline struct softvmx_cpu *softvmx_cpu_operating(void)
{
	struct softvmx_cpu *cpu = softvmx_cpu();

	if (unlikely(!cpu || !cpu->on)) {
		asm volatile("ud2");
	}
	return cpu;
}

/** True in 64-bit mode proper: long mode and CS.L. */
static inline bool softvmx_cpu_in_64bit(const struct softvmx_cpu *cpu)
{
	return (cpu->guest->save.efer & BIT(10)) &&
	       (cpu->guest->save.cs.attributes & SVM_SEG_L);
}

#endif
