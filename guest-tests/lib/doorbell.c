/** @file
 * Hypercalls about doorbells, each of which has to succeed.
 */
#include "guest-tests/lib/doorbell.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

static u64 make(const struct hypercall_doorbell *plan)
{
	s64 number = vmcall1(HYPERCALL_DOORBELL_MAKE, vmcall_address(plan));

	CHECK_TRUE(number >= 0, "a test can hang up doorbells");
	return (u64)number;
}

u64 doorbell_make(u64 gpa, u32 length)
{
	return make(&(struct hypercall_doorbell){ .address = gpa,
						  .length = length });
}

u64 doorbell_make_matching(u64 gpa, u32 length, u64 value)
{
	return make(&(struct hypercall_doorbell){ .address = gpa,
						  .length = length,
						  .value = value,
						  .flags = DOORBELL_MATCHES });
}

u64 doorbell_make_port(u16 port, u32 length)
{
	return make(&(struct hypercall_doorbell){ .address = port,
						  .length = length,
						  .flags = DOORBELL_PORT });
}

void doorbell_remove(u64 doorbell)
{
	CHECK_DONE(vmcall1(HYPERCALL_DOORBELL_REMOVE, doorbell));
}

u64 doorbell_count(u64 doorbell)
{
	s64 count = vmcall1(HYPERCALL_DOORBELL_COUNT, doorbell);

	CHECK_TRUE(count >= 0, "the doorbell is there");
	return (u64)count;
}

u64 doorbell_take(u64 doorbell)
{
	s64 count = vmcall1(HYPERCALL_DOORBELL_TAKE, doorbell);

	CHECK_TRUE(count >= 0, "the doorbell is there");
	return (u64)count;
}
