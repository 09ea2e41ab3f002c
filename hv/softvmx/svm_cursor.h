/** @file
 * The bytes of an instruction, taken one after the other.
 *
 * A cursor cannot read past its end: it says 0 there and remembers that it was
 * asked, so that the decoder looks once, at the very end.
 */
#ifndef HV_SOFTVMX_SVM_CURSOR_H
#define HV_SOFTVMX_SVM_CURSOR_H

#include "bus/types.h"

struct svm_cursor {
	const u8 *bytes;
	size_t count; /* of bytes that there are */
	size_t at;    /* of bytes that have been taken */
	bool short_read;
};

/** The next byte, without taking it; 0 when there is none: no prefix is 0. */
static inline u8 svm_cursor_peek(struct svm_cursor *c)
{
	if (c->at >= c->count) {
		c->short_read = true;
		return 0;
	}
	return c->bytes[c->at];
}

/** Take the next byte. */
static inline u8 svm_cursor_next(struct svm_cursor *c)
{
	u8 byte = svm_cursor_peek(c);

	c->at++;
	return byte;
}

/** A little-endian number of 0, 1, 2, 4 or 8 bytes, sign-extended. */
static inline s64 svm_cursor_next_signed(struct svm_cursor *c,
					 unsigned int size)
{
	u64 value = 0;

	for (unsigned int i = 0; i < size; i++) {
		value |= (u64)svm_cursor_next(c) << 8 * i;
	}
	if (size < 8 && size && value >> (8 * size - 1)) {
		value |= ~0ull << 8 * size;
	}
	return value;
}

#endif
