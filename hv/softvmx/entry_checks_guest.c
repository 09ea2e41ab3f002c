/** @file
 * VM-entry checks of the guest state (SDM 3C 27.3.1): exit reason 33.
 *
 * Unlike a wrong control, a wrong guest state is found late: VMLAUNCH does not
 * fail but ends in a VM exit, with bit 31 of the exit reason set and the host
 * state loaded as after any exit.  A hypervisor that looks at RFLAGS alone
 * believes that its guest has run.
 *
 * Two tables.  The first is about state that a guest changes by itself and
 * software seldom: it is checked after a VMWRITE to it.  The second is about
 * what every exit handler touches, RIP above all, and is checked each time.
 * Segments have a file of their own, entry_checks_segment.c.
 */
#include "hv/lib/page.h"
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_segment.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_unit.h"
#include "hv/x86/cr.h"

/** Exit qualification of a failed entry: the VMCS link pointer (27.8). */
#define QUALIFICATION_LINK_POINTER 4

/** RFLAGS: bits that are always 0. */
#define RFLAGS_RESERVED (BITS(63, 22) | BIT(15) | BIT(5) | BIT(3))

/** The entry control, not EFER, says which mode the guest is entered in. */
static bool is_ia32e(void)
{
	return vmread(VM_ENTRY_CONTROLS) & ENTRY_IA32E_MODE_GUEST;
}

/** An unrestricted guest may be in real mode, or unpaged (SDM 3D A.7). */
static bool cr0_is_fixed(void)
{
	u64 must = vmx_unit->capability(IA32_VMX_CR0_FIXED0);
	u64 may = vmx_unit->capability(IA32_VMX_CR0_FIXED1);
	u64 cr0 = vmread(GUEST_CR0);

	if (entry_checks_cpu2() & CPU2_UNRESTRICTED_GUEST) {
		must &= ~(CR0_PE | CR0_PG);
	}
	return (cr0 & must) == must && !(cr0 & ~may);
}

static bool cr0_pg_has_pe(void)
{
	u64 cr0 = vmread(GUEST_CR0);

	return !(cr0 & CR0_PG) || (cr0 & CR0_PE);
}

/** CR4.VMXE is set for guests too; they see the read shadow instead. */
static bool cr4_is_fixed(void)
{
	u64 must = vmx_unit->capability(IA32_VMX_CR4_FIXED0);
	u64 may = vmx_unit->capability(IA32_VMX_CR4_FIXED1);
	u64 cr4 = vmread(GUEST_CR4);

	return (cr4 & must) == must && !(cr4 & ~may);
}

/* IA-32e mode is paging with 8-byte entries and nothing less. */
static bool ia32e_has_paging(void)
{
	return !is_ia32e() || (vmread(GUEST_CR0) & CR0_PG);
}

static bool ia32e_has_pae(void)
{
	return !is_ia32e() || (vmread(GUEST_CR4) & CR4_PAE);
}

static bool legacy_has_no_pcid(void)
{
	return is_ia32e() || !(vmread(GUEST_CR4) & CR4_PCIDE);
}

/** Bit 63 has a meaning for MOV to CR3 (with PCIDs) and none here. */
static bool cr3_fits(void)
{
	return !(vmread(GUEST_CR3) & BITS(62, 52));
}

static bool dr7_fits(void)
{
	return !(vmread(VM_ENTRY_CONTROLS) & ENTRY_LOAD_DEBUG_CONTROLS) ||
	       !(vmread(GUEST_DR7) >> 32);
}

static bool pat_fits(void)
{
	return !(vmread(VM_ENTRY_CONTROLS) & ENTRY_LOAD_PAT) ||
	       entry_checks_is_pat(vmread(GUEST_IA32_PAT));
}

/* EFER is looked at only if the entry is to load it. */
static bool loads_efer(void)
{
	return vmread(VM_ENTRY_CONTROLS) & ENTRY_LOAD_EFER;
}

static bool efer_reserved(void)
{
	u64 known = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

	return !loads_efer() || !(vmread(GUEST_IA32_EFER) & ~known);
}

/** Two places say the mode, and they must say the same. */
static bool efer_lma_agrees(void)
{
	bool lma = vmread(GUEST_IA32_EFER) & EFER_LMA;

	return !loads_efer() || lma == is_ia32e();
}

/** With paging on, LMA is LME: hardware keeps it so, software must too. */
static bool efer_lme_agrees(void)
{
	u64 efer = vmread(GUEST_IA32_EFER);

	return !loads_efer() || !(vmread(GUEST_CR0) & CR0_PG) ||
	       !(efer & EFER_LMA) == !(efer & EFER_LME);
}

static bool sysenter_is_canonical(void)
{
	return entry_checks_is_canonical(vmread(GUEST_SYSENTER_ESP)) &&
	       entry_checks_is_canonical(vmread(GUEST_SYSENTER_EIP));
}

static bool tables_are_canonical(void)
{
	return entry_checks_is_canonical(vmread(GUEST_GDTR_BASE)) &&
	       entry_checks_is_canonical(vmread(GUEST_IDTR_BASE));
}

static bool gdtr_limit_fits(void)
{
	return !(vmread(GUEST_GDTR_LIMIT) >> 16);
}

static bool idtr_limit_fits(void)
{
	return !(vmread(GUEST_IDTR_LIMIT) >> 16);
}

/* clang-format off */
static const struct entry_check guest_checks[] = {
	{ GUEST_CR0, cr0_is_fixed,
	  "NE must be 1, PE and PG too unless the guest is unrestricted (SDM 3C 27.3.1.1)" },
	{ GUEST_CR0, cr0_pg_has_pe, "PG is set but PE is not (SDM 3C 27.3.1.1)" },
	{ GUEST_CR4, cr4_is_fixed,
	  "VMXE must be 1, and no bit that IA32_VMX_CR4_FIXED1 forbids (SDM 3C 27.3.1.1)" },
	{ GUEST_CR0, ia32e_has_paging,
	  "PG must be 1 for an IA-32e mode guest (SDM 3C 27.3.1.1)" },
	{ GUEST_CR4, ia32e_has_pae,
	  "PAE must be 1 for an IA-32e mode guest (SDM 3C 27.3.1.1)" },
	{ GUEST_CR4, legacy_has_no_pcid,
	  "PCIDE must be 0 unless it is an IA-32e mode guest (SDM 3C 27.3.1.1)" },
	{ GUEST_CR3, cr3_fits, "address bits beyond 51 must be 0 (SDM 3C 27.3.1.1)" },
	{ GUEST_DR7, dr7_fits, "bits 63:32 must be 0 (SDM 3C 27.3.1.1)" },
	{ GUEST_SYSENTER_EIP, sysenter_is_canonical,
	  "SYSENTER_ESP and SYSENTER_EIP must be canonical (SDM 3C 27.3.1.1)" },
	{ GUEST_IA32_PAT, pat_fits,
	  "each byte must be a memory type: 0, 1, 4, 5, 6 or 7 (SDM 3C 27.3.1.1)" },
	{ GUEST_IA32_EFER, efer_reserved, "reserved bits must be 0 (SDM 3C 27.3.1.1)" },
	{ GUEST_IA32_EFER, efer_lma_agrees,
	  "LMA must equal the \"IA-32e mode guest\" entry control (SDM 3C 27.3.1.1)" },
	{ GUEST_IA32_EFER, efer_lme_agrees,
	  "LMA and LME must be equal when CR0.PG is 1 (SDM 3C 27.3.1.1)" },
	{ GUEST_GDTR_BASE, tables_are_canonical,
	  "the bases of GDTR and IDTR must be canonical (SDM 3C 27.3.1.3)" },
	{ GUEST_GDTR_LIMIT, gdtr_limit_fits, "bits 31:16 must be 0 (SDM 3C 27.3.1.3)" },
	{ GUEST_IDTR_LIMIT, idtr_limit_fits, "bits 31:16 must be 0 (SDM 3C 27.3.1.3)" },
};
/* clang-format on */

/** Without VMCS shadowing the pointer is good for nothing, and is ~0; what
 * else stands there must still be a VMCS (SDM 3C 27.3.1.5). */
static bool link_pointer_fits(void)
{
	u64 link = vmread(VMCS_LINK_POINTER);
	u32 revision = vmx_unit->capability(IA32_VMX_BASIC) & BITS(30, 0);

	if (link == ~0ull) {
		return true;
	}
	return !(link & ~PAGE_MASK) && entry_checks_is_physical(link) &&
	       *(const u32 *)hpa_to_virt(hpa(link)) == revision;
}

bool entry_checks_guest_all(u64 *qualification)
{
	*qualification = 0;
	if (!entry_checks_run(guest_checks, ARRAY_SIZE(guest_checks)) ||
	    !entry_checks_segment_all()) {
		return false;
	}
	if (!link_pointer_fits()) {
		entry_checks_report(VMCS_LINK_POINTER,
				    "it must be ~0 or a VMCS (SDM 3C "
				    "27.3.1.5)");
		*qualification = QUALIFICATION_LINK_POINTER;
		return false;
	}
	return true;
}

/* What changes at each exit and entry: SDM 3C 27.3.1.4 and 27.3.1.5. */

/** Only 64-bit code has addresses beyond 4 GiB; compatibility mode has not. */
static bool is_64bit_code(void)
{
	return is_ia32e() && (vmread(GUEST_CS_AR_BYTES) & SEG_AR_L);
}

/** The likely half asks for no other field: those may still be in the VMCB. */
static bool rip_fits(void)
{
	u64 rip = vmread(GUEST_RIP);

	if (likely(entry_checks_is_canonical(rip) && !(rip >> 32))) {
		return true;
	}
	return is_64bit_code() && entry_checks_is_canonical(rip);
}

static bool rflags_reserved(void)
{
	u64 rflags = vmread(GUEST_RFLAGS);

	return (rflags & RFLAGS_FIXED) && !(rflags & RFLAGS_RESERVED);
}

static bool rflags_vm_fits(void)
{
	if (likely(!(vmread(GUEST_RFLAGS) & RFLAGS_VM))) {
		return true;
	}
	return !is_ia32e() && (vmread(GUEST_CR0) & CR0_PE);
}

/** An interrupt cannot arrive where interrupts are off. */
static bool rflags_if_fits(void)
{
	u32 event = vmread(VM_ENTRY_INTR_INFO);
	bool interrupt = (event & INTR_INFO_VALID) &&
			 bits(event, 10, 8) == INTR_TYPE_EXTERNAL;

	return !interrupt || (vmread(GUEST_RFLAGS) & RFLAGS_IF);
}

/** Shutdown and wait-for-SIPI are left out of IA32_VMX_MISC. */
static bool activity_exists(void)
{
	return vmread(GUEST_ACTIVITY_STATE) <= ACTIVITY_HLT;
}

/** A CPU in HLT has executed the HLT, which ends any shadow. */
static bool activity_fits_blocking(void)
{
	u64 blocking = INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS;

	return vmread(GUEST_ACTIVITY_STATE) == ACTIVITY_ACTIVE ||
	       !(vmread(GUEST_INTERRUPTIBILITY_STATE) & blocking);
}

static bool blocking_reserved(void)
{
	return !(vmread(GUEST_INTERRUPTIBILITY_STATE) & BITS(31, 4));
}

static bool blocking_is_one(void)
{
	u64 both = INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS;

	return (vmread(GUEST_INTERRUPTIBILITY_STATE) & both) != both;
}

/** The shadow of an STI means that STI has set IF. */
static bool blocking_sti_fits(void)
{
	return !(vmread(GUEST_INTERRUPTIBILITY_STATE) &
		 INTERRUPTIBILITY_STI) ||
	       (vmread(GUEST_RFLAGS) & RFLAGS_IF);
}

/** Interrupts wait for both shadows, NMIs for that of MOV SS only. */
static bool blocking_allows_event(void)
{
	u32 event = vmread(VM_ENTRY_INTR_INFO);
	u64 blocked = INTERRUPTIBILITY_MOV_SS;

	if (likely(!(event & INTR_INFO_VALID))) {
		return true;
	}
	if (bits(event, 10, 8) == INTR_TYPE_EXTERNAL) {
		blocked |= INTERRUPTIBILITY_STI;
	} else if (bits(event, 10, 8) != INTR_TYPE_NMI) {
		return true;
	}
	return !(vmread(GUEST_INTERRUPTIBILITY_STATE) & blocked);
}

/* clang-format off */
static const struct entry_check hot_checks[] = {
	{ GUEST_RIP, rip_fits,
	  "it must be canonical, and below 4 GiB outside of 64-bit mode (SDM 3C 27.3.1.4)" },
	{ GUEST_RFLAGS, rflags_reserved,
	  "bit 1 must be 1, bits 63:22, 15, 5 and 3 must be 0 (SDM 3C 27.3.1.4)" },
	{ GUEST_RFLAGS, rflags_vm_fits,
	  "VM must be 0 in IA-32e mode and in real mode (SDM 3C 27.3.1.4)" },
	{ GUEST_RFLAGS, rflags_if_fits,
	  "IF must be 1 for an external interrupt to be injected (SDM 3C 27.3.1.4)" },
	{ GUEST_ACTIVITY_STATE, activity_exists,
	  "only 0 (active) and 1 (HLT) are offered (SDM 3C 27.3.1.5)" },
	{ GUEST_ACTIVITY_STATE, activity_fits_blocking,
	  "it must be active when STI or MOV SS blocks interrupts (SDM 3C 27.3.1.5)" },
	{ GUEST_INTERRUPTIBILITY_STATE, blocking_reserved,
	  "bits 31:4 must be 0 (SDM 3C 27.3.1.5)" },
	{ GUEST_INTERRUPTIBILITY_STATE, blocking_is_one,
	  "blocking by STI and by MOV SS exclude each other (SDM 3C 27.3.1.5)" },
	{ GUEST_INTERRUPTIBILITY_STATE, blocking_sti_fits,
	  "blocking by STI needs RFLAGS.IF = 1 (SDM 3C 27.3.1.5)" },
	{ GUEST_INTERRUPTIBILITY_STATE, blocking_allows_event,
	  "the event to be injected is blocked by STI or MOV SS (SDM 3C 27.3.1.5)" },
};
/* clang-format on */

bool entry_checks_guest_hot(void)
{
	return entry_checks_run(hot_checks, ARRAY_SIZE(hot_checks));
}
