/** @file
 * Sending the vCPU to real mode and back (real.h).
 */
#include "guest-tests/lib/real.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

#define EFLAGS_FIXED 2

void real_prepare(struct hypercall_real *r, const void *begin, const void *end)
{
	u64 bytes = (u64)end - (u64)begin;

	memcpy((void *)(u64)REAL_CODE, begin, bytes);
	*(u32 *)(u64)(REAL_CODE + REAL_NUMBER) = HYPERCALL_REAL_END;
	memset(r, 0, sizeof(*r));
	r->eflags = EFLAGS_FIXED;
	r->segment[REAL_CS] = REAL_CODE >> 4;
	r->segment[REAL_SS] = REAL_STACK >> 4;
	r->segment[REAL_DS] = REAL_DATA >> 4;
	r->segment[REAL_ES] = REAL_DATA >> 4;
	r->gpr[4] = REAL_STACK_TOP;
	r->idt_limit = 0x3ff;
}

/** All registers but RSP may be anything when it comes back. */
void real_run(struct hypercall_real *r)
{
	s64 error;

	asm volatile("vmcall"
		     : "=a"(error)
		     : "a"((u64)HYPERCALL_REAL), "D"(vmcall_address(r))
		     : "memory");
	CHECK_EQ(error, 0, "a vCPU can be sent to real mode");
}

void real_set_vector(unsigned int vector, u16 offset)
{
	volatile u16 *entry = (volatile u16 *)(u64)(4 * vector);

	asm volatile("" : "+r"(entry)); /* address 0 is memory like any other */
	entry[0] = offset;
	entry[1] = REAL_CODE >> 4;
}
