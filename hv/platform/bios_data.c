/** @file
 * The BIOS data area's fields that are looked at, and who answers its calls.
 *
 *	IVT, 0x000	who answers		with
 *	0 to 7		IRET			nothing: exceptions, NMI
 *	8 to 0xf	the 8259's lines	an EOI
 *	0x11, 0x12	two calls		the words of the data area
 *	0x70 to 0x77	the second 8259's	two EOIs
 *	all others	"no such function"	CF and ZF set, AH 0x86
 *
 * ZF is for the keyboard's calls, where it says that there is no key.
 */
#include "hv/platform/bios_data.h"

#include "hv/platform/board.h"

#define COM1_PORT 0x400	     /* word: where the first serial port is */
#define EXTENDED_SEGMENT 0x40e /* word: of the extended area, in 16 bytes */
#define EQUIPMENT 0x410	     /* word */
#define LOW_MEMORY 0x413     /* word: KiB from 0 to the extended area */

#define EQUIPMENT_ONE_SERIAL BIT(9)

#define VECTORS 256
#define SEGMENT 0xf000u
#define CALL_EQUIPMENT 0x11
#define CALL_LOW_MEMORY 0x12

/** Where each answer is, from BIOS_DATA_CODE on; 16-bit code. */
enum answer {
	NO_FUNCTION = 0,
	RETURN = 12,
	MASTER = 16,
	SLAVE = 24,
	EQUIPMENT_WORD = 36,
	LOW_MEMORY_WORD = 40,
};

static const u8 code[] = {
	[NO_FUNCTION] = 0x55,	      /* push %bp */
	0x89, 0xe5,		      /* mov %sp, %bp */
	0x80, 0x4e, 0x06, 0x41,	      /* orb $CF|ZF, 6(%bp): FLAGS */
	0x5d,			      /* pop %bp */
	0xb4, 0x86,		      /* mov $0x86, %ah */
	0xcf,			      /* iret */
	[RETURN] = 0xcf,	      /* iret */
	[MASTER] = 0x50, 0xb0, 0x20,  /* push %ax; mov $0x20, %al */
	0xe6, 0x20, 0x58, 0xcf,	      /* out %al, $0x20; pop %ax; iret */
	[SLAVE] = 0x50, 0xb0, 0x20,   /* push %ax; mov $0x20, %al */
	0xe6, 0xa0, 0xe6, 0x20,	      /* out %al, $0xa0; out %al, $0x20 */
	0x58, 0xcf,		      /* pop %ax; iret */
	[EQUIPMENT_WORD] = 0xb8,      /* mov $..., %ax */
	0, 0, 0xcf,		      /* iret */
	[LOW_MEMORY_WORD] = 0xb8,     /* mov $..., %ax */
	0, 0, 0xcf,		      /* iret */
};

static void put16(u8 *at, u64 value)
{
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

static enum answer answer_of(unsigned int vector)
{
	if (vector < 8) {
		return RETURN;
	}
	if (vector < 0x10) {
		return MASTER;
	}
	if (vector >= 0x70 && vector < 0x78) {
		return SLAVE;
	}
	return vector == CALL_EQUIPMENT	   ? EQUIPMENT_WORD
	       : vector == CALL_LOW_MEMORY ? LOW_MEMORY_WORD
					   : NO_FUNCTION;
}

static void write_calls(u8 *ram)
{
	u8 *there = ram + BIOS_DATA_CODE;

	memcpy(there, code, sizeof(code));
	memcpy(there + EQUIPMENT_WORD + 1, ram + EQUIPMENT, 2);
	memcpy(there + LOW_MEMORY_WORD + 1, ram + LOW_MEMORY, 2);
	for (unsigned int i = 0; i < VECTORS; i++) {
		put16(ram + 4 * i, BIOS_DATA_CODE - 16 * SEGMENT +
					   answer_of(i));
		put16(ram + 4 * i + 2, SEGMENT);
	}
}

void bios_data_write(u8 *ram, gpa_t low_end)
{
	put16(ram + COM1_PORT, BOARD_SERIAL_PORT);
	put16(ram + EXTENDED_SEGMENT, low_end.v / 16);
	put16(ram + EQUIPMENT, EQUIPMENT_ONE_SERIAL);
	put16(ram + LOW_MEMORY, low_end.v / 1024);
	ram[low_end.v] = 1; /* its own size, KiB */
	write_calls(ram);
}
