/** @file
 * The tables of arrival.h.
 */
#include "guest-tests/apic/arrival.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/slots.h"
#include "guest-tests/lib/vmcall.h"

#define FAR SLOTS_GPA /* in a slot too small for a large page */
#define SELECTOR_CODE 0x08
#define SELECTOR_TSS 0x28
#define TSS_AVAILABLE 0x89ull
#define GDT_SIZE 64
#define VECTOR_NMI 2
#define GATE_IST_1 0x8e01
#define IST_2 (GATE_IST_1 + 1)
#define GATE_PRESENT BIT(15)

struct gate {
	u16 low, selector, type, middle;
	u32 high, zero;
};

struct tss {
	u32 reserved;
	u64 rsp[3];
	u64 nothing;
	u64 ist[7];
	u8 rest[12];
} __packed;

struct table_register {
	u16 limit;
	u64 base;
} __packed;

_Static_assert(sizeof(struct tss) == 104, "SDM 3A figure 8-11");

extern const u8 arrival_stubs[256][16];

u64 arrival_at(enum arrival_page page)
{
	return FAR + (u64)page * PAGE_SIZE;
}

static void fill_idt(void)
{
	struct gate *idt = (struct gate *)arrival_at(ARRIVAL_IDT);

	for (unsigned int i = 0; i < 256; i++) {
		u64 stub = (u64)arrival_stubs[i];

		idt[i] = (struct gate){ .low = (u16)stub,
					.selector = SELECTOR_CODE,
					.type = i == VECTOR_NMI ? IST_2
								: GATE_IST_1,
					.middle = (u16)(stub >> 16),
					.high = (u32)(stub >> 32) };
	}
}

void arrival_close(unsigned int vector)
{
	struct gate *idt = (struct gate *)arrival_at(ARRIVAL_IDT);

	idt[vector].type &= ~GATE_PRESENT;
}

/** The descriptor of a TSS, two entries long. */
static void set_tss(u64 base)
{
	u64 *gdt = (u64 *)arrival_at(ARRIVAL_GDT);

	gdt[SELECTOR_TSS / 8] = (sizeof(struct tss) - 1) |
				(base & BITS(23, 0)) << 16 |
				TSS_AVAILABLE << 40 | bits(base, 31, 24) << 56;
	gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
	asm volatile("ltr %0" : : "r"((u16)SELECTOR_TSS) : "memory");
}

static void load_gdt(u64 base)
{
	struct table_register gdtr = { GDT_SIZE - 1, base };

	asm volatile("lgdt %0" : : "m"(gdtr) : "memory");
}

static void load_idt(u64 base)
{
	struct table_register idtr = { 256 * sizeof(struct gate) - 1, base };

	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

static void set_stack(u64 top)
{
	struct tss *tss = (struct tss *)arrival_at(ARRIVAL_TSS);

	tss->ist[0] = top;
	tss->ist[1] = top - PAGE_SIZE / 2;
}

void arrival_begin(void)
{
	struct table_register gdtr;

	slots_add(1, gpa(FAR), 2 * ARRIVAL_PAGES, 0);
	memset((void *)FAR, 0, ARRIVAL_PAGES * PAGE_SIZE);
	asm volatile("sgdt %0" : "=m"(gdtr));
	memcpy((void *)arrival_at(ARRIVAL_GDT), (const void *)gdtr.base,
	       GDT_SIZE);
	load_gdt(arrival_at(ARRIVAL_GDT));
	set_stack(arrival_at(ARRIVAL_STACK) + PAGE_SIZE);
	set_tss(arrival_at(ARRIVAL_TSS));
	fill_idt();
	load_idt(arrival_at(ARRIVAL_IDT));
	arrival_seen.count = 0;
	arrival_seen.landing = 0;
	arrival_seen.order = 0;
}

void arrival_forget(unsigned int pages)
{
	for (unsigned int i = 0; i < ARRIVAL_PAGES; i++) {
		if (pages & BIT(i)) {
			CHECK_DONE(vmcall2(HYPERCALL_EPT_UNMAP, arrival_at(i),
					   1));
		}
	}
}

void arrival_send_amid(enum arrival_page page, u32 icr)
{
	const struct hypercall_hook hook = {
		.action = HOOK_SEND,
		.nth = 1,
		.poke = { .gpa = arrival_at(page), .or = icr },
	};

	CHECK_DONE(vmcall1(HYPERCALL_HOOK, vmcall_address(&hook)));
}

void arrival_spoil(enum arrival_page page)
{
	const u64 device = DEVICE_NOBODY_GPA;

	switch (page) {
	case ARRIVAL_IDT:
		load_idt(device);
		break;
	case ARRIVAL_GDT:
		load_gdt(device);
		break;
	case ARRIVAL_TSS:
		set_tss(device);
		break;
	case ARRIVAL_STACK:
		set_stack(device + PAGE_SIZE);
		break;
	case ARRIVAL_PAGES:
		break;
	}
}
