/** @file
 * A serial port that is polled.
 */
#include "hv/machine/console.h"

#include "hv/x86/uart.h"

#define DATA 0
#define IER 1
#define IIR 2
#define LCR 3
#define LSR 5
#define MSR 6
#define LCR_DIVISOR BIT(7)
#define IIR_NONE 1
#define LSR_DATA BIT(0)
#define LSR_EMPTY 0x60
#define MSR_READY 0xb0

void console_init(struct console *console)
{
	memset(console, 0, sizeof(*console));
	console->waiting = -1;
}

static u8 read(struct console *console, u64 which)
{
	int byte = console->waiting;

	if (byte < 0) {
		byte = uart_read(UART_PEOPLE);
		console->waiting = byte;
	}
	switch (which) {
	case DATA:
		console->waiting = -1;
		return byte < 0 ? 0 : byte;
	case IIR:
		return IIR_NONE;
	case LSR:
		return LSR_EMPTY | (byte < 0 ? 0 : LSR_DATA);
	case MSR:
		return MSR_READY;
	default:
		return console->registers[which];
	}
}

int console_access(void *opaque, struct bus_access *access)
{
	struct console *console = opaque;
	u64 which = access->offset;
	char byte = access->value;

	if (which <= IER && (console->registers[LCR] & LCR_DIVISOR)) {
		if (access->is_write) {
			console->divisor[which] = access->value;
		} else {
			access->value = console->divisor[which];
		}
	} else if (!access->is_write) {
		access->value = read(console, which);
	} else if (which == DATA) {
		uart_write(UART_PEOPLE, &byte, 1);
	} else {
		console->registers[which] = access->value;
	}
	return 0;
}
