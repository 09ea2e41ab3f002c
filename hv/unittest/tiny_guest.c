/** @file
 * The smallest guest there can be: making one, and running it.
 *
 * The VMCS is set up by the same functions as a vCPU's (vmcs_setup_all()); a
 * test changes from there what it is about.  The guest's state is written
 * here, as plainly as the SDM's checks permit.
 */
#include "hv/unittest/tiny_guest.h"

#include "hv/lib/printf.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/vmx/vmcs_setup.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/** IA32_PAT after reset (SDM 3A 11.12.4). */
#define PAT_RESET 0x0007040600070406ull

/* Access rights (SDM 3C 25.4.1): flat segments and a busy TSS. */
#define RIGHTS_CODE64 0xa09b
#define RIGHTS_CODE32 0xc09b
#define RIGHTS_DATA 0xc093
#define RIGHTS_TSS64 0x8b

/** A segment register as the VMCS has it. */
struct segment {
	u16 selector;
	u32 access_rights;
	u64 base;
	u32 limit;
};

/** @param index ES to TR, in the order of the VMCS' fields */
static void write_segment(unsigned int index, const struct segment *segment)
{
	vmwrite(GUEST_ES_SELECTOR + 2 * index, segment->selector);
	vmwrite(GUEST_ES_AR_BYTES + 2 * index, segment->access_rights);
	vmwrite(GUEST_ES_BASE + 2 * index, segment->base);
	vmwrite(GUEST_ES_LIMIT + 2 * index, segment->limit);
}

static void write_segments(u16 code_selector, u32 code_rights)
{
	struct segment data = { TINY_SEL_DATA, RIGHTS_DATA, 0, ~0u };
	struct segment code = { code_selector, code_rights, 0, ~0u };
	struct segment none = { 0, SEG_AR_UNUSABLE, 0, 0 };
	struct segment tss = { TINY_SEL_TSS, RIGHTS_TSS64, TINY_TSS, 0x67 };

	for (unsigned int i = 0; i < 6; i++) {
		write_segment(i, i == 1 ? &code : &data);
	}
	write_segment(6, &none);
	write_segment(7, &tss);
}

static void write_system(void)
{
	vmwrite(GUEST_GDTR_BASE, TINY_GDT);
	vmwrite(GUEST_GDTR_LIMIT, 0x7f);
	vmwrite(GUEST_IDTR_BASE, TINY_IDT);
	vmwrite(GUEST_IDTR_LIMIT, 0xfff);
	vmwrite(GUEST_IA32_PAT, PAT_RESET);
	vmwrite(GUEST_DR7, DR7_RESET);
	vmwrite(GUEST_SYSENTER_CS, 0);
	vmwrite(GUEST_SYSENTER_ESP, 0);
	vmwrite(GUEST_SYSENTER_EIP, 0);
	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, 0);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED);
}

/** No masks: the guest's CR0 and CR4 are its own. */
static void write_control_registers(u64 cr0, u64 cr4, u64 efer)
{
	vmwrite(CR0_GUEST_HOST_MASK, 0);
	vmwrite(CR4_GUEST_HOST_MASK, 0);
	vmwrite(CR0_READ_SHADOW, 0);
	vmwrite(CR4_READ_SHADOW, 0);
	vmwrite(GUEST_CR0, cr0);
	vmwrite(GUEST_CR3, TINY_PML4);
	vmwrite(GUEST_CR4, cr4 | vmx_caps.cr4_fixed0);
	vmwrite(GUEST_IA32_EFER, efer);
	tiny_guest_change(VM_ENTRY_CONTROLS,
			  efer & EFER_LMA ? ENTRY_IA32E_MODE_GUEST : 0,
			  ENTRY_IA32E_MODE_GUEST);
}

void tiny_guest_user(struct tiny_guest *g)
{
	for (u64 at = 0; at < TINY_LARGE; at += PAGE_SIZE) {
		*tiny_guest_pte(g, at) |= TINY_PTE_USER;
	}
	*tiny_guest_word(g, TINY_PML4) |= TINY_PTE_USER;
	*tiny_guest_word(g, TINY_PDPT) |= TINY_PTE_USER;
	*tiny_guest_word(g, TINY_PD) |= TINY_PTE_USER;
	vmwrite(GUEST_CS_SELECTOR, TINY_SEL_CODE3);
	tiny_guest_change(GUEST_CS_AR_BYTES, SEG_AR_DPL, 0);
	vmwrite(GUEST_SS_SELECTOR, TINY_SEL_DATA3);
	tiny_guest_change(GUEST_SS_AR_BYTES, SEG_AR_DPL, 0);
}

void tiny_guest_change(enum vmcs_field field, u64 set, u64 clear)
{
	vmwrite(field, (vmread(field) & ~clear) | set);
}

static void write_vmcs(struct tiny_guest *g)
{
	struct vmcs_setup setup = {
		.eptp = g->eptp,
		.unrestricted = vmx_caps.unrestricted_guest,
		.vpid = vmx_caps.invvpid,
		.io_bitmap = virt_to_hpa(g->io_bitmap),
		.msr_bitmap = virt_to_hpa(g->msr_bitmap),
	};

	vmcs_setup_all(&setup);
	write_segments(TINY_SEL_CODE, RIGHTS_CODE64);
	write_system();
	write_control_registers(CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
				CR4_PAE | CR4_PSE,
				EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE);
}

static bool alloc_parts(struct tiny_guest *g)
{
	g->memory = page_alloc_contig(TINY_OWNER, TINY_SIZE / PAGE_SIZE, 512);
	g->ept_pml4 = page_alloc(TINY_OWNER);
	g->ept_pdpt = page_alloc(TINY_OWNER);
	g->ept_pd = page_alloc(TINY_OWNER);
	g->ept_pt = page_alloc(TINY_OWNER);
	g->io_bitmap = page_alloc_contig(TINY_OWNER, 2, 1);
	g->msr_bitmap = page_alloc(TINY_OWNER);
	return g->memory && g->ept_pml4 && g->ept_pdpt && g->ept_pd &&
	       g->ept_pt && g->io_bitmap && g->msr_bitmap;
}

bool tiny_guest_create(struct tiny_guest *g)
{
	u32 *vmcs = page_alloc(TINY_OWNER);

	if (!vmcs || !alloc_parts(g)) {
		return false;
	}
	vmcs[0] = vmx_caps.revision;
	g->vmcs = virt_to_hpa(vmcs);
	g->hpa = virt_to_hpa(g->memory);
	if (vmx_unit->vmclear(g->vmcs) || vmx_unit->vmptrld(g->vmcs)) {
		return false;
	}
	memset(g->io_bitmap, 0xff, 2 * PAGE_SIZE); /* as a vCPU has it */
	tiny_tables_build(g);
	/* The guest before this one may have had the same pages. */
	tiny_guest_invept(g);
	vmx_cpu_invvpid(vmx_caps.invvpid);
	write_vmcs(g);
	return true;
}

void tiny_guest_destroy(struct tiny_guest *g)
{
	if (g->vmcs.v && vmx_unit->vmclear(g->vmcs)) {
		printf("tiny_guest: VMCLEAR at the end failed\n");
	}
}

void tiny_guest_load(struct tiny_guest *g, const u8 *code, size_t size)
{
	memcpy(g->memory + TINY_CODE_AT, code, size);
	vmwrite(GUEST_RIP, TINY_CODE_AT);
	vmwrite(GUEST_RSP, TINY_STACK);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED);
}

void tiny_guest_enter_32bit(struct tiny_guest *g)
{
	(void)g;
	write_segments(TINY_SEL_CODE32, RIGHTS_CODE32);
	write_control_registers(CR0_PE | CR0_ET | CR0_NE, 0, 0);
}

/** Keep in words why there was no entry. */
static void tell_failed_entry(struct tiny_guest *g)
{
	const char *sentence = "there is no current VMCS";
	u64 error = 0;

	if (!vmx_unit->vmread(VM_INSTRUCTION_ERROR, &error)) {
		sentence = vmx_error_sentence(error);
	}
	snprintf(g->text, sizeof(g->text), "VM entry failed: %s", sentence);
	g->why = g->text;
}

/* An entry that fails on the guest's state leaves the launch state alone. */
void tiny_guest_run(struct tiny_guest *g)
{
	u64 launched = g->gpr[GPR_LAUNCHED];

	if (g->why) {
		return;
	}
	g->reason = ~0u;
	vmx_entry_run(g->gpr, &g->result);
	if (g->result != VMX_SUCCEED) {
		tell_failed_entry(g);
		return;
	}
	g->reason = vmread(EXIT_REASON);
	if (g->reason & EXIT_REASON_ENTRY_FAILURE) {
		g->gpr[GPR_LAUNCHED] = launched;
	}
	g->qualification = vmread(EXIT_QUALIFICATION);
}

void tiny_guest_expect(struct tiny_guest *g, u32 reason)
{
	tiny_guest_run(g);
	if (g->why || g->reason == reason) {
		return;
	}
	snprintf(g->text, sizeof(g->text),
		 "exit %s (0x%x), expected %s; qualification 0x%llx, rip "
		 "0x%llx, event 0x%llx, gpa 0x%llx, rax 0x%llx",
		 exit_reasons_name(g->reason), g->reason,
		 exit_reasons_name(reason),
		 (unsigned long long)g->qualification,
		 (unsigned long long)vmread(GUEST_RIP),
		 (unsigned long long)vmread(VM_EXIT_INTR_INFO),
		 (unsigned long long)vmread(GUEST_PHYSICAL_ADDRESS),
		 (unsigned long long)g->gpr[GPR_RAX]);
	g->why = g->text;
}

void tiny_guest_skip(struct tiny_guest *g)
{
	if (!g->why) {
		vmwrite(GUEST_RIP, vmread(GUEST_RIP) +
					   vmread(VM_EXIT_INSTRUCTION_LEN));
	}
}

void tiny_guest_equal(struct tiny_guest *g, const char *what, u64 seen,
		      u64 expected)
{
	if (g->why || seen == expected) {
		return;
	}
	snprintf(g->text, sizeof(g->text), "%s is 0x%llx, expected 0x%llx",
		 what, (unsigned long long)seen, (unsigned long long)expected);
	g->why = g->text;
}

void tiny_guest_field(struct tiny_guest *g, enum vmcs_field field,
		      u64 expected)
{
	if (!g->why) {
		tiny_guest_equal(g, vmcs_fields_name(field), vmread(field),
				 expected);
	}
}

u64 *tiny_guest_ept(const struct tiny_guest *g, u64 address)
{
	return &g->ept_pt[address / PAGE_SIZE];
}

u64 *tiny_guest_pte(const struct tiny_guest *g, u64 address)
{
	return tiny_guest_word(g, TINY_PT + address / PAGE_SIZE * 8);
}

u64 *tiny_guest_word(const struct tiny_guest *g, u64 address)
{
	return (u64 *)(g->memory + address);
}

void tiny_guest_gate(struct tiny_guest *g, unsigned int vector, u64 address)
{
	u64 *gate = tiny_guest_word(g, TINY_IDT + vector * 16);
	u64 offset = bits(address, 15, 0) | bits(address, 31, 16) << 48;

	gate[0] = (gate[0] & BITS(47, 16)) | offset;
}

void tiny_guest_map_apic(struct tiny_guest *g)
{
	*tiny_guest_ept(g, TINY_APIC) =
		(rdmsr(MSR_IA32_APIC_BASE) & PAGE_MASK & BITS(51, 12)) |
		TINY_EPT_READ | TINY_EPT_WRITE;
}

void tiny_guest_invept(struct tiny_guest *g)
{
	if (vmx_unit->invept(INVEPT_SINGLE_CONTEXT, g->eptp)) {
		g->why = "INVEPT, single context, failed";
	}
}
