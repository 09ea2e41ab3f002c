/** @file
 * The VMCS' control fields: what exits, and what is switched.
 *
 * exit49 shows exits, so it takes more of them than a hypervisor for daily use
 * would.  What it does not take are RDTSC, since guests measure with it; CR3
 * accesses, where EPT makes them the guest's own affair; and exceptions, but
 * those that the vCPU asks for in its bitmap.
 */
#include "hv/vmx/vmcs_areas.h"

#include "hv/vmx/vmcs_setup.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"

/*
 * Interrupts must exit.  Without that a device's or the timer's interrupt would
 * be delivered through the *guest's* IDT, and the guest would have taken the
 * machine from us.  Virtual NMIs let the processor keep track of whether the
 * guest is in an NMI handler; they are allowed only where NMIs exit.
 */
void vmcs_controls_write_pin(const struct vmcs_setup *setup)
{
	u32 want = PIN_NMI_EXITING;
	u32 need = PIN_EXTERNAL_INTERRUPT_EXITING;

	if (setup->timer) {
		want |= PIN_PREEMPTION_TIMER;
	}
	if (setup->virtual_nmis) {
		want |= PIN_VIRTUAL_NMIS;
	}
	vmwrite(PIN_BASED_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_PIN, want, need));
}

/**
 * CR8 would be the host's own task priority if its accesses did not exit.
 *
 * HLT, MWAIT: the guest's sleep would be the CPU's.  MOV DR: debug registers
 * are not switched by the processor but for DR7.  Bitmaps decide port by port
 * and MSR by MSR.  Without EPT we have to hear of all that changes what an
 * address means, hence INVLPG and CR3 (mmu/shadow.h).
 */
void vmcs_controls_write_cpu(const struct vmcs_setup *setup)
{
	u32 need = CPU_HLT_EXITING | CPU_MWAIT_EXITING | CPU_MONITOR_EXITING |
		   CPU_RDPMC_EXITING | CPU_MOV_DR_EXITING |
		   CPU_USE_IO_BITMAPS | CPU_USE_MSR_BITMAPS |
		   CPU_SECONDARY_CONTROLS;
	u32 want = CPU_USE_TSC_OFFSETTING | CPU_CR8_LOAD_EXITING |
		   CPU_CR8_STORE_EXITING;

	if (!setup->eptp || !setup->own_invlpg) {
		need |= CPU_INVLPG_EXITING;
	}
	if (!setup->eptp) {
		need |= CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING;
	}
	vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_CPU, want, need));
	vmwrite(TSC_OFFSET, 0);
}

/**
 * INVPCID stays disabled, so that it is #UD in the guest, as CPUID says.
 *
 * EPT_POINTER and VPID are fields only of processors that have the control:
 * they are written only where it is set.
 */
void vmcs_controls_write_cpu2(const struct vmcs_setup *setup)
{
	u32 want = CPU2_ENABLE_RDTSCP | CPU2_WBINVD_EXITING;
	u32 need = 0;

	if (setup->eptp) {
		need |= CPU2_ENABLE_EPT;
	}
	if (setup->unrestricted) {
		need |= CPU2_UNRESTRICTED_GUEST;
	}
	if (setup->vpid) {
		want |= CPU2_ENABLE_VPID;
	}
	vmwrite(SECONDARY_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_CPU2, want, need));
	if (setup->eptp) {
		vmwrite(EPT_POINTER, setup->eptp);
	}
	if (setup->vpid) {
		vmwrite(VPID, setup->vpid);
	}
}

/** No page-fault filter: mask and match of 0 mean "as the bitmap says". */
void vmcs_controls_write_bitmaps(const struct vmcs_setup *setup)
{
	vmwrite(EXCEPTION_BITMAP, setup->exceptions);
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(IO_BITMAP_A, setup->io_bitmap.v);
	vmwrite(IO_BITMAP_B, setup->io_bitmap.v + PAGE_SIZE);
	vmwrite(MSR_BITMAP, setup->msr_bitmap.v);
	vmwrite(CR3_TARGET_COUNT, 0);
}

/**
 * The interrupt that made us exit stays pending and is taken by opening the
 * interrupt flag, so that it arrives by the IDT like any other.  The
 * preemption timer is saved, so that it runs on over exits.
 */
void vmcs_controls_write_exit(const struct vmcs_setup *setup)
{
	u32 need =
		EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_SAVE_EFER | EXIT_LOAD_EFER;
	u32 want = EXIT_SAVE_DEBUG_CONTROLS | EXIT_SAVE_PAT | EXIT_LOAD_PAT;

	if (setup->timer) {
		want |= EXIT_SAVE_PREEMPTION_TIMER;
	}
	vmwrite(VM_EXIT_CONTROLS,
		vmx_caps_adjust(VMX_CONTROL_EXIT, want, need));
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
}

/** ENTRY_IA32E_MODE_GUEST follows the guest's EFER.LMA: hv/vcpu writes it.
 * Without a valid bit in VM_ENTRY_INTR_INFO nothing is injected. */
void vmcs_controls_write_entry(void)
{
	u32 want = ENTRY_LOAD_DEBUG_CONTROLS | ENTRY_LOAD_PAT;

	vmwrite(VM_ENTRY_CONTROLS,
		vmx_caps_adjust(VMX_CONTROL_ENTRY, want, ENTRY_LOAD_EFER));
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_INTR_INFO, 0);
}
