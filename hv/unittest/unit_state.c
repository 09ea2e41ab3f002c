/** @file
 * Cases: the guest state that entry loads and exit saves, and the host state
 * that exit loads (SDM 3C 27.3.2, 28.3, 28.5).
 *
 * Guest, VMCS and host have different values everywhere, so that whatever is
 * left out, or taken from the wrong place, shows.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/desc.h"
#include "hv/x86/msr.h"
#include "hv/x86/segment.h"

/** An MSR that is a field of the VMCS: what entry loads, what the guest writes,
 * what exit loads for the host. */
struct row {
	u32 msr;
	enum vmcs_field guest_field, host_field;
	u64 loaded, written, of_host;
};

/** No host field: none is loaded, or it is better left alone. */
#define NONE GUEST_RIP

static const struct row rows[] = {
	{ MSR_IA32_SYSENTER_CS, GUEST_SYSENTER_CS, HOST_SYSENTER_CS, 0x18, 0x28,
	  0x38 },
	{ MSR_IA32_SYSENTER_ESP, GUEST_SYSENTER_ESP, HOST_SYSENTER_ESP,
	  0x7fff12345670, 0xffff800000000110, 0xffff900000000120 },
	{ MSR_IA32_SYSENTER_EIP, GUEST_SYSENTER_EIP, HOST_SYSENTER_EIP,
	  0x12340, 0x23450, 0xffff900000000340 },
	{ MSR_IA32_FS_BASE, GUEST_FS_BASE, HOST_FS_BASE, 0x7fff00001000,
	  0xffff800000002000, 0x3000 },
	{ MSR_IA32_GS_BASE, GUEST_GS_BASE, NONE, 0xffff8000000a1000,
	  0xa2000, 0 },
	{ MSR_IA32_PAT, GUEST_IA32_PAT, HOST_IA32_PAT, 0x0007040600070400,
	  0x0007040600070106, 0x0007040600070506 },
	{ MSR_IA32_EFER, GUEST_IA32_EFER, NONE,
	  EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE,
	  EFER_LME | EFER_LMA | EFER_NXE, 0 },
};

#define COUNT ARRAY_SIZE(rows)

/** Where the guest finds numbers and values, and leaves what it has read. */
#define NUMBERS TINY_DATA
#define READ (TINY_DATA + 0x100)
#define TO_WRITE (TINY_DATA + 0x200)

TINY_CODE(msrs_code, "1:\tmov (%rdi), %rcx\n\t"
		     "rdmsr\n\t"
		     "mov %eax, 0x100(%rdi)\n\t"
		     "mov %edx, 0x104(%rdi)\n\t"
		     "mov 0x200(%rdi), %eax\n\t"
		     "mov 0x204(%rdi), %edx\n\t"
		     "wrmsr\n\t"
		     "add $8, %rdi\n\t"
		     "dec %ebx\n\t"
		     "jnz 1b\n\t"
		     "vmcall\n\t")

/** Fields of the VMCS for the guest, values for its WRMSR. */
static void load_rows(struct tiny_guest *g)
{
	memset(g->msr_bitmap, 0, PAGE_SIZE); /* no MSR access exits */
	TINY_LOAD(g, msrs_code);
	g->gpr[GPR_RDI] = NUMBERS;
	g->gpr[GPR_RBX] = COUNT;
	for (size_t i = 0; i < COUNT; i++) {
		vmwrite(rows[i].guest_field, rows[i].loaded);
		*tiny_guest_word(g, NUMBERS + 8 * i) = rows[i].msr;
		*tiny_guest_word(g, TO_WRITE + 8 * i) = rows[i].written;
	}
}

void unit_state_of_msrs(struct tiny_guest *g)
{
	load_rows(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	for (size_t i = 0; i < COUNT; i++) {
		tiny_guest_equal(g, vmcs_fields_name(rows[i].guest_field),
				 *tiny_guest_word(g, READ + 8 * i),
				 rows[i].loaded);
		tiny_guest_field(g, rows[i].guest_field, rows[i].written);
	}
	/* Entry loads again what stands there now. */
	load_rows(g);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	for (size_t i = 0; i < COUNT; i++) {
		tiny_guest_equal(g, vmcs_fields_name(rows[i].guest_field),
				 *tiny_guest_word(g, READ + 8 * i),
				 rows[i].loaded);
	}
}

/** The host's values are in the processor behind the exit, and what is no field
 * has a fixed value (SDM 3C 28.5.1). */
void unit_state_of_host(struct tiny_guest *g)
{
	u64 pat = rdmsr(MSR_IA32_PAT);
	u64 efer = rdmsr(MSR_IA32_EFER);

	load_rows(g);
	for (size_t i = 0; i < COUNT; i++) {
		if (rows[i].host_field != NONE) {
			vmwrite(rows[i].host_field, rows[i].of_host);
		}
	}
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	for (size_t i = 0; i < COUNT; i++) {
		if (rows[i].host_field != NONE) {
			tiny_guest_equal(g,
					 vmcs_fields_name(rows[i].host_field),
					 rdmsr(rows[i].msr), rows[i].of_host);
		}
	}
	tiny_guest_equal(g, "the host's EFER", rdmsr(MSR_IA32_EFER), efer);
	tiny_guest_equal(g, "the host's DR7", read_dr7(), DR7_RESET);
	tiny_guest_equal(g, "the host's IF", read_rflags() & RFLAGS_IF, 0);
	wrmsr(MSR_IA32_PAT, pat);
	wrmsr(MSR_IA32_FS_BASE, 0);
}

TINY_CODE(tables_code, "sgdt (%rdi)\n\t"
		       "sidt 16(%rdi)\n\t"
		       "str 32(%rdi)\n\t"
		       "sldt 34(%rdi)\n\t"
		       "mov %dr7, %rax\n\t"
		       "mov %rax, 40(%rdi)\n\t"
		       "movw $0x1234, 64(%rdi)\n\t"
		       "mov %rbx, 66(%rdi)\n\t"
		       "lgdt 64(%rdi)\n\t"
		       "movw $0x765, 64(%rdi)\n\t"
		       "lidt 64(%rdi)\n\t"
		       "mov $0x455, %eax\n\t"
		       "mov %rax, %dr7\n\t"
		       "mov %ebx, %eax\n\t"
		       "xor %ecx, %ecx\n\t"
		       "mov %ecx, %ds\n\t"
		       "mov $0x10, %ecx\n\t"
		       "mov %ecx, %es\n\t"
		       "vmcall\n\t")

/** GDTR, IDTR, TR, LDTR, data segments, DR7: into the guest and back. */
void unit_state_of_tables(struct tiny_guest *g)
{
	TINY_LOAD(g, tables_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_MOV_DR_EXITING);
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RBX] = TINY_GDT;
	vmwrite(GUEST_GDTR_LIMIT, 0x7e);
	vmwrite(GUEST_IDTR_LIMIT, 0xabc);
	vmwrite(GUEST_DR7, 0x4aa);
	vmwrite(GUEST_ES_SELECTOR, 0);
	vmwrite(GUEST_ES_AR_BYTES, SEG_AR_UNUSABLE);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "SGDT", *tiny_guest_word(g, TINY_DATA),
			 TINY_GDT << 16 | 0x7e);
	tiny_guest_equal(g, "SIDT", *tiny_guest_word(g, TINY_DATA + 16),
			 TINY_IDT << 16 | 0xabc);
	tiny_guest_equal(g, "STR and SLDT",
			 *tiny_guest_word(g, TINY_DATA + 32), TINY_SEL_TSS);
	tiny_guest_equal(g, "DR7", *tiny_guest_word(g, TINY_DATA + 40), 0x4aa);
	tiny_guest_field(g, GUEST_GDTR_LIMIT, 0x1234);
	tiny_guest_field(g, GUEST_GDTR_BASE, TINY_GDT);
	tiny_guest_field(g, GUEST_IDTR_LIMIT, 0x765);
	tiny_guest_field(g, GUEST_IDTR_BASE, TINY_GDT);
	tiny_guest_field(g, GUEST_DR7, 0x455);
	tiny_guest_field(g, GUEST_DS_SELECTOR, 0);
	tiny_guest_equal(g, "DS is unusable",
			 vmread(GUEST_DS_AR_BYTES) & SEG_AR_UNUSABLE,
			 SEG_AR_UNUSABLE);
	tiny_guest_field(g, GUEST_ES_SELECTOR, TINY_SEL_DATA);
	tiny_guest_equal(g, "ES is usable",
			 vmread(GUEST_ES_AR_BYTES) & SEG_AR_UNUSABLE, 0);
}

/** Behind an exit both limits are FFFFh, whatever they were, TR is the host's
 * and LDTR holds nothing (SDM 3C 28.5.2). */
void unit_state_of_host_tables(struct tiny_guest *g)
{
	struct table_register gdtr, idtr;
	u16 ldtr;

	TINY_LOAD(g, tables_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_MOV_DR_EXITING);
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RBX] = TINY_GDT;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	sgdt(&gdtr);
	sidt(&idtr);
	asm volatile("sldt %0" : "=r"(ldtr));
	tiny_guest_equal(g, "the host's GDTR limit", gdtr.limit, 0xffff);
	tiny_guest_equal(g, "the host's IDTR limit", idtr.limit, 0xffff);
	tiny_guest_equal(g, "the host's GDTR base", gdtr.base,
			 desc_gdt_base(this_cpu()));
	tiny_guest_equal(g, "the host's IDTR base", idtr.base, desc_idt_base());
	tiny_guest_equal(g, "the host's TR", str(), SEL_TSS);
	tiny_guest_equal(g, "the host's LDTR", ldtr, 0);
	tiny_guest_equal(g, "the host's DS", read_ds(), SEL_DATA);
}

TINY_CODE(shared_code, "mov %cr2, %rax\n\t"
		       "mov %dr0, %rbx\n\t"
		       "mov $0x2222000, %ecx\n\t"
		       "mov %rcx, %cr2\n\t"
		       "mov $0x3333000, %ecx\n\t"
		       "mov %rcx, %dr0\n\t"
		       "mov $0xc0000082, %ecx\n\t" /* IA32_LSTAR */
		       "rdmsr\n\t"
		       "mov %eax, %esi\n\t"
		       "mov $0x4444000, %eax\n\t"
		       "wrmsr\n\t"
		       "mov %cr2, %rax\n\t"
		       "vmcall\n\t")

/** What VMX does not switch is one for both: CR2, DR0, LSTAR (SDM 3C 28.5). */
void unit_state_shared(struct tiny_guest *g)
{
	u64 lstar = rdmsr(MSR_IA32_LSTAR);

	memset(g->msr_bitmap, 0, PAGE_SIZE);
	TINY_LOAD(g, shared_code);
	tiny_guest_change(CPU_BASED_VM_EXEC_CONTROL, 0, CPU_MOV_DR_EXITING);
	write_cr2(0x1111000);
	write_dr0(0x5555000);
	wrmsr(MSR_IA32_LSTAR, 0x6666000);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the guest's DR0", g->gpr[GPR_RBX], 0x5555000);
	tiny_guest_equal(g, "the guest's LSTAR", g->gpr[GPR_RSI], 0x6666000);
	tiny_guest_equal(g, "the guest's CR2", g->gpr[GPR_RAX], 0x2222000);
	tiny_guest_equal(g, "the host's CR2", read_cr2(), 0x2222000);
	tiny_guest_equal(g, "the host's DR0", read_dr0(), 0x3333000);
	tiny_guest_equal(g, "the host's LSTAR", rdmsr(MSR_IA32_LSTAR),
			 0x4444000);
	write_dr0(0);
	wrmsr(MSR_IA32_LSTAR, lstar);
}
