/** @file
 * The driver's half of virtio-mmio.
 */
#include "hv/platform/test/virtio_driver.h"

#include <stdlib.h>

static void see_line(void *data, unsigned int number, bool high)
{
	struct driver *driver = data;

	(void)number;
	driver->rises += high && !driver->line;
	driver->line = high;
}

static void *map(void *data, gpa_t gpa, size_t bytes, bool write)
{
	struct driver *driver = data;

	(void)write;
	return gpa.v < DRIVER_MEMORY && bytes <= DRIVER_MEMORY - gpa.v
		       ? driver->memory + gpa.v
		       : NULL;
}

void driver_begin(struct driver *driver)
{
	*driver = (struct driver){
		.memory = calloc(1, DRIVER_MEMORY),
		.irq = { see_line, driver, 16 },
		.map = { driver, map },
	};
}

void driver_end(struct driver *driver)
{
	free(driver->memory);
}

u32 driver_load(struct driver *driver, u64 offset)
{
	struct bus_access a = { .offset = offset, .length = 4 };

	virtio_mmio_access(driver->device, &a);
	return (u32)a.value;
}

void driver_store(struct driver *driver, u64 offset, u32 value)
{
	struct bus_access a = { .offset = offset, .length = 4,
				.is_write = true, .value = value };

	virtio_mmio_access(driver->device, &a);
}

u64 driver_descriptors(unsigned int queue)
{
	return 0x1000 + 0x4000 * queue;
}

u64 driver_available(unsigned int queue)
{
	return 0x2000 + 0x4000 * queue;
}

u64 driver_used(unsigned int queue)
{
	return 0x3000 + 0x4000 * queue;
}

static void start_queue(struct driver *driver, unsigned int queue)
{
	driver_store(driver, 0x30, queue);
	driver_store(driver, 0x38, DRIVER_SIZE);
	driver_store(driver, 0x80, (u32)driver_descriptors(queue));
	driver_store(driver, 0x90, (u32)driver_available(queue));
	driver_store(driver, 0xa0, (u32)driver_used(queue));
	driver_store(driver, 0x44, 1);
}

void driver_start(struct driver *driver, u64 features)
{
	driver_store(driver, 0x70, 0);
	driver_store(driver, 0x70, 1);
	driver_store(driver, 0x70, 3);
	driver_store(driver, 0x24, 0);
	driver_store(driver, 0x20, (u32)features);
	driver_store(driver, 0x24, 1);
	driver_store(driver, 0x20, (u32)(features >> 32));
	driver_store(driver, 0x70, 11);
	start_queue(driver, 0);
	start_queue(driver, 1);
	driver_store(driver, 0x70, 15);
}

void driver_describe(struct driver *driver, unsigned int place, u64 address,
		     u64 length_and_flags)
{
	u8 *at = driver->memory + driver_descriptors(place / DRIVER_SIZE) +
		 16 * (place % DRIVER_SIZE);

	memcpy(at, &address, 8);
	memcpy(at + 8, &length_and_flags, 8);
}

void driver_lend(struct driver *driver, unsigned int queue, u16 head)
{
	u8 *ring = driver->memory + driver_available(queue);
	u16 index = driver->next[queue]++;

	memcpy(ring + 4 + 2 * (index % DRIVER_SIZE), &head, 2);
	memcpy(ring + 2, &driver->next[queue], 2);
	driver_store(driver, 0x50, queue);
}

u16 driver_returned(struct driver *driver, unsigned int queue, u32 *bytes)
{
	u8 *ring = driver->memory + driver_used(queue);
	u16 index;

	memcpy(&index, ring + 2, 2);
	memcpy(bytes, ring + 4 + 8 * ((u16)(index - 1) % DRIVER_SIZE) + 4, 4);
	return index;
}
