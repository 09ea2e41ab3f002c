/** @file
 * Ports without a chip behind them.
 *
 *	0x80, 0xed	a write takes a microsecond of a PC's bus: delays
 *	0x92		bit 0 resets, bit 1 is A20, which is always open
 *	0xcf8..0xcff	PCI's configuration: nothing is there, which a kernel
 *			sees by reading ones where it has written an address
 *	0xcf9		bit 2 resets
 *	0xf4		the exit device
 */
#include "hv/platform/board.h"

#define FAST_RESET BIT(0)
#define FAST_A20 BIT(1)
#define RESET_CPU BIT(2)

static void write(struct board *board, const struct bus_access *access)
{
	u64 port = access->address.v;

	/* 0xcf9 is a register of its own to a byte's access only. */
	if ((port == BOARD_FAST_PORT && (access->value & FAST_RESET)) ||
	    (port == BOARD_RESET_PORT && access->length == 1 &&
	     (access->value & RESET_CPU))) {
		board->host.end(board->host.data, BOARD_RESET, (u32)port);
	}
}

int board_ports_access(void *board, struct bus_access *access)
{
	if (access->is_write) {
		write(board, access);
	} else {
		access->value = access->address.v == BOARD_FAST_PORT ? FAST_A20
							       : ~0ull;
	}
	return 0;
}

int board_ports_exit(void *opaque, struct bus_access *access)
{
	struct board *board = opaque;

	if (access->is_write) {
		board->host.end(board->host.data, BOARD_EXITED,
				(u32)access->value);
	} else {
		access->value = 0;
	}
	return 0;
}
