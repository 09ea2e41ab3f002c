/** @file
 * A VMCS from nothing, area by area (SDM 3C 25.3).
 *
 * Three kinds of fields have to be there before a guest can be entered:
 *
 *	controls    what makes the guest exit, what is switched on the way in
 *	            and out                         vmcs_controls.c
 *	host state  what the processor loads when   vmcs_host.c
 *	            an exit arrives
 *	guest state what it loads at entry: the vCPU's registers, which hv/vcpu
 *	            writes, and some fields that never change, here
 */
#include "hv/vmx/vmcs_setup.h"

#include "hv/vmx/vmcs_areas.h"
#include "hv/vmx/vmx_unit.h"

/** Guest-state fields which are no register of the guest (SDM 3C 25.4.2). */
static void write_guest_non_registers(const struct vmcs_setup *setup)
{
	vmwrite(VMCS_LINK_POINTER, ~0ull); /* no shadow VMCS */
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, 0);
	vmwrite(GUEST_IA32_DEBUGCTL, 0);
	if (setup->timer) {
		vmwrite(VMX_PREEMPTION_TIMER_VALUE, setup->timer);
	}
}

void vmcs_setup_all(const struct vmcs_setup *setup)
{
	vmcs_controls_write_pin(setup);
	vmcs_controls_write_cpu(setup);
	vmcs_controls_write_cpu2(setup);
	vmcs_controls_write_bitmaps(setup);
	vmcs_controls_write_exit(setup);
	vmcs_controls_write_entry();
	vmcs_host_write_control_registers();
	vmcs_host_write_segments();
	vmcs_host_write_entry_point();
	write_guest_non_registers(setup);
}
