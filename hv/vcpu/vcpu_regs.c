/** @file
 * Registers in and out of a vCPU.
 *
 * Fifteen general registers are in vcpu->gpr[], all the rest is in the VMCS.
 * RIP is in both: vcpu->rip is the copy that exit handlers look at, and it is
 * kept equal.
 *
 * CR0, CR4 and EFER have bits which are not what they seem.  Some must be set
 * while VMX is on, whatever the guest wants (CR0.NE, CR4.VMXE); it reads what
 * it has written from a *read shadow* (SDM 3C 25.6.6).  That is the business
 * of guest_mode.c, which the CR exits use as well.
 */
#include "hv/vcpu/vcpu_regs.h"

#include "bus/errno.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/guest_mode.h"
#include "hv/vcpu/invalid_state.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/** The four fields of a segment register stand a fixed distance apart. */
#define SEG_FIELD(base, seg) ((enum vmcs_field)((base) + 2 * (seg)))

_Static_assert(GUEST_TR_SELECTOR == GUEST_ES_SELECTOR + 2 * SEG_TR &&
		       GUEST_TR_LIMIT == GUEST_ES_LIMIT + 2 * SEG_TR &&
		       GUEST_TR_AR_BYTES == GUEST_ES_AR_BYTES + 2 * SEG_TR &&
		       GUEST_TR_BASE == GUEST_ES_BASE + 2 * SEG_TR,
	       "segment fields are in the order of enum vcpu_seg");

void vcpu_regs_get(struct vcpu *vcpu, struct vcpu_regs *out)
{
	vcpu_load(vcpu);
	memcpy(out->gpr, vcpu->gpr, sizeof(out->gpr));
	out->gpr[GPR_RSP] = vmread(GUEST_RSP);
	out->rip = vmread(GUEST_RIP);
	out->rflags = vmread(GUEST_RFLAGS);
}

void vcpu_regs_set(struct vcpu *vcpu, const struct vcpu_regs *in)
{
	vcpu_load(vcpu);
	memcpy(vcpu->gpr, in->gpr, sizeof(in->gpr));
	vmwrite(GUEST_RSP, in->gpr[GPR_RSP]);
	vmwrite(GUEST_RIP, in->rip);
	vmwrite(GUEST_RFLAGS, in->rflags | RFLAGS_FIXED);
	vcpu->rip = in->rip;
	invalid_state_changed(vcpu);
}

static void get_segment(enum vcpu_seg seg, struct vcpu_segment *out)
{
	out->base = gva(vmread(SEG_FIELD(GUEST_ES_BASE, seg)));
	out->limit = vmread(SEG_FIELD(GUEST_ES_LIMIT, seg));
	out->selector = vmread(SEG_FIELD(GUEST_ES_SELECTOR, seg));
	out->ar = vmread(SEG_FIELD(GUEST_ES_AR_BYTES, seg));
}

static void set_segment(enum vcpu_seg seg, const struct vcpu_segment *in)
{
	vmwrite(SEG_FIELD(GUEST_ES_BASE, seg), in->base.v);
	vmwrite(SEG_FIELD(GUEST_ES_LIMIT, seg), in->limit);
	vmwrite(SEG_FIELD(GUEST_ES_SELECTOR, seg), in->selector);
	vmwrite(SEG_FIELD(GUEST_ES_AR_BYTES, seg), in->ar);
}

void vcpu_regs_get_system(struct vcpu *vcpu, struct vcpu_sregs *out)
{
	vcpu_load(vcpu);
	for (unsigned int seg = 0; seg < SEG_COUNT; seg++) {
		get_segment(seg, &out->segment[seg]);
	}
	out->gdt.base = gva(vmread(GUEST_GDTR_BASE));
	out->gdt.limit = vmread(GUEST_GDTR_LIMIT);
	out->idt.base = gva(vmread(GUEST_IDTR_BASE));
	out->idt.limit = vmread(GUEST_IDTR_LIMIT);
	out->cr0 = guest_mode_cr0();
	out->cr2 = vcpu->guest_cr2;
	out->cr3 = guest_mode_cr3(vcpu);
	out->cr4 = guest_mode_cr4();
	out->efer = guest_mode_efer(vcpu);
}

int vcpu_regs_set_system(struct vcpu *vcpu, const struct vcpu_sregs *in)
{
	if (!guest_mode_cr0_valid(in->cr0) ||
	    !guest_mode_cr4_valid(vcpu, in->cr4) ||
	    !guest_mode_efer_valid(in->efer)) {
		return -EINVAL;
	}
	vcpu_load(vcpu);
	emulate_mode_changed(vcpu);
	for (unsigned int seg = 0; seg < SEG_COUNT; seg++) {
		set_segment(seg, &in->segment[seg]);
	}
	vmwrite(GUEST_GDTR_BASE, in->gdt.base.v);
	vmwrite(GUEST_GDTR_LIMIT, in->gdt.limit);
	vmwrite(GUEST_IDTR_BASE, in->idt.base.v);
	vmwrite(GUEST_IDTR_LIMIT, in->idt.limit);
	vcpu->guest_cr2 = in->cr2;
	guest_mode_set_cr3(vcpu, in->cr3);
	guest_mode_set_efer(vcpu, in->efer);
	guest_mode_set_cr4(vcpu, in->cr4);
	guest_mode_set_cr0(vcpu, in->cr0);
	if (!guest_mode_load_pdptes(vcpu)) {
		memset(vcpu->pdptes, 0, sizeof(vcpu->pdptes));
	}
	if (!vcpu->vm->with_ept) {
		vcpu_paging_reset(vcpu);
	}
	invalid_state_changed(vcpu);
	return 0;
}

/** A segment of real mode: 64 KiB, base = selector * 16 but at reset. */
static struct vcpu_segment real_segment(u64 base, u16 selector, u32 type)
{
	return (struct vcpu_segment){gva(base), 0xffff, selector,
				     type | SEG_AR_P};
}

#define TYPE_CODE (0xb | SEG_AR_S) /* execute, read, accessed */
#define TYPE_DATA (0x3 | SEG_AR_S) /* read, write, accessed */
#define TYPE_LDT 0x2
#define TYPE_TSS_BUSY 0xb

struct vcpu_segment vcpu_regs_real_segment(enum vcpu_seg seg, u16 selector,
					   bool big)
{
	struct vcpu_segment segment =
		real_segment((u64)selector << 4, selector,
			     seg == SEG_CS ? TYPE_CODE : TYPE_DATA);

	if (big) {
		segment.limit = ~0u;
		segment.ar |= SEG_AR_G;
	}
	return segment;
}

void vcpu_regs_reset_system(struct vcpu_sregs *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned int seg = 0; seg < SEG_LDTR; seg++) {
		out->segment[seg] = real_segment(0, 0, TYPE_DATA);
	}
	out->segment[SEG_CS] = real_segment(0xffff0000, 0xf000, TYPE_CODE);
	out->segment[SEG_LDTR] = real_segment(0, 0, TYPE_LDT);
	out->segment[SEG_TR] = real_segment(0, 0, TYPE_TSS_BUSY);
	out->gdt.limit = 0xffff;
	out->idt.limit = 0xffff;
	out->cr0 = CR0_CD | CR0_NW | CR0_ET;
}

void vcpu_regs_long_mode(struct vcpu_sregs *out, gpa_t cr3)
{
	struct vcpu_segment data = {
		gva(0), ~0u, 0x10, TYPE_DATA | SEG_AR_P | SEG_AR_DB | SEG_AR_G};

	vcpu_regs_reset_system(out);
	for (unsigned int seg = 0; seg < SEG_LDTR; seg++) {
		out->segment[seg] = data;
	}
	out->segment[SEG_CS].selector = 0x08;
	out->segment[SEG_CS].ar = TYPE_CODE | SEG_AR_P | SEG_AR_L | SEG_AR_G;
	out->segment[SEG_LDTR].ar = SEG_AR_UNUSABLE;
	out->segment[SEG_TR].limit = 0x67;
	out->gdt.limit = 0;
	out->idt.limit = 0;
	out->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	out->cr3 = cr3.v;
	out->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	out->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
}
