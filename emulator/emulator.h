/** @file
 * The instruction emulator's public header.
 *
 * The hypervisor comes here when hardware cannot finish an instruction: its
 * operand lies where there is no memory.  The emulator fetches the bytes,
 * decodes them and does what the processor would have done, except that
 * memory is reached through struct emul_ops, in which devices appear.
 *
 *	emulator_run()       fetch, decode, pass 1: execute
 *	   |  EMUL_DONE -----------------------> e->retired: take rip, rflags
 *	   |  EMUL_IO_NEEDED: emulator_piece() -> the VMM answers
 *	   v
 *	emulator_complete()  takes the answer; the next piece, or, for a read,
 *	                     the instruction once more from its start, served
 *	                     from the read cache and without decoding
 *
 * Registers: a pass reads e->out[n] where it has written it, else the vCPU's
 * own e->gpr[n], which it never writes.  A new pass just forgets out[], so
 * that it starts from exactly the registers of pass 1 (spec 10.2).  When the
 * instruction retires, the written ones are copied to gpr[].
 *
 * A *read* from the VMM ends the pass with nothing committed: RIP is still at
 * the instruction during the exit.  A *write* is a mere side effect: the
 * instruction retires first, and the exit comes with RIP behind it.
 *
 * One struct emulator belongs to one vCPU and is used by its thread only.
 * Nothing here takes a lock or allocates.
 */
#ifndef EMULATOR_EMULATOR_H
#define EMULATOR_EMULATOR_H

#include "emulator/emul_types.h"
#include "emulator/fragments.h"
#include "emulator/insn.h"
#include "emulator/port.h"
#include "emulator/read_cache.h"
#include "emulator/system.h"

/** How wide code runs: CS.L, else CS.D (SDM 3A 5.2.1, 3.4.5). */
enum emul_mode {
	MODE_16 = 2,
	MODE_32 = 4,
	MODE_64 = 8,
};

/** What an instruction leaves behind beside registers and flags. */
enum emul_dirty {
	EMUL_DIRTY_GPR = 0xffff,
	/* interrupts are held off for one instruction (SDM 3A 6.8.3) */
	EMUL_BLOCKS_STI = BIT(16),
	EMUL_BLOCKS_MOV_SS = BIT(17),
	EMUL_BLOCKS = EMUL_BLOCKS_STI | EMUL_BLOCKS_MOV_SS,
	EMUL_HALTS = BIT(18), /* HLT: the vCPU waits for an interrupt */
	EMUL_CALLS = BIT(19), /* VMCALL: the hypervisor is asked for something */
	EMUL_NO_STEP = BIT(20), /* INT n: TF is clear, no single-step trap */
	EMUL_OPENS_NMI = BIT(21), /* IRET: NMIs are blocked no longer */
};

/** What the hypervisor does for the emulator, on the vCPU's thread. */
struct emul_ops {
	/** What only system instructions and segments need. */
	const struct system_ops *system;

	/**
	 * The guest physical address of one linear address, whose whole page
	 * is meant; permissions are checked for kind at the current CPL, and
	 * accessed and dirty flags set as the processor would.
	 *
	 * @return EMUL_DONE, EMUL_FAULT with e->exception (#PF and its
	 *         address), or EMUL_RETRY
	 */
	enum emul_result (*translate)(struct emulator *e, gva_t gva,
				      enum emul_access kind, gpa_t *out);

	/**
	 * Guest RAM at gpa, usable to the end of its 4 KiB page and until the
	 * current emulator call returns.
	 *
	 * @param write  the caller is going to write: mark the page dirty
	 * @return NULL when it is not RAM: no slot, or read-only and write
	 */
	void *(*ram)(struct emulator *e, gpa_t gpa, bool write);

	/**
	 * Offer one piece to the devices in the core.
	 *
	 * @return 0 when one took it (a read's bytes are in piece->data), else
	 *         -EOPNOTSUPP: the VMM will be asked
	 */
	int (*device)(struct emulator *e, struct mmio_piece *piece);

	/** The current privilege level, 0 to 3; 3 also in virtual-8086 mode. */
	unsigned int (*cpl)(struct emulator *e);

	/** A control register, enum system_control, as MOV would read it. */
	u64 (*control)(struct emulator *e, unsigned int n);

	/** Record a kvm_mmio trace event; called while e->traced is set. */
	void (*trace)(struct emulator *e, const struct mmio_trace *event);
};

/**
 * What the hardware said about the access that made it exit.  It may save the
 * walk through the guest's page tables, under the rules of spec 3.7.
 */
struct emul_hint {
	bool valid;	/* gpa is that of a data access by this instruction */
	bool gva_valid; /* and gva its linear address (EPT violation, bit 7) */
	gpa_t gpa;
	gva_t gva;
};

/** What emulator_deliver() delivers. */
struct emul_event {
	u8 vector;
	bool has_error_code;
	bool software; /* INT n and its like: the gate's DPL counts */
	u8 length;     /* of the instruction that it is, or 0 */
	u32 error_code;
};

/** An address that no access has: it is not canonical. */
#define EMULATOR_NO_GVA gva(BIT(62))

/** A page on which a string instruction has found its memory. */
struct emul_page {
	gva_t gva; /* page-aligned, or EMULATOR_NO_GVA */
	gpa_t gpa;
};

/** "No page" for mmio_page: the address of no page at all. */
#define EMULATOR_NO_PAGE gpa(~0ull)

/** The emulator's context, embedded in struct vcpu. */
struct emulator {
	/* fixed by emulator_init() */
	const struct emul_ops *ops;

	/* set by the hypervisor before emulator_run() */
	u64 *gpr;   /* the vCPU's sixteen, RAX first; written when retiring */
	u64 rip;    /* offset in CS; after retirement the next instruction's */
	u64 rflags; /* after retirement the new ones */
	enum emul_mode mode;
	u8 stack_size; /* outside 64-bit mode: 4 if SS.B is set, else 2 */
	struct emul_hint hint; /* set hint.valid to false when there is none */
	gpa_t mmio_page; /* known to have no RAM; EMULATOR_NO_PAGE: none is */
	bool traced;	 /* ops->trace is to be called */
	/* INSN_MAX bytes of guest RAM at rip; NULL: they are to be fetched */
	const u8 *code;

	/* read by the hypervisor after emulator_run(), emulator_complete() */
	bool retired; /* this call changed gpr[], rip, rflags: take them over */
	struct exception exception; /* EMUL_FAULT: inject it */
	const char *error;	    /* EMUL_UNHANDLEABLE: why, in a sentence */

	/* one pass; when it has retired, dirty says what it has written */
	u32 dirty; /* bit n: out[n] is valid; enum emul_dirty */
	u64 out[16];
	u64 next_rip;
	u64 new_rflags;

	/* one instruction, from pass 1 to the last completion */
	struct insn insn;
	/* by enum emul_access; only those of reads and writes: memory_walk() */
	struct emul_page pages[EMUL_ACCESS_COUNT];
	struct fragments fragments;
	struct read_cache reads;
	struct port_access port;
	struct emul_event event; /* the instruction is emulator_deliver()'s */
};

/** Make *e ready for its first instruction.  ops must live as long as e. */
void emulator_init(struct emulator *e, const struct emul_ops *ops);

/**
 * Forget on which pages the instruction has found its memory: somebody else
 * has changed how the guest translates.
 */
static inline void emulator_forget_pages(struct emulator *e)
{
	e->pages[EMUL_READ].gva = EMULATOR_NO_GVA;
	e->pages[EMUL_WRITE].gva = EMULATOR_NO_GVA;
}

/**
 * Emulate the instruction at e->rip: pass 1.
 *
 * Whatever was pending is given up.  A string instruction with a REP prefix
 * may return EMUL_DONE in the middle, retired with RIP still at it, so that
 * interrupts and the TF trap get their turn.
 *
 * @return EMUL_DONE: retired.  EMUL_FAULT: e->exception, no piece pending,
 *         nothing committed but whole iterations of a string instruction
 *         (then retired is set and RIP still at it).  EMUL_IO_NEEDED:
 *         emulator_piece() has the question; retired if it is a write.
 *         EMUL_UNHANDLEABLE: e->error; e->insn has the bytes.  EMUL_RETRY:
 *         resume the guest as it is.
 */
enum emul_result __must_check emulator_run(struct emulator *e);

/**
 * Deliver an exception or an interrupt, as INT n would, but with the address
 * of the instruction at e->rip as the one to return to (SDM 3A 6.12, 20.1.4).
 * To be called where emulator_run() would be.
 *
 * @return as emulator_run(); EMUL_FAULT is an exception of the delivery, such
 *         as #GP for a vector beyond the limit of IDTR
 */
enum emul_result __must_check emulator_deliver(struct emulator *e,
					       const struct emul_event *event);

/**
 * The question that the VMM has to answer.
 *
 * @param e      the emulator
 * @param piece  is filled
 * @return false when nothing is pending
 */
bool emulator_piece(const struct emulator *e, struct mmio_piece *piece);

/** Whether the question that is pending is about a port. */
static inline bool emulator_waits_for_port(const struct emulator *e)
{
	return e->port.state == PORT_WAITS;
}

/**
 * The same for a question that is about a port.
 *
 * @return false when none is pending; then emulator_piece() may have one
 */
static inline bool emulator_port(const struct emulator *e,
				 struct port_piece *piece)
{
	if (likely(!emulator_waits_for_port(e))) {
		return false;
	}
	*piece = e->port.piece;
	return true;
}

/** Whether emulator_complete() is due. */
static inline bool emulator_has_pending(const struct emulator *e)
{
	return e->fragments.count != 0 || emulator_waits_for_port(e);
}

/**
 * The VMM has answered.  Of its record only the data bytes are taken.
 *
 * @param e     the emulator
 * @param data  8 bytes, the answer to a read; not looked at for a write
 * @return as emulator_run().  EMUL_IO_NEEDED: the next piece is due.
 *         EMUL_DONE: the instruction (or iteration) is finished; the TF trap
 *         is due now, also after a write (spec 10.3).  EMUL_UNHANDLEABLE also
 *         when nothing was pending.
 */
enum emul_result __must_check emulator_complete(struct emulator *e,
						const u8 *data);

/**
 * emulator_complete() for a piece, in two halves, for whoever prepares
 * something only if the instruction runs again: not every answer is the last.
 *
 * @param e     the emulator; no port is pending
 * @param data  8 bytes
 * @return EMUL_IO_NEEDED: the next piece is due.  EMUL_DONE: that was the last
 *         one; if it was one of a read, emulator_rerun() must follow.
 *         EMUL_UNHANDLEABLE
 */
static inline enum emul_result __must_check
emulator_answer(struct emulator *e, const u8 *data)
{
	e->retired = false;
	return fragments_complete(e, data);
}

/** Whether the pieces that are pending are those of a write. */
static inline bool emulator_is_write(const struct emulator *e)
{
	return e->fragments.is_write;
}

/** The last piece of a read is there: run the instruction again. */
enum emul_result __must_check emulator_rerun(struct emulator *e);

/** Give pending I/O up: the vCPU is reset, or an exception takes its place. */
void emulator_cancel(struct emulator *e);

/**
 * Copy the context, the middle of an instruction included, so that the copy
 * holds no pointer (spec 10.9).  What it points to belongs to one hypervisor
 * and one vCPU: the copy may go to another.
 *
 * @param e   between two calls of emulator_run() and emulator_complete()
 * @param to  is overwritten; not to be used but for emulator_restore()
 */
void emulator_save(const struct emulator *e, struct emulator *to);

/**
 * Go on from a copy: the next emulator_complete() answers what the saved
 * context had asked.
 *
 * @param e     initialised; keeps its ops and gpr
 * @param from  written by emulator_save()
 */
void emulator_restore(struct emulator *e, const struct emulator *from);

/** Name a result for a message: "EMUL_DONE" and so on. */
const char *emulator_result_name(enum emul_result result);

#endif
