/** @file
 * What the tests of the local APIC share: registers, interrupts, a second vCPU.
 *
 * Each vCPU has an IDT and a record of its own (struct apic_seen), found by GS'
 * base: how often which vector came, and in which order.  A handler ends its
 * interrupt itself, unless the test has said that it holds it.
 */
#ifndef GUEST_TESTS_APIC_APIC_H
#define GUEST_TESTS_APIC_APIC_H

#include "bus/types.h"

/** Every test here needs local APICs; those of files with a second vCPU add
 * TEST_NEEDS_CPUS. */
#ifndef TEST_FLAGS
#define TEST_FLAGS TEST_NEEDS_APIC
#endif
#include "guest-tests/lib/test.h"

#define APIC_GPA 0xfee00000ull

/* Registers - SDM 3A table 11-1 */
#define APIC_ID 0x020
#define APIC_VERSION 0x030
#define APIC_TPR 0x080
#define APIC_PPR 0x0a0
#define APIC_EOI 0x0b0
#define APIC_LDR 0x0d0
#define APIC_DFR 0x0e0
#define APIC_SVR 0x0f0
#define APIC_ISR 0x100
#define APIC_IRR 0x200
#define APIC_ESR 0x280
#define APIC_ICR_LOW 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define APIC_SVR_ENABLE BIT(8)
#define APIC_LVT_MASKED BIT(16)
#define APIC_LVT_PERIODIC BIT(17)
#define APIC_LVT_DEADLINE BIT(18)
#define APIC_DIVIDE_BY_1 0xb

/* The ICR's low half - SDM 3A 11.6.1 */
#define APIC_LOWEST 0x100u
#define APIC_NMI 0x400u
#define APIC_INIT 0x500u
#define APIC_STARTUP 0x600u
#define APIC_LOGICAL 0x800u
#define APIC_ASSERT 0x4000u
#define APIC_SELF 0x40000u
#define APIC_ALL 0x80000u
#define APIC_OTHERS 0xc0000u

#define APIC_MSR_BASE 0x1b
#define APIC_MSR_DEADLINE 0x6e0

/** Vectors that tests use; each of another priority. */
#define APIC_VECTOR_LOW 0x41
#define APIC_VECTOR 0x51
#define APIC_VECTOR_HIGH 0x61
#define APIC_VECTOR_SPURIOUS 0xff
#define APIC_VECTOR_NMI 2

/** What has come to one vCPU. */
struct apic_seen {
	struct apic_seen *self; /* first: GS:0 */
	u64 count[256];
	u64 total;
	u8 order[32]; /* the first of them */
	bool hold;    /* no EOI by the handler */
	/** Called in each handler, after it is counted; may be NULL. */
	void (*handler)(u64 vector);
};

/** The calling vCPU's. */
static inline struct apic_seen *apic_mine(void)
{
	struct apic_seen *seen;

	asm volatile("movq %%gs:0, %0" : "=r"(seen));
	return seen;
}

/** A word that a handler or the other vCPU looks at as well. */
static inline u64 apic_get(const u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void apic_set(u64 *word, u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/** How often that vector has come there. */
static inline u64 apic_count(const struct apic_seen *seen, u8 vector)
{
	return apic_get(&seen->count[vector]);
}

static inline u32 apic_read(u32 offset)
{
	return mmio_read4(APIC_GPA + offset);
}

static inline void apic_write(u32 offset, u32 value)
{
	mmio_write4(APIC_GPA + offset, value);
}

/** Send by the ICR. @param to the APIC ID or logical destination */
static inline void apic_send(u8 to, u32 command)
{
	apic_write(APIC_ICR_HIGH, (u32)to << 24);
	apic_write(APIC_ICR_LOW, command | APIC_ASSERT);
}

/** Let interrupts in for a moment: whatever waits has come when it returns. */
static inline void apic_open(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

/** Sleep until an interrupt comes, and have taken it; they are off around. */
static inline void apic_halt(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

static inline u64 apic_rdmsr(u32 msr)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (u64)high << 32 | low;
}

static inline void apic_wrmsr(u32 msr, u64 value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

static inline u64 apic_tsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (u64)high << 32 | low;
}

/** The first vCPU: tables, record, APIC enabled; interrupts stay off.
 * @return its record */
struct apic_seen *apic_begin(void);

/**
 * Let fn(argument) run on vCPU 1 with tables, record and APIC of its own,
 * interrupts off.  It is started by INIT and SIPI.
 */
void apic_second_start(u64 (*fn)(void *argument), void *argument);

/** The same for one that runs, or waits. */
void apic_second_again(u64 (*fn)(void *argument), void *argument);

/** Let a vector's gate lead there, on all vCPUs. */
void apic_set_gate(u8 vector, const u8 *to);

/** The calling vCPU takes a copy of the IDT there. @param to a page */
void apic_move_idt(void *to);

/** Send oneself an NMI while RSP is there. */
void apic_nmi_on(void *stack);

/** The second's record. */
struct apic_seen *apic_second(void);

/** Wait until a word is at least this much; not for ever. */
void apic_wait_for(const u64 *word, u64 least);

/** Wait until a count there is at least this much. */
static inline void apic_wait(const struct apic_seen *seen, u8 vector, u64 count)
{
	apic_wait_for(&seen->count[vector], count);
}

#endif
