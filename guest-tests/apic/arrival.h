/** @file
 * Events that arrive through tables in memory of their own.
 *
 * What the processor reads and writes while it delivers an event lies here in
 * four pages, one for each kind, which the hypervisor can be made to forget one
 * by one: the gate, the descriptor of its code segment, the stack's address,
 * and the stack.
 *
 *	IDT --> gate --> GDT: code segment
 *	         `-----> TSS: IST 1 --> stack
 */
#ifndef GUEST_TESTS_APIC_ARRIVAL_H
#define GUEST_TESTS_APIC_ARRIVAL_H

#include "bus/types.h"
#include "hv/vmm/hypercall.h"

/** The four pages; a set of them is a mask. */
enum arrival_page {
	ARRIVAL_IDT,
	ARRIVAL_GDT,
	ARRIVAL_TSS,
	ARRIVAL_STACK,
	ARRIVAL_PAGES,
};

/** What has arrived, written by arrival_entry.S: the last one and how many. */
struct arrival_seen {
	u64 count, vector, error, rip, cr2;
	/** Where the handler returns to; 0: where the frame says. */
	u64 landing;
	/** Vectors, the last in the low byte. */
	u64 order;
};

extern volatile struct arrival_seen arrival_seen;

/** Move all tables to their pages, all gates with IST 1, the
 * NMI's with 2, which is on the same page; interrupts are off. */
void arrival_begin(void);

/** A gate is not present from now on. */
void arrival_close(unsigned int vector);

/** A page's address in the guest. */
u64 arrival_at(enum arrival_page page);

/** The hypervisor forgets the pages of a set. @param pages bits by number */
void arrival_forget(unsigned int pages);

/** Amid the next exit for that page, an IPI arrives here. @param icr as in the
 * register's low half */
void arrival_send_amid(enum arrival_page page, u32 icr);

/** From now on that table, or the stack, lies in a device. */
void arrival_spoil(enum arrival_page page);

#endif
