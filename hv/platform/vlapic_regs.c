/** @file
 * The local APIC's registers: 4 bytes each, 16 bytes apart (SDM 3A 11.4.1).
 *
 * Of the page most is reserved: it reads as 0, drops what is written, and is an
 * "illegal register address" for the ESR.  So are the registers that only some
 * processors have: CMCI's LVT entry and the extended ones.
 *
 * Only the vCPU itself comes here.  What others look at without a lock, when a
 * message seeks its way (ID, LDR, DFR, SVR, LVT), is therefore written with
 * WRITE_ONCE(); what is nobody else's is written plainly.
 */
#include "hv/platform/vlapic.h"

/** Version 0x14: an integrated APIC, xAPIC; bits 23 to 16: last LVT entry. */
#define VERSION (0x14u | (VLAPIC_LVT_COUNT - 1) << 16)

#define SVR_ENABLE BIT(8)
#define SVR_DEFINED 0x1ffu /* no suppression of EOI broadcasts, no focus */
#define LVT_MASKED BIT(16)
#define ICR_LOW_DEFINED 0xcdfffu /* all but the delivery status */
#define ID_DEFINED 0xff000000u
#define DFR_RESERVED 0x0fffffffu
#define DIVIDE_DEFINED 0xbu

/** What an LVT entry holds; the delivery status is always "idle". */
static const u32 lvt_defined[VLAPIC_LVT_COUNT] = {
	[VLAPIC_LVT_TIMER] = 0x700ff, /* two bits of mode above the mask */
	[VLAPIC_LVT_THERMAL] = 0x107ff,
	[VLAPIC_LVT_PERFORMANCE] = 0x107ff,
	[VLAPIC_LVT_LINT0] = 0x1a7ff, /* polarity, trigger mode */
	[VLAPIC_LVT_LINT1] = 0x1a7ff,
	[VLAPIC_LVT_ERROR] = 0x100ff,
};

/** Is it an LVT entry's register, and which? */
static bool lvt_of(u32 offset, enum vlapic_lvt *which)
{
	*which = (offset - VLAPIC_LVT) / 16;
	return offset >= VLAPIC_LVT &&
	       offset < VLAPIC_LVT + 16 * VLAPIC_LVT_COUNT;
}

/* Reading ------------------------------------------------------------------ */

/**
 * One of the three times eight.  256 bits are four words of ours and eight
 * registers of the guest's: two registers, 16 bytes apart, share a word, and
 * bit 4 of the offset says which half.
 */
static u32 read_bits(const struct vlapic *apic, u32 offset)
{
	u32 i = offset / 32 % 4, shift = 32 * (offset / 16 % 2);

	if (offset < VLAPIC_TMR) {
		return apic->isr[i] >> shift;
	}
	if (offset < VLAPIC_IRR) {
		return READ_ONCE(apic->tmr[i]) >> shift;
	}
	return READ_ONCE(apic->irr[i]) >> shift;
}

/**
 * The EOI is write-only and reads as 0.  The current count is the only one that
 * depends on the time.  A read has no other effect than to note an error where
 * there is no register: no register of this chip is changed by being read.
 */
static u32 read_register(struct vlapic *apic, u32 offset, u64 now)
{
	enum vlapic_lvt which;

	if (offset >= VLAPIC_ISR && offset < VLAPIC_ESR) {
		return read_bits(apic, offset);
	}
	if (lvt_of(offset, &which)) {
		return apic->lvt[which];
	}
	switch (offset) {
	case VLAPIC_ID: return apic->id;
	case VLAPIC_VERSION: return VERSION;
	case VLAPIC_TPR: return apic->tpr;
	case VLAPIC_APR: return 0; /* there is no arbitration */
	case VLAPIC_PPR: return vlapic_priority(apic);
	case VLAPIC_EOI: return 0;
	case VLAPIC_RRD: return 0;
	case VLAPIC_LDR: return apic->ldr;
	case VLAPIC_DFR: return apic->dfr;
	case VLAPIC_SVR: return apic->svr;
	case VLAPIC_ESR: return apic->esr;
	case VLAPIC_ICR_LOW: return apic->icr_low;
	case VLAPIC_ICR_HIGH: return apic->icr_high;
	case VLAPIC_TIMER_INITIAL: return apic->timer_initial;
	case VLAPIC_TIMER_CURRENT: return vlapic_timer_current(apic, now);
	case VLAPIC_TIMER_DIVIDE: return apic->timer_divide;
	default: break;
	}
	vlapic_error(apic, VLAPIC_ERROR_REGISTER);
	return 0;
}

/*
 * The usual access is whole.  Others are undefined by the SDM, but compilers
 * and curious kernels make them (a byte of the ID, say), and they deserve an
 * answer.  Then each byte is taken from the register it lies in, so that a wide
 * read sees zeroes in the gaps.
 */
u64 vlapic_regs_read(struct vlapic *apic, u32 offset, u32 length, u64 now)
{
	u64 value = 0;

	if (vlapic_is_register(offset, length)) {
		return read_register(apic, offset, now);
	}
	for (u32 i = 0; i < length; i++) {
		u32 at = offset + i;

		if (at % 16 < 4 && at < VLAPIC_SIZE) {
			value |= (read_register(apic, at & ~15u, now) >>
				  at % 4 * 8 & 0xffull)
				 << i * 8;
		}
	}
	return value;
}

/* Writing ------------------------------------------------------------------ */

/**
 * An entry cannot be unmasked while the APIC is switched off by software.  A
 * kernel that sets up the LVT first and the SVR last finds all of it masked
 * still, as on the real one.
 */
static void write_lvt(struct vlapic *apic, enum vlapic_lvt which, u32 value,
		      u64 now)
{
	u32 old = apic->lvt[which];

	value &= lvt_defined[which];
	if (!(apic->svr & SVR_ENABLE)) {
		value |= LVT_MASKED;
	}
	WRITE_ONCE(apic->lvt[which], value);
	if (which == VLAPIC_LVT_TIMER) {
		vlapic_timer_mode_changed(apic, old, now);
	}
}

/** Switched off by software: all LVT entries are masked and stay so, what waits
 * in IRR stays (SDM 3A 11.4.7.2). */
static void write_svr(struct vlapic *apic, u32 value, u64 now)
{
	WRITE_ONCE(apic->svr, value & SVR_DEFINED);
	for (u32 i = 0; i < VLAPIC_LVT_COUNT; i++) {
		if (!(value & SVR_ENABLE)) {
			write_lvt(apic, i, apic->lvt[i], now);
		}
	}
}

/**
 * A write shows what has been met since the last one.  So software writes
 * (anything) and then reads.  There are two words for that reason: `errors`
 * gathers, from any CPU, and `esr` stands still until the next write.  The
 * exchange takes over and empties in one step: no error falls in between.
 */
static void write_esr(struct vlapic *apic)
{
	apic->esr = __atomic_exchange_n(&apic->errors, 0, __ATOMIC_SEQ_CST);
}

/**
 * Those that only take a value, and those that take none.  A write to a
 * register that is read-only is dropped without an error: the ESR's bit is for
 * addresses at which there is nothing.
 * @return whether it is one of them
 */
static bool write_plain(struct vlapic *apic, u32 offset, u32 value)
{
	switch (offset) {
	case VLAPIC_ID:
		WRITE_ONCE(apic->id, value & ID_DEFINED);
		return true;
	case VLAPIC_TPR:
		WRITE_ONCE(apic->tpr, value & 0xff);
		return true;
	case VLAPIC_LDR:
		WRITE_ONCE(apic->ldr, value & ID_DEFINED);
		return true;
	case VLAPIC_DFR:
		WRITE_ONCE(apic->dfr, value | DFR_RESERVED);
		return true;
	case VLAPIC_ICR_HIGH:
		apic->icr_high = value & ID_DEFINED;
		return true;
	case VLAPIC_VERSION:
	case VLAPIC_APR:
	case VLAPIC_PPR:
	case VLAPIC_RRD:
	case VLAPIC_TIMER_CURRENT:
		return true; /* read-only */
	default:
		return offset >= VLAPIC_ISR && offset < VLAPIC_ESR;
	}
}

/** Those from which something follows. @return as above */
static bool write_acting(struct vlapic *apic, u32 offset, u32 value, u64 now)
{
	switch (offset) {
	case VLAPIC_SVR:
		write_svr(apic, value, now);
		return true;
	case VLAPIC_ESR:
		write_esr(apic);
		return true;
	case VLAPIC_ICR_LOW:
		apic->icr_low = value & ICR_LOW_DEFINED;
		vlapic_bus_send_icr(apic);
		return true;
	case VLAPIC_TIMER_INITIAL:
		vlapic_timer_write_initial(apic, value, now);
		return true;
	case VLAPIC_TIMER_DIVIDE:
		vlapic_timer_write_divide(apic, value & DIVIDE_DEFINED, now);
		return true;
	default:
		return false;
	}
}

/*
 * The EOI first: it is by far the most frequent of all, one for each interrupt
 * of the guest.
 */
void vlapic_regs_write(struct vlapic *apic, u32 offset, u32 value, u64 now)
{
	enum vlapic_lvt which;

	if (likely(offset == VLAPIC_EOI)) {
		vlapic_end(apic, now);
	} else if (lvt_of(offset, &which)) {
		write_lvt(apic, which, value, now);
	} else if (!write_acting(apic, offset, value, now) &&
		   !write_plain(apic, offset, value)) {
		vlapic_error(apic, VLAPIC_ERROR_REGISTER);
	}
}
