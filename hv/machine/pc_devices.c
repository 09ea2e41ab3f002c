/** @file
 * Which devices the PC has, and how they are wired.
 */
#include "hv/machine/pc.h"

#include "hv/lib/printf.h"

#define EXIT_PORT 0xf4

/** QEMU's isa-debug-exit: what is written is the guest's result. */
static int exit_access(void *opaque, struct bus_access *access)
{
	struct pc *pc = opaque;

	if (!access->is_write) {
		access->value = 0;
		return 0;
	}
	pc->code = access->value;
	pc_stop(pc, PC_EXITED,
		     "the guest has ended with code %u",
		     (unsigned int)pc->code);
	return 0;
}

static int add_port(struct pc *pc, const char *name, u64 port,
		    struct bus_device device)
{
	device.name = name;
	device.base = bus_addr(port);
	return pc_add(pc, &pc->vm->port_bus, &device);
}

int pc_add_devices(struct pc *pc)
{
	int error;

	console_init(&pc->console);
	error = add_port(pc, "serial port", CONSOLE_PORT,
			 (struct bus_device){
				 .length = CONSOLE_PORTS,
				 .widths = BUS_WIDTH_1,
				 .opaque = &pc->console,
				 .access = console_access,
			 });
	if (!error) {
		error = add_port(pc, "exit", EXIT_PORT,
				 (struct bus_device){
					 .length = 4,
					 .widths = BUS_WIDTH_ANY,
					 .opaque = pc,
					 .access = exit_access,
				 });
	}
	return error;
}
