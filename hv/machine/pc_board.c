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
 *
 * The chips are pure models: they know no TSC, no timer and no other CPU.  What
 * they ask for (struct board_host) is answered here, mostly in one line; so
 * this file is also the list of all that a PC needs of its host.
 *
 * Of locks: a chip asks with its own lock held, and on any CPU, from a vCPU's
 * exit or from a timer's interrupt.  None of the answers may therefore wait, or
 * come back to a chip.
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

/**
 * The machine's TSC, which the guest's is, too, until it writes its own: then
 * that vCPU has an offset, and the board goes on as a real one would.
 */
static u64 now(void *data)
{
	(void)data;
	return rdtsc();
}

/** One timer for all clocks of the board; board.c has chosen the earliest. */
static void arm(void *data, u64 when)
{
	struct pc *pc = data;

	timer_set(&pc->board_timer, when);
}

/** In the interrupt of whichever CPU the timer was set on. */
static void ring(struct timer *timer)
{
	struct pc *pc = container_of(timer, struct pc, board_timer);

	board_advance(&pc->board);
}

/**
 * What is typed goes where the guest spoke last.  There is one terminal and
 * three consoles, and only the guest knows which one its shell is on: that one
 * has just shown a prompt.  A plain store does, as nobody draws conclusions
 * from the moment.
 */
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

/** A level, for all local APICs; irqchip wakes whose LINT0 lets it through. */
static void intr(void *data, bool high)
{
	struct pc *pc = data;

	irqchip_set_intr(pc->vm, high);
}

/** The IOAPIC holds its lock: the way ends in an IRR, and a kick. */
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

/**
 * The guest ends its machine, inside an OUT that is still being carried out.
 * pc_stop() only notes it: the vCPU finishes the access, leaves, and finds in
 * its loop that all is over.
 */
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

/** A level-triggered vector is done: the IOAPIC looks at its line again. */
static void eoi(void *ctx, u8 vector)
{
	struct pc *pc = ctx;

	ioapic_eoi(&pc->board.ioapic, vector);
}

/** The vCPU is about to take an ExtINT: which vector do the 8259s have? */
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

/**
 * A byte that does not fit waits for the next time, in `typed`, and what comes
 * behind it stays in the machine's own UART: the order is kept, and who pastes
 * faster than the guest reads is slowed down as by a real line.
 */
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

/**
 * The memory map is told four times in this machine: by fw_cfg (here), by
 * coreboot's table, by Linux' zero page and by multiboot.  All come from
 * layout_map(), so that no two of them can differ.
 */
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

/**
 * What firmware would have left, in the guest's memory before its first
 * instruction: ACPI's tables at 0xe0000, coreboot's at 0xf0000, the BIOS data
 * area.  No firmware ever runs, so nobody else writes there.
 */
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

/** The bus keeps a pointer: board->device stays as long as the VM does. */
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

/*
 * The order: local APICs first, since the board's interrupts lead there; timers
 * before the board that will ask for them; tables and buses last.  Nothing can
 * happen before pc_run(): no vCPU runs yet.
 *
 * date_at_zero is the date at which the TSC was 0, for guests that ask a
 * paravirtual clock; it must agree with what the RTC says.
 */
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
