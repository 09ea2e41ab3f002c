/** @file
 * Guest interruptibility and pending debug exceptions (SDM 3C 27.3.1.5): VM
 * exit 33.
 *
 * The instruction behind an STI or a MOV SS is executed before anything may
 * interrupt; NMIs wait for the IRET of the last one.  What is blocked cannot be
 * injected, and a debug exception that was held back must be one which the
 * guest's TF explains.
 */
#include "hv/softvmx/entry_checks_row.h"
#include "hv/x86/cr.h"

#define STATE "27.3.1.5"

/** Exit qualification of a failed entry: an NMI behind STI (SDM 3C 27.8). */
#define QUALIFICATION_NMI 3

#define BLOCKED (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)
#define INTERRUPTIBILITY_ENCLAVE BIT(4)

#define DEBUGCTL_BTF BIT(1)

/* Pending debug exceptions (SDM 3C table 25-4). */
#define PENDING_RESERVED (BITS(63, 17) | BIT(15) | BIT(13) | BITS(10, 4))
#define PENDING_BUS_LOCK BIT(11)
#define PENDING_ENABLED BIT(12)
#define PENDING_BS BIT(14)
#define PENDING_RTM BIT(16)

static bool injects_virtual_nmi(const struct entry_view *view)
{
	return entry_checks_injects_nmi(view) && (view->pin & PIN_VIRTUAL_NMIS);
}

static bool blocking_exists(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & BITS(31, 5)) &&
	       (!(blocking & INTERRUPTIBILITY_ENCLAVE) ||
		entry_checks_has_sgx());
}

static bool blocking_is_one(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return (blocking & BLOCKED) != BLOCKED;
}

/** The shadow of an STI means that STI has set IF. */
static bool sti_has_if(const struct entry_view *view, u64 blocking)
{
	return !(blocking & INTERRUPTIBILITY_STI) || (view->rflags & RFLAGS_IF);
}

static bool is_unblocked(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & BLOCKED);
}

static bool is_without_mov_ss(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & INTERRUPTIBILITY_MOV_SS);
}

static bool is_without_smi(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & INTERRUPTIBILITY_SMI);
}

static bool is_without_nmi(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & INTERRUPTIBILITY_NMI);
}

static bool enclave_fits(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & INTERRUPTIBILITY_ENCLAVE) ||
	       !(blocking & INTERRUPTIBILITY_MOV_SS);
}

static bool is_without_sti(const struct entry_view *view, u64 blocking)
{
	(void)view;
	return !(blocking & INTERRUPTIBILITY_STI);
}

static bool pending_exists(const struct entry_view *view, u64 pending)
{
	u64 reserved = PENDING_RESERVED;

	(void)view;
	reserved |= entry_checks_has_bus_lock() ? 0 : PENDING_BUS_LOCK;
	return !(pending & reserved);
}

/** Does a single step end here, held back by STI, MOV SS or HLT? */
static bool has_held_back(const struct entry_view *view)
{
	(void)view;
	return (entry_checks_read(GUEST_INTERRUPTIBILITY_STATE) & BLOCKED) ||
	       entry_checks_read(GUEST_ACTIVITY_STATE) == ACTIVITY_HLT;
}

static bool bs_fits(const struct entry_view *view, u64 pending)
{
	bool steps = (view->rflags & RFLAGS_TF) &&
		     !(entry_checks_read(GUEST_IA32_DEBUGCTL) & DEBUGCTL_BTF);

	return steps == !!(pending & PENDING_BS);
}

static bool rtm_fits(const struct entry_view *view, u64 pending)
{
	u64 blocking = entry_checks_read(GUEST_INTERRUPTIBILITY_STATE);

	(void)view;
	if (!(pending & PENDING_RTM)) {
		return true;
	}
	return entry_checks_has_rtm() && (pending & PENDING_ENABLED) &&
	       !(pending & (BITS(15, 13) | BITS(11, 0))) &&
	       !(blocking & INTERRUPTIBILITY_MOV_SS);
}

static const struct entry_check checks[] = {
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, NULL, blocking_exists,
	  .rule = "bits 31:5 must be 0, and bit 4 without SGX" },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, NULL, blocking_is_one,
	  .rule = "blocking by STI and by MOV SS exclude each other" },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, NULL, sti_has_if,
	  .rule = "blocking by STI needs RFLAGS.IF = 1", .other = GUEST_RFLAGS },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, entry_checks_injects_interrupt, is_unblocked,
	  .rule = "an external interrupt cannot be injected while STI or MOV SS blocks it",
	  .other = VM_ENTRY_INTR_INFO },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, entry_checks_injects_nmi, is_without_mov_ss,
	  .rule = "an NMI cannot be injected while MOV SS blocks it", .other = VM_ENTRY_INTR_INFO },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, NULL, is_without_smi,
	  .rule = "blocking by SMI, bit 2, must be 0 outside of SMM" },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, injects_virtual_nmi, is_without_nmi,
	  .rule = "an NMI cannot be injected while NMIs are blocked", .other = VM_ENTRY_INTR_INFO },
	{ GUEST_INTERRUPTIBILITY_STATE, STATE, NULL, enclave_fits,
	  .rule = "an enclave interruption and blocking by MOV SS exclude each other" },
};

/** Left to the processor by the manual; those that refuse say why. */
static const struct entry_check nmi_check = {
	GUEST_INTERRUPTIBILITY_STATE, STATE, entry_checks_injects_nmi,
	is_without_sti,
	.rule = "an NMI cannot be injected while STI blocks it",
	.other = VM_ENTRY_INTR_INFO,
};

static const struct entry_check debug_checks[] = {
	{ GUEST_PENDING_DBG_EXCEPTIONS, STATE, NULL, pending_exists,
	  .rule = "bits 63:17, 15, 13 and 10:4 must be 0, and bit 11 without bus-lock detection" },
	{ GUEST_PENDING_DBG_EXCEPTIONS, STATE, has_held_back, bs_fits,
	  .rule = "BS, bit 14, must be 1 if RFLAGS.TF = 1 and DEBUGCTL.BTF = 0, else 0",
	  .other = GUEST_RFLAGS },
	{ GUEST_PENDING_DBG_EXCEPTIONS, STATE, NULL, rtm_fits,
	  .rule = "bit 16 needs RTM, bit 12 set, bits 15:13 and 11:0 clear, no MOV SS" },
};

bool entry_checks_blocking(const struct entry_view *view, u64 *qualification)
{
	if (!entry_checks_run(view, checks, ARRAY_SIZE(checks))) {
		return false;
	}
	if (!entry_checks_run(view, &nmi_check, 1)) {
		*qualification = QUALIFICATION_NMI;
		return false;
	}
	return entry_checks_run(view, debug_checks, ARRAY_SIZE(debug_checks));
}
