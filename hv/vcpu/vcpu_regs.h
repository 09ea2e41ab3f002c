/** @file
 * A vCPU's registers as the VMM sets and reads them.
 *
 * Two groups, as in KVM: what every instruction changes (struct vcpu_regs),
 * and what only the system changes (struct vcpu_sregs).  Between two calls of
 * vcpu_run() both may be read and written.  During a pending MMIO read RIP
 * still stands at the instruction, and what is written is overwritten when the
 * instruction completes (spec 3.9); after a write it stands behind it.
 */
#ifndef HV_VCPU_VCPU_REGS_H
#define HV_VCPU_VCPU_REGS_H

#include "bus/types.h"
#include "hv/vmx/vmx_unit.h"

struct vcpu;

/** General registers in enum gpr order, RSP among them. */
struct vcpu_regs {
	u64 gpr[GPR_COUNT];
	u64 rip;
	u64 rflags;
};

/** Segment registers in the order of their encoding, then LDTR and TR. */
enum vcpu_seg {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	SEG_LDTR,
	SEG_TR,
	SEG_COUNT,
};

/** A segment register; `ar` as in the VMCS (SEG_AR_*, SDM 3C 25.4.1). */
struct vcpu_segment {
	gva_t base;
	u32 limit; /* in bytes, the last valid offset */
	u16 selector;
	u32 ar;
};

/** GDTR or IDTR. */
struct vcpu_table {
	gva_t base;
	u16 limit;
};

struct vcpu_sregs {
	struct vcpu_segment segment[SEG_COUNT];
	struct vcpu_table gdt;
	struct vcpu_table idt;
	u64 cr0;
	u64 cr2;
	u64 cr3;
	u64 cr4;
	u64 efer; /* LMA follows from LME and CR0.PG, whatever stands here */
};

/**
 * Read the general registers, RIP and RFLAGS.
 * @param vcpu a vCPU of this CPU, not inside vcpu_run()
 * @param out  all of it is written
 */
void vcpu_regs_get(struct vcpu *vcpu, struct vcpu_regs *out);

/** Write them; the counterpart of vcpu_regs_get(). */
void vcpu_regs_set(struct vcpu *vcpu, const struct vcpu_regs *in);

/** Read segments, tables and control registers. */
void vcpu_regs_get_system(struct vcpu *vcpu, struct vcpu_sregs *out);

/**
 * Write segments, tables and control registers.
 * What the processor will refuse is found out at the next vcpu_run(), which
 * then returns VCPU_EXIT_FAIL_ENTRY with a sentence.
 * @return 0; -EINVAL when CR0, CR4 or EFER hold bits a guest cannot have
 *	(nothing is changed then)
 */
int vcpu_regs_set_system(struct vcpu *vcpu,
			 const struct vcpu_sregs *in) __must_check;

/**
 * What a load in real mode makes of a segment register: sixteen times the
 * selector as its base, 64 KiB, code or data.
 * @param big its limit is 4 GiB, as in "big real mode"
 */
struct vcpu_segment vcpu_regs_real_segment(enum vcpu_seg seg, u16 selector,
					   bool big);

/** The state after reset: real mode at the top of 4 GiB, SDM 3A 10.1.1. */
void vcpu_regs_reset_system(struct vcpu_sregs *out);

/**
 * The flat 64-bit state that the loaders of exit49 start a guest in: CPL 0,
 * 4-level paging on, interrupts off, code and data segments 0 to 4 GiB and
 * more, no IDT.
 * @param out all of it is written; the GDT registers are the caller's to set
 * @param cr3 the guest's PML4
 */
void vcpu_regs_long_mode(struct vcpu_sregs *out, gpa_t cr3);

#endif
