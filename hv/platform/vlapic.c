/** @file
 * The local APIC: interrupts that come, wait, are served and done.
 *
 *	IRR  has come, waits			set by anybody
 *	ISR  is being served			set when the processor takes it
 *	TMR  ... and came level-triggered	decides who is told of the end
 *
 * A vector's bits 7 to 4 are its priority.  It is taken when that is above the
 * processor's priority, which is that of the task (TPR) or of the highest one
 * in service, whichever is more (SDM 3A 11.8.3).
 *
 * Taking is one step here: between the look at IRR and the change of ISR the
 * processor cannot change its TPR.  So the spurious vector, which exists for
 * what comes in between (SDM 3A 11.9), is never delivered.
 *
 * The way of one interrupt, with the two registers that software sees:
 *
 *	accept		IRR=1 ISR=0	it waits; a second one merges with it
 *	take		IRR=0 ISR=1	its handler runs
 *	accept again	IRR=1 ISR=1	the next one waits for the handler's EOI
 *	EOI		IRR=1 ISR=0	... and can be taken
 *
 * So an APIC remembers at most two of each vector.  More are lost, which is
 * why a driver asks its device what there is to do, and does not count
 * interrupts.
 *
 * NMI, INIT and SIPI have no vector and know no priority; they go around IRR
 * and ISR and wait as `signals` until the vCPU's loop looks at them.
 */
#include "hv/platform/vlapic.h"

#define BASE_BSP BIT(8)
#define BASE_EXTD BIT(10)
#define BASE_EN BIT(11)
#define BASE_ADDRESS 0xfee00000ull

#define SVR_ENABLE BIT(8)
#define SVR_RESET 0xffu
#define LVT_MASKED BIT(16)
#define LVT_RESET 0x10000u
#define DFR_RESET 0xffffffffu

/** Vectors below are exceptions', and no interrupt may have them. */
#define VECTOR_MIN 16

/* Life --------------------------------------------------------------------- */

/*
 * As INIT leaves it.  The APIC is then switched off by software (bit 8 of the
 * SVR is 0) and every LVT entry is masked: a processor that has just been
 * started gets no interrupt before its kernel has chosen vectors.  Registers
 * that other CPUs read while they route a message are written with
 * WRITE_ONCE(), the rest plainly; the timer is disarmed outside, too, or it
 * would ring for a count that does not exist any more.
 */
void vlapic_reset(struct vlapic *apic)
{
	memset(apic->irr, 0, sizeof(apic->irr));
	memset(apic->tmr, 0, sizeof(apic->tmr));
	memset(apic->isr, 0, sizeof(apic->isr));
	WRITE_ONCE(apic->tpr, 0);
	WRITE_ONCE(apic->ldr, 0);
	WRITE_ONCE(apic->dfr, DFR_RESET);
	WRITE_ONCE(apic->svr, SVR_RESET);
	WRITE_ONCE(apic->errors, 0);
	apic->esr = 0;
	apic->icr_low = 0;
	apic->icr_high = 0;
	for (unsigned int i = 0; i < VLAPIC_LVT_COUNT; i++) {
		WRITE_ONCE(apic->lvt[i], LVT_RESET);
	}
	apic->timer_initial = 0;
	apic->timer_divide = 0;
	apic->timer_begin = 0;
	apic->timer_due = VLAPIC_NEVER;
	apic->deadline = 0;
	apic->ops->arm(apic, VLAPIC_NEVER);
}

/*
 * Published last, with release: from that store on other CPUs may send to it,
 * and who sees the pointer must see an APIC that is complete.  vlapic_bus.c
 * reads it with acquire.
 */
void vlapic_init(struct vlapic *apic, struct vlapic_bus *bus,
		 unsigned int number)
{
	apic->bus = bus;
	apic->id = number << 24;
	apic->base = BASE_ADDRESS | BASE_EN | (number ? 0 : BASE_BSP);
	vlapic_reset(apic);
	smp_store_release(&bus->apic[number], apic);
}

/**
 * Reserved are bits 7 to 0, 9, those above the processor's addresses; and
 * EXTD, since there is no x2APIC mode.  Which one is the BSP stays.
 *
 * The address in it is kept as it is written.  Whether the page is really found
 * there is the business of who maps it, not of the model.  Signals go, too,
 * when the APIC is switched off: vlapic_reset() keeps them, since it also
 * serves INIT, which is itself a signal.
 */
bool vlapic_set_base(struct vlapic *apic, u64 base, unsigned int phys_bits)
{
	u64 allowed = (BIT(phys_bits) - 1) & ~0xfffull;

	if (base & ~(allowed | BASE_EN | BASE_BSP)) {
		return false;
	}
	if (!(base & BASE_EN) && vlapic_is_on(apic)) {
		vlapic_reset(apic);
		__atomic_store_n(&apic->signals, 0, __ATOMIC_SEQ_CST);
	}
	WRITE_ONCE(apic->base, (base & ~BASE_BSP) | (apic->base & BASE_BSP));
	return true;
}

/* The 256 bits ------------------------------------------------------------- */

/**
 * The vector is its own priority, so "which one first?" is "which is the
 * highest bit of 256?".  Each word is read once; a bit that another CPU sets
 * behind our back is seen the next time, for which it also calls wake().
 * @return the highest vector whose bit is set, or -1
 */
static int highest(const u64 *bits)
{
	for (int i = 3; i >= 0; i--) {
		u64 some = READ_ONCE(bits[i]);

		if (some) {
			return i * 64 + 63 - __builtin_clzll(some);
		}
	}
	return -1;
}

/*
 * IRR and TMR are changed by any CPU that sends, while the vCPU's own takes
 * bits away.  A plain "|=" is a read and a write, between which the other's
 * change would be lost, and an interrupt lost is a guest that hangs.  ISR is
 * nobody else's and is changed plainly.
 */
static void set_bit(u64 *bits, u8 vector)
{
	__atomic_fetch_or(&bits[vector / 64], BIT(vector % 64),
			  __ATOMIC_SEQ_CST);
}

static void clear_bit(u64 *bits, u8 vector)
{
	__atomic_fetch_and(&bits[vector / 64], ~BIT(vector % 64),
			   __ATOMIC_SEQ_CST);
}

static bool test_bit(const u64 *bits, u8 vector)
{
	return READ_ONCE(bits[vector / 64]) & BIT(vector % 64);
}

/* Priorities --------------------------------------------------------------- */

/*
 * The PPR.  Only its upper half, the class, decides what may interrupt.  The
 * lower half is the TPR's where the TPR is the higher one, else 0: a detail
 * that software can read, and nothing depends on.
 */
u32 vlapic_priority(const struct vlapic *apic)
{
	int served = highest(apic->isr);
	u32 tpr = READ_ONCE(apic->tpr);

	if (served >= 0 && (u32)(served & 0xf0) > (tpr & 0xf0)) {
		return served & 0xf0;
	}
	return tpr;
}

/*
 * Above, and not equal: a handler is not interrupted by another vector of its
 * own class, nor by its own.  Class 0 is the exceptions', so that TPR = 0 lets
 * everything through, and TPR = 0xf0 nothing.
 *
 * The caller has to see besides whether the guest can be interrupted at all
 * (RFLAGS.IF, the shadow of STI and MOV SS); that is not the APIC's.
 */
int vlapic_pending(const struct vlapic *apic)
{
	int vector = highest(apic->irr);

	if (vector < 0 ||
	    (u32)(vector & 0xf0) <= (vlapic_priority(apic) & 0xf0)) {
		return -1;
	}
	return vector;
}

void vlapic_take(struct vlapic *apic, u8 vector)
{
	clear_bit(apic->irr, vector);
	apic->isr[vector / 64] |= BIT(vector % 64);
	vlapic_timer_taken(apic, vector);
}

/*
 * An EOI names no vector: it ends what has the highest priority among those in
 * service, which is the handler that runs now, if handlers end what they have
 * begun.  Of a level-triggered one the IOAPIC hears (ops->eoi): it holds the
 * line back until then (remote IRR) and looks whether it is still asserted.
 * The IOAPIC may answer at once, with another message into this very APIC;
 * therefore the ISR bit goes first.
 */
void vlapic_end(struct vlapic *apic, u64 now)
{
	int vector = highest(apic->isr);

	if (vector < 0) {
		return; /* nothing is in service */
	}
	apic->isr[vector / 64] &= ~BIT(vector % 64);
	vlapic_timer_ended(apic, vector, now);
	if (test_bit(apic->tmr, vector)) {
		apic->ops->eoi(apic, vector);
	}
}

/*
 * CR8 is the TPR's upper half by another name, in 64-bit mode.  A write to it
 * clears the lower half.
 */
u32 vlapic_get_cr8(const struct vlapic *apic)
{
	return apic->tpr >> 4;
}

void vlapic_set_cr8(struct vlapic *apic, u32 cr8)
{
	WRITE_ONCE(apic->tpr, cr8 << 4);
}

/* What comes --------------------------------------------------------------- */

/**
 * First the bit, then wake(): the vCPU either looks after the bit is there, or
 * is kicked out of the guest (or its sleep) and looks again.
 */
static void signal(struct vlapic *apic, u32 set)
{
	__atomic_fetch_or(&apic->signals, set, __ATOMIC_SEQ_CST);
	apic->ops->wake(apic);
}

/**
 * A SIPI counts only for a processor that awaits one, or is about to.
 *
 *	runs --INIT--> signal INIT --its CPU--> awaits_startup --SIPI--> runs
 *
 * Kernels send INIT, and then two SIPIs, since the first may get lost on old
 * machines.  The second one comes when the processor is running already, or
 * still has the first one before it, and must not start it again.  "About to"
 * is needed because INIT is a signal: its sender goes on before the target has
 * seen it, and would have its SIPI dropped.
 */
static bool accept_startup(struct vlapic *apic, u8 page)
{
	u32 signals = __atomic_load_n(&apic->signals, __ATOMIC_SEQ_CST);

	if (!READ_ONCE(apic->awaits_startup) &&
	    !(signals & VLAPIC_SIGNAL_INIT)) {
		return false;
	}
	if (signals & VLAPIC_SIGNAL_STARTUP) {
		return true; /* the first one counts */
	}
	WRITE_ONCE(apic->startup, page);
	signal(apic, VLAPIC_SIGNAL_STARTUP);
	return true;
}

/** What was to come before the INIT does not matter any more. */
static void accept_init(struct vlapic *apic)
{
	__atomic_fetch_and(&apic->signals, ~(u32)VLAPIC_SIGNAL_STARTUP,
			   __ATOMIC_SEQ_CST);
	signal(apic, VLAPIC_SIGNAL_INIT);
}

/**
 * TMR before IRR: who sees the one sees the other.
 *
 * The order of the refusals follows the SDM: an APIC that is switched off by
 * software hears no fixed interrupts (but NMI, INIT and SIPI), and a vector of
 * an exception is an error that the *receiver* notes.  To set a bit that is set
 * already is no error: the two have become one.
 */
static bool accept_fixed(struct vlapic *apic, u8 vector, bool level)
{
	if (!(READ_ONCE(apic->svr) & SVR_ENABLE)) {
		return false;
	}
	if (vector < VECTOR_MIN) {
		vlapic_error(apic, VLAPIC_ERROR_RECEIVE_VECTOR);
		return false;
	}
	if (level) {
		set_bit(apic->tmr, vector);
	} else {
		clear_bit(apic->tmr, vector);
	}
	set_bit(apic->irr, vector);
	apic->ops->wake(apic);
	return true;
}

/**
 * An ExtINT message says only "the 8259s have something".  The vector is asked
 * for when the processor takes it, by an acknowledge cycle of the 8259s; IRR
 * and ISR never hear of it, and it wants no EOI of this APIC.
 */
static bool accept_extint(struct vlapic *apic)
{
	if (!(READ_ONCE(apic->svr) & SVR_ENABLE)) {
		return false;
	}
	signal(apic, VLAPIC_SIGNAL_EXTINT);
	return true;
}

/*
 * The one door by which all comes in: IPIs, the IOAPIC's messages and the
 * APIC's own LVT.  Its answer matters most to the IOAPIC, which sets remote IRR
 * only when there is somebody who will send an EOI.
 */
bool vlapic_accept(struct vlapic *apic, const struct vlapic_message *message)
{
	if (!vlapic_is_on(apic)) {
		return false;
	}
	switch ((enum vlapic_mode)message->mode) {
	case VLAPIC_FIXED:
	case VLAPIC_LOWEST:
		return accept_fixed(apic, message->vector, message->level);
	case VLAPIC_NMI:
		signal(apic, VLAPIC_SIGNAL_NMI);
		return true;
	case VLAPIC_INIT:
		accept_init(apic);
		return true;
	case VLAPIC_STARTUP:
		return accept_startup(apic, message->vector);
	case VLAPIC_SMI:
		return true;
	case VLAPIC_EXTINT:
		return accept_extint(apic);
	case VLAPIC_RESERVED:
		break;
	}
	return false;
}

/* The local vector table --------------------------------------------------- */

/*
 * An LVT entry has the same fields as a message, but no destination: it is for
 * this APIC.  Always as an edge here, also for LINT0 programmed to levels: the
 * line would have to be looked at again at each EOI.
 */
void vlapic_raise(struct vlapic *apic, enum vlapic_lvt which)
{
	u32 entry = READ_ONCE(apic->lvt[which]);
	struct vlapic_message message = {
		.mode = bits(entry, 10, 8),
		.vector = entry & 0xff,
	};

	if (!(entry & LVT_MASKED)) {
		vlapic_accept(apic, &message);
	}
}

/** An illegal vector in the error entry itself must not go round for ever: it
 * is an error that is known already the second time. */
void vlapic_error(struct vlapic *apic, enum vlapic_error error)
{
	u32 before = __atomic_fetch_or(&apic->errors, (u32)error,
				       __ATOMIC_SEQ_CST);

	if (!(before & error)) {
		vlapic_raise(apic, VLAPIC_LVT_ERROR);
	}
}

/*
 * What the 8259s' INTR does.  Two different things, by the entry's mode:
 *
 *	ExtINT, or APIC off	a level that the vCPU looks at (vlapic_extint())
 *				before it enters: we only wake it
 *	any other mode		an edge: one message when it rises
 *
 * In the first case nothing is remembered here; an INTR that falls again
 * before the vCPU looks has never been.
 */
void vlapic_set_lint0(struct vlapic *apic, bool up)
{
	bool was = __atomic_exchange_n(&apic->lint0, up, __ATOMIC_SEQ_CST);
	u32 entry = READ_ONCE(apic->lvt[VLAPIC_LVT_LINT0]);

	if (!up || was) {
		return;
	}
	if (bits(entry, 10, 8) == VLAPIC_EXTINT || !vlapic_is_on(apic)) {
		apic->ops->wake(apic);
	} else {
		vlapic_raise(apic, VLAPIC_LVT_LINT0);
	}
}

/**
 * An APIC that is off lets the line through (SDM 3A 11.4.3): the machine is
 * then one of before APICs, with the 8259s wired to the processor.
 */
bool vlapic_extint(const struct vlapic *apic)
{
	u32 entry = apic->lvt[VLAPIC_LVT_LINT0];

	if (!READ_ONCE(apic->lint0)) {
		return READ_ONCE(apic->signals) & VLAPIC_SIGNAL_EXTINT;
	}
	return (READ_ONCE(apic->signals) & VLAPIC_SIGNAL_EXTINT) ||
	       !vlapic_is_on(apic) ||
	       (!(entry & LVT_MASKED) && bits(entry, 10, 8) == VLAPIC_EXTINT);
}

void vlapic_take_extint(struct vlapic *apic)
{
	if (READ_ONCE(apic->signals) & VLAPIC_SIGNAL_EXTINT) {
		__atomic_fetch_and(&apic->signals, ~(u32)VLAPIC_SIGNAL_EXTINT,
				   __ATOMIC_SEQ_CST);
	}
}

/* LINT1 is wired to NMI; like INTR it passes an APIC that is off. */
void vlapic_pulse_lint1(struct vlapic *apic)
{
	if (vlapic_is_on(apic)) {
		vlapic_raise(apic, VLAPIC_LVT_LINT1);
	} else {
		signal(apic, VLAPIC_SIGNAL_NMI);
	}
}
