/** @file
 * The stores of these tests.
 */
#include "guest-tests/doorbell/doorbell.h"

u8 doorbell_code[PAGE_SIZE] __aligned(PAGE_SIZE);

__noinline void doorbell_store4(u64 address, u32 value)
{
	mmio_write4(address, value);
}

__noinline void doorbell_store8(u64 address, u64 value)
{
	mmio_write8(address, value);
}

u64 doorbell_teach(u64 address)
{
	u64 before = vmcall_counter(COUNTER_QUICK_RINGS);
	u64 times = 0;

	do {
		doorbell_store4(address, 0);
		times++;
	} while (vmcall_counter(COUNTER_QUICK_RINGS) == before && times < 10);
	CHECK_TRUE(times < 10, "a store that rings is known after a few times");
	return times;
}

void doorbell_write_code(void)
{
	static const u8 store[] = { 0x89, 0x03, 0xc3 };

	memcpy(doorbell_code, store, sizeof(store));
}

u32 doorbell_call(const void *code, u64 rbx, u32 eax)
{
	asm volatile("call *%2"
		     : "+a"(eax)
		     : "b"(rbx), "r"(code)
		     : "memory");
	return eax;
}
