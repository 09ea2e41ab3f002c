/** @file
 * The exit record: what passes between vcpu_run() and the VMM.
 *
 * A vCPU that needs somebody outside the core - the value of a device
 * register, the meaning of a hypercall - fills this record and *returns*.  The
 * VMM looks, writes its answer into the same record, and calls again.  Between
 * the two calls nothing of the core is on any stack: what it must remember
 * lives in struct vcpu.
 *
 *	vcpu_run() --> MMIO read 0xd0000004, 4 bytes
 *	               VMM: memcpy(run->mmio.data, &value, 4)
 *	vcpu_run() --> the load completes, the guest goes on
 *
 * The VMM may write whatever it likes into the record.  Of all of it the core
 * takes the data bytes and immediate_exit, and nothing else: how many bytes
 * were asked for, and where they go, it remembers itself (spec 4.2, TOCTOU).
 */
#ifndef HV_VCPU_VCPU_RUN_H
#define HV_VCPU_VCPU_RUN_H

#include "bus/types.h"
#include "emulator/mmio_piece.h"

/** Why vcpu_run() came back. */
enum vcpu_exit {
	VCPU_EXIT_NONE,	      /* never run yet */
	VCPU_EXIT_MMIO,	      /* run->mmio; answer a read in its data */
	VCPU_EXIT_IO,	      /* run->io; answer an IN in its data */
	VCPU_EXIT_HYPERCALL,  /* run->hypercall; answer in its ret */
	VCPU_EXIT_HLT,	      /* the guest halted; RIP is behind the HLT */
	VCPU_EXIT_SHUTDOWN,   /* triple fault: run->internal.text says so */
	VCPU_EXIT_FAIL_ENTRY, /* run->fail_entry: no entry with this state */
	VCPU_EXIT_INTERNAL_ERROR, /* run->internal: this VM must be stopped */
	VCPU_EXIT_INTERRUPTED,	  /* vcpu_run() returned -EINTR */
	VCPU_EXIT_COUNT,
};

/** Which kind of VCPU_EXIT_INTERNAL_ERROR. */
enum vcpu_internal {
	/** The emulator does not know this instruction (spec 3.8). */
	VCPU_INTERNAL_EMULATION,
	/** Event delivery touched MMIO: the IDT or the stack (spec 1.4). */
	VCPU_INTERNAL_DELIVERY,
	/** A VM exit that nobody asked for. */
	VCPU_INTERNAL_UNEXPECTED_EXIT,
	/** The fault handler failed: a broken EPT entry, no memory. */
	VCPU_INTERNAL_MMU,
	/** The same access faults again and again and nothing changes. */
	VCPU_INTERNAL_LIVELOCK,
};

#define VCPU_INSN_BYTES 15
#define VCPU_TEXT_BYTES 288
#define VCPU_IO_BYTES 8

/** The exit record.  One per vCPU, in struct vcpu, written by both sides. */
struct vcpu_run {
	/*
	 * In: do not enter the guest.  Whatever is pending is completed first
	 * (spec 4.3); then vcpu_run() returns -EINTR.  Sampled once a call.
	 */
	u8 immediate_exit;

	/* Out: an enum vcpu_exit, which says what of the union counts. */
	u32 exit_reason;

	union {
		/** VCPU_EXIT_MMIO: 1 to 8 bytes that lie in one page. */
		struct mmio_piece mmio;

		/** VCPU_EXIT_IO: one element of an IN, OUT, INS or OUTS. */
		struct {
			u16 port;
			u8 size;   /* 1, 2 or 4 */
			u32 count; /* always 1: strings come one by one */
			u8 is_write;
			u8 data[VCPU_IO_BYTES];
		} io;

		/** VCPU_EXIT_HYPERCALL: RAX; RDI, RSI, RDX, R10, R8. */
		struct {
			u64 nr;
			u64 args[5];
			u64 ret; /* goes to RAX */
		} hypercall;

		/** VCPU_EXIT_FAIL_ENTRY: nothing of the guest has run. */
		struct {
			u32 reason; /* EXIT_REASON, or VM-instruction error */
			u64 qualification;
			char sentence[VCPU_TEXT_BYTES];
		} fail_entry;

		/** VCPU_EXIT_INTERNAL_ERROR and VCPU_EXIT_SHUTDOWN. */
		struct {
			u32 subreason; /* enum vcpu_internal */
			gpa_t gpa;     /* of the access, ~0 if there is none */
			u64 rip;
			u8 insn_len; /* how many of insn[] were readable */
			u8 insn[VCPU_INSN_BYTES];
			char text[VCPU_TEXT_BYTES]; /* a sentence */
		} internal;
	};
};

#endif
