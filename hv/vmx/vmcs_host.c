/** @file
 * The VMCS' host-state area: where, and in what state, an exit finds us.
 *
 * The processor saves nothing of the host at VM entry.  What it loads at an
 * exit is what stands here, so all of it is read from this CPU as it is now;
 * a VMCS is never moved to another CPU.  Limits and access rights are not in
 * the area: an exit sets them to fixed values (SDM 3C 28.5.2), among them GDTR
 * and IDTR limits of 0xffff.
 */
#include "hv/vmx/vmcs_areas.h"

#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/desc.h"
#include "hv/x86/msr.h"
#include "hv/x86/segment.h"

/** What a VMCS may hold of EFER: not SVME, which softvmx sets. */
#define EFER_VMX (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/** SYSENTER is never executed by the host; 0 is what would fault. */
void vmcs_host_write_control_registers(void)
{
	vmwrite(HOST_CR0, read_cr0());
	vmwrite(HOST_CR3, read_cr3());
	vmwrite(HOST_CR4, read_cr4());
	vmwrite(HOST_IA32_EFER, rdmsr(MSR_IA32_EFER) & EFER_VMX);
	vmwrite(HOST_IA32_PAT, rdmsr(MSR_IA32_PAT));
	vmwrite(HOST_SYSENTER_CS, 0);
	vmwrite(HOST_SYSENTER_ESP, 0);
	vmwrite(HOST_SYSENTER_EIP, 0);
}

/**
 * Selectors of the host must have RPL 0 and be of the GDT, and those of CS and
 * TR must not be 0, or the entry fails with error 8.  Bases of FS, GS and TR
 * stand here because an exit does not look into the GDT for them.
 */
void vmcs_host_write_segments(void)
{
	struct cpu *cpu = this_cpu();

	vmwrite(HOST_CS_SELECTOR, SEL_CODE64);
	vmwrite(HOST_SS_SELECTOR, SEL_DATA);
	vmwrite(HOST_DS_SELECTOR, SEL_DATA);
	vmwrite(HOST_ES_SELECTOR, SEL_DATA);
	vmwrite(HOST_FS_SELECTOR, 0);
	vmwrite(HOST_GS_SELECTOR, 0);
	vmwrite(HOST_TR_SELECTOR, SEL_TSS);
	vmwrite(HOST_FS_BASE, 0);
	vmwrite(HOST_GS_BASE, (unsigned long)cpu); /* this_cpu() */
	vmwrite(HOST_TR_BASE, desc_tss_base(cpu));
	vmwrite(HOST_GDTR_BASE, desc_gdt_base(cpu));
	vmwrite(HOST_IDTR_BASE, desc_idt_base());
}

void vmcs_host_write_entry_point(void)
{
	vmwrite(HOST_RIP, (unsigned long)vmx_entry_exit);
}
