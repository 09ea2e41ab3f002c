/** @file
 * Services: what a test guest of the exit recorder may ask of its rig.
 *
 * The guest of an ordinary test sees a hypervisor; this one sees through it.
 * It changes the VMCS that it runs under, provokes an exit, and reads back
 * what the processor wrote into the exit-information fields:
 *
 *	VMCALL  rax = number, arguments in rdi, rsi, rdx, r10
 *	        result in rax; a negative errno when the rig refuses
 *
 * Beside these, HYPERCALL_END, _FAIL and _PRINT of hv/vmm/hypercall.h work.
 *
 * What shall happen after an exit the guest writes into the mailbox, a struct
 * at a fixed address, because a service would be one exit more.
 */
#ifndef HV_VMXTEST_SERVICES_H
#define HV_VMXTEST_SERVICES_H

/* For code in 16 and 32 bits, which is assembly: numbers and addresses. */
#define SERVICE_FIRST 0x4a00
#define SERVICE_RETURN_NUMBER 0x4a01
#define MAILBOX_GPA 0xa000

#ifndef __ASSEMBLER__

#include "bus/errno.h"
#include "bus/types.h"

/** RAM of the guest, from GPA 0; at least GUEST_LINK_MIN and the program. */
#define SERVICES_RAM_SIZE (4ull << 20)

enum service {
	SERVICE_NOTHING = SERVICE_FIRST, /* one VMCALL exit, no more */
	SERVICE_RETURN,	  /* end of SERVICE_MODE, from any mode */
	SERVICE_EXIT,	  /* rdi: struct services_exit to fill, rsi: n; the
			   * n-th last exit that was no VMCALL, from 0;
			   * -ENOENT: there is none */
	SERVICE_VMREAD,	  /* rdi: field -> value */
	SERVICE_VMWRITE,  /* rdi: field, rsi: value */
	SERVICE_POINT,	  /* rdi: field, rsi: gpa in RAM; the field gets the
			   * host's address of it */
	SERVICE_CONTROL,  /* rdi: field of controls, rsi: bits to set, rdx: bits
			   * to clear; -EOPNOTSUPP: not offered here */
	SERVICE_EPT,	  /* rdi: struct services_ept */
	SERVICE_EPT_READ, /* rdi: gpa, rsi: level -> the entry, without the
			   * address in it */
	SERVICE_SPACE,	  /* rdi: n, 0 or 1; rsi: bits of the EPT pointer; the
			   * n-th EPT is the guest's from now on, and that of
			   * SERVICE_EPT; all have RAM in them at first */
	SERVICE_INVEPT,	  /* rdi: type, rsi: whose EPT pointer, 0 or 1 */
	SERVICE_INVVPID,  /* rdi: type, rsi: VPID, rdx: linear address */
	SERVICE_INTERRUPT, /* rdi: vector; pending at the next entry, which is
			   * made with rsi: activity, rdx: interruptibility */
	SERVICE_MODE,	  /* rdi: struct services_mode; the guest goes on there
			   * until SERVICE_RETURN */
	SERVICE_TRY,	  /* rdi: struct services_try */
	SERVICE_SKIP,	  /* rdi: string: why this machine cannot do the test,
			   * which ends */
	SERVICE_END_OF_NUMBERS,
};

_Static_assert((int)SERVICE_RETURN == SERVICE_RETURN_NUMBER,
	       "the number for assembly");

/** What the rig does with an exit once it is recorded. */
enum services_action {
	ACTION_DEFAULT, /* what the exit's kind asks for; see rig_exit.c */
	ACTION_SKIP,	/* go on behind the instruction, whatever it is */
	ACTION_RESUME,	/* go on at the same RIP */
	ACTION_REFLECT, /* give the exception to the guest */
	ACTION_MAP,	/* map the page of the EPT violation, go on, and deliver
			 * again what was being delivered */
};

/** Where the guest says what is to be done about its next exits. */
struct services_mailbox {
	u64 landing; /* RIP after the next exit; 0: as the action has it */
	u32 action;  /* enum services_action */
	u32 times;   /* for so many exits; then ACTION_DEFAULT again */
};

/** All that an exit says of itself: SDM 3C 25.9 and some of the guest. */
struct services_exit {
	u64 reason;	  /* EXIT_REASON, bit 31 included */
	u64 fail;	  /* VM-instruction error; then there was no exit */
	u64 qualification;
	u64 gpa, gla;
	u64 length;
	u64 intr_info, intr_error;
	u64 idt_info, idt_error;
	u64 insn_info;
	u64 rip, rsp, rflags;
	u64 interruptibility, activity, pending_debug;
	u64 cs_base, cs_rights;
	u64 cr0, cr3, cr4, efer, dr7;
	u64 entry_controls, entry_intr_info;
	u64 rax, rbx, cr2;
	u64 silent; /* the rig's own affair: shadow page tables */
};

/** Write a leaf, or a table entry, of the EPT. */
struct services_ept {
	u64 gpa;    /* whose entry */
	u64 target; /* guest RAM that it points to; ~0: no address */
	u64 bits;   /* the entry's other bits, any */
	u64 level;  /* 1 to 4; above 1 the entry must end the walk, or be one
		     * that is there already: then only its bits change */
};

/** The modes that a guest can be put into. */
enum services_mode_kind {
	MODE_COMPATIBILITY,
	MODE_PROTECTED_32, /* paging off */
	MODE_PAGING_32,
	MODE_PAE,
	MODE_PROTECTED_16,
	MODE_REAL,
	MODE_PAGED_16,
	MODE_VIRTUAL_8086,
	MODE_COUNT,
};

/** Run a piece of code in another mode. */
struct services_mode {
	u32 kind;  /* enum services_mode_kind */
	u32 entry; /* its first instruction's offset in CS */
	u32 base;  /* CS' base; the other segments' are 0 */
	u32 stack; /* first ESP */
	u32 cr3;   /* MODE_PAGING_32, MODE_PAE */
	u32 gdt, gdt_limit, idt, idt_limit;
	u32 rflags;
	u32 inject, inject_error, inject_length; /* the entry's event, or 0 */
};

#define TRY_FIELDS 4

/** One VM entry with other values in some fields, which are put back after. */
struct services_try {
	u32 count;
	u32 field[TRY_FIELDS];
	u64 value[TRY_FIELDS];
	u64 fail;	   /* out: VM-instruction error, 0: there was none */
	u64 reason;	   /* out: EXIT_REASON if the entry failed by an exit */
	u64 qualification; /* out */
};

#endif
#endif
