/** @file
 * The two serial ports: COM1 for people, COM2 for results.
 *
 * Polled 16550s.  A port that is not there swallows its output.
 */
#ifndef HV_X86_UART_H
#define HV_X86_UART_H

#include <stdarg.h>

#include "bus/types.h"

enum uart { UART_PEOPLE, UART_RESULTS, UART_COUNT };

/** Program both ports: 115,200 baud, 8N1, FIFOs on. */
void uart_init(void);

/**
 * Behind COM1 is a raw terminal, since a guest uses it, too: lines that are
 * printed there end with CR and LF from now on.
 */
void uart_serve_terminal(void);

/**
 * Write bytes; "\n" goes out as it is.
 * Bytes of one call stay together when several CPUs write.
 */
void uart_write(enum uart port, const char *text, size_t length);

/** @return a byte that has come in, or -1 */
int uart_read(enum uart port);

/** printf() to one port; output up to 256 bytes stays together. */
void uart_printf(enum uart port, const char *format, ...)
	__format(printf, 2, 3);
void uart_vprintf(enum uart port, const char *format, va_list args);

/** Wait until every byte has left both transmitters. */
void uart_drain(void);

#endif
