/** @file
 * Cases: pending debug exceptions (SDM 3C 25.4.2, 27.7.3).
 *
 * A debug exception that an exit got ahead of is a field of the VMCS, and comes
 * behind the next entry, before the first instruction; blocking by MOV SS puts
 * it off by one.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

#define PENDING_B0 BIT(0)
#define PENDING_ENABLED_BREAKPOINT BIT(12)
#define PENDING_BS BIT(14)

TINY_CODE(nops_code, "nop\n\t"
		     "nop\n\t"
		     "nop\n\t"
		     "vmcall\n\t")

static void load(struct tiny_guest *g, u64 pending, u64 rflags)
{
	TINY_LOAD(g, nops_code);
	vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | rflags);
	vmwrite(GUEST_PENDING_DBG_EXCEPTIONS, pending);
}

/** A #DB that exits, before this instruction, for this cause. */
static void expect_debug(struct tiny_guest *g, u64 rip, u64 qualification)
{
	tiny_guest_expect(g, EXIT_REASON_EXCEPTION_NMI);
	tiny_guest_field(g, VM_EXIT_INTR_INFO,
			 INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 |
				 VECTOR_DB);
	tiny_guest_field(g, EXIT_QUALIFICATION, qualification);
	tiny_guest_field(g, GUEST_RIP, rip);
}

/** It exits, if its bit of the bitmap is set, and says why it came. */
void unit_pending_exits(struct tiny_guest *g)
{
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_DB));
	load(g, PENDING_BS, RFLAGS_TF);
	expect_debug(g, TINY_CODE_AT, PENDING_BS);
	load(g, PENDING_B0 | PENDING_ENABLED_BREAKPOINT, 0);
	expect_debug(g, TINY_CODE_AT, PENDING_B0);
	/* A breakpoint that was not enabled makes no exception. */
	load(g, PENDING_B0, 0);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
}

/** Else the guest has it, with DR6 saying why. */
void unit_pending_is_delivered(struct tiny_guest *g)
{
	load(g, PENDING_BS, RFLAGS_TF);
	write_dr6(DR6_RESET);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_DB);
	tiny_guest_equal(g, "the pushed RIP",
			 *tiny_guest_word(g, TINY_STACK - 40), TINY_CODE_AT);
	tiny_guest_equal(g, "DR6", read_dr6() & PENDING_BS, PENDING_BS);
	write_dr6(DR6_RESET);
}

/** TF without anything pending: the trap comes behind the instruction. */
void unit_pending_nothing(struct tiny_guest *g)
{
	vmwrite(EXCEPTION_BITMAP, BIT(VECTOR_DB));
	load(g, 0, RFLAGS_TF);
	expect_debug(g, TINY_CODE_AT + 1, PENDING_BS);
}
