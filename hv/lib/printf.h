/** @file
 * Formatted output, the part of C's printf that a hypervisor needs.
 *
 * Conversions: %d %i %u %x %X %o %c %s %p %%, lengths hh h l ll z, flags
 * '-' '0' '#' '+' ' ', width and precision as numbers or '*'.  No floating
 * point.  An unknown conversion is printed as it stands.
 */
#ifndef HV_LIB_PRINTF_H
#define HV_LIB_PRINTF_H

#include <stdarg.h>

#include "bus/types.h"

/** Somewhere that characters go to; `put` is called for each one. */
struct printf_sink {
	void (*put)(struct printf_sink *sink, char c);
};

/** The engine: format into a sink. @return characters produced */
int printf_to(struct printf_sink *sink, const char *format, va_list args);

/** Print on COM1, for people. @return 0 */
int printf(const char *format, ...) __format(printf, 1, 2);

/**
 * Format into a buffer, which is always terminated unless size is 0.
 * @return the length that the whole text would have had
 */
int snprintf(char *buffer, size_t size, const char *format, ...)
	__format(printf, 3, 4);
int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
	__format(printf, 3, 0);

#endif
