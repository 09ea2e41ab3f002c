/** @file
 * The registers of ACPI's fixed hardware, byte by byte.
 *
 * ACPI's own code accesses them in words, people's code as it likes.  So reads
 * and writes go byte by byte through the same two switches, in ascending order;
 * SLP_EN stands in the second byte, when SLP_TYP is known.
 *
 * The timer is the clock's ticks and nothing else.  Its one event, "bit 31 has
 * changed", happens every ten minutes: catch_up() finds it by comparing two
 * counts, and a deadline is made only where the guest has enabled it.
 *
 * "Fixed hardware" is what ACPI demands at registers whose places the FADT
 * tells, in contrast to devices, which the DSDT describes.  An event has a
 * status bit and an enable bit at the same place of two registers:
 *
 *	PM1_STS  what has happened, until a 1 is written to it
 *	PM1_EN   what of it shall interrupt
 *	SCI      a level, high while any bit is set in both
 *
 * The SCI is a level because its handler is one for all events: what is not
 * served holds it high.
 */
#include "hv/platform/pm.h"

#define STATUS_TIMER BIT(0)
#define STATUS_DEFINED 0x8731 /* WAK, PCIEXP, RTC, buttons, GBL, BM, TMR */
#define ENABLE_DEFINED 0x0721
#define CONTROL_SCI_EN BIT(0)
#define CONTROL_KEPT (BITS(12, 10) | BIT(1))
#define CONTROL_SLP_EN BIT(13)
#define TIMER_TOP 31

/** Told each time; the line itself knows whether it is a change. */
static void set_line(struct pm *pm)
{
	irq_line_set(&pm->line, pm->status & pm->enable);
}

/**
 * A kernel reads the timer's 32 bits and must notice that they have wrapped.
 * For one that reads rarely there is the event: each time bit 31 changes, half
 * a round has gone by.  Bits above 31 are counted here and never seen.
 */
static void catch_up(struct pm *pm, u64 now)
{
	u64 ticks = clock_ticks(&pm->clock, now);

	if (ticks <= pm->ticks) {
		return;
	}
	if (ticks >> TIMER_TOP != pm->ticks >> TIMER_TOP) {
		pm->status |= STATUS_TIMER;
		set_line(pm);
	}
	pm->ticks = ticks;
}

/** SLP_EN and what stands between the registers read as 0. */
static u8 read_byte(const struct pm *pm, u64 offset)
{
	switch (offset) {
	case 0:
	case 1:
		return (u8)(pm->status >> 8 * offset);
	case 2:
	case 3:
		return (u8)(pm->enable >> 8 * (offset - 2));
	case 4:
	case 5:
		return (u8)((pm->control | CONTROL_SCI_EN) >>
			    8 * (offset - 4));
	case 8:
	case 9:
	case 10:
	case 11:
		return (u8)(pm->ticks >> 8 * (offset - 8));
	default:
		return 0;
	}
}

/**
 * SLP_TYP says which state, SLP_EN that it is to be entered now.  The numbers
 * are the machine's own: the kernel finds them in the DSDT (\_S5).  Only "off"
 * is there; another number with SLP_EN does nothing.
 */
static void write_control(struct pm *pm, u16 control)
{
	pm->control = control & CONTROL_KEPT;
	if ((control & CONTROL_SLP_EN) &&
	    bits(control, 12, 10) == PM_SLEEP_OFF && pm->power_off) {
		pm->power_off(pm->data);
	}
}

/**
 * @param offset of the byte; the other half of its 16 bits stays, but for the
 *	status, where only ones do something
 */
static void write_byte(struct pm *pm, u64 offset, u8 byte)
{
	u16 value = (u16)(byte << 8 * (offset & 1));
	u16 others = offset & 1 ? 0x00ff : 0xff00;

	switch (offset) {
	case 0:
	case 1: /* a bit written as 1 is cleared */
		pm->status &= ~(value & STATUS_DEFINED);
		break;
	case 2:
	case 3:
		pm->enable = ((pm->enable & others) | value) & ENABLE_DEFINED;
		break;
	case 4:
	case 5:
		write_control(pm, (pm->control & others) | value);
		break;
	default: /* the timer is read-only */
		break;
	}
	set_line(pm);
}

/*
 * All bytes of a read see the same moment: time is caught up once, before the
 * first.  A kernel that reads the timer never sees halves of two counts.
 */
void pm_access(struct pm *pm, struct bus_access *access, u64 now)
{
	u64 value = 0;

	spinlock_lock(&pm->lock);
	catch_up(pm, now);
	for (unsigned int i = 0; i < access->length; i++) {
		if (access->is_write) {
			write_byte(pm, access->offset + i,
				   (u8)(access->value >> 8 * i));
		} else {
			value |= (u64)read_byte(pm, access->offset + i)
				 << 8 * i;
		}
	}
	if (!access->is_write) {
		access->value = value;
	}
	spinlock_unlock(&pm->lock);
}

/**
 * When bit 31 changes next, if somebody waits for it and is not told already.
 */
static u64 deadline(const struct pm *pm)
{
	u64 ticks = ((pm->ticks >> TIMER_TOP) + 1) << TIMER_TOP;

	return pm->enable & ~pm->status & STATUS_TIMER
		       ? clock_when(&pm->clock, ticks)
		       : CLOCK_NEVER;
}

u64 pm_deadline(struct pm *pm)
{
	u64 when;

	spinlock_lock(&pm->lock);
	when = deadline(pm);
	spinlock_unlock(&pm->lock);
	return when;
}

u64 pm_advance(struct pm *pm, u64 now)
{
	u64 when;

	spinlock_lock(&pm->lock);
	catch_up(pm, now);
	when = deadline(pm);
	spinlock_unlock(&pm->lock);
	return when;
}

void pm_init(struct pm *pm, u64 tsc_hz, u64 now, struct irq_line line)
{
	*pm = (struct pm){
		.clock = { .origin = now, .tsc_hz = tsc_hz, .hz = PM_HZ },
		.line = line,
	};
}
