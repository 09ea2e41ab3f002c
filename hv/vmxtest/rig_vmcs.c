/** @file
 * The rig's VMCS as a test finds it: little exits, and the guest is in 64 bits.
 *
 * A test turns on what it wants to see.  What is on from the start are the
 * exits without which the rig would lose its guest (interrupts, NMIs, HLT,
 * ports) and, without EPT, those that shadow page tables live on.
 */
#include "hv/vmxtest/rig.h"

#include "hv/vmm/start.h"
#include "hv/vmx/vmcs_areas.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmxtest/rig_segment.h"
#include "hv/vmxtest/rig_shadow.h"
#include "hv/x86/cr.h"
#include "hv/x86/msr.h"
#include "hv/x86/trap.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x18
#define RIGHTS_CODE64 0xa09b
#define RIGHTS_DATA 0xc093
#define RIGHTS_TSS 0x008b

#define GUEST_EFER (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define GUEST_CR0_VALUE (CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG)
#define GUEST_CR4_VALUE (CR4_PAE | CR4_OSFXSR | CR4_VMXE)

/** SDM 3C 25.6.1 and 25.6.2; needed bits that are not there panic, by name. */
static void write_execution_controls(const struct rig *rig)
{
	u32 pin = PIN_EXTERNAL_INTERRUPT_EXITING | PIN_NMI_EXITING;
	u32 cpu = CPU_HLT_EXITING | CPU_USE_IO_BITMAPS | CPU_USE_MSR_BITMAPS |
		  CPU_SECONDARY_CONTROLS;
	u32 cpu2 = CPU2_ENABLE_RDTSCP;

	if (rig->plan.ept) {
		cpu2 |= CPU2_ENABLE_EPT | CPU2_UNRESTRICTED_GUEST;
	} else {
		cpu |= CPU_CR3_LOAD_EXITING | CPU_CR3_STORE_EXITING |
		       CPU_INVLPG_EXITING;
	}
	vmwrite(PIN_BASED_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_PIN, 0, pin));
	vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_CPU, 0, cpu));
	vmwrite(SECONDARY_VM_EXEC_CONTROL,
		vmx_caps_adjust(VMX_CONTROL_CPU2, 0, cpu2));
}

/**
 * Every port exits, no MSR does, and of the exceptions only those that shadow
 * page tables live on (SDM 3C 25.6.3 to 25.6.11).
 */
static void write_bitmaps(const struct rig *rig)
{
	hpa_t ports = virt_to_hpa(rig->io_bitmaps);

	vmwrite(EXCEPTION_BITMAP, rig->plan.ept ? 0 : BIT(VECTOR_PF));
	vmwrite(PAGE_FAULT_ERROR_CODE_MASK, 0);
	vmwrite(PAGE_FAULT_ERROR_CODE_MATCH, 0);
	vmwrite(IO_BITMAP_A, ports.v);
	vmwrite(IO_BITMAP_B, ports.v + PAGE_SIZE);
	vmwrite(MSR_BITMAP, virt_to_hpa(rig->msr_bitmap).v);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(TSC_OFFSET, 0);
	if (rig->plan.ept) {
		vmwrite(EPT_POINTER, rig_ept_pointer(rig, 0));
	}
}

/** All that can be saved is saved, so that the records show the guest's own
 * values (SDM 3C 25.7, 25.8). */
static void write_switch_controls(void)
{
	u32 exit = EXIT_HOST_ADDRESS_SPACE_SIZE | EXIT_SAVE_EFER |
		   EXIT_LOAD_EFER | EXIT_SAVE_PAT | EXIT_LOAD_PAT |
		   EXIT_SAVE_DEBUG_CONTROLS;
	u32 entry = ENTRY_IA32E_MODE_GUEST | ENTRY_LOAD_EFER | ENTRY_LOAD_PAT |
		    ENTRY_LOAD_DEBUG_CONTROLS;

	vmwrite(VM_EXIT_CONTROLS, vmx_caps_adjust(VMX_CONTROL_EXIT, 0, exit));
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_CONTROLS,
		vmx_caps_adjust(VMX_CONTROL_ENTRY, 0, entry));
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_INTR_INFO, 0);
	vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, 0);
	vmwrite(VM_ENTRY_INSTRUCTION_LEN, 0);
}

/** CR4.VMXE is the host's: the guest sees 0 there. */
static void write_control_registers(const struct rig *rig)
{
	vmwrite(GUEST_CR0, GUEST_CR0_VALUE);
	vmwrite(GUEST_CR4, GUEST_CR4_VALUE);
	vmwrite(GUEST_CR3, rig->plan.ept ? START_PML4 : rig_shadow_root(rig));
	vmwrite(CR0_GUEST_HOST_MASK, 0);
	vmwrite(CR0_READ_SHADOW, 0);
	vmwrite(CR4_GUEST_HOST_MASK, CR4_VMXE);
	vmwrite(CR4_READ_SHADOW, 0);
	vmwrite(GUEST_IA32_EFER, GUEST_EFER);
	vmwrite(GUEST_IA32_PAT, rdmsr(MSR_IA32_PAT));
	vmwrite(GUEST_DR7, DR7_RESET);
}

/** Flat, as start_write_memory() has them in its GDT; TR is what VM entry wants
 * to be there, until the guest loads its own (SDM 3C 27.3.1.2). */
static void write_segments(void)
{
	static const struct rig_segment code = {
		SELECTOR_CODE, 0, ~0u, RIGHTS_CODE64
	};
	static const struct rig_segment data = {
		SELECTOR_DATA, 0, ~0u, RIGHTS_DATA
	};
	static const struct rig_segment tss = {
		SELECTOR_TSS, 0, 0xffff, RIGHTS_TSS
	};
	static const struct rig_segment none = { .rights = SEG_AR_UNUSABLE };

	rig_segment_write(RIG_ES, &data);
	rig_segment_write(RIG_CS, &code);
	rig_segment_write(RIG_SS, &data);
	rig_segment_write(RIG_DS, &data);
	rig_segment_write(RIG_FS, &data);
	rig_segment_write(RIG_GS, &data);
	rig_segment_write(RIG_LDTR, &none);
	rig_segment_write(RIG_TR, &tss);
	vmwrite(GUEST_GDTR_BASE, START_GDT);
	vmwrite(GUEST_GDTR_LIMIT, 3 * 8 - 1);
	vmwrite(GUEST_IDTR_BASE, 0);
	vmwrite(GUEST_IDTR_LIMIT, 0);
}

/** What is neither a register nor a control (SDM 3C 25.4.2). */
static void write_rest(const struct rig *rig)
{
	vmwrite(GUEST_RIP, rig->plan.program->entry.v);
	vmwrite(GUEST_RSP, START_STACK_TOP - 8);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, 0);
	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmwrite(GUEST_SYSENTER_CS, 0);
	vmwrite(GUEST_SYSENTER_ESP, 0);
	vmwrite(GUEST_SYSENTER_EIP, 0);
	vmwrite(GUEST_IA32_DEBUGCTL, 0);
	vmwrite(VMCS_LINK_POINTER, ~0ull);
}

void rig_vmcs_write(struct rig *rig)
{
	write_execution_controls(rig);
	write_bitmaps(rig);
	write_switch_controls();
	vmcs_host_write_control_registers();
	vmcs_host_write_segments();
	vmcs_host_write_entry_point();
	write_control_registers(rig);
	write_segments();
	write_rest(rig);
}

int rig_vmcs_control(u32 field, u32 set, u32 clear)
{
	enum vmx_control control = vmx_caps_control_of(field);

	if (control == VMX_CONTROL_COUNT) {
		return -EINVAL;
	}
	if ((set & ~vmx_caps.allowed1[control]) ||
	    (clear & vmx_caps.allowed0[control])) {
		return -EOPNOTSUPP;
	}
	vmwrite(field, (vmread(field) | set) & ~clear);
	return 0;
}
