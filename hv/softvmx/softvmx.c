/** @file
 * The soft VMX unit: VMX's instructions, carried out in software over AMD SVM.
 *
 * The hypervisor is written against Intel VMX.  QEMU's emulator and AMD's
 * processors have SVM instead, which can do the same things in another way: a
 * plain structure in memory (vmcb.h) for the VMCS, VMRUN for VMLAUNCH, nested
 * page tables for EPT.  This folder is the difference between the two.
 *
 * Here are the instructions that only manage: on and off, which VMCS is
 * current, invalidation.  Each checks what the SDM says it checks, in that
 * order, and fails with the SDM's error numbers (SDM 3C 31.3, 31.4).  VMREAD
 * and VMWRITE have their short path here and the rest in vmcs_memory.c;
 * VMLAUNCH and VMRESUME begin in softvmx_run.S and go on in svm_enter.c.
 */
#include "hv/vmx/vmx_unit.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/lib/recovery.h"
#include "hv/softvmx/capabilities.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/softvmx_cpu.h"
#include "hv/softvmx/svm_invalidate.h"
#include "hv/softvmx/vmcs_memory.h"
#include "hv/vmx/vmx_error.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"

/* AMD's MSRs (APM 2 15.30) */
#define MSR_VM_CR 0xc0010114u
#define MSR_VM_HSAVE_PA 0xc0010117u
#define VM_CR_SVM_DISABLED BIT(4)

/** The revision word of a region, without the shadow-VMCS bit. */

/**
 * A crash of this unit's own code happens with GIF = 0, which holds back all
 * interrupts: those of the watchdog, which the next test needs, and NMIs.
 */
static void let_interrupts_in(void)
{
	if (softvmx_cpu()) {
		vmcb_stgi();
	}
}

/**
 * EFER.SVME switches SVM on, and VMRUN hides the host where VM_HSAVE_PA points
 * (APM 2 15.30.4). NXE is set too: TCG tells fetches from reads only with it.
 */
static int enable(void)
{
	struct softvmx_cpu *cpu;

	if (rdmsr(MSR_VM_CR) & VM_CR_SVM_DISABLED) {
		printf("softvmx: firmware has switched SVM off (VM_CR)\n");
		return -ENODEV;
	}
	cpu = softvmx_cpu_create();
	if (!cpu) {
		printf("softvmx: no memory for this CPU's VMX unit\n");
		return -ENODEV;
	}
	this_cpu()->vmx = cpu;
	wrmsr(MSR_IA32_EFER, rdmsr(MSR_IA32_EFER) | EFER_SVME | EFER_NXE);
	wrmsr(MSR_VM_HSAVE_PA, virt_to_hpa(cpu->host_save).v);
	recovery_on_crash(let_interrupts_in);
	return 0;
}

/** Give the memory back and leave EFER as it was found. */
static void disable(void)
{
	struct softvmx_cpu *cpu = softvmx_cpu();

	if (!cpu) {
		return;
	}
	this_cpu()->vmx = NULL;
	wrmsr(MSR_VM_HSAVE_PA, 0);
	wrmsr(MSR_IA32_EFER, rdmsr(MSR_IA32_EFER) & ~EFER_SVME);
	softvmx_cpu_destroy(cpu);
}

/**
 * A region's address: page-aligned, within physical memory (SDM 3C 31.3). What
 * a processor would access beyond that is ours to refuse with a sentence.
 */
static bool is_region(hpa_t region)
{
	if (region.v & ~PAGE_MASK) {
		return false;
	}
	if (region.v >= DIRECT_MAP_SIZE) {
		printf("softvmx: the region at 0x%llx is not in memory\n",
		       (unsigned long long)region.v);
		return false;
	}
	return true;
}

/**
 * The first word of a region, with bit 31, which marks a shadow VMCS: this unit
 * has none, so that a region with it has the wrong revision.
 */
static u32 revision_of(hpa_t region)
{
	return *(const u32 *)hpa_to_virt(region);
}

/** SDM 3C VMXON.  A region of the wrong revision is VMfailInvalid: there is no
 * current VMCS that could hold an error number. */
static enum vmx_result vmxon(hpa_t region)
{
	struct softvmx_cpu *cpu = softvmx_cpu();

	if (cpu->on) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMXON_IN_ROOT);
	}
	if (!is_region(region) || revision_of(region) != VMCS_REVISION) {
		return VMX_FAIL_INVALID;
	}
	cpu->on = true;
	cpu->vmxon_region = region;
	vmcs_memory_select(cpu, hpa(VMCS_NONE));
	ept_shadow_invalidate_all(cpu->shadow);
	cpu->flush = true;
	return VMX_SUCCEED;
}

/**
 * What has not been VMCLEARed is written to its region now; the SDM says so of
 * no processor, and forbids it of none.
 */
static enum vmx_result vmxoff(void)
{
	struct softvmx_cpu *cpu = softvmx_cpu_operating();

	vmcs_memory_select(cpu, hpa(VMCS_NONE));
	cpu->on = false;
	return VMX_SUCCEED;
}

/**
 * SDM 3C VMCLEAR: write back, make it not current, launch state "clear". The
 * revision is not looked at: this is how a region becomes a VMCS.
 */
static enum vmx_result vmclear(hpa_t vmcs)
{
	struct softvmx_cpu *cpu = softvmx_cpu_operating();
	struct vmcs_region *region;

	if (!is_region(vmcs)) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMCLEAR_ADDRESS);
	}
	if (vmcs.v == cpu->vmxon_region.v) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMCLEAR_VMXON_POINTER);
	}
	if (vmcs.v == cpu->vmcs_address.v) {
		vmcs_memory_select(cpu, hpa(VMCS_NONE));
	}
	region = hpa_to_virt(vmcs);
	region->slot[VMCS_SLOT_LAUNCHED] = 0;
	return VMX_SUCCEED;
}

/**
 * SDM 3C VMPTRLD. Loading the current one again changes nothing, not even what
 * is cached of it.
 */
static enum vmx_result vmptrld(hpa_t vmcs)
{
	struct softvmx_cpu *cpu = softvmx_cpu_operating();

	if (!is_region(vmcs)) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMPTRLD_ADDRESS);
	}
	if (vmcs.v == cpu->vmxon_region.v) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMPTRLD_VMXON_POINTER);
	}
	if (revision_of(vmcs) != VMCS_REVISION) {
		return vmcs_memory_fail(cpu, VMX_ERROR_VMPTRLD_REVISION);
	}
	vmcs_memory_select(cpu, vmcs);
	return VMX_SUCCEED;
}

/** All ones when there is no current VMCS. */
static enum vmx_result vmptrst(hpa_t *vmcs)
{
	*vmcs = softvmx_cpu_operating()->vmcs_address;
	return VMX_SUCCEED;
}

/**
 * With all checks and every encoding, for those who want to see the failure.
 */
static enum vmx_result vmread_any(u64 field, u64 *value)
{
	return vmcs_memory_vmread(softvmx_cpu_operating(), field, value);
}

static enum vmx_result vmwrite_any(u64 field, u64 value)
{
	return vmcs_memory_vmwrite(softvmx_cpu_operating(), field, value);
}

/*
 * VMREAD and VMWRITE are on the path of each VM exit, some ten times, so the
 * ordinary case is a table look-up and a load.  One test covers everything that
 * is not ordinary: the field's area must be among those that are `ready`.  No
 * area is, without a current VMCS; a field that does not exist has none; and an
 * area whose newest values are in the VMCB is copied over first.
 */

/** The ways that are not short; apart, so that the short one saves nothing. */
static __noinline u64 vmread_slowly(struct softvmx_cpu *cpu,
				    enum vmcs_field field)
{
	u64 value = 0;
	enum vmx_result result = vmcs_memory_vmread(cpu, field, &value);

	if (result != VMX_SUCCEED) {
		vmx_unit_panic("VMREAD", field, result);
	}
	return value;
}

static __noinline void vmwrite_slowly(struct softvmx_cpu *cpu,
				      enum vmcs_field field, u64 value)
{
	enum vmx_result result = vmcs_memory_vmwrite(cpu, field, value);

	if (result != VMX_SUCCEED) {
		vmx_unit_panic("VMWRITE", field, result);
	}
}

u64 softvmx_vmread(enum vmcs_field field)
{
	struct softvmx_cpu *cpu = softvmx_cpu();
	u32 slot = vmcs_memory_slot(field);

	if (likely((vmcs_memory_areas[slot] & cpu->ready) &&
		   !(field & VMCS_ENCODING_EXTRA))) {
		return cpu->vmcs->slot[slot];
	}
	return vmread_slowly(cpu, field);
}

void softvmx_vmwrite(enum vmcs_field field, u64 value)
{
	struct softvmx_cpu *cpu = softvmx_cpu();
	u32 slot = vmcs_memory_slot(field);
	u8 area = vmcs_memory_areas[slot] & cpu->ready & ~AREA_READ_ONLY;

	if (likely(area && !(field & VMCS_ENCODING_EXTRA))) {
		cpu->dirty |= area;
		cpu->vmcs->slot[slot] =
			value & vmcs_memory_masks[vmcs_memory_width(field)];
		return;
	}
	vmwrite_slowly(cpu, field, value);
}

void softvmx_vmwrite_if_current(enum vmcs_field field, u64 value)
{
	const struct softvmx_cpu *cpu = softvmx_cpu();

	if (cpu && cpu->vmcs) {
		softvmx_vmwrite(field, value);
	}
}

const struct vmx_unit softvmx = {
	.name = "softvmx",
	.capability = capabilities_read,
	.enable = enable,
	.disable = disable,
	.vmxon = vmxon,
	.vmxoff = vmxoff,
	.vmclear = vmclear,
	.vmptrld = vmptrld,
	.vmptrst = vmptrst,
	.vmread = vmread_any,
	.vmwrite = vmwrite_any,
	.invept = svm_invalidate_ept,
	.invvpid = svm_invalidate_vpid,
	.entry_failure = entry_checks_sentence,
};
