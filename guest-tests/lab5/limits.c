/** @file
 * What the bus refuses, what it does without memory, and that nothing is lost.
 */
#include "guest-tests/lab5/lab5.h"

/** Devices that a bus takes (spec 6.1). */
#define MOST 1000

static u32 in4(u64 port)
{
	u32 value;

	asm volatile("inl %%dx, %%eax" : "=a"(value) : "d"(port));
	return value;
}

static s64 add_port(u32 number, u64 port)
{
	struct hypercall_bus b = lab5_device(number, port, 4);

	b.bus = BUS_OF_PORTS;
	return lab5_call(&b, BUS_ADD);
}

TEST(a_thousand_devices_and_no_more)
{
	s64 refused = 0;

	for (u32 i = 0; i < MOST; i++) {
		refused += add_port(i, LAB5_PORT + 4 * i) != 0;
	}
	CHECK_COUNT(refused, 0, "a bus takes 1000 devices (spec 6.1)");
	CHECK_COUNT(add_port(MOST, LAB5_PORT + 4 * MOST), -ENOSPC,
		    "the 1001st device is refused with ENOSPC (spec 6.7-9)");
	CHECK_EQ(in4(LAB5_PORT), lab5_value(0, 4), "the first one is found");
	CHECK_EQ(in4(LAB5_PORT + 4 * (MOST - 1)), lab5_value(MOST - 1, 4),
		 "the last one is found");
	CHECK_EQ(in4(LAB5_PORT + 4 * MOST), NOBODYS_4,
		 "the refused one is not");
	lab5_remove(500);
	CHECK_EQ(in4(LAB5_PORT + 4 * 500), NOBODYS_4,
		 "an unregistered device is not found");
	CHECK_COUNT(add_port(MOST, LAB5_PORT + 4 * 500), 0,
		    "a place that was given up can be taken");
	CHECK_EQ(in4(LAB5_PORT + 4 * 500), lab5_value(MOST, 4),
		 "another device is in its place");
}

TEST(unregister_of_an_unknown_device_changes_nothing)
{
	struct hypercall_bus unknown = { .number = 7 };
	u64 pages;

	lab5_add(1, LAB5_GPA, 8);
	pages = lab5_pages();
	CHECK_COUNT(lab5_call(&unknown, BUS_REMOVE), -ENOENT,
		    "a device that is not on the bus cannot be unregistered "
		    "(spec 6.7-16, bus/bus.h)");
	CHECK_EQ(mmio_read4(LAB5_GPA), lab5_value(1, 4),
		 "unregistering an unknown device changes nothing (spec "
		 "6.7-16)");
	CHECK_COUNT(lab5_pages(), pages,
		    "unregistering an unknown device takes no memory");
	lab5_remove(1);
	unknown.number = 1;
	CHECK_COUNT(lab5_call(&unknown, BUS_REMOVE), -ENOENT,
		    "a device cannot be unregistered twice (bus/bus.h)");
}

/** Is each of the first devices where it was, and nothing elsewhere? */
static void check_as_before(u64 pages)
{
	for (u32 i = 0; i < 3; i++) {
		CHECK_EQ(mmio_read4(LAB5_GPA + 16 * i), lab5_value(i, 4),
			 "without memory the bus stays as it was (spec 10.8)");
	}
	CHECK_COUNT(lab5_exits(), 0, "all devices are still found");
	CHECK_COUNT(lab5_pages(), pages,
		    "a failed change has given all its memory back (spec "
		    "10.8)");
}

static u64 add_three(void)
{
	for (u32 i = 0; i < 3; i++) {
		lab5_add(i, LAB5_GPA + 16 * i, 8);
	}
	return lab5_pages();
}

TEST(register_without_memory_changes_nothing)
{
	struct hypercall_bus b = lab5_device(8, LAB5_GPA + 8, 8);
	u64 pages = add_three();
	s64 error;

	b.fail = 1;
	error = lab5_call(&b, BUS_ADD);
	CHECK_COUNT(error, -ENOMEM,
		    "registering without memory fails with ENOMEM (bus/bus.h)");
	check_as_before(pages);
	while (error == -ENOMEM && b.fail++ < 10) {
		error = lab5_call(&b, BUS_ADD);
		if (error) {
			check_as_before(pages);
		}
	}
	CHECK_COUNT(error, 0, "with memory it can be registered");
	CHECK_EQ(mmio_read4(LAB5_GPA + 8), lab5_value(8, 4),
		 "with memory the device is found");
}

TEST(unregister_without_memory_changes_nothing)
{
	struct hypercall_bus b = { .number = 1, .fail = 1 };
	u64 pages = add_three();
	s64 error = lab5_call(&b, BUS_REMOVE);

	CHECK_COUNT(error, -ENOMEM,
		    "unregistering without memory fails with ENOMEM (spec "
		    "6.7-15, 10.8)");
	check_as_before(pages);
	while (error == -ENOMEM && b.fail++ < 10) {
		error = lab5_call(&b, BUS_REMOVE);
		if (error) {
			check_as_before(pages);
		}
	}
	CHECK_COUNT(error, 0, "with memory it can be unregistered");
	CHECK_EQ(mmio_read4(LAB5_GPA + 16), NOBODYS_4,
		 "an unregistered device is not found (spec 6.3)");
	CHECK_EQ(mmio_read4(LAB5_GPA + 32), lab5_value(2, 4),
		 "its neighbours are (spec 6.3)");
}

TEST(devices_come_and_go_without_a_leak)
{
	u64 pages = add_three();

	for (u32 i = 0; i < 100; i++) {
		lab5_add(10 + i, LAB5_GPA + 0x100 + 8 * i, 8);
	}
	for (u32 i = 0; i < 100; i++) {
		lab5_remove(10 + (i * 37) % 100);
	}
	CHECK_COUNT(lab5_pages(), pages,
		    "of all the tables that there have been, one is left (spec "
		    "6.3)");
	check_as_before(pages);
}

TEST(a_vm_ends_right_after_registrations)
{
	struct hypercall_bus b = { .number = 100 };

	for (u32 i = 0; i < 3; i++) {
		CHECK_COUNT(lab5_call(&b, BUS_END), 0,
			    "a VM can be made beside this one");
		CHECK_COUNT(b.accesses, 0,
			    "tables that wait for a grace period when their "
			    "VM is destroyed are freed before its domain goes "
			    "(spec 6.7-17, 10.8)");
	}
}
