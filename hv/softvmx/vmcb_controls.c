/** @file
 * VMX controls to SVM intercepts.
 *
 * Most controls have an intercept bit each (APM 2 table B-1).  Some intercepts
 * are there whatever the controls say, because VMX gives the guest less, or
 * something else, than SVM would:
 *
 *	#UD         VMCALL and its like are undefined for SVM, exits for VMX
 *	#GP         SVM's instructions fault thus in a guest that has no SVM
 *	CR0, CR4    written through guest/host masks, which SVM does not have
 *	EFER        has SVME set while an SVM guest runs; VMX guests have none
 *	            such.  Every MSR exits; svm_exit_msr.c asks the VMCS' bitmap
 *	HLT         the VMCS must be able to say "in HLT" when the wait is over
 *	NMI, IRET   because VMX knows more of NMIs than SVM does (svm_nmi.c)
 *
 * Bitmaps of ports have the same layout in both worlds.  SVM wants the two
 * pages in one piece; vmcb_controls_load_hot() uses the VMCS' own if they are.
 */
#include "hv/softvmx/vmcb_controls.h"

#include "hv/lib/page.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/svm_event.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** A VMX control bit and the intercept bits that it stands for. */
struct control_row {
	u32 control;
	u32 intercept;
	u32 intercept2;
};

static const struct control_row primary_rows[] = {
	{ CPU_INTERRUPT_WINDOW_EXITING, SVM_INTERCEPT_VINTR, 0 },
	{ CPU_INVLPG_EXITING, SVM_INTERCEPT_INVLPG, 0 },
	{ CPU_MWAIT_EXITING, 0, SVM_INTERCEPT2_MWAIT },
	{ CPU_RDPMC_EXITING, SVM_INTERCEPT_RDPMC, 0 },
	{ CPU_RDTSC_EXITING, SVM_INTERCEPT_RDTSC, SVM_INTERCEPT2_RDTSCP },
	{ CPU_UNCONDITIONAL_IO_EXITING, SVM_INTERCEPT_IO, 0 },
	{ CPU_USE_IO_BITMAPS, SVM_INTERCEPT_IO, 0 },
	{ CPU_MONITOR_EXITING, 0, SVM_INTERCEPT2_MONITOR },
	{ CPU_PAUSE_EXITING, SVM_INTERCEPT_PAUSE, 0 },
};

static const struct control_row secondary_rows[] = {
	{ CPU2_DESCRIPTOR_TABLE_EXITING, SVM_INTERCEPT_DESCRIPTOR_TABLES, 0 },
	{ CPU2_WBINVD_EXITING, 0, SVM_INTERCEPT2_WBINVD },
};

/* In the bitmaps' last byte, and in the byte behind it. */
#define LAST_PORTS BITS(7, 5)	/* FFFDh to FFFFh */
#define PORTS_BEYOND BITS(2, 0) /* what an access to those runs into */

static void apply_rows(struct vmcb_control *control, u32 controls,
		       const struct control_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (controls & rows[i].control) {
			control->intercept |= rows[i].intercept;
			control->intercept2 |= rows[i].intercept2;
		}
	}
}

/**
 * TCG takes the WBINVD intercept for INVD as well, so that one is always set;
 * svm_exit_insn.c tells the two apart. RDTSCP that is not enabled is #UD for
 * the guest: we must see it. LTR is looked at by svm_task.c.
 */
static void load_intercepts(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;

	control->intercept = SVM_INTERCEPT_NMI | SVM_INTERCEPT_CPUID |
			     SVM_INTERCEPT_INVD | SVM_INTERCEPT_HLT |
			     SVM_INTERCEPT_INVLPGA | SVM_INTERCEPT_LTR |
			     SVM_INTERCEPT_MSR | SVM_INTERCEPT_TASK_SWITCH |
			     SVM_INTERCEPT_SHUTDOWN;
	control->intercept2 = SVM_INTERCEPT2_SVM_INSNS |
			      SVM_INTERCEPT2_WBINVD | SVM_INTERCEPT2_XSETBV;
	if (cpu->pin_ctls & PIN_EXTERNAL_INTERRUPT_EXITING) {
		control->intercept |= SVM_INTERCEPT_INTR;
	}
	apply_rows(control, cpu->processor_ctls, primary_rows,
		   ARRAY_SIZE(primary_rows));
	apply_rows(control, cpu->processor_ctls2, secondary_rows,
		   ARRAY_SIZE(secondary_rows));
	if (!(cpu->processor_ctls2 & CPU2_ENABLE_RDTSCP)) {
		control->intercept |= SVM_INTERCEPT_RDTSC;
		control->intercept2 |= SVM_INTERCEPT2_RDTSCP;
	}
}

/**
 * Exceptions.  Page faults that the error-code mask tells apart must all be
 * seen.  TCG reports INT3 and INTO as software interrupts, so those are
 * intercepted when one of the two is wanted.
 */
static void load_exceptions(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	u32 wanted = vmcs_memory_get(cpu, EXCEPTION_BITMAP);
	u32 exceptions = wanted | BIT(VECTOR_UD) | BIT(VECTOR_GP);

	if (wanted & BIT(VECTOR_DF)) {
		/* TCG looks at the intercept of the second exception only, not
		 * at that of the double fault which the two make. */
		exceptions |= SVM_EVENT_CONTRIBUTORY | BIT(VECTOR_PF);
	}
	if (vmcs_memory_get(cpu, PAGE_FAULT_ERROR_CODE_MASK) ||
	    vmcs_memory_get(cpu, PAGE_FAULT_ERROR_CODE_MATCH)) {
		exceptions |= BIT(VECTOR_PF);
	}
	control->intercept_exceptions = exceptions;
	if (wanted & (BIT(VECTOR_BP) | BIT(VECTOR_OF))) {
		control->intercept |= SVM_INTERCEPT_INTN;
	}
	if (wanted & BIT(VECTOR_DB)) {
		control->intercept2 |= SVM_INTERCEPT2_ICEBP;
	}
}

/** The guest's own bits, and the shadow's where the mask is set. */
static u64 mix(u64 own, u64 shadow, u64 mask)
{
	return (own & ~mask) | (shadow & mask);
}

u64 vmcb_controls_visible_cr0(const struct softvmx_cpu *cpu)
{
	return mix(cpu->guest->save.cr0,
		   vmcs_memory_get(cpu, CR0_READ_SHADOW),
		   vmcs_memory_get(cpu, CR0_GUEST_HOST_MASK));
}

u64 vmcb_controls_visible_cr4(const struct softvmx_cpu *cpu)
{
	return mix(cpu->guest->save.cr4 | CR4_VMXE,
		   vmcs_memory_get(cpu, CR4_READ_SHADOW),
		   vmcs_memory_get(cpu, CR4_GUEST_HOST_MASK));
}

/*
 * Reads need an intercept only if the guest must see something else than what
 * is there; writes always do, those of CR3 because TCG lets reserved bits in.
 */
void vmcb_controls_update_cr(struct softvmx_cpu *cpu)
{
	struct vmcb *guest = cpu->guest;
	u32 processor = cpu->processor_ctls;
	u16 reads = 0, writes = BIT(0) | BIT(3) | BIT(4);

	if (vmcb_controls_visible_cr0(cpu) != guest->save.cr0) {
		reads |= BIT(0);
	}
	if (vmcb_controls_visible_cr4(cpu) != guest->save.cr4) {
		reads |= BIT(4);
	}
	reads |= processor & CPU_CR3_STORE_EXITING ? BIT(3) : 0;
	reads |= processor & CPU_CR8_STORE_EXITING ? BIT(8) : 0;
	writes |= processor & CPU_CR8_LOAD_EXITING ? BIT(8) : 0;
	guest->control.intercept_cr_read = reads;
	guest->control.intercept_cr_write = writes;
}

/*
 * All that follows from controls alone. N_CR3 is left to
 * vmcb_controls_load_hot(), which finds it changed and flushes.
 */
void vmcb_controls_load(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;
	bool all_dr;

	cpu->pin_ctls = vmcs_memory_get(cpu, PIN_BASED_VM_EXEC_CONTROL);
	cpu->processor_ctls = vmcs_memory_get(cpu, CPU_BASED_VM_EXEC_CONTROL);
	cpu->processor_ctls2 = 0;
	if (cpu->processor_ctls & CPU_SECONDARY_CONTROLS) {
		cpu->processor_ctls2 =
			vmcs_memory_get(cpu, SECONDARY_VM_EXEC_CONTROL);
	}
	load_intercepts(cpu);
	load_exceptions(cpu);
	vmcb_controls_update_cr(cpu);
	all_dr = cpu->processor_ctls & CPU_MOV_DR_EXITING;
	control->intercept_dr_read = all_dr ? 0xff : 0;
	control->intercept_dr_write = all_dr ? 0xff : BIT(7) | BIT(5);
	control->tsc_offset = cpu->processor_ctls & CPU_USE_TSC_OFFSETTING ?
				      vmcs_memory_get(cpu, TSC_OFFSET) :
				      0;
	control->asid = 1;
	control->msrpm_base = virt_to_hpa(cpu->msrpm).v;
	control->np_enable = !!(cpu->processor_ctls2 & CPU2_ENABLE_EPT);
	control->n_cr3 = 0;
}

/**
 * Can the VMCS' two pages be used as they are?  SVM wants them in one piece,
 * with one more byte behind them for accesses that begin at port FFFDh or later
 * and run over the end, which VMX always lets exit (SDM 3C 26.1.3).
 */
static bool are_usable(hpa_t a, hpa_t b)
{
	const u8 *last = (const u8 *)hpa_to_virt(b) + PAGE_SIZE - 1;

	return b.v == a.v + PAGE_SIZE &&
	       ((*last & LAST_PORTS) == LAST_PORTS ||
		(last[1] & PORTS_BEYOND) == PORTS_BEYOND);
}

/** Software may change the bitmaps without telling, so copies are made anew. */
static void load_io_bitmaps(struct softvmx_cpu *cpu)
{
	hpa_t a = hpa(vmcs_memory_get(cpu, IO_BITMAP_A));
	hpa_t b = hpa(vmcs_memory_get(cpu, IO_BITMAP_B));
	struct vmcb_control *control = &cpu->guest->control;

	if (!(cpu->processor_ctls & CPU_USE_IO_BITMAPS)) {
		control->iopm_base = virt_to_hpa(cpu->iopm_all).v;
	} else if (are_usable(a, b)) {
		control->iopm_base = a.v;
	} else {
		memcpy(cpu->iopm_copy, hpa_to_virt(a), PAGE_SIZE);
		memcpy(cpu->iopm_copy + PAGE_SIZE, hpa_to_virt(b), PAGE_SIZE);
		control->iopm_base = virt_to_hpa(cpu->iopm_copy).v;
	}
}

/**
 * The guest's CR8 is the host's, as VMX has it; and with V_INTR_MASKING the
 * host's interrupts are taken whatever the guest's RFLAGS.IF.  A virtual
 * interrupt of the highest priority is how we hear of the interrupt window.
 */
static u64 virtual_interrupt(const struct softvmx_cpu *cpu)
{
	u64 v = bits(read_cr8(), 3, 0);

	if (cpu->pin_ctls & PIN_EXTERNAL_INTERRUPT_EXITING) {
		v |= SVM_V_INTR_MASKING;
	}
	if (cpu->processor_ctls & CPU_INTERRUPT_WINDOW_EXITING) {
		v |= SVM_V_IRQ | SVM_V_IGN_TPR | SVM_V_INTR_PRIO;
	}
	return v;
}

/*
 * Without a VPID every entry and exit flushes the linear translations (SDM 3C
 * 29.4.3.1).
 */
void vmcb_controls_load_hot(struct softvmx_cpu *cpu)
{
	struct vmcb_control *control = &cpu->guest->control;

	load_io_bitmaps(cpu);
	control->virtual_interrupt = virtual_interrupt(cpu);
	if (control->np_enable) {
		hpa_t root = ept_shadow_select(
			cpu->shadow, vmcs_memory_get(cpu, EPT_POINTER));

		cpu->flush |= control->n_cr3 != root.v;
		control->n_cr3 = root.v;
	}
	if (!(cpu->processor_ctls2 & CPU2_ENABLE_VPID)) {
		cpu->flush = true;
	}
}
