/** @file
 * The host state (SDM 3C 27.2.2 to 27.2.4): VMfail, error 8.
 *
 * The host state is loaded at the end of every VM exit, when there is no way
 * back: an error there would shut the processor down.  So all of it is checked
 * at entry, while VMLAUNCH can still fail in an orderly way.
 *
 * We are in 64-bit mode, so a 32-bit host ("host address-space size" 0) is an
 * error before the rules about one would apply.
 */
#include "hv/softvmx/entry_checks.h"
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"

#define REGISTERS "27.2.2"
#define SEGMENTS "27.2.3"
#define MODE "27.2.4"
#define NOT_CANONICAL "the address must be canonical: bits 63:47 all equal"
#define NOT_PLAIN "RPL and TI, bits 2:0, must be 0"
#define NOT_NULL "it must not be 0"

#define SELECTOR_RPL_TI BITS(2, 0)
#define CR4_CET BIT(23)

/* A rule that applies when these VM-exit controls are set. */
#define WHEN_EXIT(name, controls)                         \
	static bool name(const struct entry_view *view)   \
	{                                                 \
		return view->exit & (controls);           \
	}

WHEN_EXIT(loads_perf, EXIT_LOAD_PERF_GLOBAL_CTRL)
WHEN_EXIT(loads_pat, EXIT_LOAD_PAT)
WHEN_EXIT(loads_efer, EXIT_LOAD_EFER)
WHEN_EXIT(loads_cet, EXIT_LOAD_CET)
WHEN_EXIT(loads_pkrs, EXIT_LOAD_PKRS)

static bool cet_has_wp(const struct entry_view *view, u64 cr4)
{
	(void)view;
	return !(cr4 & CR4_CET) || (entry_checks_read(HOST_CR0) & CR0_WP);
}

static bool is_physical(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_physical(value);
}

static bool is_reachable(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_reachable(value);
}

static bool is_canonical(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_canonical(value);
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

/** Both must be as "host address-space size". */
static bool efer_is_64bit(const struct entry_view *view, u64 efer)
{
	bool size = view->exit & EXIT_HOST_ADDRESS_SPACE_SIZE;

	return !(efer & EFER_LMA) == !size && !(efer & EFER_LME) == !size;
}

/** IA32_S_CET: bits 9:6 reserved, 11:10 not both (SDM 3C 27.2.2). */
static bool is_s_cet(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_canonical(value) && !(value & BITS(9, 6)) &&
	       bits(value, 11, 10) != 3;
}

static bool is_ssp(const struct entry_view *view, u64 value)
{
	(void)view;
	return entry_checks_is_canonical(value) && !(value & BITS(1, 0));
}

static bool is_32_bits(const struct entry_view *view, u64 value)
{
	(void)view;
	return !(value >> 32);
}

static bool is_plain(const struct entry_view *view, u64 selector)
{
	(void)view;
	return !(selector & SELECTOR_RPL_TI);
}

static bool is_not_0(const struct entry_view *view, u64 value)
{
	(void)view;
	return value;
}

static bool is_64bit(const struct entry_view *view, u64 exit)
{
	(void)view;
	return exit & EXIT_HOST_ADDRESS_SPACE_SIZE;
}

static bool has_pae(const struct entry_view *view, u64 cr4)
{
	(void)view;
	return cr4 & CR4_PAE;
}

static const struct entry_check checks[] = {
	{ HOST_CR0, REGISTERS, .bits = &entry_checks_host_cr0_bits },
	{ HOST_CR4, REGISTERS, .bits = &entry_checks_host_cr4_bits },
	{ HOST_CR4, REGISTERS, NULL, cet_has_wp,
	  .rule = "CET is set but CR0.WP is not", .other = HOST_CR0 },
	{ HOST_CR3, REGISTERS, NULL, is_physical, .rule = "bits beyond MAXPHYADDR must be 0" },
	{ HOST_CR3, REGISTERS, NULL, is_reachable, .rule = "no memory is there for page tables" },
	{ HOST_SYSENTER_ESP, REGISTERS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_SYSENTER_EIP, REGISTERS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_IA32_PERF_GLOBAL_CTRL, REGISTERS, loads_perf, is_perf,
	  .rule = "a bit is set for a counter that this processor does not have" },
	{ HOST_IA32_PAT, REGISTERS, loads_pat, is_pat,
	  .rule = "each byte must be a memory type: 0, 1, 4, 5, 6 or 7" },
	{ HOST_IA32_EFER, REGISTERS, loads_efer, .bits = &entry_checks_host_efer_bits },
	{ HOST_IA32_EFER, REGISTERS, loads_efer, efer_is_64bit,
	  .rule = "LMA and LME must both equal \"host address-space size\"",
	  .other = VM_EXIT_CONTROLS },
	{ HOST_IA32_S_CET, REGISTERS, loads_cet, is_s_cet,
	  .rule = "it must be canonical, bits 9:6 clear, bits 11:10 not both set" },
	{ HOST_INTERRUPT_SSP_TABLE, REGISTERS, loads_cet, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_SSP, REGISTERS, loads_cet, is_ssp, .rule = "it must be canonical, bits 1:0 clear" },
	{ HOST_IA32_PKRS, REGISTERS, loads_pkrs, is_32_bits, .rule = "bits 63:32 must be 0" },

	{ HOST_CS_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_SS_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_DS_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_ES_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_FS_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_GS_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_TR_SELECTOR, SEGMENTS, NULL, is_plain, .rule = NOT_PLAIN },
	{ HOST_CS_SELECTOR, SEGMENTS, NULL, is_not_0, .rule = NOT_NULL },
	{ HOST_TR_SELECTOR, SEGMENTS, NULL, is_not_0, .rule = NOT_NULL },
	{ HOST_FS_BASE, SEGMENTS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_GS_BASE, SEGMENTS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_GDTR_BASE, SEGMENTS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_IDTR_BASE, SEGMENTS, NULL, is_canonical, .rule = NOT_CANONICAL },
	{ HOST_TR_BASE, SEGMENTS, NULL, is_canonical, .rule = NOT_CANONICAL },

	{ VM_EXIT_CONTROLS, MODE, NULL, is_64bit,
	  .rule = "\"host address-space size\" must be 1 when VMLAUNCH is executed in 64-bit mode",
	   },
	{ HOST_CR4, MODE, NULL, has_pae, .rule = "PAE must be 1 for a 64-bit host" },
	{ HOST_RIP, MODE, NULL, is_canonical, .rule = NOT_CANONICAL },
};

bool entry_checks_host(void)
{
	struct entry_view view;

	entry_checks_look(&view);
	return entry_checks_run(&view, checks, ARRAY_SIZE(checks));
}
