/** @file
 * Commands of the keyboard controller.
 *
 * There is no keyboard.  Kernels find that out by asking: the self-test passes,
 * the test of the mouse's lines fails, what is sent to a device is never
 * answered.  It is here because kernels ask it for other things: whether A20 is
 * open, and, when ACPI's way of resetting a machine has failed, to pull the
 * reset line, which is bit 0 of its output port.
 *
 * An answer waits in one byte until it is read; a second one replaces it, as on
 * a controller whose driver does not look at the status in between.
 *
 * The controller is a small computer of its own that the processor talks to by
 * mail: a command to port 0x64, with some of them a byte to port 0x60 behind
 * it, and an answer from port 0x60.  `command` is all the state that this
 * needs: which command waits for its byte.
 *
 *	idle --0x20--> answer full --read 0x60--> idle
 *	     --0x60--> waits for a byte --write 0x60--> idle, mode is set
 *	     --0xd4--> waits for a byte --write 0x60--> idle: no mouse hears it
 */
#include "hv/platform/i8042.h"

#define STATUS_OUTPUT_FULL BIT(0)
#define STATUS_SYSTEM BIT(2)
#define STATUS_COMMAND BIT(3)
#define STATUS_UNLOCKED BIT(4)

#define MODE_KEYBOARD_OFF BIT(4)
#define MODE_MOUSE_OFF BIT(5)

/** Output port: bit 0 low resets the machine, bit 1 opens A20. */
#define PORT_NO_RESET BIT(0)
#define PORT_A20 BIT(1)

enum command {
	READ_MODE = 0x20,
	WRITE_MODE = 0x60,
	MOUSE_DISABLE = 0xa7,
	MOUSE_ENABLE = 0xa8,
	MOUSE_TEST = 0xa9,
	SELF_TEST = 0xaa,
	KEYBOARD_TEST = 0xab,
	KEYBOARD_DISABLE = 0xad,
	KEYBOARD_ENABLE = 0xae,
	READ_INPUT = 0xc0,
	READ_OUTPUT = 0xd0,
	WRITE_OUTPUT = 0xd1,
	WRITE_KEYBOARD_BUFFER = 0xd2,
	WRITE_MOUSE_BUFFER = 0xd3,
	WRITE_MOUSE = 0xd4,
	PULSE = 0xf0, /* to 0xff: bits 3..0 that are 0 are pulsed low */
};

#define SELF_TEST_PASSED 0x55
#define NO_MOUSE 0xff /* the test of its lines failed */

/** Status bit 0 tells the driver, which polls it. */
static void answer(struct i8042 *i8042, u8 value)
{
	i8042->output = value;
	i8042->full = true;
}

/**
 * A command takes the place of one that still waits for its byte.  Those from
 * 0xf0 on pulse lines of the output port low for some microseconds; 0xfe pulses
 * bit 0 alone and is how PCs were reset before ACPI.
 *
 * The callback is made with our lock held; it only notes that the machine is to
 * end.
 */
static void write_command(struct i8042 *i8042, u8 command)
{
	i8042->was_command = true;
	i8042->command = 0;
	if (command >= PULSE) {
		if (!(command & PORT_NO_RESET)) {
			i8042->reset(i8042->data);
		}
		return;
	}
	switch (command) {
	case READ_MODE:
		answer(i8042, i8042->mode);
		break;
	case WRITE_MODE:
	case WRITE_OUTPUT:
	case WRITE_KEYBOARD_BUFFER:
	case WRITE_MOUSE_BUFFER:
	case WRITE_MOUSE:
		i8042->command = command;
		break;
	case MOUSE_DISABLE:
		i8042->mode |= MODE_MOUSE_OFF;
		break;
	case MOUSE_ENABLE:
		i8042->mode &= ~MODE_MOUSE_OFF;
		break;
	case MOUSE_TEST:
		answer(i8042, NO_MOUSE);
		break;
	case SELF_TEST:
		i8042->tested = true;
		answer(i8042, SELF_TEST_PASSED);
		break;
	case KEYBOARD_TEST:
	case READ_INPUT:
		answer(i8042, 0);
		break;
	case KEYBOARD_DISABLE:
		i8042->mode |= MODE_KEYBOARD_OFF;
		break;
	case KEYBOARD_ENABLE:
		i8042->mode &= ~MODE_KEYBOARD_OFF;
		break;
	case READ_OUTPUT:
		answer(i8042, PORT_NO_RESET | PORT_A20);
		break;
	default: /* there are many that nobody uses */
		break;
	}
}

/**
 * Without a command before it, a byte is for the keyboard.  A real one would
 * answer 0xfa; the driver waits for that, in vain, and finds no keyboard.
 */
static void write_data(struct i8042 *i8042, u8 value)
{
	u8 command = i8042->command;

	i8042->was_command = false;
	i8042->command = 0;
	switch (command) {
	case WRITE_MODE:
		i8042->mode = value;
		break;
	case WRITE_OUTPUT:
		if (!(value & PORT_NO_RESET)) {
			i8042->reset(i8042->data);
		}
		break;
	case WRITE_KEYBOARD_BUFFER:
	case WRITE_MOUSE_BUFFER: /* as if the device had sent it */
		answer(i8042, value);
		break;
	default: /* for a device that is not there */
		break;
	}
}

/** When nothing waits the last answer is read once more, as on the chip. */
static u8 read_data(struct i8042 *i8042)
{
	i8042->full = false;
	return i8042->output;
}

/**
 * Bit 1, "input buffer full", is never set: we are always ready, and a driver
 * that polls it before each byte goes on at once.
 */
static u8 read_status(const struct i8042 *i8042)
{
	u8 status = STATUS_UNLOCKED;

	status |= i8042->full ? STATUS_OUTPUT_FULL : 0;
	status |= i8042->tested ? STATUS_SYSTEM : 0;
	status |= i8042->was_command ? STATUS_COMMAND : 0;
	return status;
}

int i8042_access(void *opaque, struct bus_access *access)
{
	struct i8042 *i8042 = opaque;
	bool is_data = access->address.v == I8042_DATA;

	spinlock_lock(&i8042->lock);
	if (!access->is_write) {
		access->value = is_data ? read_data(i8042)
					: read_status(i8042);
	} else if (is_data) {
		write_data(i8042, (u8)access->value);
	} else {
		write_command(i8042, (u8)access->value);
	}
	spinlock_unlock(&i8042->lock);
	return 0;
}

void i8042_init(struct i8042 *i8042, void (*reset)(void *data), void *data)
{
	*i8042 = (struct i8042){
		.mode = MODE_KEYBOARD_OFF | MODE_MOUSE_OFF,
		.reset = reset,
		.data = data,
	};
}
