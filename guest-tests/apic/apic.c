/** @file
 * Tables and records of two vCPUs, and the start of the second.
 */
#include "guest-tests/apic/apic.h"

/** Where the trampoline is copied to: a page below 1 MiB that is free. */
#define TRAMPOLINE 0x10000ull
#define MSR_GS_BASE 0xc0000101
#define SELECTOR_CODE 0x08
#define SECOND 1

struct gate {
	u16 offset_low;
	u16 selector;
	u16 type;
	u16 offset_middle;
	u32 offset_high;
	u32 zero;
};

struct table_register {
	u16 limit;
	u64 base;
} __packed;

/** trampoline.S: its parts, and what it is told. */
extern const u8 apic_trampoline[], apic_trampoline_end[];
extern const u8 apic_trampoline_gdt[];
struct apic_trampoline_data {
	u64 cr3, cr4, efer, cr0;
	u64 entry, stack;
} __packed;
extern struct apic_trampoline_data apic_trampoline_data;
/** apic_entry.S */
extern const u8 apic_entry_stubs[256][16];
void apic_dispatch(u64 vector);

static struct apic_seen seen[2];
static struct gate idt[256] __aligned(PAGE_SIZE);
static u8 stack[16384] __aligned(16);
static struct {
	u64 (*fn)(void *argument);
	void *argument;
} task;

void apic_dispatch(u64 vector)
{
	struct apic_seen *mine = apic_mine();

	if (mine->total < sizeof(mine->order)) {
		mine->order[mine->total] = (u8)vector;
	}
	apic_set(&mine->total, mine->total + 1);
	apic_set(&mine->count[vector], mine->count[vector] + 1);
	if (mine->handler) {
		mine->handler(vector);
	}
	if (vector >= 32 && vector != APIC_VECTOR_SPURIOUS && !mine->hold) {
		apic_write(APIC_EOI, 0);
	}
}

void apic_set_gate(u8 vector, const u8 *to)
{
	idt[vector] = (struct gate){
		.offset_low = (u16)(u64)to,
		.selector = SELECTOR_CODE,
		.type = 0x8e00,
		.offset_middle = (u16)((u64)to >> 16),
		.offset_high = (u32)((u64)to >> 32),
	};
}

/** Exceptions stay with the library (trap.c); the rest is ours, and the NMI. */
static void make_idt(void)
{
	struct table_register idtr;

	asm volatile("sidt %0" : "=m"(idtr));
	memcpy(idt, (const void *)idtr.base, 32 * sizeof(struct gate));
	for (u32 i = 0; i < 256; i++) {
		if (i >= 32 || i == APIC_VECTOR_NMI) {
			apic_set_gate((u8)i, apic_entry_stubs[i]);
		}
	}
}

static void load_idt(const void *base)
{
	struct table_register idtr = { sizeof(idt) - 1, (u64)base };

	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

void apic_move_idt(void *to)
{
	memcpy(to, idt, sizeof(idt));
	load_idt(to);
}

/** What each vCPU does for itself. */
static void begin(struct apic_seen *mine)
{
	load_idt(idt);
	mine->self = mine;
	apic_wrmsr(MSR_GS_BASE, (u64)mine);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | APIC_VECTOR_SPURIOUS);
}

struct apic_seen *apic_begin(void)
{
	make_idt();
	begin(&seen[0]);
	return &seen[0];
}

struct apic_seen *apic_second(void)
{
	return &seen[1];
}

static u64 run(void *argument)
{
	begin(&seen[1]);
	return task.fn(argument);
}

/** There is nothing to return to. */
static void enter(void)
{
	u64 value = run(task.argument);

	asm volatile("cli");
	vmcall1(HYPERCALL_VCPU_END, value);
	for (;;) {
		asm volatile("hlt");
	}
}

static void fill_trampoline(void)
{
	struct apic_trampoline_data *data = &apic_trampoline_data;
	struct table_register *gdt;

	asm volatile("movq %%cr0, %0" : "=r"(data->cr0));
	asm volatile("movq %%cr3, %0" : "=r"(data->cr3));
	asm volatile("movq %%cr4, %0" : "=r"(data->cr4));
	data->efer = apic_rdmsr(0xc0000080) & ~BIT(10); /* LMA */
	data->entry = (u64)enter;
	data->stack = (u64)(stack + sizeof(stack) - 8);
	memcpy((void *)TRAMPOLINE, apic_trampoline,
	       (size_t)(apic_trampoline_end - apic_trampoline));
	gdt = (struct table_register *)(TRAMPOLINE +
					(size_t)(apic_trampoline_gdt -
						 apic_trampoline));
	asm volatile("sgdt %0" : "=m"(*gdt));
}

/** INIT, SIPI, SIPI: the standard sequence (SDM 3A 9.4.4.1). */
void apic_second_again(u64 (*fn)(void *argument), void *argument)
{
	task.fn = fn;
	task.argument = argument;
	memset(&seen[1], 0, sizeof(seen[1]));
	fill_trampoline();
	apic_send(SECOND, APIC_INIT);
	apic_send(SECOND, APIC_STARTUP | TRAMPOLINE >> 12);
	apic_send(SECOND, APIC_STARTUP | TRAMPOLINE >> 12);
}

void apic_second_start(u64 (*fn)(void *argument), void *argument)
{
	struct hypercall_vcpu waits = { .number = SECOND,
					.rip = HYPERCALL_VCPU_WAITS };

	CHECK_DONE(vmcall1(HYPERCALL_VCPU_START, vmcall_address(&waits)));
	apic_second_again(fn, argument);
}

/** A hypercall now and then keeps the watchdog quiet: on a busy computer the
 * other vCPU's CPU may have to wait for its turn. */
void apic_wait_for(const u64 *word, u64 least)
{
	for (u64 i = 1; apic_get(word) < least; i++) {
		if (i % BIT(16) == 0) {
			CHECK_TRUE(i < BIT(30), "what is waited for comes");
			vmcall0(HYPERCALL_IS_SHADOW);
		}
	}
}
