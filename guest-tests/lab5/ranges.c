/** @file
 * Which device answers an address, and which ranges there can be.
 */
#include "guest-tests/lab5/lab5.h"

#define DEVICES 40
/** Has no factor in common with the number of devices. */
#define STEP 7

/** Lengths 1 to 8 and gaps 0 to 7, in no order that one could guess. */
static u64 random_below(u64 *state, u64 limit)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % limit;
}

/** Ranges one behind the other; @return the first address behind them all */
static u64 plan_ranges(struct hypercall_bus *plan, u32 kind, u64 base)
{
	u64 state = 49;

	for (u32 i = 0; i < DEVICES; i++) {
		base += random_below(&state, 8);
		plan[i] = lab5_device(i, base, 1 + random_below(&state, 8));
		plan[i].bus = kind;
		base += plan[i].length;
	}
	return base;
}

/** Not in the order of their addresses. */
static void add_all(struct hypercall_bus *plan)
{
	for (u32 i = 0; i < DEVICES; i++) {
		struct hypercall_bus *b = &plan[i * STEP % DEVICES];

		CHECK_COUNT(lab5_call(b, BUS_ADD), 0,
			    "devices can be registered in any order (spec "
			    "6.2)");
	}
}

static u8 in1(u64 port)
{
	u8 value;

	asm volatile("inb %%dx, %%al" : "=a"(value) : "d"(port));
	return value;
}

/** Touch every address once; devices and the VMM count. */
static void check_all(u32 kind, u64 base)
{
	struct hypercall_bus plan[DEVICES];
	u64 end = plan_ranges(plan, kind, base) + 8, inside = 0;
	u64 at = base - 8;

	add_all(plan);
	for (u32 i = 0; i < DEVICES; i++) {
		for (; at < end && at < plan[i].base + plan[i].length; at++) {
			u8 value = kind == BUS_OF_PORTS ? in1(at)
							: mmio_read1(at);

			CHECK_EQ(value, at < plan[i].base ?
						(u8)NOBODYS_4 :
						lab5_value(i, 1),
				 "each address finds the device in whose range "
				 "it lies, and no other (spec 6.7-1)");
		}
		inside += plan[i].length;
		CHECK_COUNT(lab5_look(i).accesses, plan[i].length,
			    "a device is asked for each of its addresses "
			    "(spec 6.7-1)");
		CHECK_COUNT(lab5_look(i).offset, plan[i].length - 1,
			    "a device is told the offset in its range");
	}
	CHECK_COUNT(lab5_exits(), at - (base - 8) - inside,
		    "an address in a gap leaves for the VMM, and no other "
		    "does (spec 6.7-1)");
}

TEST(every_address_finds_its_device)
{
	check_all(BUS_OF_MEMORY, LAB5_GPA + 8);
}

TEST(every_port_finds_its_device)
{
	check_all(BUS_OF_PORTS, LAB5_PORT);
}

static void check_leaves_whole(u64 address)
{
	struct hypercall_io io;

	device_clear_exits();
	mmio_write8(address, 0x8877665544332211ull);
	io = device_exit(0);
	CHECK_EQ(io.address, address,
		 "an access that is not whole inside a device leaves for the "
		 "VMM whole (spec 6.2)");
	CHECK_COUNT(io.length, 8, "it leaves undivided (spec 6.2)");
	CHECK_EQ(io.data, 0x8877665544332211ull, "it leaves with its bytes");
	CHECK_COUNT(device_clear_exits(), 1, "it leaves once");
}

TEST(access_over_a_devices_end_leaves_whole)
{
	lab5_add(1, LAB5_GPA + 0x20, 0x20);
	check_leaves_whole(LAB5_GPA + 0x40 - 4);
	check_leaves_whole(LAB5_GPA + 0x20 - 4);
	check_leaves_whole(LAB5_GPA + 0x40 - 1);
	check_leaves_whole(LAB5_GPA + 0x20 - 1);
	CHECK_COUNT(lab5_look(1).accesses, 0,
		    "a device is not called for what is not whole inside of "
		    "it (spec 6.7-2)");
	mmio_write8(LAB5_GPA + 0x20, 1);
	mmio_write8(LAB5_GPA + 0x40 - 8, 2);
	CHECK_COUNT(lab5_look(1).accesses, 2,
		    "a device's first and last bytes are inside (spec 6.2)");
}

TEST(access_over_two_neighbours_leaves_whole)
{
	lab5_add(1, LAB5_GPA, 8);
	lab5_add(2, LAB5_GPA + 8, 8);
	check_leaves_whole(LAB5_GPA + 4);
	CHECK_COUNT(lab5_look(1).accesses + lab5_look(2).accesses, 0,
		    "an access over two devices is for neither (spec 6.7-3)");
}

static void check_refused(u64 base, u64 length, s64 error, const char *rule)
{
	struct hypercall_bus b = lab5_device(9, base, length);
	const struct check_place place = { rule, __FILE__, __LINE__,
					   FORMAT_DECIMAL };

	check_equal(&place, (u64)lab5_call(&b, BUS_ADD), (u64)error);
}

TEST(overlapping_ranges_are_refused)
{
	static const struct {
		u64 base;
		u64 length;
		const char *rule;
	} bad[] = {
		{ 0x100, 0x100, "an identical range is refused (spec 10.7)" },
		{ 0x100, 0x10, "a range with the same first address is "
			       "refused (spec 10.7)" },
		{ 0x100, 0x200, "a longer range with the same first address "
				"is refused (spec 10.7)" },
		{ 0x180, 0x10, "a range inside another one is refused (spec "
			       "10.7)" },
		{ 0xc0, 0x200, "a range around another one is refused (spec "
			       "10.7)" },
		{ 0xf8, 9, "a range that ends on another one's first address "
			   "is refused (spec 10.7)" },
		{ 0x1ff, 1, "a range on another one's last address is refused "
			    "(spec 10.7)" },
		{ 0xf0, 0x310, "a range over two others is refused (spec "
			       "10.7)" },
	};

	lab5_add(1, LAB5_GPA + 0x100, 0x100);
	lab5_add(2, LAB5_GPA + 0x300, 0x100);
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		check_refused(LAB5_GPA + bad[i].base, bad[i].length, -EEXIST,
			      bad[i].rule);
	}
	CHECK_EQ(mmio_read4(LAB5_GPA + 0x180), lab5_value(1, 4),
		 "a refused registration changes nothing (spec 10.7)");
	CHECK_EQ(mmio_read4(LAB5_GPA + 0xf8), NOBODYS_4,
		 "a refused range is nobody's (spec 10.7)");
	lab5_add(3, LAB5_GPA + 0xf8, 8);
	lab5_add(4, LAB5_GPA + 0x200, 0x100);
	CHECK_EQ(mmio_read4(LAB5_GPA + 0xfc), lab5_value(3, 4),
		 "a range may end where another one begins");
	CHECK_EQ(mmio_read4(LAB5_GPA + 0x2fc), lab5_value(4, 4),
		 "a range may fill the gap between two others");
}

TEST(empty_and_wrapping_ranges_are_refused)
{
	check_refused(LAB5_GPA, 0, -EINVAL,
		      "an empty range is refused (spec 10.7)");
	check_refused(~0ull - 3, 8, -EINVAL,
		      "a range that wraps is refused (spec 10.7)");
	check_refused(LAB5_GPA, ~0ull, -EINVAL,
		      "a range that wraps is refused (spec 10.7)");
	check_refused(~0ull - 7, 8, 0,
		      "a range may end with the last address there is");
	CHECK_EQ(mmio_read4(LAB5_GPA), NOBODYS_4,
		 "a refused range is nobody's (spec 10.7)");
}

static s64 add_port(u64 base, u64 length)
{
	struct hypercall_bus b = lab5_device(5, base, length);

	b.bus = BUS_OF_PORTS;
	return lab5_call(&b, BUS_ADD);
}

TEST(a_range_ends_where_its_bus_ends)
{
	CHECK_COUNT(add_port(0xffff, 2), -EINVAL,
		    "a range that ends behind the last port is refused (spec "
		    "10.7)");
	CHECK_COUNT(add_port(0x10000, 1), -EINVAL,
		    "a range behind the last port is refused (spec 10.7)");
	CHECK_COUNT(add_port(0xffff, 1), 0, "the last port can be a device's");
	CHECK_EQ(in1(0xffff), lab5_value(5, 1), "the last port is found");
	CHECK_EQ(mmio_read1(0xffff) == lab5_value(5, 1), 0,
		 "a port's number is no address in memory");
}

TEST(a_device_needs_a_function_and_a_width)
{
	struct hypercall_bus b = lab5_device(1, LAB5_GPA, 8);

	b.widths = 0;
	CHECK_COUNT(lab5_call(&b, BUS_ADD), -EINVAL,
		    "a device of no width is refused (bus/bus.h)");
	b.widths = 15;
	b.behaviour = BUS_NO_FUNCTION;
	CHECK_COUNT(lab5_call(&b, BUS_ADD), -EINVAL,
		    "a device without a function is refused (bus/bus.h)");
}

/** One load and one store, and who has answered. */
static void touch(u64 address, u64 exits, const char *rule)
{
	const struct check_place place = { rule, __FILE__, __LINE__,
					   FORMAT_EXITS };
	u64 before = lab5_exits();

	mmio_write4(address, 1);
	mmio_read4(address);
	check_equal(&place, lab5_exits() - before, exits);
}

TEST(odd_error_of_a_device_goes_to_the_vmm)
{
	struct hypercall_bus b = lab5_device(1, LAB5_GPA, 8);

	b.behaviour = BUS_ODD_ERROR;
	CHECK_DONE(lab5_call(&b, BUS_ADD));
	touch(LAB5_GPA, 2, "whatever error a device returns, its access goes "
			   "to the VMM (spec 6.7-8)");
	CHECK_COUNT(lab5_look(1).accesses, 2, "the device is asked first");
}

TEST(read_of_a_write_only_device_goes_to_the_vmm)
{
	struct hypercall_bus b = lab5_device(1, LAB5_GPA, 8);

	b.behaviour = BUS_WRITE_ONLY;
	CHECK_DONE(lab5_call(&b, BUS_ADD));
	touch(LAB5_GPA, 1, "a load that the device refuses goes to the VMM, "
			   "its stores do not (spec 6.7-25)");
	CHECK_EQ(mmio_read4(LAB5_GPA), NOBODYS_4,
		 "the VMM's answer is the load's value (spec 6.7-25)");
}

TEST(undeclared_width_goes_to_the_vmm)
{
	struct hypercall_bus b = lab5_device(1, LAB5_GPA, 8);

	b.widths = 2 | 8;
	CHECK_DONE(lab5_call(&b, BUS_ADD));
	touch(LAB5_GPA, 2, "an access of a width that the device has not "
			   "declared goes to the VMM (bus/bus.h)");
	CHECK_COUNT(lab5_look(1).accesses, 0,
		    "the device is not asked for a width that it has not "
		    "declared (bus/bus.h)");
	CHECK_EQ(mmio_read2(LAB5_GPA + 6), lab5_value(1, 2),
		 "a declared width is the device's");
	CHECK_EQ(mmio_read8(LAB5_GPA), lab5_value(1, 8),
		 "a declared width is the device's");
	CHECK_COUNT(lab5_exits(), 2, "declared widths do not leave");
}
