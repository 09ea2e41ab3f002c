/** @file
 * The local APIC in xAPIC mode.
 *
 * Its timer counts down at a rate that differs from machine to machine: a
 * fixed 1 GHz on QEMU, one per instruction on Bochs, a bus clock on hardware.
 * The one clock which all of them share is the 8254 at 1,193,182 Hz, so the
 * rate is measured against that, three times, and the smallest result is
 * taken: being interrupted by the host's scheduler can only make it larger.
 */
#include "hv/x86/lapic.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"
#include "hv/x86/io.h"
#include "hv/x86/irq.h"
#include "hv/x86/msr.h"

/* Registers - SDM 3A 11.4.1, table 11-1 */
#define LAPIC_ADDRESS 0xfee00000
#define LAPIC_ID 0x020
#define LAPIC_TPR 0x080
#define LAPIC_EOI 0x0b0
#define LAPIC_SVR 0x0f0
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_CURRENT 0x390
#define LAPIC_TIMER_DIVIDE 0x3e0

#define SVR_ENABLE BIT(8)
#define LVT_MASKED BIT(16)
#define LVT_PERIODIC BIT(17)
#define DIVIDE_BY_1 0xb /* SDM 3A 11.5.4, figure 11-10 */

/* Interrupt command register - SDM 3A 11.6.1 */
#define ICR_NMI 0x400
#define ICR_INIT 0x500
#define ICR_STARTUP 0x600
#define ICR_PENDING BIT(12)
#define ICR_ASSERT BIT(14)
#define ICR_ALL_OTHERS 0xc0000

/* The 8254's channel 2, gated by port 0x61 */
#define PIT_HZ 1193182u
#define PIT_CHANNEL2 0x42
#define PIT_MODE 0x43
#define PIT_CHANNEL2_ONESHOT 0xb0 /* mode 0, low byte then high byte */
#define PIT_GATE 0x61
#define PIT_GATE_ON BIT(0)
#define PIT_SPEAKER BIT(1)
#define PIT_OUT BIT(5)
#define PIT_POLLS_MAX 20000000u

#define CALIBRATE_US 2000
#define CALIBRATE_TIMES 3

/* Guesses, until calibrated */
static u32 timer_per_ms = 1000000;
static u64 tsc_hz = 1000000000;
static u64 counts_per_tick = BIT(32); /* timer's, in 2^-32 */

/** A register is 32 bits wide, must be read and written as such, and lies on a
 * multiple of 16.  Each CPU finds its own APIC at the same address. */
static volatile u32 *lapic_register(unsigned int offset)
{
	return (volatile u32 *)hpa_to_virt(hpa(LAPIC_ADDRESS + offset));
}

static u32 lapic_read(unsigned int offset)
{
	return *lapic_register(offset);
}

static void lapic_write(unsigned int offset, u32 value)
{
	*lapic_register(offset) = value;
}

/*
 * x2APIC mode has other registers, and leaving it means switching the APIC off
 * first, which Bochs does not survive; so firmware that has chosen it is
 * refused, and so is an APIC that is off or has been moved.
 */
int lapic_init(void)
{
	u64 base;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_APIC)) {
		return -ENODEV;
	}
	base = rdmsr(MSR_IA32_APIC_BASE);
	if (base & APIC_BASE_EXTD || !(base & APIC_BASE_EN) ||
	    (base & BITS(51, 12)) != LAPIC_ADDRESS) {
		return -ENODEV;
	}
	lapic_write(LAPIC_SVR, SVR_ENABLE | IRQ_VECTOR_SPURIOUS);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_MASKED);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	lapic_eoi();
	return 0;
}

/*
 * Channel 2 counts down once and raises its output, which is read back through
 * port 0x61: no interrupt is needed.  Mode 0 starts when the count is complete
 * and the gate is open; closing it first keeps the two bytes together.  The
 * speaker hangs on the same channel and stays silent.  A machine without an
 * 8254 returns after so many polls instead of hanging.
 */
void lapic_delay_us(u32 microseconds)
{
	u32 count = microseconds * (u64)PIT_HZ / 1000000;
	u8 gate = inb(PIT_GATE) & ~(PIT_GATE_ON | PIT_SPEAKER);

	outb(PIT_GATE, gate);
	outb(PIT_MODE, PIT_CHANNEL2_ONESHOT);
	outb(PIT_CHANNEL2, count);
	outb(PIT_CHANNEL2, count >> 8);
	outb(PIT_GATE, gate | PIT_GATE_ON);
	for (u32 i = 0; i < PIT_POLLS_MAX; i++) {
		if (inb(PIT_GATE) & PIT_OUT) {
			return;
		}
		cpu_relax();
	}
}

/**
 * Timer counts and TSC ticks during CALIBRATE_US of the machine's time.  The
 * interrupt is masked; writing 0 stops the count.  The counts are those of a
 * little more time than the ticks, so that a timer which is set by their ratio
 * strikes late rather than early.
 */
static u32 measure_timer(u64 *ticks)
{
	u64 begin;
	u32 left;

	lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	begin = rdtsc();
	lapic_delay_us(CALIBRATE_US);
	*ticks = rdtsc() - begin;
	left = lapic_read(LAPIC_TIMER_CURRENT);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	return ~0u - left;
}

/* Where nothing could be measured the guess stays: ticks come at a wrong rate
 * then, and everything that counts ticks still works. */
void lapic_calibrate(void)
{
	u32 least = ~0u;
	u64 ticks;

	for (unsigned int i = 0; i < CALIBRATE_TIMES; i++) {
		u32 counts = measure_timer(&ticks);

		if (counts && counts < least) {
			least = counts;
			counts_per_tick = ((u64)counts << 32) / ticks;
			tsc_hz = ticks * (1000000 / CALIBRATE_US);
		}
	}
	if (least != ~0u) {
		timer_per_ms = least / (CALIBRATE_US / 1000);
	}
}

/* Measured with the timer, by the same two looks: a guess until then. */
u64 lapic_tsc_hz(void)
{
	return tsc_hz;
}

/* In xAPIC mode an id has 8 bits, the topmost of the register. */
u32 lapic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

/* It names no vector: the write ends whichever interrupt in service has the
 * highest priority, and lets in those that waited behind it. */
void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

/**
 * Write the ICR and wait until the message has been taken.  The high half says
 * to whom and the write of the low half sends; an interrupt in between, whose
 * handler sends a message too, would redirect ours.
 */
static void lapic_send(u32 apic_id, u32 command)
{
	u64 flags = irq_save();

	lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
	lapic_write(LAPIC_ICR_LOW, command);
	while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING) {
		cpu_relax();
	}
	irq_restore(flags);
}

void lapic_send_ipi(u32 apic_id, u8 vector)
{
	lapic_send(apic_id, ICR_ASSERT | vector);
}

void lapic_send_nmi(u32 apic_id)
{
	lapic_send(apic_id, ICR_ASSERT | ICR_NMI);
}

/*
 * INIT stops the others where they are, and SIPI has them begin in real mode at
 * a page below 1 MiB, whose number is the vector: 0x08 is 0x8000.
 *
 * The second SIPI is for processors that missed the first; one that runs
 * already ignores it - SDM 3A 9.4.4.1.
 */
void lapic_start_others(hpa_t start)
{
	u32 page = start.v >> PAGE_SHIFT;

	lapic_send(0, ICR_ALL_OTHERS | ICR_ASSERT | ICR_INIT);
	lapic_delay_us(1000);
	for (unsigned int i = 0; i < 2; i++) {
		lapic_send(0, ICR_ALL_OTHERS | ICR_ASSERT | ICR_STARTUP | page);
		lapic_delay_us(200);
	}
}

/** Zero would mean never; the write of the count starts the timer. */
static void set_timer(u8 vector, u64 count)
{
	lapic_write(LAPIC_LVT_TIMER, vector);
	lapic_write(LAPIC_TIMER_INITIAL, count > ~0u ? ~0u : count ? count : 1);
}

/**
 * Rounded up: who is struck a little early only sets the timer once more.  What
 * does not fit comes early, and whoever waits looks at the TSC.
 */
void lapic_timer_after(u8 vector, u64 ticks)
{
	u64 counts = ticks >> 32 ? ~0u : ticks * counts_per_tick >> 32;

	set_timer(vector, counts + 1);
}

void lapic_timer_oneshot(u8 vector, u32 microseconds)
{
	set_timer(vector, (u64)timer_per_ms * microseconds / 1000);
}

/* Masked first: a count that ends just now must not strike any more. */
void lapic_timer_stop(void)
{
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
}
