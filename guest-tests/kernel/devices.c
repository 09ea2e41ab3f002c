/** @file
 * All of them at once, as a test suite for hypervisors would use them.
 */
#include "guest-tests/kernel/devices.h"

#include "guest-tests/kernel/ports.h"

#define MIRROR 0xff000000u
#define SMALL_MIRROR 0xff800000u
#define FIFO 0xd1000000u
#define FIFO_SIZE 64
#define LOG 0xd1001000u
#define LATCH_PORT 0xe0
#define WIDE_LATCH_PORT 0x3100
#define ZAP_PORT 0xe4
#define ZAPS 200
#define IRQ_PORT 0x2000
#define EXIT_PORT 0x3000
#define EXIT_CODE 9

#define LINES 24
#define FIRST_VECTOR 0x50
#define CODE_SELECTOR 0x08
#define INTERRUPT_GATE 0x8e00
#define IOAPIC 0xfec00000u
#define LAPIC_EOI 0xfee000b0u
#define LAPIC_SVR 0xfee000f0u
#define LAPIC_ISR 0xfee00100u
#define MASKED 0x10000
#define PATIENCE 100000

#define PIC 0x20
#define PIC_SLAVE 0xa0
#define PIC_READ_IRR 0x0a
#define CASCADE 2

static const struct chips_console *console;
static bool wrong;

static volatile u32 *word(u32 address)
{
	return (volatile u32 *)address;
}

static volatile u8 *byte(u32 address)
{
	return (volatile u8 *)address;
}

static void rule(bool holds, const char *text)
{
	if (!holds) {
		wrong = true;
		console->say("kernel: WRONG: ");
		console->say(text);
		console->say("\n");
	}
}

static void try_mirrors(void)
{
	*word(MIRROR + 0xfffc) = 0xcafe1234;
	*byte(MIRROR + 0xfffd) = 0x99;
	*byte(SMALL_MIRROR + 2) = 0x77;
	rule(*word(MIRROR + 0xfffc) == 0xcafe9934 && *word(MIRROR) == 0,
	     "a mirror keeps each byte at its place");
	rule(*byte(SMALL_MIRROR + 2) == 0x77 && *byte(SMALL_MIRROR + 3) == 0xff,
	     "another one keeps its own, and ends where it ends");
}

static void try_latches(void)
{
	out_long(LATCH_PORT, 0x11223344);
	out(LATCH_PORT + 1, 0x99);
	out_long(WIDE_LATCH_PORT + 4, 0x55667788);
	rule(in_long(LATCH_PORT) == 0x11229944 && in(LATCH_PORT + 3) == 0x11,
	     "a latch has parts");
	rule(in_long(WIDE_LATCH_PORT) == 0 &&
	     in_long(WIDE_LATCH_PORT + 4) == 0x55667788,
	     "another one, of 8 bytes, keeps its own");
}

static void try_fifo(void)
{
	bool good = true;

	for (u32 i = 1; i <= FIFO_SIZE + 1; i++) {
		*word(FIFO) = i;
	}
	for (u32 i = 1; i <= FIFO_SIZE; i++) {
		good &= *word(FIFO) == i;
	}
	rule(good && *word(FIFO) == 0,
	     "a FIFO gives 64 values once, in their order, and then 0");
}

/** What it has written is looked at on the console. */
static void try_log(void)
{
	*word(LOG + 4) = 0x1234;
	*byte(LOG + 0xfff) = 0x56;
	rule(*word(LOG) == 2 && *byte(LOG) == 3, "a log counts its accesses");
}

/** Each drops a mapping, which the next access makes anew: an exit, of which
 * the guest sees nothing. */
static void try_zap(void)
{
	static volatile u32 page[1024] __attribute__((aligned(4096)));
	bool good = true;

	for (u32 i = 1; i <= ZAPS; i++) {
		page[7] = i;
		out_long(ZAP_PORT, (u32)page + i % 4096);
		good &= page[7] == i;
	}
	rule(good, "a page whose mapping is dropped keeps what is in it");
}

/* irq ---------------------------------------------------------------------- */

struct gate {
	u16 low, selector, type, high;
};

static struct gate idt[FIRST_VECTOR + LINES];
static volatile u32 came[LINES];

void devices_irq_entry(void);
void devices_irq(void);

asm("devices_irq_entry:\n"
    "	pushal\n"
    "	call devices_irq\n"
    "	popal\n"
    "	iret\n");

/** One entry for all: the vector in service is the local APIC's to tell. */
void devices_irq(void)
{
	for (u32 i = 0; i < LINES; i++) {
		u32 vector = FIRST_VECTOR + i;

		if (*word(LAPIC_ISR + vector / 32 * 16) >> vector % 32 & 1) {
			came[i]++;
		}
	}
	*word(LAPIC_EOI) = 0;
}

static void write_ioapic(u32 reg, u32 value)
{
	*word(IOAPIC) = reg;
	*word(IOAPIC + 0x10) = value;
}

/** Pin 0 stays masked: it has the 8259s' INTR, which rises with every line. */
static void begin_irqs(void)
{
	struct {
		u16 limit;
		u32 base;
	} __packed idtr = { sizeof(idt) - 1, (u32)idt };
	u32 entry = (u32)devices_irq_entry;

	for (u32 i = 0; i < LINES; i++) {
		idt[FIRST_VECTOR + i] = (struct gate){
			(u16)entry, CODE_SELECTOR, INTERRUPT_GATE, entry >> 16
		};
		write_ioapic(0x11 + 2 * i, 0);
		/* Pin 0 is the 8259s' output: it would follow each line. */
		write_ioapic(0x10 + 2 * i, i ? FIRST_VECTOR + i : MASKED);
	}
	asm volatile("lidt %0" : : "m"(idtr));
	*word(LAPIC_SVR) = 0x1ff;
}

static u32 total(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < LINES; i++) {
		sum += came[i];
	}
	return sum;
}

/** Line i goes high and low again: that is one interrupt, and its own. Line 0
 * is the timer's, wired to pin 2. */
static bool line_interrupts(u32 i)
{
	u32 before = total(), pin = i ? i : CASCADE;

	out((u16)(IRQ_PORT + i), 1);
	out((u16)(IRQ_PORT + i), 0);
	asm volatile("sti");
	for (u32 n = 0; n < PATIENCE && total() == before; n++) {
		in(LATCH_PORT);
	}
	asm volatile("cli");
	return came[pin] == 1 && total() == before + 1;
}

static bool line_reaches_pic(u32 i)
{
	u16 port = i < 8 ? PIC : PIC_SLAVE;
	u8 high, low;

	out(port, PIC_READ_IRR);
	out((u16)(IRQ_PORT + i), 1);
	high = in(port);
	out((u16)(IRQ_PORT + i), 0);
	low = in(port);
	return (high >> i % 8 & 1) && !(low >> i % 8 & 1);
}

static void try_irqs(void)
{
	bool pics = true, messages = true;

	for (u32 i = 0; i < 16; i++) {
		pics &= i == CASCADE || line_reaches_pic(i);
	}
	rule(pics, "each line reaches its 8259");
	begin_irqs();
	for (u32 i = 0; i < LINES; i++) {
		messages &= i == CASCADE || line_interrupts(i);
	}
	rule(messages, "each line interrupts by its pin of the IOAPIC, once");
	for (u32 i = 0; i < LINES; i++) {
		write_ioapic(0x10 + 2 * i, MASKED);
	}
}

void devices_try(const struct chips_console *to)
{
	console = to;
	try_mirrors();
	try_latches();
	try_fifo();
	try_log();
	try_zap();
	try_irqs();
	console->say(wrong ? "kernel: devices are WRONG\n"
			   : "kernel: devices are right\n");
}

void devices_leave(void)
{
	out_long(EXIT_PORT, EXIT_CODE);
}
