/** @file
 * AML's encodings, as far as a table without code needs them.
 *
 * A block's length has one to four bytes; here it always has two, which is
 * enough for 4095 bytes and can be reserved before the length is known:
 *
 *	byte 0: 01 00 LLLL (bits 3..0)    byte 1: LLLLLLLL (bits 11..4)
 *
 * It counts its own two bytes.
 *
 * Other AML writers measure a block first, or move its contents when the length
 * is known.  Here nothing moves: the place of each open block's length is on a
 * small stack (`open`), and aml_end() fills in the last one.
 *
 * An error is remembered (`full`) and everything after it writes nothing.  So a
 * table is written by straight code, and its length is asked for once, at the
 * end.
 */
#include "hv/platform/aml.h"

#define OP_ZERO 0x00
#define OP_ONE 0x01
#define OP_NAME 0x08
#define OP_BYTE 0x0a
#define OP_WORD 0x0b
#define OP_DWORD 0x0c
#define OP_STRING 0x0d
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define OP_EXTENDED 0x5b
#define OP_DEVICE 0x82 /* after OP_EXTENDED */

#define LENGTH_BYTES 2
#define LENGTH_MAX 0xfff

/** Little-endian, aligned to nothing.  Fits whole or not at all. */
static void put(struct aml *aml, u64 value, unsigned int bytes)
{
	if (aml->size - aml->used < bytes) {
		aml->full = true;
		return;
	}
	for (unsigned int i = 0; i < bytes; i++) {
		aml->bytes[aml->used++] = (u8)(value >> 8 * i);
	}
}

/** A NameSeg has always four characters; shorter names end in '_'. */
static void put_name(struct aml *aml, const char *name)
{
	for (unsigned int i = 0; i < 4; i++) {
		put(aml, (u8)name[i], 1);
	}
}

/** Open a block: leave room for its length. */
static void begin(struct aml *aml)
{
	if (aml->depth == AML_DEPTH) {
		aml->full = true;
		return;
	}
	aml->open[aml->depth++] = aml->used;
	put(aml, 0, LENGTH_BYTES);
}

/*
 * Bits 7 and 6 of the first byte say how many bytes follow it: 0x40 is one.
 */
void aml_end(struct aml *aml)
{
	size_t at, length;

	if (!aml->depth || aml->full) {
		aml->full = true;
		return;
	}
	at = aml->open[--aml->depth];
	length = aml->used - at;
	if (length > LENGTH_MAX) {
		aml->full = true;
		return;
	}
	aml->bytes[at] = 0x40 | (length & 15);
	aml->bytes[at + 1] = (u8)(length >> 4);
}

/* The '\' begins at the root, wherever in the tree the table is read. */
void aml_scope(struct aml *aml, const char *name)
{
	put(aml, OP_SCOPE, 1);
	begin(aml);
	put(aml, '\\', 1);
	put_name(aml, name);
}

void aml_device(struct aml *aml, const char *name)
{
	put(aml, OP_EXTENDED, 1);
	put(aml, OP_DEVICE, 1);
	begin(aml);
	put_name(aml, name);
}

/* A package's count is one byte and part of its contents, not of its length. */
void aml_package(struct aml *aml, u8 count)
{
	put(aml, OP_PACKAGE, 1);
	begin(aml);
	put(aml, count, 1);
}

void aml_name(struct aml *aml, const char *name)
{
	put(aml, OP_NAME, 1);
	put_name(aml, name);
}

/* 0 and 1 are operators of their own; the rest has a prefix for its width. */
void aml_integer(struct aml *aml, u32 value)
{
	if (value <= 1) {
		put(aml, value ? OP_ONE : OP_ZERO, 1);
	} else if (value <= 0xff) {
		put(aml, OP_BYTE, 1);
		put(aml, value, 1);
	} else if (value <= 0xffff) {
		put(aml, OP_WORD, 1);
		put(aml, value, 2);
	} else {
		put(aml, OP_DWORD, 1);
		put(aml, value, 4);
	}
}

/* With its zero: AML's strings end as C's do. */
void aml_string(struct aml *aml, const char *text)
{
	put(aml, OP_STRING, 1);
	do {
		put(aml, (u8)*text, 1);
	} while (*text++);
}

static u32 hex_digit(char c)
{
	return c <= '9' ? (u32)(c - '0') : (u32)(c - 'A' + 10);
}

/**
 * Five bits a letter, four a digit; the bytes stand the other way round.
 *
 *	"PNP0501":  P=16 N=14 P=16  0 5 0 1
 *	            0 10000 01110 10000 0000 0101 0000 0001 = 0x41d00501
 *
 * The letters' half is big-endian by tradition, so an interpreter, which reads
 * integers little-endian, gets 0x0105d041.
 */
void aml_eisa_id(struct aml *aml, const char *id)
{
	u32 value = 0;

	for (unsigned int i = 0; i < 3; i++) {
		value = value << 5 | (u32)(id[i] - 'A' + 1);
	}
	for (unsigned int i = 3; i < 7; i++) {
		value = value << 4 | hex_digit(id[i]);
	}
	put(aml, OP_DWORD, 1);
	put(aml, __builtin_bswap32(value), 4);
}

/**
 * A buffer has a second length, of its contents: a word, filled at the end.
 * The first one (begin()) counts the bytes of AML, the second the bytes of the
 * object, which here are the same ones without the head.
 */
void aml_resources(struct aml *aml)
{
	put(aml, OP_BUFFER, 1);
	begin(aml);
	put(aml, OP_WORD, 1);
	put(aml, 0, 2);
	aml->buffer = aml->used;
}

void aml_resources_end(struct aml *aml)
{
	size_t length;

	put(aml, 0x79, 1); /* end tag ... */
	put(aml, 0, 1);	   /* ... without a checksum */
	length = aml->used - aml->buffer;
	if (!aml->full) {
		aml->bytes[aml->buffer - 2] = (u8)length;
		aml->bytes[aml->buffer - 1] = (u8)(length >> 8);
	}
	aml_end(aml);
}

/*
 * Resource descriptors (6.4) are no AML but a format of their own, older than
 * ACPI: Plug and Play's.  A small one has its length in the low three bits of
 * its tag, a large one (bit 7 is set) in the word behind it.
 *
 * Base stands twice, as least and greatest: the device cannot be moved.
 */
void aml_ports(struct aml *aml, u16 base, u8 count)
{
	put(aml, 0x47, 1);
	put(aml, 1, 1); /* all 16 bits are decoded */
	put(aml, base, 2);
	put(aml, base, 2);
	put(aml, 1, 1);
	put(aml, count, 1);
}

void aml_memory(struct aml *aml, u32 base, u32 bytes)
{
	put(aml, 0x86, 1);
	put(aml, 9, 2);
	put(aml, 1, 1); /* can be written */
	put(aml, base, 4);
	put(aml, bytes, 4);
}

/* Bit 0: it consumes the line; bit 1: edge; bit 2 clear: active high. */
void aml_interrupt(struct aml *aml, u32 line, bool level)
{
	put(aml, 0x89, 1);
	put(aml, 6, 2);
	put(aml, level ? 1 : 3, 1); /* consumer; edge */
	put(aml, 1, 1);
	put(aml, line, 4);
}
