/** @file
 * Making what was asked for.
 *
 * The order matters in two places.  extra_parse() comes before the VM is made,
 * so that a mistake in DEV= costs nothing; and extra_plan() before the tables
 * are written, since the DSDT must name devices that extra_create() will make
 * only when the board's interrupt lines are there.
 *
 * What DEV= asks for is registered last: so it is the newcomer that is refused
 * if it lies over a chip of the board, and the sentence names the user's own
 * device.
 *
 * A device of DEV= calls back with its lock held (struct dev_host).  zap() is
 * the one that may wait there, for a vCPU on another CPU, and dev_make() says
 * so.
 *
 * A disk's way from the guest's store to its bytes, as an example of the whole:
 *
 *	store to QueueNotify --> EPT exit --> bus: doorbell? --> ring_first()
 *	    --> virtio_mmio_notify() --> the kind's notify(): chains are taken,
 *	        bytes copied, chains given back --> line 16 and on --> IOAPIC
 *
 * A doorbell that asks for no value needs nothing of the instruction but that
 * it is a store there.  So the disk's, with its one queue, is rung before
 * anything is decoded; the console's two need the value, which says the queue.
 */
#include "hv/machine/extra.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"

/** Side by side from one address on, in the order in which they are made. */
static u64 virtio_base(unsigned int i)
{
	return EXTRA_VIRTIO_GPA + (u64)i * VIRTIO_MMIO_LENGTH;
}

/* The console is always there: it costs nothing until a driver finds it. */
const char *extra_parse(struct extra *extra)
{
	extra->nvirtio = extra->disk ? 2 : 1;
	if (extra->dev_text && !dev_parse(extra->dev_text, &extra->list)) {
		return extra->list.why;
	}
	return NULL;
}

/*
 * Must say the same as add_console() and add_disk() do later: place, length and
 * line.  What the DSDT names and nobody answers is a driver that finds ones
 * instead of the magic number, and gives up.
 */
void extra_plan(struct extra *extra, struct acpi_plan *plan)
{
	plan->nvirtio = extra->nvirtio;
	for (unsigned int i = 0; i < extra->nvirtio; i++) {
		plan->virtio[i] = (struct acpi_device){
			.base = (u32)virtio_base(i),
			.length = VIRTIO_MMIO_LENGTH,
			.line = EXTRA_VIRTIO_LINE + i,
		};
	}
}

/* DEV= --------------------------------------------------------------------- */

/**
 * The page's mapping goes, its memory stays: the guest's next access faults and
 * is mapped anew, which is what tests of the MMU want to see.
 */
static void zap(void *data, gpa_t page)
{
	struct extra *extra = data;

	vm_forget_page(extra->vm, page);
}

static void end(void *data, u32 code)
{
	struct extra *extra = data;

	extra->board->host.end(extra->board->host.data, BOARD_EXITED, code);
}

static void tell(void *data, const char *line)
{
	(void)data;
	printf("%s\n", line);
}

/**
 * A mirror's storage belongs to the VM and goes with it; so there is nothing to
 * be undone when a later device fails: the whole PC is given up then.
 */
static int add_dev(struct extra *extra, unsigned int i)
{
	const struct dev_spec *spec = &extra->list.spec[i];
	struct vm *vm = extra->vm;
	u8 *bytes = NULL;

	if (spec->kind == DEV_MIRROR) {
		u64 pages = (spec->length + PAGE_SIZE - 1) >> PAGE_SHIFT;

		bytes = page_alloc_contig(vm->owner, pages, 1);
		if (!bytes) {
			return -ENOMEM;
		}
	}
	dev_make(&extra->dev[i], spec, bytes, &extra->host);
	return vm_register_device(vm,
				  spec->is_memory ? &vm->mmio_bus
						  : &vm->port_bus,
				  &extra->dev[i].bus);
}

/**
 * Where no access would ever come to a device: memory is not looked up on the
 * bus, and an address that is too long cannot be formed.  Silence would be the
 * worst answer to a user's typing error.  Only both ends are looked at: slots
 * of memory that lie whole within a device are not found.
 */
static const char *unreachable(struct vm *vm, const struct dev_spec *spec)
{
	u64 last = spec->base + spec->length - 1;

	if (!spec->is_memory) {
		return NULL;
	}
	if (vm_memory(vm, gpa(spec->base), 1, false) ||
	    vm_memory(vm, gpa(last), 1, false)) {
		return "there is memory of the guest's";
	}
	return last >> vm->ept.phys_bits ? "no address of this processor is "
					   "so long"
					 : NULL;
}

static const char *why_not(int error)
{
	return error == -EEXIST ? "another one is there already"
				: "there is too little memory";
}

/**
 * In the order of the command line.  A device that collides with a chip of the
 * board is found here and not by dev_parse(), which knows only the list.
 */
static const char *add_devs(struct extra *extra)
{
	extra->host = (struct dev_host){
		.data = extra,
		.lines = &extra->board->lines,
		.zap = zap,
		.end = end,
		.log = tell,
	};
	for (unsigned int i = 0; i < extra->list.count; i++) {
		const struct dev_spec *spec = &extra->list.spec[i];
		const char *why = unreachable(extra->vm, spec);
		int error = why ? 0 : add_dev(extra, i);

		if (why || error) {
			snprintf(extra->list.why, sizeof(extra->list.why),
				 "DEV=: the device at 0x%llx cannot be made: "
				 "%s", (unsigned long long)spec->base,
				 why ? why : why_not(error));
			return extra->list.why;
		}
	}
	return NULL;
}

/* Virtio ------------------------------------------------------------------- */

/**
 * How a virtqueue reaches guest memory.  NULL for what is no RAM, or leaves it:
 * a ring in the middle of device registers must not be possible.
 */
static void *map(void *data, gpa_t gpa, size_t bytes, bool write)
{
	struct extra *extra = data;

	return vm_memory(extra->vm, gpa, bytes, write);
}

/* A doorbell has one argument, so each queue has a function of its own. */
static void ring_first(void *virtio)
{
	virtio_mmio_notify(virtio, 0);
}

static void ring_second(void *virtio)
{
	virtio_mmio_notify(virtio, 1);
}

/** Every width, as the page itself knows which of them it takes. */
static int add_virtio(struct extra *extra, unsigned int i,
		      struct virtio_mmio *virtio)
{
	extra->virtio[i] = (struct bus_device){
		.name = "virtio",
		.base = bus_addr(virtio_base(i)),
		.length = VIRTIO_MMIO_LENGTH,
		.widths = BUS_WIDTH_ANY,
		.opaque = virtio,
		.access = virtio_mmio_access,
	};
	return vm_register_device(extra->vm, &extra->vm->mmio_bus,
				  &extra->virtio[i]);
}

/** The disk has one queue: whatever is stored there means that one. */
static int hang_bells(struct extra *extra)
{
	u64 console = virtio_base(0) + VIRTIO_MMIO_NOTIFY;
	unsigned int count = extra->disk ? 3 : 2;
	int error = 0;

	extra->bell[0] = (struct bus_doorbell){
		.name = "virtio console, to the guest",
		.address = bus_addr(console),
		.length = 4,
		.matches = true,
		.value = 0,
		.ring = ring_first,
		.opaque = &extra->console.virtio,
	};
	extra->bell[1] = extra->bell[0];
	extra->bell[1].name = "virtio console, from the guest";
	extra->bell[1].value = 1;
	extra->bell[1].ring = ring_second;
	extra->bell[2] = (struct bus_doorbell){
		.name = "virtio disk",
		.address = bus_addr(virtio_base(1) + VIRTIO_MMIO_NOTIFY),
		.ring = ring_first,
		.opaque = &extra->blk.virtio,
	};
	for (unsigned int i = 0; i < count && !error; i++) {
		error = vm_register_doorbell(extra->vm, &extra->vm->mmio_bus,
					     &extra->bell[i]);
	}
	return error;
}

static int add_console(struct extra *extra)
{
	const struct virtio_console_plan plan = {
		.memory = { extra, map },
		.line = irq_lines_get(&extra->board->lines, EXTRA_VIRTIO_LINE),
		.output = extra->output,
		.data = extra->board->host.data,
	};

	virtio_console_init(&extra->console, &plan);
	return add_virtio(extra, 0, &extra->console.virtio);
}

static int add_disk(struct extra *extra)
{
	const struct virtio_blk_plan plan = {
		.memory = { extra, map },
		.line = irq_lines_get(&extra->board->lines,
				      EXTRA_VIRTIO_LINE + 1),
		.image = extra->disk,
		.size = extra->disk_size,
	};

	virtio_blk_init(&extra->blk, &plan);
	return add_virtio(extra, 1, &extra->blk.virtio);
}

/* Bells after their devices, whose ranges they lie in; DEV= after all. */
const char *extra_create(struct extra *extra)
{
	int error = add_console(extra);

	if (!error && extra->disk) {
		error = add_disk(extra);
	}
	if (!error) {
		error = hang_bells(extra);
	}
	return error ? "the virtio devices cannot be made" : add_devs(extra);
}
