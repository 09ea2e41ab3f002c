/** @file
 * Cases: events that entry injects, all of them (SDM 3C 27.6.1).
 *
 * Each gate of the guest's IDT leads to a stub that exits with the vector in
 * EAX; what has been pushed stands on the stack.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

TINY_CODE(nop_code, "nop\n\t"
		    "nop\n\t"
		    "nop\n\t")

/** Exceptions with an error code (SDM 3A table 6-1), without #CP. */
#define WITH_ERROR_CODE                                                  \
	(BIT(VECTOR_DF) | BIT(VECTOR_TS) | BIT(VECTOR_NP) | BIT(VECTOR_SS) | \
	 BIT(VECTOR_GP) | BIT(VECTOR_PF) | BIT(VECTOR_AC))

#define ERROR_CODE 0x7654u

/** Words that 64-bit mode pushes: SS, RSP, RFLAGS, CS, RIP. */
#define FRAME 40

/** An event arrives: by this vector, with RIP and error code on the stack. */
static void expect_arrival(struct tiny_guest *g, unsigned int vector,
			   u64 rip, bool error_code)
{
	u64 at = TINY_STACK - FRAME - (error_code ? 8 : 0);

	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], vector);
	tiny_guest_field(g, GUEST_RSP, at);
	if (error_code) {
		tiny_guest_equal(g, "the error code", *tiny_guest_word(g, at),
				 ERROR_CODE);
		at += 8;
	}
	tiny_guest_equal(g, "the pushed RIP", *tiny_guest_word(g, at), rip);
}

/** Let entry inject an event with an instruction of this length. */
static void inject(struct tiny_guest *g, u32 info, unsigned int length)
{
	TINY_LOAD(g, nop_code);
	vmwrite(VM_ENTRY_INTR_INFO, INTR_INFO_VALID | info);
	vmwrite(VM_ENTRY_EXCEPTION_ERROR_CODE, ERROR_CODE);
	vmwrite(VM_ENTRY_INSTRUCTION_LEN, length);
}

/** All exceptions of the processor's own; vector 2 is none. Their bits in the
 * exception bitmap do not count (SDM 3C 27.6.1.2), a #PF leaves CR2 alone. */
void unit_inject_exceptions(struct tiny_guest *g)
{
	write_cr2(0x1234);
	for (unsigned int vector = 0; vector < 32 && !g->why; vector++) {
		bool error_code = WITH_ERROR_CODE & BIT(vector);

		if (vector == VECTOR_NMI) {
			continue;
		}
		vmwrite(EXCEPTION_BITMAP, BIT(vector));
		inject(g,
		       INTR_TYPE_HARD_EXCEPTION << 8 | vector |
			       (error_code ? INTR_INFO_HAS_ERROR_CODE : 0),
		       0);
		expect_arrival(g, vector, TINY_CODE_AT, error_code);
	}
	tiny_guest_equal(g, "CR2", read_cr2(), 0x1234);
}

/** All vectors by INT n and interrupts; INT3, INTO, INT1. Behind instructions
 * RIP is that of the next one. */
void unit_inject_vectors(struct tiny_guest *g)
{
	for (unsigned int vector = 0; vector < 256 && !g->why; vector++) {
		inject(g, INTR_TYPE_SOFT_INTERRUPT << 8 | vector, 2);
		expect_arrival(g, vector, TINY_CODE_AT + 2, false);
		inject(g, INTR_TYPE_EXTERNAL << 8 | vector, 0);
		vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
		expect_arrival(g, vector, TINY_CODE_AT, false);
	}
	inject(g, INTR_TYPE_SOFT_EXCEPTION << 8 | VECTOR_BP, 1);
	expect_arrival(g, VECTOR_BP, TINY_CODE_AT + 1, false);
	inject(g, INTR_TYPE_SOFT_EXCEPTION << 8 | VECTOR_OF, 1);
	expect_arrival(g, VECTOR_OF, TINY_CODE_AT + 1, false);
	inject(g, INTR_TYPE_PRIV_SOFT_EXCEPTION << 8 | VECTOR_DB, 1);
	expect_arrival(g, VECTOR_DB, TINY_CODE_AT + 1, false);
	inject(g, INTR_TYPE_NMI << 8 | VECTOR_NMI, 0);
	expect_arrival(g, VECTOR_NMI, TINY_CODE_AT, false);
}

/** INT n that its gate refuses, at CPL 3: the #GP returns to the instruction,
 * and is what is under way when its own delivery exits. */
void unit_inject_refused(struct tiny_guest *g)
{
	const u64 frame = TINY_STACK - 0x800 - FRAME - 8; /* on RSP0 */
	u64 *stack = tiny_guest_ept(g, frame);
	u64 good = *stack;

	tiny_guest_user(g);
	inject(g, INTR_TYPE_SOFT_INTERRUPT << 8 | 0x21, 2);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_GP);
	tiny_guest_equal(g, "the error code", *tiny_guest_word(g, frame),
			 0x21 * 8 + 2);
	tiny_guest_equal(g, "the pushed RIP", *tiny_guest_word(g, frame + 8),
			 TINY_CODE_AT);
	/* The handler's CS and SS were for CPL 0. */
	tiny_guest_user(g);
	inject(g, INTR_TYPE_SOFT_INTERRUPT << 8 | 0x21, 2);
	*stack = 0;
	tiny_guest_invept(g);
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
	tiny_guest_field(g, IDT_VECTORING_INFO,
			 INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 |
				 INTR_INFO_HAS_ERROR_CODE | VECTOR_GP);
	tiny_guest_field(g, IDT_VECTORING_ERROR_CODE, 0x21 * 8 + 2);
	*stack = good;
}

/** An event whose delivery exits can be injected again as it is told, of any
 * type: gate, then stack, are missing at first. */
void unit_inject_again(struct tiny_guest *g)
{
	static const struct {
		u32 info;
		unsigned int length;
	} events[] = {
		{ INTR_TYPE_EXTERNAL << 8 | 0x40, 0 },
		{ INTR_TYPE_HARD_EXCEPTION << 8 | VECTOR_GP |
			  INTR_INFO_HAS_ERROR_CODE, 0 },
		{ INTR_TYPE_HARD_EXCEPTION << 8 | 31, 0 },
		{ INTR_TYPE_EXTERNAL << 8 | 31, 0 },
		{ INTR_TYPE_SOFT_INTERRUPT << 8 | 0x41, 2 },
		{ INTR_TYPE_SOFT_EXCEPTION << 8 | VECTOR_BP, 1 },
		{ INTR_TYPE_PRIV_SOFT_EXCEPTION << 8 | VECTOR_DB, 1 },
	};
	u64 *gate = tiny_guest_ept(g, TINY_IDT);
	u64 *stack = tiny_guest_ept(g, TINY_STACK - 8);
	u64 good_gate = *gate, good_stack = *stack;

	for (size_t i = 0; i < ARRAY_SIZE(events) && !g->why; i++) {
		u32 info = events[i].info | INTR_INFO_VALID;
		bool error_code = info & INTR_INFO_HAS_ERROR_CODE;

		*gate = 0;
		*stack = 0;
		tiny_guest_invept(g);
		inject(g, events[i].info, events[i].length);
		vmwrite(GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
		tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
		tiny_guest_field(g, IDT_VECTORING_INFO, info);
		tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT);
		*gate = good_gate;
		vmwrite(VM_ENTRY_INTR_INFO, info);
		tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
		tiny_guest_field(g, IDT_VECTORING_INFO, info);
		*stack = good_stack;
		vmwrite(VM_ENTRY_INTR_INFO, info);
		expect_arrival(g, info & INTR_INFO_VECTOR,
			       TINY_CODE_AT + events[i].length, error_code);
	}
}
