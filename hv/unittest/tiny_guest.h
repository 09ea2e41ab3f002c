/** @file
 * The smallest guest there can be: a few instructions, run on the VMX unit.
 *
 * Tests of the unit itself need no vCPU, no memory slots and no emulator, and
 * are easier to trust without them.  What they need is a VMCS that can be
 * entered, an EPT and page tables whose every entry is at hand, and code of a
 * few bytes that stands beside the expectations:
 *
 *	TINY_CODE(load_code, "mov (%rdi), %eax\n\t" "vmcall\n\t")
 *
 *	void unit_ept_load(struct tiny_guest *g)
 *	{
 *		TINY_LOAD(g, load_code);
 *		g->gpr[GPR_RDI] = TINY_DATA;
 *		*tiny_guest_ept(g, TINY_DATA) = 0;
 *		tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
 *	}
 *
 * The first expectation that does not hold is kept in g->why, and from then on
 * nothing is run any more: so a test is a list without an `if`.
 *
 * The guest starts in 64-bit mode at CPL 0, linear addresses equal to physical
 * ones.  Its memory is 4 MiB: the first 2 MiB are mapped by small pages, in
 * the guest's tables and in the EPT, the other 2 MiB by a large one in both.
 */
#ifndef HV_UNITTEST_TINY_GUEST_H
#define HV_UNITTEST_TINY_GUEST_H

#include "bus/types.h"
#include "hv/lib/page.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_unit.h"

/* Where things are in the guest's memory. */
#define TINY_CODE_AT 0x1000ull /* the test's code */
#define TINY_HANDLER 0x2000ull /* an event handler of the test's own */
#define TINY_IDT 0x8000ull     /* every gate leads to a stub of its own ... */
#define TINY_STUBS 0x9000ull   /* ... which is VMCALL, the vector in EAX */
#define TINY_GDT 0xa000ull
#define TINY_TSS 0xb000ull
#define TINY_PML4 0x10000ull /* the guest's own page tables */
#define TINY_PDPT 0x11000ull
#define TINY_PD 0x12000ull
#define TINY_PT 0x13000ull    /* of the first 2 MiB */
#define TINY_STACK 0x20000ull /* its top */
#define TINY_DATA 0x30000ull  /* free pages from here on */
#define TINY_APIC 0x1ff000ull /* the local APIC, if it is mapped */
#define TINY_LARGE 0x200000ull /* the large page */
#define TINY_SIZE 0x400000ull

/* Selectors of the guest's GDT. */
#define TINY_SEL_CODE 0x08
#define TINY_SEL_DATA 0x10
#define TINY_SEL_CODE32 0x18
#define TINY_SEL_TSS 0x20   /* two entries long */
#define TINY_SEL_FREE 0x30  /* four entries for tests */
#define TINY_SEL_CODE3 0x53 /* for CPL 3 */
#define TINY_SEL_DATA3 0x5b

/** The owner of all pages that a test takes. */
#define TINY_OWNER PAGE_OWNER_VM(200)

struct tiny_guest {
	u64 gpr[GPR_SLOTS];
	u8 *memory; /* guest physical 0, in our direct map */
	hpa_t hpa;  /* the same, host physical; a multiple of 2 MiB */
	u64 *ept_pml4, *ept_pdpt, *ept_pd, *ept_pt;
	u64 eptp;
	hpa_t vmcs;
	u8 *io_bitmap, *msr_bitmap;
	enum vmx_result result; /* of the last entry */
	u32 reason;		/* EXIT_REASON of the last exit */
	u64 qualification;
	const char *why; /* NULL as long as all is well */
	char text[200];	 /* what why points to */
};

/** Code for a guest, as assembly text; TINY_LOAD() copies it there. */
#define TINY_CODE(name, text)                                          \
	extern const u8 name[], name##_end[];                          \
	asm(".pushsection .rodata\n" #name ":\n\t.code64\n\t" text "\n" \
	    #name "_end:\n\t.code64\n\t.popsection");

/** Copy code to TINY_CODE_AT and point RIP at it. */
#define TINY_LOAD(guest, name) \
	tiny_guest_load(guest, name, (size_t)(name##_end - name))

/** Copy code to TINY_HANDLER and let an event's gate lead there. */
#define TINY_HANDLE(guest, vector, name)                                     \
	do {                                                                 \
		memcpy((guest)->memory + TINY_HANDLER, name,                 \
		       (size_t)(name##_end - name));                         \
		tiny_guest_gate(guest, vector, TINY_HANDLER);                \
	} while (0)

/**
 * Make a guest: memory, tables, VMCS, all controls at exit49's own defaults.
 * The VMX unit is on.  All pages are TINY_OWNER's.
 * @return whether there was memory for it
 */
bool tiny_guest_create(struct tiny_guest *g) __must_check;

/** VMCLEAR, so that its pages may go. */
void tiny_guest_destroy(struct tiny_guest *g);

/** Copy code to the guest and let it start there, with a fresh stack. */
void tiny_guest_load(struct tiny_guest *g, const u8 *code, size_t size);

/** Bring the guest into flat 32-bit protected mode without paging. */
void tiny_guest_enter_32bit(struct tiny_guest *g);

/** Bring the guest to CPL 3, its first 2 MiB being the user's. */
void tiny_guest_user(struct tiny_guest *g);

/** Set and clear bits of a field of the VMCS. */
void tiny_guest_change(enum vmcs_field field, u64 set, u64 clear);

/** Enter once; result, reason and qualification say what came of it. */
void tiny_guest_run(struct tiny_guest *g);

/** Enter, and expect an exit for this reason. */
void tiny_guest_expect(struct tiny_guest *g, u32 reason);

/** Go on behind the instruction that exited. */
void tiny_guest_skip(struct tiny_guest *g);

/** Expect two numbers to be equal. */
void tiny_guest_equal(struct tiny_guest *g, const char *what, u64 seen,
		      u64 expected);

/** Expect a field of the VMCS to have this value. */
void tiny_guest_field(struct tiny_guest *g, enum vmcs_field field,
		      u64 expected);

/** The EPT's entry for an address below 2 MiB. */
u64 *tiny_guest_ept(const struct tiny_guest *g, u64 address);

/** The guest's own page-table entry for an address below 2 MiB. */
u64 *tiny_guest_pte(const struct tiny_guest *g, u64 address);

/** A guest's 64-bit word. */
u64 *tiny_guest_word(const struct tiny_guest *g, u64 address);

/** Let an event's gate lead to an address. */
void tiny_guest_gate(struct tiny_guest *g, unsigned int vector, u64 address);

/** Map the local APIC for the guest at TINY_APIC. */
void tiny_guest_map_apic(struct tiny_guest *g);

/** INVEPT for this guest's EPT pointer. */
void tiny_guest_invept(struct tiny_guest *g);

#endif
