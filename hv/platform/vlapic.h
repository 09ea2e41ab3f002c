/** @file
 * A local APIC as software sees it (SDM 3A chapter 11, xAPIC mode).
 *
 * Pure C: no clock, no processor, no lock.  Time comes in as a parameter, in
 * ticks of the TSC, which is also the input clock of the APIC's timer.  What
 * has to happen outside is asked for through struct vlapic_ops.
 *
 *	message --> vlapic_bus_send() --> vlapic_accept()   any CPU
 *					       | IRR, signals; wake()
 *					       v
 *	vlapic_pending() --> vlapic_take() --> ISR ...	    the vCPU's own CPU
 *	... vlapic_regs_write(EOI)
 *
 * Any CPU may send and accept: IRR, TMR and the signals are changed atomically.
 * All the rest belongs to the one CPU that the APIC's processor runs on.
 */
#ifndef HV_PLATFORM_VLAPIC_H
#define HV_PLATFORM_VLAPIC_H

#include "bus/access.h"
#include "bus/types.h"

/** APICs of one bus; their numbers and their IDs at reset are the same. */
#define VLAPIC_MAX 8

/** Bytes of the registers' page. */
#define VLAPIC_SIZE 0x1000u

/** No moment at all. */
#define VLAPIC_NEVER (~0ull)

/* Registers - SDM 3A table 11-1 */
#define VLAPIC_ID 0x020u
#define VLAPIC_VERSION 0x030u
#define VLAPIC_TPR 0x080u
#define VLAPIC_APR 0x090u
#define VLAPIC_PPR 0x0a0u
#define VLAPIC_EOI 0x0b0u
#define VLAPIC_RRD 0x0c0u
#define VLAPIC_LDR 0x0d0u
#define VLAPIC_DFR 0x0e0u
#define VLAPIC_SVR 0x0f0u
#define VLAPIC_ISR 0x100u /* eight registers 16 bytes apart, as the next two */
#define VLAPIC_TMR 0x180u
#define VLAPIC_IRR 0x200u
#define VLAPIC_ESR 0x280u
#define VLAPIC_ICR_LOW 0x300u
#define VLAPIC_ICR_HIGH 0x310u
#define VLAPIC_LVT 0x320u /* enum vlapic_lvt, 16 bytes apart */
#define VLAPIC_TIMER_INITIAL 0x380u
#define VLAPIC_TIMER_CURRENT 0x390u
#define VLAPIC_TIMER_DIVIDE 0x3e0u

/** The local vector table's entries, in the order of their registers. */
enum vlapic_lvt {
	VLAPIC_LVT_TIMER,
	VLAPIC_LVT_THERMAL,
	VLAPIC_LVT_PERFORMANCE,
	VLAPIC_LVT_LINT0,
	VLAPIC_LVT_LINT1,
	VLAPIC_LVT_ERROR,
	VLAPIC_LVT_COUNT,
};

/** Delivery modes, as in the ICR, the LVT and the IOAPIC. */
enum vlapic_mode {
	VLAPIC_FIXED,
	VLAPIC_LOWEST,
	VLAPIC_SMI, /* accepted and forgotten: there is no SMM */
	VLAPIC_RESERVED,
	VLAPIC_NMI,
	VLAPIC_INIT,
	VLAPIC_STARTUP,
	VLAPIC_EXTINT,
};

/** What waits beside interrupts (struct vlapic, signals). */
enum vlapic_signal {
	VLAPIC_SIGNAL_NMI = BIT(0),
	VLAPIC_SIGNAL_INIT = BIT(1),
	VLAPIC_SIGNAL_STARTUP = BIT(2), /* to start at `startup` */
	VLAPIC_SIGNAL_EXTINT = BIT(3), /* a message: the 8259s have one */
};

/** A message on the bus between the APICs (SDM 3A 11.6.1). */
struct vlapic_message {
	u8 mode; /* enum vlapic_mode */
	u8 vector;
	u8 destination; /* APIC ID, 0xff: all; or logical */
	bool logical;
	bool level; /* level-triggered: its EOI is told to the IOAPICs */
};

struct vlapic;

/** What the model asks of its surroundings; none of these may wait. */
struct vlapic_ops {
	/** Something waits that may interrupt the processor.  Any CPU. */
	void (*wake)(struct vlapic *apic);
	/** Call vlapic_timer_check() at this moment, VLAPIC_NEVER: never. */
	void (*arm)(struct vlapic *apic, u64 when);
	/** A level-triggered interrupt has been served. */
	void (*eoi)(struct vlapic *apic, u8 vector);
};

/** All of one machine. */
struct vlapic_bus {
	struct vlapic *apic[VLAPIC_MAX]; /* NULL: there is none */
	u32 last; /* who has had the last lowest-priority interrupt */
};

struct vlapic {
	/* --- written by any CPU, atomically --- */
	u64 irr[4];
	u64 tmr[4];
	u32 signals; /* enum vlapic_signal */
	u32 errors;  /* for the ESR, since its last write */
	u8 startup;  /* the page of the last SIPI */
	bool lint0;  /* the line's level */

	/* --- written by its CPU, read by all --- */
	u64 base; /* IA32_APIC_BASE */
	u32 id;	  /* bits 31 to 24 of the register */
	u32 tpr;
	u32 ldr;
	u32 dfr;
	u32 svr;
	bool awaits_startup; /* since INIT: a SIPI counts */

	/* --- its CPU's alone --- */
	u64 isr[4];
	u32 esr;
	u32 icr_low;
	u32 icr_high;
	u32 lvt[VLAPIC_LVT_COUNT];
	u32 timer_initial;
	u32 timer_divide; /* the register */
	u64 timer_begin;  /* when it was at its initial count; one-shot: 0
			   * when it does not count */
	u64 timer_due;	  /* when it strikes, or VLAPIC_NEVER */
	u64 timer_struck; /* when it did so last */
	u64 deadline;	  /* IA32_TSC_DEADLINE, 0: not armed */

	/* --- fixed by vlapic_init() --- */
	const struct vlapic_ops *ops;
	struct vlapic_bus *bus;
	u64 period_min; /* ticks: a periodic timer is not faster */
	void *owner;	/* for the ops */
};

/**
 * Make an APIC as after power-up and put it on the bus.
 * @param apic   zeroed, with ops, owner and period_min filled
 * @param bus    must live as long
 * @param number below VLAPIC_MAX, its ID; 0 is the bootstrap processor's
 */
void vlapic_init(struct vlapic *apic, struct vlapic_bus *bus,
		 unsigned int number);

/** What INIT does to it: all but ID and base (SDM 3A 11.4.7.3). */
void vlapic_reset(struct vlapic *apic);

/**
 * Write IA32_APIC_BASE.  Clearing EN switches the APIC off: it hears nothing,
 * and is as after power-up when it is set again (SDM 3A 11.4.3).
 * @return false: a reserved bit, or x2APIC mode (then nothing has changed)
 */
bool vlapic_set_base(struct vlapic *apic, u64 base,
		     unsigned int phys_bits) __must_check;

/** Is it switched on by IA32_APIC_BASE?  Any CPU. */
static inline bool vlapic_is_on(const struct vlapic *apic)
{
	return READ_ONCE(apic->base) & BIT(11);
}

/**
 * A message has arrived for this one.  Any CPU.
 * @return false: it does not take such a message now
 */
bool vlapic_accept(struct vlapic *apic, const struct vlapic_message *message);

/** The line of the 8259s, which is LINT0, is up or down.  Any CPU. */
void vlapic_set_lint0(struct vlapic *apic, bool up);

/** Is it up, and asks the processor for an ExtINT cycle?  Or has a message? */
bool vlapic_extint(const struct vlapic *apic);

/** The processor begins that cycle: a message has done its part. */
void vlapic_take_extint(struct vlapic *apic);

/** LINT1 has risen: the NMI button. */
void vlapic_pulse_lint1(struct vlapic *apic);

/**
 * The interrupt to be taken next.
 * @return its vector; -1: none, or none above the processor's priority
 */
int vlapic_pending(const struct vlapic *apic);

/** Does this vector wait in IRR? */
static inline bool vlapic_waits(const struct vlapic *apic, u8 vector)
{
	return READ_ONCE(apic->irr[vector / 64]) & BIT(vector % 64);
}

/** The processor takes it: from IRR to ISR. @param vector as pending */
void vlapic_take(struct vlapic *apic, u8 vector);

/** Bits 7 to 4 of the TPR, which is CR8. */
u32 vlapic_get_cr8(const struct vlapic *apic);
void vlapic_set_cr8(struct vlapic *apic, u32 cr8);

/* For the parts of the model ----------------------------------------------- */

/** An LVT entry's source asks.  Any CPU. */
void vlapic_raise(struct vlapic *apic, enum vlapic_lvt which);

/** Bits of the ESR (SDM 3A 11.5.3). */
enum vlapic_error {
	VLAPIC_ERROR_SEND_VECTOR = BIT(5),
	VLAPIC_ERROR_RECEIVE_VECTOR = BIT(6),
	VLAPIC_ERROR_REGISTER = BIT(7),
};

/** It has met an error, and the error entry asks.  Any CPU. */
void vlapic_error(struct vlapic *apic, enum vlapic_error error);

/** The EOI register was written. */
void vlapic_end(struct vlapic *apic, u64 now);

/** The processor's priority, the PPR. */
u32 vlapic_priority(const struct vlapic *apic);

/* Messages: vlapic_bus.c --------------------------------------------------- */

/**
 * Send to all that the message names, or to one of them if its mode is
 * VLAPIC_LOWEST.  Any CPU; what the IOAPIC and MSIs use.
 * @return how many have accepted it
 */
unsigned int vlapic_bus_send(struct vlapic_bus *bus,
			     const struct vlapic_message *message);

/** The ICR's low half was written: send what both halves say. */
void vlapic_bus_send_icr(struct vlapic *apic);

/* Registers: vlapic_regs.c ------------------------------------------------- */

/**
 * Read from the registers' page.  A register is 4 bytes at an offset divisible
 * by 16, the 12 behind it read as 0.  Anything but 4 bytes at such an offset is
 * undefined (SDM 3A 11.4.1); here a read gets those bytes of it.
 * @param offset  below VLAPIC_SIZE
 * @param length  1 to 8
 * @param now     the TSC
 */
u64 vlapic_regs_read(struct vlapic *apic, u32 offset, u32 length, u64 now);

/** Write; what is not 4 bytes at such an offset is dropped. */
void vlapic_regs_write(struct vlapic *apic, u32 offset, u32 value, u64 now);

/** Was it a whole register?  For callers of vlapic_regs_write(). */
static inline bool vlapic_is_register(u32 offset, u32 length)
{
	return offset % 16 == 0 && length == 4;
}

/* The timer: vlapic_timer.c ------------------------------------------------ */

/** Time has gone by: interrupts of the timer that are due. */
void vlapic_timer_check(struct vlapic *apic, u64 now);

/**
 * Write IA32_TSC_DEADLINE; ignored unless the LVT says TSC-deadline mode.
 * @param value as the guest counts; 0 disarms
 * @param when  the same moment as `now` counts
 */
void vlapic_timer_set_deadline(struct vlapic *apic, u64 value, u64 when);

/** Read it: 0 once it has passed, and in the other modes. */
u64 vlapic_timer_get_deadline(const struct vlapic *apic, u64 now);

/** The processor has taken this vector, the timer's perhaps. */
void vlapic_timer_taken(struct vlapic *apic, u8 vector);

/** That vector has met its EOI. */
void vlapic_timer_ended(struct vlapic *apic, u8 vector, u64 now);

/** The initial count was written: it begins anew, or stops at 0. */
void vlapic_timer_write_initial(struct vlapic *apic, u32 value, u64 now);

/** The divider was written; what is left to count stays. */
void vlapic_timer_write_divide(struct vlapic *apic, u32 value, u64 now);

/** The timer's LVT entry was written. @param old what it was */
void vlapic_timer_mode_changed(struct vlapic *apic, u32 old, u64 now);

/** The current count. */
u32 vlapic_timer_current(const struct vlapic *apic, u64 now);

#endif
