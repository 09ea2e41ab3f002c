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

void vlapic_init(struct vlapic *apic, struct vlapic_bus *bus,
		 unsigned int number)
{
	apic->bus = bus;
	apic->id = number << 24;
	apic->base = BASE_ADDRESS | BASE_EN | (number ? 0 : BASE_BSP);
	vlapic_reset(apic);
	smp_store_release(&bus->apic[number], apic);
}

/** Reserved are bits 7 to 0, 9, those above the processor's addresses; and
 * EXTD, since there is no x2APIC mode.  Which one is the BSP stays. */
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

/** @return the highest vector whose bit is set, or -1 */
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

u32 vlapic_priority(const struct vlapic *apic)
{
	int served = highest(apic->isr);
	u32 tpr = READ_ONCE(apic->tpr);

	if (served >= 0 && (u32)(served & 0xf0) > (tpr & 0xf0)) {
		return served & 0xf0;
	}
	return tpr;
}

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

u32 vlapic_get_cr8(const struct vlapic *apic)
{
	return apic->tpr >> 4;
}

void vlapic_set_cr8(struct vlapic *apic, u32 cr8)
{
	WRITE_ONCE(apic->tpr, cr8 << 4);
}

/* What comes --------------------------------------------------------------- */

static void signal(struct vlapic *apic, u32 set)
{
	__atomic_fetch_or(&apic->signals, set, __ATOMIC_SEQ_CST);
	apic->ops->wake(apic);
}

/** A SIPI counts only for a processor that awaits one, or is about to. */
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

/** TMR before IRR: who sees the one sees the other. */
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

/** The vector is asked for when the processor takes it. */
static bool accept_extint(struct vlapic *apic)
{
	if (!(READ_ONCE(apic->svr) & SVR_ENABLE)) {
		return false;
	}
	signal(apic, VLAPIC_SIGNAL_EXTINT);
	return true;
}

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

/** An APIC that is off lets the line through (SDM 3A 11.4.3). */
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

void vlapic_pulse_lint1(struct vlapic *apic)
{
	if (vlapic_is_on(apic)) {
		vlapic_raise(apic, VLAPIC_LVT_LINT1);
	} else {
		signal(apic, VLAPIC_SIGNAL_NMI);
	}
}
