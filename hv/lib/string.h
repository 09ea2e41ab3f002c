/** @file
 * Strings.  mem* are declared in bus/types.h, since the pure folders use them.
 */
#ifndef HV_LIB_STRING_H
#define HV_LIB_STRING_H

#include "bus/types.h"

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

/**
 * Copy a string, cut to the size of the buffer, always terminated.
 * @param size bytes in dst, at least 1
 * @return whether all of it fitted
 */
bool string_copy(char *dst, const char *src, size_t size);

/** @return whether text matches pattern, in which `*` and `?` are wild */
bool string_glob(const char *pattern, const char *text);

/**
 * Parse a whole string as a number: decimal, or hexadecimal after 0x.
 * @return 0; -EINVAL when it is no number; -ERANGE beyond 64 bits
 */
int string_to_u64(const char *s, u64 *value) __must_check;

#endif
