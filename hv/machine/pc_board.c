/** @file
 * The mainboard between its chips and the rest of the PC.
 *
 *	guest <--> buses of the core <--> chips (hv/platform/board.h)
 *	                                    |  INTR, messages
 *	       local APICs (hv/vcpu/irqchip.h) <--+
 *	       timer_set(), COM1, pc_stop()   <--+
 *
 * All clocks of the board count the TSC, whose rate was measured when the
 * machine started.  What is typed is fetched from the machine's COM1 a few
 * times a second, since none of its interrupts reach us.
 */
#include "hv/machine/pc.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/machine/layout.h"
#include "hv/platform/acpi.h"
#include "hv/platform/bios_data.h"
#include "hv/platform/coreboot.h"
#include "hv/vcpu/irqchip.h"
#include "hv/x86/cr.h"
#include "hv/x86/uart.h"

/** How often the terminal is looked at; so long a key may wait. */
#define INPUT_NS 10000000ull

/* What the board asks ------------------------------------------------------ */

static u64 now(void *data)
{
	(void)data;
	return rdtsc();
}

static void arm(void *data, u64 when)
{
	struct pc *pc = data;

	timer_set(&pc->board_timer, when);
}

static void ring(struct timer *timer)
{
	struct pc *pc = container_of(timer, struct pc, board_timer);

	board_advance(&pc->board);
}

/** What is typed goes where the guest spoke last. */
static void output(void *data, unsigned int port, u8 byte)
{
	struct pc *pc = data;
	char c = byte;

	pc->spoke_last = port;
	uart_write(UART_PEOPLE, &c, 1);
}

void pc_board_virtio_output(void *pc, u8 byte)
{
	output(pc, PC_VIRTIO_CONSOLE, byte);
}

static void intr(void *data, bool high)
{
	struct pc *pc = data;

	irqchip_set_intr(pc->vm, high);
}

static bool deliver(void *data, const struct vlapic_message *message)
{
	struct pc *pc = data;

	return irqchip_send(pc->vm, message);
}

/** @param port that has done it, see enum board_end */
static const char *reset_way(u32 port)
{
	switch (port) {
	case I8042_STATUS:
		return "the keyboard controller, port 0x64";
	case BOARD_FAST_PORT:
		return "port 0x92";
	default:
		return "the reset register, port 0xcf9";
	}
}

static void end(void *data, enum board_end how, u32 code)
{
	struct pc *pc = data;

	switch (how) {
	case BOARD_POWERED_OFF:
		pc_stop(pc, PC_POWERED_OFF, "the guest has powered off");
		return;
	case BOARD_RESET:
		pc_stop(pc, PC_RESET, "the guest has reset its machine by %s; "
			"it is not started anew", reset_way(code));
		return;
	case BOARD_EXITED:
		pc_exit(pc, (u8)code);
		return;
	}
}

/* What the local APICs ask ------------------------------------------------- */

static void eoi(void *ctx, u8 vector)
{
	struct pc *pc = ctx;

	ioapic_eoi(&pc->board.ioapic, vector);
}

static u8 acknowledge(void *ctx)
{
	struct pc *pc = ctx;

	return pic_acknowledge(&pc->board.pic);
}

/* The terminal ------------------------------------------------------------- */

/** @return whether there was room for it */
static bool type(struct pc *pc, u8 byte)
{
	unsigned int port = READ_ONCE(pc->spoke_last);

	if (port == PC_VIRTIO_CONSOLE) {
		return virtio_console_input(&pc->extra.console, &byte, 1);
	}
	return serial_input(&pc->board.serial[port].serial, &byte, 1);
}

/** A byte that does not fit waits for the next time. */
static void take_input(struct timer *timer)
{
	struct pc *pc = container_of(timer, struct pc, input_timer);

	for (;;) {
		if (pc->typed < 0) {
			pc->typed = uart_read(UART_PEOPLE);
		}
		if (pc->typed < 0 || !type(pc, (u8)pc->typed)) {
			break;
		}
		pc->typed = -1;
	}
	timer_set(timer, rdtsc() + timer_ticks(INPUT_NS));
}

/* Making it ---------------------------------------------------------------- */

static void fill_plan(struct pc *pc, struct board_plan *plan)
{
	struct layout_range map[LAYOUT_RANGES];

	layout_map(pc->boot.memory, map);
	*plan = (struct board_plan){
		.tsc_hz = timer_hz(),
		.time = options.rtc,
		.about = {.memory = pc->boot.memory,
			  .cpus = (u16)pc->cpus,
			  .nranges = LAYOUT_RANGES},
		.host = {.data = pc,
			 .now = now,
			 .arm = arm,
			 .output = output,
			 .intr = intr,
			 .deliver = deliver,
			 .end = end},
	};
	for (unsigned int i = 0; i < LAYOUT_RANGES; i++) {
		plan->about.range[i] = (struct fw_cfg_range){
			map[i].start, map[i].size, map[i].type};
	}
}

static void write_coreboot(struct pc *pc)
{
	struct coreboot_range range[LAYOUT_RANGES];
	struct layout_range map[LAYOUT_RANGES];

	layout_map(pc->boot.memory, map);
	for (unsigned int i = 0; i < LAYOUT_RANGES; i++) {
		range[i] = (struct coreboot_range){
			map[i].start, map[i].size, map[i].type};
	}
	coreboot_write(pc->ram + COREBOOT_TABLE, range, LAYOUT_RANGES);
}

static int write_tables(struct pc *pc)
{
	struct acpi_plan plan = {
		.base = gpa(LAYOUT_TABLES),
		.cpus = pc->cpus,
		.serial_mmio = BOARD_SERIAL_GPA,
		.serial_line = BOARD_SERIAL_GPA_LINE,
	};
	size_t used;

	extra_plan(&pc->extra, &plan);
	used = acpi_build(&plan, pc->ram + LAYOUT_TABLES,
			  COREBOOT_TABLE - LAYOUT_TABLES);
	pc->boot.rsdp = plan.base;
	bios_data_write(pc->ram, gpa(LAYOUT_LOW_END));
	write_coreboot(pc);
	return used ? 0 : -ENOSPC;
}

static int register_devices(struct pc *pc)
{
	int error = 0;

	for (unsigned int i = 0; i < pc->board.ndevices && !error; i++) {
		const struct board_device *device = &pc->board.device[i];

		error = vm_register_device(pc->vm,
					   device->is_memory
						   ? &pc->vm->mmio_bus
						   : &pc->vm->port_bus,
					   &device->bus);
	}
	return error;
}

int pc_board_create(struct pc *pc)
{
	const struct irqchip_wires wires = {pc, eoi, acknowledge};
	struct board_plan plan;
	int error = irqchip_create(pc->vm);

	if (error) {
		return error;
	}
	irqchip_connect(pc->vm, &wires);
	pc->typed = -1;
	timer_init(&pc->board_timer, ring);
	timer_init(&pc->input_timer, take_input);
	fill_plan(pc, &plan);
	pc->vm->date_at_zero = plan.time * 1000000000 -
			       timer_nanoseconds(rdtsc());
	board_init(&pc->board, &plan);
	error = write_tables(pc);
	return error ? error : register_devices(pc);
}

void pc_board_start(struct pc *pc)
{
	timer_set(&pc->input_timer, rdtsc());
}

void pc_board_stop(struct pc *pc)
{
	timer_cancel(&pc->input_timer);
	timer_cancel(&pc->board_timer);
}
