/** @file
 * Guest control registers, debug registers, MSRs, descriptor tables
 * (SDM 3C 27.3.1.1, 27.3.1.3): VM exit 33.
 *
 * Unlike a wrong control, a wrong guest state is found late: VMLAUNCH does not
 * fail but ends in a VM exit, with bit 31 of the exit reason set and the host
 * state loaded as after any exit.  A hypervisor that looks at RFLAGS alone
 * believes that its guest has run.
 *
 * The entry control "IA-32e mode guest", not EFER, says which mode the guest is
 * entered in; the registers must agree with it.  Segments have a file of their
 * own, entry_checks_segment.c; so has what changes at every exit,
 * entry_checks_state.c.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"

#define REGISTERS "27.3.1.1"
#define TABLES "27.3.1.3"
#define NOT_CANONICAL "the address must be canonical: bits 63:47 all equal"
#define HIGH_HALF "bits 63:32 must be 0"

#define CR4_CET BIT(23)

/** IA32_DEBUGCTL: bits that no processor has (SDM 3B 18.4.1). */
#define DEBUGCTL_RESERVED (BITS(63, 16) | BITS(5, 3))
#define DEBUGCTL_BUS_LOCK BIT(2)
#define DEBUGCTL_RTM BIT(15)

/* Reserved in the MSRs of features that softvmx does not have. */
#define BNDCFGS_RESERVED BITS(11, 2)
#define RTIT_RESERVED \
	(BITS(63, 57) | BITS(54, 48) | BITS(30, 28) | BIT(23) | BIT(18))
#define LBR_RESERVED (BITS(63, 23) | BITS(15, 4))

/* A rule that applies when these VM-entry controls are set. */
#define WHEN_ENTRY(name, controls)                        \
	static bool name(const struct entry_view *view)   \
	{                                                 \
		return view->entry & (controls);          \
	}

WHEN_ENTRY(loads_debug, ENTRY_LOAD_DEBUG_CONTROLS)
WHEN_ENTRY(loads_perf, ENTRY_LOAD_PERF_GLOBAL_CTRL)
WHEN_ENTRY(loads_pat, ENTRY_LOAD_PAT)
WHEN_ENTRY(loads_efer, ENTRY_LOAD_EFER)
WHEN_ENTRY(loads_bndcfgs, ENTRY_LOAD_BNDCFGS)
WHEN_ENTRY(loads_rtit, ENTRY_LOAD_RTIT_CTL)
WHEN_ENTRY(loads_cet, ENTRY_LOAD_CET)
WHEN_ENTRY(loads_lbr, ENTRY_LOAD_LBR_CTL)
WHEN_ENTRY(loads_pkrs, ENTRY_LOAD_PKRS)
WHEN_ENTRY(loads_uinv, ENTRY_LOAD_UINV)

static bool is_ia32e(const struct entry_view *view)
{
	return view->ia32e;
}

static bool is_legacy(const struct entry_view *view)
{
	return !view->ia32e;
}

static bool loads_efer_paged(const struct entry_view *view)
{
	return loads_efer(view) && (view->cr0 & CR0_PG);
}

static bool pg_has_pe(const struct entry_view *view, u64 cr0)
{
	(void)view;
	return !(cr0 & CR0_PG) || (cr0 & CR0_PE);
}

static bool cet_has_wp(const struct entry_view *view, u64 cr4)
{
	return !(cr4 & CR4_CET) || (view->cr0 & CR0_WP);
}

static bool is_debugctl(const struct entry_view *view, u64 value)
{
	u64 reserved = DEBUGCTL_RESERVED;

	(void)view;
	reserved |= entry_checks_has_bus_lock() ? 0 : DEBUGCTL_BUS_LOCK;
	reserved |= entry_checks_has_rtm() ? 0 : DEBUGCTL_RTM;
	return !(value & reserved);
}

/* IA-32e mode is paging with 8-byte entries and nothing less. */
static bool has_pg(const struct entry_view *view, u64 cr0)
{
	(void)view;
	return cr0 & CR0_PG;
}

static bool has_pae(const struct entry_view *view, u64 cr4)
{
	(void)view;
	return cr4 & CR4_PAE;
}

static bool has_no_pcid(const struct entry_view *view, u64 cr4)
{
	(void)view;
	return !(cr4 & CR4_PCIDE);
}

static bool is_physical(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_physical(value);
}

static bool is_canonical(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_canonical(value);
}

static bool is_32_bits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value >> 32);
}

static bool is_16_bits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value >> 16);
}

static bool is_8_bits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value >> 8);
}

static bool is_perf(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & ~entry_checks_perf_bits());
}

static bool is_pat(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_pat(value);
}

/** Two places say the mode, and they must say the same. */
static bool lma_is_mode(const struct entry_view *view, u64 efer)
{
	return !(efer & EFER_LMA) == !view->ia32e;
}

/** With paging on, LMA is LME: hardware keeps it so, software must too. */
static bool lme_is_lma(const struct entry_view *view, u64 efer)
{
	(void)view;
	return !(efer & EFER_LMA) == !(efer & EFER_LME);
}

static bool is_bndcfgs(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & BNDCFGS_RESERVED) && entry_checks_is_canonical(value);
}

static bool is_rtit(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & RTIT_RESERVED);
}

static bool is_lbr(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value & LBR_RESERVED);
}

static bool is_s_cet(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_canonical(value) && !(value & BITS(9, 6)) &&
	       bits(value, 11, 10) != 3;
}

static bool is_ssp(const struct entry_view *view, u64 value)
{
	return !(value & BITS(1, 0)) && (view->ia32e || !(value >> 32)) &&
	       entry_checks_is_canonical(value);
}

static const struct entry_check checks[] = {
	{ GUEST_CR0, REGISTERS, .bits = &entry_checks_guest_cr0_bits },
	{ GUEST_CR0, REGISTERS, NULL, pg_has_pe, .rule = "PG is set but PE is not" },
	{ GUEST_CR4, REGISTERS, .bits = &entry_checks_guest_cr4_bits },
	{ GUEST_CR4, REGISTERS, NULL, cet_has_wp,
	  .rule = "CET is set but CR0.WP is not", .other = GUEST_CR0 },
	{ GUEST_IA32_DEBUGCTL, REGISTERS, loads_debug, is_debugctl,
	  .rule = "a bit is set that IA32_DEBUGCTL does not have on this processor" },
	{ GUEST_CR0, REGISTERS, is_ia32e, has_pg,
	  .rule = "PG must be 1: the entry control says \"IA-32e mode guest\"",
	  .other = VM_ENTRY_CONTROLS },
	{ GUEST_CR4, REGISTERS, is_ia32e, has_pae,
	  .rule = "PAE must be 1: the entry control says \"IA-32e mode guest\"",
	  .other = VM_ENTRY_CONTROLS },
	{ GUEST_CR4, REGISTERS, is_legacy, has_no_pcid,
	  .rule = "PCIDE must be 0 unless the entry control says \"IA-32e mode guest\"",
	  .other = VM_ENTRY_CONTROLS },
	{ GUEST_CR3, REGISTERS, NULL, is_physical, .rule = "bits beyond MAXPHYADDR must be 0" },
	{ GUEST_DR7, REGISTERS, loads_debug, is_32_bits, .rule = HIGH_HALF },
	{ GUEST_SYSENTER_ESP, REGISTERS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ GUEST_SYSENTER_EIP, REGISTERS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ GUEST_IA32_S_CET, REGISTERS, loads_cet, is_s_cet,
	  .rule = "it must be canonical, bits 9:6 clear, bits 11:10 not both set" },
	{ GUEST_INTERRUPT_SSP_TABLE, REGISTERS, loads_cet, is_canonical, .rule = NOT_CANONICAL },
	{ GUEST_IA32_PERF_GLOBAL_CTRL, REGISTERS, loads_perf, is_perf,
	  .rule = "a bit is set for a counter that this processor does not have" },
	{ GUEST_IA32_PAT, REGISTERS, loads_pat, is_pat,
	  .rule = "each byte must be a memory type: 0, 1, 4, 5, 6 or 7" },
	{ GUEST_IA32_EFER, REGISTERS, loads_efer, .bits = &entry_checks_guest_efer_bits },
	{ GUEST_IA32_EFER, REGISTERS, loads_efer, lma_is_mode,
	  .rule = "LMA must equal the entry control \"IA-32e mode guest\", bit 9",
	  .other = VM_ENTRY_CONTROLS },
	{ GUEST_IA32_EFER, REGISTERS, loads_efer_paged, lme_is_lma,
	  .rule = "LMA and LME must be equal when CR0.PG is 1", .other = GUEST_CR0 },
	{ GUEST_IA32_BNDCFGS, REGISTERS, loads_bndcfgs, is_bndcfgs,
	  .rule = "bits 11:2 must be 0, the address in bits 63:12 canonical" },
	{ GUEST_IA32_RTIT_CTL, REGISTERS, loads_rtit, is_rtit,
	  .rule = "a bit is set that IA32_RTIT_CTL does not have" },
	{ GUEST_IA32_LBR_CTL, REGISTERS, loads_lbr, is_lbr,
	  .rule = "a bit is set that IA32_LBR_CTL does not have" },
	{ GUEST_IA32_PKRS, REGISTERS, loads_pkrs, is_32_bits, .rule = HIGH_HALF },
	{ GUEST_UINV, REGISTERS, loads_uinv, is_8_bits, .rule = "bits 15:8 must be 0" },
};

static const struct entry_check table_checks[] = {
	{ GUEST_GDTR_BASE, TABLES, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ GUEST_IDTR_BASE, TABLES, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ GUEST_GDTR_LIMIT, TABLES, NULL, is_16_bits, .rule = "bits 31:16 must be 0" },
	{ GUEST_IDTR_LIMIT, TABLES, NULL, is_16_bits, .rule = "bits 31:16 must be 0" },
	{ GUEST_SSP, "27.3.1.4", loads_cet, is_ssp,
	  .rule = "it must be canonical, bits 1:0 clear, and below 4 GiB outside of IA-32e mode" },
};

bool entry_checks_guest(void)
{
	struct entry_view view;

	entry_checks_look(&view);
	return entry_checks_run(&view, checks, ARRAY_SIZE(checks)) &&
	       entry_checks_segments(&view) &&
	       entry_checks_run(&view, table_checks, ARRAY_SIZE(table_checks));
}
