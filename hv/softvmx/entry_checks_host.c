/** @file
 * VM-entry checks of the host state (SDM 3C 27.2.2 to 27.2.4): VMfail error 8.
 *
 * The host state is loaded at the end of every VM exit, when there is no way
 * back: an error there would shut the processor down.  So all of it is checked
 * at entry, while VMLAUNCH can still fail in an orderly way.
 *
 * One rule is relaxed: HOST_CR4.VMXE.  A native unit demands it.  This machine
 * has no such bit, so that a hypervisor which takes HOST_CR4 from CR4 cannot
 * have it set; both values are accepted, and the bit is never written to CR4.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

#define SELECTOR_RPL_TI BITS(2, 0)

/** The host is in VMX operation, so its CR0 and CR4 obey the fixed bits. */
static bool cr0_is_fixed(void)
{
	u64 must = vmx_unit->capability(IA32_VMX_CR0_FIXED0);
	u64 may = vmx_unit->capability(IA32_VMX_CR0_FIXED1);
	u64 cr0 = vmread(HOST_CR0);

	return (cr0 & must) == must && !(cr0 & ~may);
}

/** Bits that this machine has set by now are its business: see above. */
static bool cr4_is_fixed(void)
{
	u64 must = vmx_unit->capability(IA32_VMX_CR4_FIXED0);
	u64 may = vmx_unit->capability(IA32_VMX_CR4_FIXED1);
	u64 cr4 = vmread(HOST_CR4);

	if (vmx_unit_is_soft) {
		must &= ~CR4_VMXE;
		may |= read_cr4();
	}
	return (cr4 & must) == must && !(cr4 & ~may);
}

static bool cr4_has_pae(void)
{
	return vmread(HOST_CR4) & CR4_PAE;
}

static bool cr3_fits(void)
{
	return entry_checks_is_physical(vmread(HOST_CR3));
}

/* A 64-bit host must come back to 64-bit mode (SDM 3C 27.2.4). */
static bool is_64bit(void)
{
	return vmread(VM_EXIT_CONTROLS) & EXIT_HOST_ADDRESS_SPACE_SIZE;
}

/** SVME is set in EFER as long as this unit is enabled; leaving it out of the
 * VMCS, as one would for a native unit, is as good. */
static bool efer_fits(void)
{
	u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
	u64 efer = vmread(HOST_IA32_EFER);

	if (!(vmread(VM_EXIT_CONTROLS) & EXIT_LOAD_EFER)) {
		return true;
	}
	if (vmx_unit_is_soft) {
		known |= EFER_SVME;
	}
	return !(efer & ~known) && (efer & EFER_LMA) && (efer & EFER_LME);
}

static bool pat_fits(void)
{
	return !(vmread(VM_EXIT_CONTROLS) & EXIT_LOAD_PAT) ||
	       entry_checks_is_pat(vmread(HOST_IA32_PAT));
}

/** The host runs at CPL 0 on its GDT. */
static bool is_plain(enum vmcs_field selector)
{
	return !(vmread(selector) & SELECTOR_RPL_TI);
}

static bool cs_is_plain(void)
{
	return is_plain(HOST_CS_SELECTOR);
}

static bool tr_is_plain(void)
{
	return is_plain(HOST_TR_SELECTOR);
}

static bool data_is_plain(void)
{
	return is_plain(HOST_SS_SELECTOR) && is_plain(HOST_DS_SELECTOR) &&
	       is_plain(HOST_ES_SELECTOR) && is_plain(HOST_FS_SELECTOR) &&
	       is_plain(HOST_GS_SELECTOR);
}

/* Null data segments are fine in 64-bit mode, a null CS or TR is not. */
static bool cs_is_there(void)
{
	return vmread(HOST_CS_SELECTOR);
}

static bool tr_is_there(void)
{
	return vmread(HOST_TR_SELECTOR);
}

/** One check for each address that a VM exit loads without a look. */
#define CANONICAL_CHECK(name, field)                             \
	static bool name(void)                                   \
	{                                                        \
		return entry_checks_is_canonical(vmread(field)); \
	}

CANONICAL_CHECK(rip_is_canonical, HOST_RIP)
CANONICAL_CHECK(fs_is_canonical, HOST_FS_BASE)
CANONICAL_CHECK(gs_is_canonical, HOST_GS_BASE)
CANONICAL_CHECK(tr_is_canonical, HOST_TR_BASE)
CANONICAL_CHECK(gdtr_is_canonical, HOST_GDTR_BASE)
CANONICAL_CHECK(idtr_is_canonical, HOST_IDTR_BASE)
CANONICAL_CHECK(sysenter_esp_is_canonical, HOST_SYSENTER_ESP)
CANONICAL_CHECK(sysenter_eip_is_canonical, HOST_SYSENTER_EIP)

/* clang-format off */
static const struct entry_check host_checks[] = {
	{ HOST_CR0, cr0_is_fixed,
	  "PE, NE and PG must be 1, and no bit that IA32_VMX_CR0_FIXED1 forbids (SDM 3C 27.2.2)" },
	{ HOST_CR4, cr4_is_fixed,
	  "no bit may be set that IA32_VMX_CR4_FIXED1 forbids (SDM 3C 27.2.2)" },
	{ HOST_CR3, cr3_fits,
	  "the page tables must lie in memory (SDM 3C 27.2.2)" },
	{ HOST_SYSENTER_ESP, sysenter_esp_is_canonical,
	  "the address must be canonical (SDM 3C 27.2.2)" },
	{ HOST_SYSENTER_EIP, sysenter_eip_is_canonical,
	  "the address must be canonical (SDM 3C 27.2.2)" },
	{ HOST_IA32_PAT, pat_fits,
	  "each byte must be a memory type: 0, 1, 4, 5, 6 or 7 (SDM 3C 27.2.2)" },
	{ HOST_IA32_EFER, efer_fits,
	  "LMA and LME must be 1 for a 64-bit host, reserved bits 0 (SDM 3C 27.2.2)" },
	{ HOST_CS_SELECTOR, cs_is_plain,
	  "RPL and TI, bits 2:0, must be 0 (SDM 3C 27.2.3)" },
	{ HOST_TR_SELECTOR, tr_is_plain,
	  "RPL and TI, bits 2:0, must be 0 (SDM 3C 27.2.3)" },
	{ HOST_DS_SELECTOR, data_is_plain,
	  "RPL and TI, bits 2:0, must be 0 in SS, DS, ES, FS and GS (SDM 3C 27.2.3)" },
	{ HOST_CS_SELECTOR, cs_is_there, "it must not be 0 (SDM 3C 27.2.3)" },
	{ HOST_TR_SELECTOR, tr_is_there, "it must not be 0 (SDM 3C 27.2.3)" },
	{ HOST_FS_BASE, fs_is_canonical, "the base must be canonical (SDM 3C 27.2.3)" },
	{ HOST_GS_BASE, gs_is_canonical, "the base must be canonical (SDM 3C 27.2.3)" },
	{ HOST_GDTR_BASE, gdtr_is_canonical, "the base must be canonical (SDM 3C 27.2.3)" },
	{ HOST_IDTR_BASE, idtr_is_canonical, "the base must be canonical (SDM 3C 27.2.3)" },
	{ HOST_TR_BASE, tr_is_canonical, "the base must be canonical (SDM 3C 27.2.3)" },
	{ VM_EXIT_CONTROLS, is_64bit,
	  "\"host address-space size\" must be 1 on a 64-bit host (SDM 3C 27.2.4)" },
	{ HOST_CR4, cr4_has_pae, "PAE must be 1 for a 64-bit host (SDM 3C 27.2.4)" },
	{ HOST_RIP, rip_is_canonical, "the address must be canonical (SDM 3C 27.2.4)" },
};
/* clang-format on */

bool entry_checks_host_all(void)
{
	return entry_checks_run(host_checks, ARRAY_SIZE(host_checks));
}
