/** @file
 * How the machine ends.
 *
 * Bochs stops when "Shutdown" is written to port 0x8900, at once and without
 * draining its serial ports, hence the wait.  QEMU's isa-debug-exit turns a
 * write of n to port 0xf4 into a process status of 2n + 1.  Where neither
 * listens, the CPU halts with interrupts off.
 */
#include "hv/x86/machine.h"

#include <stdarg.h>

#include "hv/lib/printf.h"
#include "hv/x86/cr.h"
#include "hv/x86/io.h"
#include "hv/x86/uart.h"

#define BOCHS_SHUTDOWN 0x8900
#define QEMU_DEBUG_EXIT 0xf4

/** Bochs' console; a read gives the port's own number, as nothing else does. */
#define BOCHS_CONSOLE 0xe9

bool machine_is_bochs(void)
{
	return inb(BOCHS_CONSOLE) == BOCHS_CONSOLE;
}

/*
 * The line for results is written whatever machine this is, as not every one
 * has a process status.  Nothing must interrupt from here on: a handler might
 * print behind the line that is the last.
 */
void machine_exit(enum machine_status status)
{
	irq_disable();
	uart_printf(UART_RESULTS, "# exit49: end status=%d\n", status);
	uart_drain();
	for (const char *c = "Shutdown"; *c; c++) {
		outb(BOCHS_SHUTDOWN, *c);
	}
	outb(QEMU_DEBUG_EXIT, status);
	for (;;) {
		asm volatile("cli; hlt");
	}
}

void machine_bail_out(const char *format, ...)
{
	char sentence[320];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	printf("exit49: %s.\n", sentence);
	uart_printf(UART_RESULTS, "Bail out! %s\n", sentence);
	machine_exit(MACHINE_USAGE);
}
