/** @file
 * What there is to say of a vCPU when its VM has ended badly.
 *
 * The order is that in which one asks: why did it exit, what was the
 * instruction, what was in the registers, in which mode was it, was an
 * interrupt on its way, and what has happened before.  Nothing is changed, but
 * the vCPU is loaded, since most of it is in the VMCS; so this is for its own
 * CPU only.
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

/** SDM 3C table 28-7, in words. */
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

/** What waits, what is in service, and why nothing comes. */
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
