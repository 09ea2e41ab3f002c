/** @file
 * Starting vCPU 1, and meeting it.
 *
 * Waiting is looking at memory again and again.  It is bounded by the VMM's
 * watchdog, which stops a vCPU that makes no hypercall for too long and is not
 * interrupted either.
 */
#include "guest-tests/lib/second.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/vmcall.h"

#define SECOND 1

static u8 stack[16384] __aligned(16);

/** What the second is to do. */
static struct {
	u64 (*fn)(void *argument);
	void *argument;
} task;

/** Where vCPU 1 begins; there is nothing to return to. */
static void begin(void)
{
	u64 value = task.fn(task.argument);

	asm volatile("cli");
	vmcall1(HYPERCALL_VCPU_END, value);
	for (;;) {
		asm volatile("hlt");
	}
}

void second_start(u64 (*fn)(void *argument), void *argument)
{
	struct hypercall_vcpu second = {
		.number = SECOND,
		.rip = (u64)begin,
		/* As behind a CALL: 8 short of a multiple of 16. */
		.rsp = (u64)(stack + sizeof(stack) - 8),
	};

	task.fn = fn;
	task.argument = argument;
	CHECK_DONE(vmcall1(HYPERCALL_VCPU_START, vmcall_address(&second)));
}

u64 second_wait(void)
{
	return (u64)vmcall1(HYPERCALL_VCPU_WAIT, SECOND);
}

void second_wake(void)
{
	CHECK_TRUE(vmcall1(HYPERCALL_VCPU_KICK, SECOND) > 0,
		   "a vCPU that runs can be kicked");
}

static inline void relax(void)
{
	asm volatile("pause");
}

void second_meet(struct meeting *meeting, u64 nth)
{
	__atomic_fetch_add(&meeting->arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&meeting->arrived, __ATOMIC_SEQ_CST) < 2 * nth) {
		relax();
	}
}

void second_turn(const struct meeting *meeting)
{
	u64 now = __atomic_load_n(&meeting->turns, __ATOMIC_SEQ_CST);

	while (__atomic_load_n(&meeting->turns, __ATOMIC_SEQ_CST) < now + 2) {
		relax();
	}
}

bool second_goes_on(struct meeting *meeting)
{
	__atomic_fetch_add(&meeting->turns, 1, __ATOMIC_SEQ_CST);
	return !__atomic_load_n(&meeting->stop, __ATOMIC_SEQ_CST);
}
