/** @file
 * Hypercalls about devices and exits, each of which has to succeed.
 */
#include "guest-tests/lib/device.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

static u64 make(const struct hypercall_device *plan)
{
	s64 name = vmcall1(HYPERCALL_DEVICE_MAKE, vmcall_address(plan));

	CHECK_TRUE(name > 0, "a test can make devices");
	return (u64)name;
}

u64 device_make(enum device_kind kind, enum device_side side, u64 gpa,
		u64 length)
{
	struct hypercall_device plan = {
		.kind = kind, .side = side, .gpa = gpa, .length = length
	};

	return make(&plan);
}

void device_fill(u64 device, u64 value)
{
	CHECK_DONE(vmcall2(HYPERCALL_DEVICE_FILL, device, value));
}

void device_put(u64 device, const void *from, u64 bytes)
{
	CHECK_DONE(vmcall3(HYPERCALL_DEVICE_PUT, device, vmcall_address(from),
			   bytes));
}

void device_get(u64 device, void *to, u64 bytes)
{
	CHECK_DONE(vmcall3(HYPERCALL_DEVICE_GET, device, vmcall_address(to),
			   bytes));
}

struct hypercall_access device_log(u64 device, u64 n)
{
	struct hypercall_access access = { 0 };

	check_equal(CHECK_PLACE("the device has seen that many accesses",
				FORMAT_DECIMAL),
		    (u64)vmcall3(HYPERCALL_DEVICE_LOG, device,
				 vmcall_address(&access), n), 0);
	return access;
}

u64 device_accesses(u64 device)
{
	return vmcall_device(device, DEVICE_READS) +
	       vmcall_device(device, DEVICE_WRITES);
}

struct hypercall_io device_exit(u64 n)
{
	struct hypercall_io io = { 0 };

	check_equal(CHECK_PLACE("there have been that many exits to the VMM",
				FORMAT_DECIMAL),
		    (u64)vmcall2(HYPERCALL_IO_LOG, vmcall_address(&io), n), 0);
	return io;
}

struct hypercall_io_state device_exit_state(u64 n)
{
	struct hypercall_io_state state = { 0 };

	check_equal(CHECK_PLACE("there have been that many exits to the VMM",
				FORMAT_DECIMAL),
		    (u64)vmcall2(HYPERCALL_IO_STATE, vmcall_address(&state), n),
		    0);
	return state;
}

u64 device_clear_exits(void)
{
	return (u64)vmcall0(HYPERCALL_IO_LOG_CLEAR);
}

static void set_hook(const struct hypercall_io_hook *hook)
{
	CHECK_DONE(vmcall1(HYPERCALL_IO_HOOK, vmcall_address(hook)));
}

void device_poke_at_exit(u64 nth, volatile void *at, u64 bytes, u64 length)
{
	struct hypercall_io_hook hook = {
		.action = IO_HOOK_POKE,
		.nth = (u32)nth,
		.gpa = vmcall_address(at),
		.bytes = bytes,
		.length = length,
	};

	set_hook(&hook);
}
