/** @file
 * What a tick of the local APIC's timer costs a guest, all in all.
 *
 * The guest reads the clock in a loop.  Between two reads lie a few
 * instructions, or a tick: the exit, the timer, the interrupt's delivery, the
 * handler below, its EOI, which is an exit, and in TSC-deadline mode the WRMSR
 * for the next one.  Rows of rows.c hand over stamps; here the sums of what
 * ticks have taken take their place, so that each difference is one tick.
 */
#include "guest-tests/apic/apic.h"

#include "guest-tests/lib/boot.h"

/** Instructions from tick to tick, under Bochs and QEMU -icount; more than a
 * tick costs with the VMX unit in software. */
#define PERIOD 100000
#define PERIOD_TEXT "100000"

/** Ticks are long: fewer suffice. */
#define PART 20
#define TICKS_MAX 400

struct gate {
	u16 low, selector, type, middle;
	u32 high, zero;
};

struct table_register {
	u16 limit;
	u64 base;
} __packed;

static struct gate idt[APIC_VECTOR + 1];
static u32 sums[TICKS_MAX];
/** How often a handler has run. */
u32 tick_count;

extern const u8 tick_entry_periodic[], tick_entry_deadline[];

/* In assembly, so that a row costs the same with each compiler. */
asm("	.text\n"
    "tick_entry_periodic:\n"
    "	pushq %rax\n"
    "	incl tick_count(%rip)\n"
    "	movl $0xfee000b0, %eax\n" /* EOI */
    "	movl $0, (%rax)\n"
    "	popq %rax\n"
    "	iretq\n"
    "tick_entry_deadline:\n"
    "	pushq %rax\n"
    "	pushq %rcx\n"
    "	pushq %rdx\n"
    "	incl tick_count(%rip)\n"
    "	rdtsc\n"
    "	addl $" PERIOD_TEXT ", %eax\n"
    "	adcl $0, %edx\n"
    "	movl $0x6e0, %ecx\n" /* IA32_TSC_DEADLINE */
    "	wrmsr\n"
    "	movl $0xfee000b0, %eax\n"
    "	movl $0, (%rax)\n"
    "	popq %rdx\n"
    "	popq %rcx\n"
    "	popq %rax\n"
    "	iretq\n");

/** Exceptions stay with the library (trap.c). */
static void load_idt(const u8 *entry)
{
	struct table_register idtr;

	asm volatile("sidt %0" : "=m"(idtr));
	memcpy(idt, (const void *)idtr.base, 32 * sizeof(struct gate));
	idt[APIC_VECTOR] = (struct gate){
		.low = (u16)(u64)entry,
		.selector = 0x08,
		.type = 0x8e00,
		.middle = (u16)((u64)entry >> 16),
		.high = (u32)((u64)entry >> 32),
	};
	idtr = (struct table_register){ sizeof(idt) - 1, (u64)idt };
	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

/**
 * Read the clock until a tick has come: before the last time that we looked at
 * the clock, or behind it.
 * @return what it took from us
 */
static u32 spin(void)
{
	u32 seen = tick_count, before, now = (u32)apic_tsc();

	do {
		before = now;
		now = (u32)apic_tsc();
	} while (*(volatile u32 *)&tick_count == seen);
	return (u32)apic_tsc() - before;
}

static void measure(const u8 *entry, u32 mode)
{
	u64 times = boot_info()->iterations / PART;

	CHECK_TRUE(times && times < TICKS_MAX,
		   "the bench's number of iterations fits its buffer");
	load_idt(entry);
	apic_write(APIC_SVR, APIC_SVR_ENABLE | APIC_VECTOR_SPURIOUS);
	apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, mode | APIC_VECTOR);
	apic_write(APIC_TIMER_INITIAL, PERIOD);
	apic_wrmsr(APIC_MSR_DEADLINE, apic_tsc() + PERIOD);
	asm volatile("sti");
	for (u64 i = 0; i < boot_info()->warm_up / PART; i++) {
		spin();
	}
	for (u64 i = 0; i < times; i++) {
		sums[i + 1] = sums[i] + spin();
	}
	asm volatile("cli");
	CHECK_DONE(vmcall2(HYPERCALL_STAMPS, vmcall_address(sums), times + 1));
}

TEST(tick_periodic)
{
	measure(tick_entry_periodic, APIC_LVT_PERIODIC);
}

TEST(tick_deadline)
{
	measure(tick_entry_deadline, APIC_LVT_DEADLINE);
}
