/** @file
 * The BIOS data area's fields that are looked at.
 */
#include "hv/platform/bios_data.h"

#include "hv/platform/board.h"

#define COM1_PORT 0x400	     /* word: where the first serial port is */
#define EXTENDED_SEGMENT 0x40e /* word: of the extended area, in 16 bytes */
#define EQUIPMENT 0x410	     /* word */
#define LOW_MEMORY 0x413     /* word: KiB from 0 to the extended area */

#define EQUIPMENT_ONE_SERIAL BIT(9)

static void put16(u8 *at, u64 value)
{
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

void bios_data_write(u8 *ram, gpa_t low_end)
{
	put16(ram + COM1_PORT, BOARD_SERIAL_PORT);
	put16(ram + EXTENDED_SEGMENT, low_end.v / 16);
	put16(ram + EQUIPMENT, EQUIPMENT_ONE_SERIAL);
	put16(ram + LOW_MEMORY, low_end.v / 1024);
	ram[low_end.v] = 1; /* its own size, KiB */
}
