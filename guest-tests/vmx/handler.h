/** @file
 * An IDT whose handlers come back: each event is counted, and IRET.
 *
 * guest-tests/lib/trap.h is for exceptions that end a function.  Tests of
 * events want to go on where they were, know what has arrived, and have gates
 * for all 256 vectors.
 */
#ifndef GUEST_TESTS_VMX_HANDLER_H
#define GUEST_TESTS_VMX_HANDLER_H

#include "bus/types.h"

/** What the last event was, and how many there have been. */
struct handler_seen {
	u64 count;
	u64 vector;
	u64 error; /* 0 where there is none */
	u64 rip;   /* as it was pushed */
	u64 rflags;
	u64 landing; /* set it: where the next event returns to, once */
	u64 call;    /* set it: the handler makes a VMCALL, for its exit */
};

extern volatile struct handler_seen handler_seen;

/** An interrupt or trap gate in 64-bit mode - SDM 3A 6.14.1. */
struct handler_gate {
	u16 offset_low;
	u16 selector;
	u16 type; /* 0x8e00: present, DPL 0, interrupt gate */
	u16 offset_middle;
	u32 offset_high;
	u32 zero;
};

/** The table, one page, for tests that spoil a gate or the page. */
extern struct handler_gate handler_idt[256];

/** Fill the table, load it, and count from 0. */
void handler_load(void);

#endif
