/** @file
 * What there is to say of a vCPU when its VM has ended badly.
 *
 * The order is that in which one asks: why did it exit, what was the
 * instruction, what was in the registers, in which mode was it, was an
 * interrupt on its way, and what has happened before.  Nothing is changed, but
 * the vCPU is loaded, since most of it is in the VMCS; so this is for its own
 * CPU only.
 *
 * A crash may be the reason that we are here. So nothing below takes a lock of
 * the VM or asks a device; where a value may be meaningless, it is printed with
 * what tells so, or not at all.
 */
#include "hv/vcpu/vcpu.h"

#include "hv/lib/printf.h"
#include "hv/lib/trace.h"
#include "hv/platform/vlapic.h"
#include "hv/vcpu/exit_log.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vmx/vmx_controls.h"

#define TRACE_LAST 16

static const char *const gpr_name[GPR_COUNT] = {
	"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
	"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
};

static const char *const seg_name[SEG_COUNT] = {
	"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr",
};

/** RSP comes from the VMCS, the others from gpr[] (vcpu_regs.c). */
static void dump_registers(struct vcpu *vcpu)
{
	struct vcpu_regs regs;

	vcpu_regs_get(vcpu, &regs);
	for (unsigned int i = 0; i < GPR_COUNT; i++) {
		printf("%4s %016llx%s", gpr_name[i],
		       (unsigned long long)regs.gpr[i], i % 4 == 3 ? "\n" : "");
	}
	printf(" rip %016llx rflags %08llx\n", (unsigned long long)regs.rip,
	       (unsigned long long)regs.rflags);
}

/**
 * As the guest sees them: CR0 and CR4 by their read shadows, CR3 its own even
 * if the processor walks other tables. Most entries that fail do so for the
 * access rights, so those are in the raw form of the VMCS, which the SDM's
 * tables have (SDM 3C 25.4.1).
 */
static void dump_system(struct vcpu *vcpu)
{
	struct vcpu_sregs s;

	vcpu_regs_get_system(vcpu, &s);
	for (unsigned int i = 0; i < SEG_COUNT; i++) {
		printf("%4s %04x base %016llx limit %08x ar %05x\n",
		       seg_name[i], s.segment[i].selector,
		       (unsigned long long)s.segment[i].base.v,
		       s.segment[i].limit, s.segment[i].ar);
	}
	printf(" cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx\n",
	       (unsigned long long)s.cr0, (unsigned long long)s.cr2,
	       (unsigned long long)s.cr3, (unsigned long long)s.cr4,
	       (unsigned long long)s.efer);
	printf(" gdt %016llx/%04x idt %016llx/%04x\n",
	       (unsigned long long)s.gdt.base.v, s.gdt.limit,
	       (unsigned long long)s.idt.base.v, s.idt.limit);
}

/**
 * The bytes at RIP, which may be on a page that is not mapped: an exit in the
 * middle of a jump into nowhere is a common one. After an instruction that has
 * been stepped over already they are those of the next.
 */
static void dump_code(struct vcpu *vcpu)
{
	u8 bytes[VCPU_INSN_BYTES];
	size_t n = vcpu_peek(vcpu, gva(vmread(GUEST_CS_BASE) + vcpu->rip),
			     bytes, sizeof(bytes));

	printf("code");
	for (size_t i = 0; i < n; i++) {
		printf(" %02x", bytes[i]);
	}
	printf("%s\n", n ? "" : " not readable");
}

/**
 * SDM 3C table 28-7, in words. "Entry rwx" are the rights that were there, all
 * levels together: "write of ..., entry r-x" is a store to write-protected
 * memory, "entry ---" a page that the EPT does not have. "In the page walk"
 * means that the processor did not want the operand but an entry of the guest's
 * own page tables on the way there.
 */
static void dump_violation(u64 q)
{
	printf("  %s%s%sof guest-physical 0x%llx, entry %s%s%s",
	       q & EPT_QUAL_READ ? "read " : "",
	       q & EPT_QUAL_WRITE ? "write " : "",
	       q & EPT_QUAL_FETCH ? "fetch " : "",
	       (unsigned long long)vmread(GUEST_PHYSICAL_ADDRESS),
	       q & EPT_QUAL_READABLE ? "r" : "-",
	       q & EPT_QUAL_WRITABLE ? "w" : "-",
	       q & EPT_QUAL_EXECUTABLE ? "x" : "-");
	if (q & EPT_QUAL_GLA_VALID) {
		printf(", linear 0x%llx%s",
		       (unsigned long long)vmread(GUEST_LINEAR_ADDRESS),
		       q & EPT_QUAL_NOT_WALK ? "" : " (in the page walk)");
	}
	printf("\n");
}

/**
 * An exit in the middle of a delivery is the beginning of many a long search:
 * the guest has done nothing at RIP, its IDT or its stack was touched. So that
 * is said in a line of its own.
 */
static void dump_exit(struct vcpu *vcpu)
{
	u32 vectoring = vmread(IDT_VECTORING_INFO);

	printf("last exit: %s (%u) qualification 0x%llx\n",
	       exit_reasons_name(vcpu->exit_reason),
	       vcpu->exit_reason & (u32)EXIT_REASON_BASIC,
	       (unsigned long long)exit_log_qualification(vcpu->exit_reason));
	if (vcpu->exit_reason == EXIT_REASON_EPT_VIOLATION) {
		dump_violation(vmread(EXIT_QUALIFICATION));
	}
	if (vcpu->exit_reason == EXIT_REASON_EPT_MISCONFIG) {
		printf("  of guest-physical 0x%llx\n",
		       (unsigned long long)vmread(GUEST_PHYSICAL_ADDRESS));
	}
	if (vectoring & INTR_INFO_VALID) {
		printf("  while vector %u was being delivered (0x%x)\n",
		       vectoring & (u32)INTR_INFO_VECTOR, vectoring);
	}
}

/**
 * What waits, what is in service, and why nothing comes. An interrupt that is
 * in IRR and does not arrive is held back by one of these: RFLAGS.IF, the
 * interruptibility (STI, MOV SS), PPR, which is the higher one of TPR and what
 * is in service, or an SVR that switches the APIC off. All of them are here.
 * ISR bits that never go away are a handler which has forgotten its EOI.
 */
static void dump_apic(const struct vcpu *vcpu)
{
	const struct vlapic *apic = vcpu->apic;

	if (!apic) {
		return;
	}
	printf("%s; interruptibility %llx\n",
	       apic->awaits_startup ? "waits for a SIPI"
	       : vcpu->halted	    ? "halted"
				    : "runs",
	       (unsigned long long)vmread(GUEST_INTERRUPTIBILITY_STATE));
	printf("apic id %08x svr %x tpr %x ppr %x signals %x lint0 %x timer %x "
	       "initial %x\n", apic->id, apic->svr, apic->tpr,
	       vlapic_priority(apic), apic->signals,
	       apic->lvt[VLAPIC_LVT_LINT0], apic->lvt[VLAPIC_LVT_TIMER],
	       apic->timer_initial);
	for (unsigned int i = 0; i < 4; i++) {
		if (apic->irr[i] | apic->isr[i]) {
			printf("vectors from %02x: irr %016llx isr %016llx\n",
			       64 * i, (unsigned long long)apic->irr[i],
			       (unsigned long long)apic->isr[i]);
		}
	}
}

/*
 * The trace last, since it is the longest, and the newest lines of a console
 * are those that one sees.
 */
void vcpu_dump(struct vcpu *vcpu)
{
	vcpu_load(vcpu);
	printf("--- vCPU %u of CPU %u ---\n", vcpu->number, vcpu->cpu);
	dump_exit(vcpu);
	dump_code(vcpu);
	dump_registers(vcpu);
	dump_system(vcpu);
	dump_apic(vcpu);
	printf("last events:\n");
	trace_dump(TRACE_LAST);
}
