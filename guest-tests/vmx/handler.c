/** @file
 * An IDT whose handlers come back.
 */
#include "guest-tests/vmx/handler.h"

#define SELECTOR_CODE 0x08
#define STUB_SIZE 16

/* handler_entry.S */
extern char handler_stubs[256][STUB_SIZE];

volatile struct handler_seen handler_seen;
struct handler_gate handler_idt[256] __aligned(4096);

void handler_load(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = { sizeof(handler_idt) - 1, (u64)handler_idt };

	for (unsigned int i = 0; i < ARRAY_SIZE(handler_idt); i++) {
		u64 stub = (u64)handler_stubs[i];

		handler_idt[i] = (struct handler_gate){
			.offset_low = (u16)stub,
			.selector = SELECTOR_CODE,
			.type = 0x8e00,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
		};
	}
	handler_seen.count = 0;
	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}
