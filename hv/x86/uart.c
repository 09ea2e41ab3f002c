/** @file
 * The two serial ports, polled.
 *
 * A 16550's transmitter has a FIFO of 16 bytes.  When its line status says
 * "THR empty" all 16 are free, so the port is asked once for 16 bytes and not
 * once for each: on Bochs each question costs some hundred instructions' time.
 *
 * Output must come out of any situation: a port that is missing reads as 0xff
 * and is never waited for, waiting is bounded, and the lock is given up on
 * after a while, since its holder may be the very code that crashed.
 */
#include "hv/x86/uart.h"

#include "bus/access.h"
#include "hv/lib/printf.h"
#include "hv/x86/cr.h"
#include "hv/x86/io.h"

/* Registers, offsets from the port's base */
#define UART_DATA 0
#define UART_DIVISOR_LOW 0
#define UART_IER 1
#define UART_DIVISOR_HIGH 1
#define UART_FCR 2
#define UART_LCR 3
#define UART_MCR 4
#define UART_LSR 5
#define UART_SCRATCH 7

#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1 0x03
#define LCR_DIVISOR 0x80
#define MCR_DTR_RTS 0x03
#define LSR_DATA BIT(0)
#define LSR_THR_EMPTY BIT(5)
#define LSR_ALL_EMPTY BIT(6)
#define FIFO_SIZE 16
#define POLLS_MAX 1000000u
#define LOCK_TRIES_MAX 4000000u

/** `locked` is 0 or 1; `present` and `is_terminal` are set at boot. */
struct uart_port {
	u16 base;
	bool present;
	bool is_terminal; /* "\n" alone would not begin a line */
	u32 locked;
};

static struct uart_port ports[UART_COUNT] = {
	[UART_PEOPLE] = { .base = 0x3f8 },
	[UART_RESULTS] = { .base = 0x2f8 },
};

/**
 * The scratch register does nothing but remember: if it does, there is a port.
 * The divisor hides behind the data registers while LCR's top bit is set; 1 is
 * the fastest.  No interrupts (IER): who prints must be able to do so with
 * interrupts off, in the middle of a crash.  The modem lines say "ready", for
 * some receivers wait for that.
 */
static void init_port(struct uart_port *port)
{
	outb(port->base + UART_SCRATCH, 0x49);
	port->present = inb(port->base + UART_SCRATCH) == 0x49;
	if (!port->present) {
		return;
	}
	outb(port->base + UART_IER, 0);
	outb(port->base + UART_LCR, LCR_DIVISOR | LCR_8N1);
	outb(port->base + UART_DIVISOR_LOW, 1); /* 115,200 baud */
	outb(port->base + UART_DIVISOR_HIGH, 0);
	outb(port->base + UART_LCR, LCR_8N1);
	outb(port->base + UART_FCR, FCR_ENABLE_CLEAR);
	outb(port->base + UART_MCR, MCR_DTR_RTS);
}

void uart_init(void)
{
	for (unsigned int i = 0; i < UART_COUNT; i++) {
		init_port(&ports[i]);
	}
}

/* When a guest's console is shown: before that the port's output is a log. */
void uart_serve_terminal(void)
{
	ports[UART_PEOPLE].is_terminal = true;
}

/** Bounded by polls, as there is no clock that is sure to run. */
static void wait_for(const struct uart_port *port, u8 status)
{
	for (u32 i = 0; i < POLLS_MAX; i++) {
		if (inb(port->base + UART_LSR) & status) {
			return;
		}
	}
}

/**
 * Without the lock two CPUs' characters may get mixed.  That is bad, and still
 * better than a report that never comes because its lock's holder is dead.
 * @return whether we got the lock, false: we go on without it
 */
static bool lock_port(struct uart_port *port)
{
	for (u32 i = 0; i < LOCK_TRIES_MAX; i++) {
		if (!__atomic_exchange_n(&port->locked, 1, __ATOMIC_ACQUIRE)) {
			return true;
		}
		cpu_relax();
	}
	return false;
}

/* Not a struct spinlock: a crash with that one held could not be reported, and
 * taking it may panic.  Interrupts are off so that a report made by the
 * watchdog does not land in the middle of the line that it interrupted. */
void uart_write(enum uart which, const char *text, size_t length)
{
	struct uart_port *port = &ports[which];
	u64 flags;
	bool locked;

	if (!port->present) {
		return;
	}
	flags = irq_save();
	locked = lock_port(port);
	for (size_t i = 0; i < length; i++) {
		if (i % FIFO_SIZE == 0) {
			wait_for(port, LSR_THR_EMPTY);
		}
		outb(port->base + UART_DATA, text[i]);
	}
	if (locked) {
		smp_store_release(&port->locked, 0);
	}
	irq_restore(flags);
}

/* -1 is no character: nothing has arrived, or there is no port at all. */
int uart_read(enum uart which)
{
	const struct uart_port *port = &ports[which];

	if (!port->present || !(inb(port->base + UART_LSR) & LSR_DATA)) {
		return -1;
	}
	return inb(port->base + UART_DATA);
}

/** Collects characters, so that a line reaches the port in one piece. */
struct uart_sink {
	struct printf_sink sink; /* must be first */
	enum uart port;
	size_t used;
	char buffer[256 + 1]; /* the second of CR and LF has room always */
};

static void flush(struct uart_sink *sink)
{
	uart_write(sink->port, sink->buffer, sink->used);
	sink->used = 0;
}

/**
 * A character of the text.  On a terminal LF goes down and CR goes to the left
 * margin; elsewhere a file is written, and CRs would be in the way.  Full is
 * one less than the size, as one call may put two.
 */
static void put(struct printf_sink *sink, char c)
{
	struct uart_sink *uart = container_of(sink, struct uart_sink, sink);

	if (c == '\n' && ports[uart->port].is_terminal) {
		uart->buffer[uart->used++] = '\r';
	}
	uart->buffer[uart->used++] = c;
	if (uart->used >= sizeof(uart->buffer) - 1) {
		flush(uart);
	}
}

/* The buffer is on the stack, so that a crash in the middle of a line can print
 * a line of its own. */
void uart_vprintf(enum uart port, const char *format, va_list args)
{
	struct uart_sink sink = { .sink.put = put, .port = port };

	printf_to(&sink.sink, format, args);
	flush(&sink);
}

/* For who names a port; printf() of hv/lib knows which one people read. */
void uart_printf(enum uart port, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	uart_vprintf(port, format, args);
	va_end(args);
}

/* THR empty is not enough: the last byte is still being shifted out then. */
void uart_drain(void)
{
	for (unsigned int i = 0; i < UART_COUNT; i++) {
		if (ports[i].present) {
			wait_for(&ports[i], LSR_ALL_EMPTY);
		}
	}
}
