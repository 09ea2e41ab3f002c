/** @file
 * The VMCB: AMD's counterpart of the VMCS (APM 2 appendix B).
 *
 * It is plain memory, one page, in two halves.  The control area says what the
 * guest may not do and, after it has stopped, why it stopped; the state-save
 * area holds the guest's registers.  VMRUN takes its physical address in RAX,
 * loads the guest from it, and on #VMEXIT writes the guest back and continues
 * behind the VMRUN: there is no separate host area and no VMREAD.
 *
 *	VMRUN   loads  CR0 CR3 CR4 EFER DR6 DR7 RFLAGS RIP RSP RAX CR2
 *	               CS SS DS ES GDTR IDTR and everything in the control area
 *	VMLOAD  loads  FS GS TR LDTR KernelGSbase STAR.. SYSENTER..
 *
 * Everything else (fifteen general registers, DR0 to DR3, x87 and SSE) is the
 * same for guest and host, and is our business.
 */
#ifndef HV_SOFTVMX_VMCB_H
#define HV_SOFTVMX_VMCB_H

#include "bus/types.h"

/* APM 2 table B-1, offset 00Ch: intercepts of events and instructions */
#define SVM_INTERCEPT_INTR BIT(0)
#define SVM_INTERCEPT_NMI BIT(1)
#define SVM_INTERCEPT_SMI BIT(2)
#define SVM_INTERCEPT_INIT BIT(3)
#define SVM_INTERCEPT_VINTR BIT(4)
#define SVM_INTERCEPT_DESCRIPTOR_TABLES BITS(13, 6)
#define SVM_INTERCEPT_LTR BIT(13) /* one of them */
#define SVM_INTERCEPT_RDTSC BIT(14)
#define SVM_INTERCEPT_RDPMC BIT(15)
#define SVM_INTERCEPT_CPUID BIT(18)
#define SVM_INTERCEPT_IRET BIT(20)
#define SVM_INTERCEPT_INTN BIT(21)
#define SVM_INTERCEPT_INVD BIT(22)
#define SVM_INTERCEPT_PAUSE BIT(23)
#define SVM_INTERCEPT_HLT BIT(24)
#define SVM_INTERCEPT_INVLPG BIT(25)
#define SVM_INTERCEPT_INVLPGA BIT(26)
#define SVM_INTERCEPT_IO BIT(27)
#define SVM_INTERCEPT_MSR BIT(28)
#define SVM_INTERCEPT_TASK_SWITCH BIT(29)
#define SVM_INTERCEPT_SHUTDOWN BIT(31)

/* APM 2 table B-1, offset 010h */
#define SVM_INTERCEPT2_SVM_INSNS BITS(6, 0) /* VMRUN must be among them */
#define SVM_INTERCEPT2_RDTSCP BIT(7)
#define SVM_INTERCEPT2_ICEBP BIT(8)
#define SVM_INTERCEPT2_WBINVD BIT(9)
#define SVM_INTERCEPT2_MONITOR BIT(10)
#define SVM_INTERCEPT2_MWAIT BITS(12, 11)
#define SVM_INTERCEPT2_XSETBV BIT(13)

/* APM 2 table B-1, offset 060h: virtual interrupts and the TPR */
#define SVM_V_TPR BITS(7, 0)
#define SVM_V_IRQ BIT(8)
#define SVM_V_INTR_PRIO BITS(19, 16)
#define SVM_V_IGN_TPR BIT(20)
#define SVM_V_INTR_MASKING BIT(24)

/* APM 2 15.20: EVENTINJ and EXITINTINFO share one format */
#define SVM_EVENT_VECTOR BITS(7, 0)
#define SVM_EVENT_TYPE BITS(10, 8)
#define SVM_EVENT_HAS_ERROR BIT(11)
#define SVM_EVENT_VALID BIT(31)

/** APM 2 15.20: what kind of event; bits 10:8. */
enum svm_event_type {
	SVM_EVENT_INTR = 0,
	SVM_EVENT_NMI = 2,
	SVM_EVENT_EXCEPTION = 3,
	SVM_EVENT_SOFT = 4,
};

/* APM 2 appendix C: the exit codes that we name; the rest is by range */
enum svm_exit_code {
	SVM_EXIT_CR_READ = 0x00, /* 00h to 0Fh, by register */
	SVM_EXIT_CR_WRITE = 0x10,
	SVM_EXIT_DR_READ = 0x20,
	SVM_EXIT_DR_WRITE = 0x30,
	SVM_EXIT_EXCEPTION = 0x40, /* 40h to 5Fh, by vector */
	SVM_EXIT_INTR = 0x60,
	SVM_EXIT_NMI = 0x61,
	SVM_EXIT_INIT = 0x63,
	SVM_EXIT_VINTR = 0x64,
	SVM_EXIT_IDTR_READ = 0x66, /* 66h to 6Dh: SIDT to LTR */
	SVM_EXIT_TR_WRITE = 0x6d,
	SVM_EXIT_RDTSC = 0x6e,
	SVM_EXIT_RDPMC = 0x6f,
	SVM_EXIT_CPUID = 0x72,
	SVM_EXIT_IRET = 0x74,
	SVM_EXIT_SWINT = 0x75,
	SVM_EXIT_INVD = 0x76,
	SVM_EXIT_PAUSE = 0x77,
	SVM_EXIT_HLT = 0x78,
	SVM_EXIT_INVLPG = 0x79,
	SVM_EXIT_INVLPGA = 0x7a,
	SVM_EXIT_IOIO = 0x7b,
	SVM_EXIT_MSR = 0x7c,
	SVM_EXIT_TASK_SWITCH = 0x7d,
	SVM_EXIT_SHUTDOWN = 0x7f,
	SVM_EXIT_VMRUN = 0x80, /* 80h to 86h: VMRUN to SKINIT */
	SVM_EXIT_SKINIT = 0x86,
	SVM_EXIT_RDTSCP = 0x87,
	SVM_EXIT_ICEBP = 0x88,
	SVM_EXIT_WBINVD = 0x89,
	SVM_EXIT_MONITOR = 0x8a,
	SVM_EXIT_MWAIT = 0x8b,
	SVM_EXIT_MWAIT_ARMED = 0x8c,
	SVM_EXIT_XSETBV = 0x8d,
	SVM_EXIT_NPF = 0x400,
};

/** The VMCB itself was refused; a processor writes 64 bits of ones, TCG 32. */
#define SVM_EXIT_INVALID 0xffffffffull

/* APM 2 15.25.6: EXITINFO1 of a nested page fault */
#define SVM_NPF_PRESENT BIT(0)
#define SVM_NPF_WRITE BIT(1)
#define SVM_NPF_FETCH BIT(4)
#define SVM_NPF_FINAL BIT(32)
#define SVM_NPF_TABLE_WALK BIT(33)

/* APM 2 15.10.2: EXITINFO1 of an I/O exit */
#define SVM_IO_IN BIT(0)
#define SVM_IO_STRING BIT(2)
#define SVM_IO_REP BIT(3)
#define SVM_IO_SIZE BITS(6, 4)

/* APM 2 15.14.1: EXITINFO2 of a task switch */
#define SVM_TASK_BY_IRET BIT(36)
#define SVM_TASK_BY_JMP BIT(38)

/* APM 2 15.15.1: TLB_CONTROL */
#define SVM_TLB_KEEP 0
#define SVM_TLB_FLUSH_ALL 1

/* APM 2 table B-2: segment attributes, access rights without the gap */
#define SVM_SEG_P BIT(7)
#define SVM_SEG_L BIT(9)
#define SVM_SEG_DB BIT(10)

/** One segment register or table register, APM 2 table B-2. */
struct vmcb_segment {
	u16 selector;
	u16 attributes;
	u32 limit;
	u64 base;
};

/** The control area, APM 2 table B-1. */
struct vmcb_control {
	u16 intercept_cr_read, intercept_cr_write;
	u16 intercept_dr_read, intercept_dr_write;
	u32 intercept_exceptions;
	u32 intercept;
	u32 intercept2;
	u8 reserved_014[0x3c - 0x14];
	u16 pause_filter_threshold, pause_filter_count;
	u64 iopm_base, msrpm_base;
	u64 tsc_offset;
	u32 asid;
	u32 tlb_control;
	u64 virtual_interrupt;
	u64 interrupt_shadow;
	u64 exit_code, exit_info1, exit_info2;
	u32 exit_int_info, exit_int_error;
	u64 np_enable;
	u64 avic_apic_bar;
	u64 ghcb;
	u32 event_inj, event_inj_error;
	u64 n_cr3;
	u64 lbr_virtualization;
	u64 clean_bits;
	u64 next_rip;
	u8 reserved_0d0[0x400 - 0xd0];
};

/** The state-save area, APM 2 table B-2; offsets count from 400h. */
struct vmcb_save {
	struct vmcb_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 reserved_0a0[0xcb - 0xa0];
	u8 cpl;
	u32 reserved_0cc;
	u64 efer;
	u8 reserved_0d8[0x148 - 0xd8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 reserved_180[0x1d8 - 0x180];
	u64 rsp;
	u8 reserved_1e0[0x1f8 - 0x1e0];
	u64 rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 reserved_248[0x268 - 0x248];
	u64 g_pat;
	u64 dbgctl;
	u8 reserved_278[0xc00 - 0x278];
};

/** A whole VMCB; one page, page-aligned. */
struct vmcb {
	struct vmcb_control control;
	struct vmcb_save save;
};

_Static_assert(sizeof(struct vmcb) == 4096, "a VMCB is one page");
_Static_assert(offsetof(struct vmcb, control.iopm_base) == 0x40 &&
		       offsetof(struct vmcb, control.asid) == 0x58 &&
		       offsetof(struct vmcb, control.exit_code) == 0x70 &&
		       offsetof(struct vmcb, control.np_enable) == 0x90 &&
		       offsetof(struct vmcb, control.event_inj) == 0xa8 &&
		       offsetof(struct vmcb, control.n_cr3) == 0xb0,
	       "APM 2 table B-1");
_Static_assert(offsetof(struct vmcb, save.tr) == 0x490 &&
		       offsetof(struct vmcb, save.cpl) == 0x4cb &&
		       offsetof(struct vmcb, save.efer) == 0x4d0 &&
		       offsetof(struct vmcb, save.cr4) == 0x548 &&
		       offsetof(struct vmcb, save.rip) == 0x578 &&
		       offsetof(struct vmcb, save.rsp) == 0x5d8 &&
		       offsetof(struct vmcb, save.rax) == 0x5f8 &&
		       offsetof(struct vmcb, save.sysenter_cs) == 0x628 &&
		       offsetof(struct vmcb, save.cr2) == 0x640 &&
		       offsetof(struct vmcb, save.g_pat) == 0x668,
	       "APM 2 table B-2");

/** VMSAVE: write this CPU's FS, GS, TR, LDTR, STAR.., SYSENTER.. to a VMCB. */
static inline void vmcb_vmsave(hpa_t vmcb)
{
	asm volatile("vmsave %%rax" : : "a"(vmcb.v) : "memory");
}

/** VMLOAD: load them from a VMCB. */
static inline void vmcb_vmload(hpa_t vmcb)
{
	asm volatile("vmload %%rax" : : "a"(vmcb.v) : "memory");
}

/** CLGI and STGI: hold back all interrupts, NMIs included, or let them in. */
static inline void vmcb_clgi(void)
{
	asm volatile("clgi" : : : "memory");
}

static inline void vmcb_stgi(void)
{
	asm volatile("stgi" : : : "memory");
}

#endif
