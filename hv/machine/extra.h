/** @file
 * Devices that somebody asked for: DEV=, a disk; and a virtio console.
 *
 *	DEV=...		hv/platform/dev.h says what there is
 *	DISK=file	a virtio disk; its file is a module, and what is
 *			written is gone with the machine
 *
 * Virtio devices lie one behind the other from EXTRA_VIRTIO_GPA on, each with
 * a line of the IOAPIC's own, and the DSDT names them.  Their QueueNotify is a
 * doorbell: the store is not even emulated where the device has one queue.
 */
#ifndef HV_MACHINE_EXTRA_H
#define HV_MACHINE_EXTRA_H

#include "bus/bus.h"
#include "hv/platform/acpi.h"
#include "hv/platform/board.h"
#include "hv/platform/dev.h"
#include "hv/platform/virtio_blk.h"
#include "hv/platform/virtio_console.h"
#include "hv/vcpu/vm.h"

#define EXTRA_VIRTIO_GPA 0xfe200000ull
#define EXTRA_VIRTIO_LINE 16
#define EXTRA_VIRTIO_MAX 2
#define EXTRA_BELLS 3

struct extra {
	/* --- filled by the caller --- */
	const char *dev_text; /* of DEV=, NULL: none */
	u8 *disk;	      /* NULL: there is none */
	u64 disk_size;
	struct vm *vm;
	struct board *board; /* its lines */
	struct dev_host host; /* data and end; the rest is filled here */
	void (*output)(void *data, u8 byte); /* of the virtio console */

	/* --- fixed by extra_create() --- */
	struct dev_list list;
	unsigned int nvirtio;
	struct bus_device virtio[EXTRA_VIRTIO_MAX];
	struct bus_doorbell bell[EXTRA_BELLS];

	/* --- with locks of their own --- */
	struct dev dev[DEV_MAX];
	struct virtio_blk blk;
	struct virtio_console console;
};

/**
 * Understand what is asked for.
 * @return NULL, or why not: a sentence without a full stop
 */
const char *extra_parse(struct extra *extra) __must_check;

/** Name the virtio devices in the tables' plan; after extra_parse(). */
void extra_plan(struct extra *extra, struct acpi_plan *plan);

/**
 * Make all of them and put them on the buses; the board's chips are there.
 * @return NULL, or why not: a sentence without a full stop
 */
const char *extra_create(struct extra *extra) __must_check;

#endif
