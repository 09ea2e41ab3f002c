/** @file
 * VMX operation of one CPU.
 *
 * The unit wants a page of its own on each CPU, the VMXON region, and it
 * dictates some bits of CR0 and CR4 for as long as it is on (SDM 3C 24.8):
 * paging and protection, which a hypervisor in long mode has anyway, and
 * CR0.NE.
 *
 *	off --enable()--> CR4.VMXE=1 --VMXON--> VMX operation
 *	off <-disable()-- CR4.VMXE=1 <-VMXOFF--
 *
 * Invalidations are here as well, as they act on one CPU.  What a TLB has
 * learnt in a guest bears tags (SDM 3C 29.4), and an entry is used only where
 * all of its tags are those of now:
 *
 *	mapping          from, to              tags               dropped by
 *	linear           linear, host; no EPT  VPID, PCID         INVVPID
 *	guest-physical   guest physical, host  EPTP               INVEPT
 *	combined         linear, host          VPID, PCID, EPTP   either
 *
 * So a change in the EPT asks for INVEPT, and a change in the tables that the
 * guest or a shadow has written asks for INVVPID.
 */
#include "hv/vmx/vmx_cpu.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"

/** Each CPU's VMXON region; NULL while the unit is off there. */
static u32 *vmxon_region[CPU_MAX];

/** CR4.VMXE is left to the unit's enable(): see vmx_unit_select(). */
static void set_fixed_bits(void)
{
	write_cr0((read_cr0() | vmx_caps.cr0_fixed0) & vmx_caps.cr0_fixed1);
	if (!vmx_unit_is_soft) {
		write_cr4((read_cr4() | vmx_caps.cr4_fixed0) &
			  vmx_caps.cr4_fixed1);
	}
}

/*
 * The order is the processor's: CR4.VMXE or VMXON is #UD; the fixed bits or it
 * is #GP; the revision in the region's first word or it fails.  From then on
 * the page is the processor's alone, until VMXOFF.
 */
int vmx_cpu_enable(void)
{
	u32 *region = page_alloc(PAGE_OWNER_HV);
	enum vmx_result result;
	int error;

	if (!region) {
		return -ENOMEM;
	}
	error = vmx_unit->enable();
	if (error) {
		page_free(region);
		return error;
	}
	set_fixed_bits();
	region[0] = vmx_caps.revision;
	result = vmx_unit->vmxon(virt_to_hpa(region));
	if (result) {
		vmx_unit_panic("VMXON", ~0u, result);
	}
	vmxon_region[this_cpu()->id] = region;
	return 0;
}

/* Allowed on a CPU whose unit is off: who tidies up need not know how far
 * somebody else has come. */
void vmx_cpu_disable(void)
{
	u32 **region = &vmxon_region[this_cpu()->id];
	enum vmx_result result;

	if (!*region) {
		return;
	}
	result = vmx_unit->vmxoff();
	if (result) {
		vmx_unit_panic("VMXOFF", ~0u, result);
	}
	vmx_unit->disable();
	page_free(*region);
	*region = NULL;
}

hpa_t vmx_cpu_region(void)
{
	return virt_to_hpa(vmxon_region[this_cpu()->id]);
}

bool vmx_cpu_enabled(void)
{
	return vmxon_region[this_cpu()->id] != NULL;
}

/* Where one context cannot be dropped all go: more than was asked for, never
 * less.  That all can is what vmx_caps_read() insists on. */
void vmx_cpu_invept(u64 eptp)
{
	u64 type = vmx_caps.invept_single ? INVEPT_SINGLE_CONTEXT
					  : INVEPT_ALL_CONTEXT;
	enum vmx_result result = vmx_unit->invept(type, eptp);

	if (result) {
		vmx_unit_panic("INVEPT", ~0u, result);
	}
}

/*
 * VPID 0 is the host's own and no operand of this type.  A guest without a VPID
 * needs no flush: its translations go at each entry and at each exit.
 */
void vmx_cpu_invvpid(u16 vpid)
{
	enum vmx_result result;

	if (!vpid) {
		return;
	}
	result = vmx_unit->invvpid(INVVPID_SINGLE_CONTEXT, vpid, gva(0));
	if (result) {
		vmx_unit_panic("INVVPID", ~0u, result);
	}
}
