/** @file
 * Two interrupt handlers and what makes them run.
 *
 *	8254 --> 8259 --> LINT0 of the local APIC (ExtINT) --> vector 0x20
 *	     |        `-> IOAPIC pin 0 --> ExtINT message --> the same
 *	     `-> IOAPIC pin 2 --> message ---------------> vector 0x40
 *
 * How many ticks come depends on how much time the machine gets: those that an
 * emulator is late for come as one.  That some come, and never more than there
 * were, does not.
 */
#include "guest-tests/kernel/ticks.h"

#include "guest-tests/kernel/ports.h"

#define CODE_SELECTOR 0x08
#define INTERRUPT_GATE 0x8e00
#define PIC_VECTOR 0x20
#define PIC_SPURIOUS_VECTOR 0x27
#define IOAPIC_VECTOR 0x40
#define VECTORS 0x41

#define PIC 0x20
#define PIC_SLAVE 0xa0
#define PIC_EOI 0x20
#define PIT_COUNT 11932 /* 100 Hz */
#define PM_TIMER 0x608
#define PM_TICK 35795u
#define TICKS 16

#define IOAPIC 0xfec00000u
#define IOAPIC_PIN 2
#define IOAPIC_PIN_8259 0
#define IOAPIC_EXTINT 0x700
#define IOAPIC_MASKED 0x10000
#define LAPIC_EOI 0xfee000b0u
#define LAPIC_SVR 0xfee000f0u
#define LAPIC_LINT0 0xfee00350u

struct gate {
	u16 low, selector, type, high;
};

static struct gate idt[VECTORS];
static volatile u32 ticks;

void ticks_pic_entry(void);
void ticks_spurious_entry(void);
void ticks_ioapic_entry(void);
void ticks_from_pic(void);
void ticks_from_ioapic(void);

asm("ticks_pic_entry:\n"
    "	pushal\n"
    "	call ticks_from_pic\n"
    "	popal\n"
    "	iret\n"
    "ticks_spurious_entry:\n" /* asked for, and masked before it came */
    "	iret\n"
    "ticks_ioapic_entry:\n"
    "	pushal\n"
    "	call ticks_from_ioapic\n"
    "	popal\n"
    "	iret\n");

static volatile u32 *word(u32 address)
{
	return (volatile u32 *)address;
}

void ticks_from_pic(void)
{
	ticks++;
	out(PIC, PIC_EOI);
}

void ticks_from_ioapic(void)
{
	ticks++;
	*word(LAPIC_EOI) = 0;
}

static void set_gate(unsigned int vector, void (*entry)(void))
{
	idt[vector] = (struct gate){ (u16)(u32)entry, CODE_SELECTOR,
				     INTERRUPT_GATE, (u32)entry >> 16 };
}

static void load_idt(void)
{
	struct {
		u16 limit;
		u32 base;
	} __packed idtr = { sizeof(idt) - 1, (u32)idt };

	set_gate(PIC_VECTOR, ticks_pic_entry);
	set_gate(PIC_SPURIOUS_VECTOR, ticks_spurious_entry);
	set_gate(IOAPIC_VECTOR, ticks_ioapic_entry);
	asm volatile("lidt %0" : : "m"(idtr));
}

static void start_pic(u16 port, u8 vector, u8 wiring, u8 mask)
{
	out(port, 0x11);
	out(port + 1, vector);
	out(port + 1, wiring);
	out(port + 1, 0x01);
	out(port + 1, mask);
}

static void start_pit(void)
{
	out(0x43, 0x34);
	out(0x40, PIT_COUNT & 0xff);
	out(0x40, PIT_COUNT >> 8);
}

static void write_ioapic(u8 reg, u32 value)
{
	*word(IOAPIC) = reg;
	*word(IOAPIC + 0x10) = value;
}

static u32 tsc(void)
{
	u32 low;

	asm volatile("rdtsc" : "=a"(low) : : "edx");
	return low;
}

/**
 * Do nothing until a tick has come: just before the look at the count, or just
 * behind the one before it.
 * @return how long it took from us
 */
static u32 spin(void)
{
	u32 seen = ticks, before, now = tsc(), most = 0;
	bool came;

	do {
		came = ticks != seen;
		before = now;
		now = tsc();
		most = now - before > most ? now - before : most;
	} while (!came);
	return most;
}

/** Take some in a loop that never stops, and some asleep. */
static void count(const struct chips_console *console, const char *name)
{
	u32 begin = in_long(PM_TIMER), taken = 0;

	ticks = 0;
	asm volatile("sti");
	spin();
	for (unsigned int i = 0; i < TICKS; i++) {
		taken += spin();
	}
	while (ticks < 2 * TICKS) {
		asm volatile("hlt");
	}
	asm volatile("cli");
	console->say(ticks <= 2 + (in_long(PM_TIMER) - begin) / PM_TICK
			     ? "kernel: ticks"
			     : "kernel: TOO MANY ticks");
	console->say(name);
	console->say_hex(taken / TICKS);
	console->say("\n");
}

void ticks_take(const struct chips_console *console)
{
	load_idt();
	start_pic(PIC, PIC_VECTOR, 4, 0xfe);
	start_pic(PIC_SLAVE, PIC_VECTOR + 8, 2, 0xff);
	start_pit();
	count(console, " of the 8259, each takes ");
	*word(LAPIC_SVR) = 0x1ff;
	*word(LAPIC_LINT0) = 0x10700;
	write_ioapic(0x11 + 2 * IOAPIC_PIN_8259, 0);
	write_ioapic(0x10 + 2 * IOAPIC_PIN_8259, IOAPIC_EXTINT);
	count(console, " of both, each takes ");
	write_ioapic(0x10 + 2 * IOAPIC_PIN_8259, IOAPIC_MASKED);
	out(PIC + 1, 0xff);
	write_ioapic(0x11 + 2 * IOAPIC_PIN, 0);
	write_ioapic(0x10 + 2 * IOAPIC_PIN, IOAPIC_VECTOR);
	count(console, " of the IOAPIC, each takes ");
	write_ioapic(0x10 + 2 * IOAPIC_PIN, IOAPIC_MASKED);
	out(0x43, 0x30); /* stop */
}
