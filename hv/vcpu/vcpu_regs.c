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
 *
 * Who calls these: loaders before the first entry, tests, dumps, save and
 * restore, and INIT and SIPI from within. Between two exits the run loop reads
 * single fields of the VMCS itself, since all of them would be some fifty
 * VMREADs.
 *
 * Whatever is set, three sorts of knowledge of old registers must go: what the
 * emulator remembers of modes and pages (emulate_mode_changed()), the shadow
 * tables of a guest without EPT, and the verdict whether the processor can be
 * entered with this state at all (invalid_state.c).
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

/*
 * RSP is the one general register that VMX switches: HOST_RSP and GUEST_RSP are
 * in the VMCS, and its place in gpr[] is only used while an instruction is
 * emulated.
 */
void vcpu_regs_get(struct vcpu *vcpu, struct vcpu_regs *out)
{
	vcpu_load(vcpu);
	memcpy(out->gpr, vcpu->gpr, sizeof(out->gpr));
	out->gpr[GPR_RSP] = vmread(GUEST_RSP);
	out->rip = vmread(GUEST_RIP);
	out->rflags = vmread(GUEST_RFLAGS);
}

/*
 * Bit 1 of RFLAGS is always 1; VM entry refuses anything else (SDM 3C
 * 27.3.1.4), so callers need not know. RFLAGS.VM is among what can be set here,
 * and so the state must be judged anew.
 */
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

/**
 * A segment register has a visible part, the selector, and a hidden one, which
 * a load fetches from a descriptor: base, limit, access rights. VMX shows all
 * four, and sets them without looking at any descriptor table; that is how a
 * guest can be put into states that no MOV to a segment register would make,
 * and why VM entry checks them so thoroughly.
 */
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

/**
 * All values are checked before the first one is written: a refusal leaves the
 * vCPU as it was.
 *
 * The order at the end is not free. CR3 goes first, as PAE's four entries are
 * read from where it points. EFER and CR4 precede CR0: what follows from all
 * three, LMA, the entry control for long mode, the paging mode, is computed
 * when CR0 is set, and must see the new values of the other two. PDPTEs come
 * when the mode is known; if they have reserved bits our copy is emptied. A MOV
 * would get a #GP for that, but here is no instruction that it could be given
 * to.
 */
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

/**
 * A segment of real mode: 64 KiB, base = selector * 16. At reset CS breaks that
 * rule, see below. VM entry insists on it in virtual-8086 mode only.
 */
static struct vcpu_segment real_segment(u64 base, u16 selector, u32 type)
{
	return (struct vcpu_segment){gva(base), 0xffff, selector,
				     type | SEG_AR_P};
}

/*
 * Types of segments (SDM 3A 3.4.5.1), with "accessed" set: the processor sets
 * that bit when it loads a descriptor, and VM entry wants to see it as after a
 * load (SDM 3C 27.3.1.2). A TSS in TR is busy for the same reason.
 */
#define TYPE_CODE (0xb | SEG_AR_S) /* execute, read, accessed */
#define TYPE_DATA (0x3 | SEG_AR_S) /* read, write, accessed */
#define TYPE_LDT 0x2
#define TYPE_TSS_BUSY 0xb

/*
 * "Big real mode" is what remains when code goes to protected mode, loads a
 * segment of 4 GiB, and goes back: the hidden limit stays. Firmware lives in
 * it, to reach all memory from 16-bit code.
 */
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

/*
 * After reset the processor fetches from 0xfffffff0: CS has selector 0xf000,
 * but the base 0xffff0000, and RIP is 0xfff0. The first far jump loads CS as
 * usual, and the base becomes what the selector says. In CR0 the caches are off
 * (CD, NW), which is a mere appearance here (guest_mode.c).
 */
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

/*
 * What firmware and a loader would have reached after some hundred
 * instructions. In 64-bit code bases and limits of most segments are ignored;
 * but they must be values that could have been loaded, or VM entry refuses.
 * LDTR is "unusable", as after a load of a null selector. TR may not be that:
 * long mode has no entry without a TSS, so it keeps the busy one of the reset
 * state, with the smallest limit that a TSS has, 0x67.
 */
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
