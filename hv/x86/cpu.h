/** @file
 * The per-CPU area: everything that belongs to one processor.
 *
 * GS's base points at the running CPU's struct cpu, and its first word points
 * at itself, so that this_cpu() is one load.  A VM exit loads GS's base from
 * the VMCS (HOST_GS_BASE), which is why this also holds right after an exit.
 *
 * The bootstrap processor is CPU 0.  The others are started by
 * hv/boot/smp.c, park in cpu_park() with interrupts on, and run what
 * cpu_run_on() hands them.
 */
#ifndef HV_X86_CPU_H
#define HV_X86_CPU_H

#include "bus/types.h"
#include "hv/x86/segment.h"

/** Most CPUs that are used; further ones stay halted. */
#define CPU_MAX 8

/** Locks that one CPU can hold at once. */
#define CPU_LOCKS_MAX 8

struct recovery;
struct spinlock;
struct vcpu;

/** A function for another CPU, with its argument. */
typedef void (*cpu_fn_t)(void *arg);

struct cpu {
	/* Fixed once the CPU is up. */
	struct cpu *self;     /* must be first: this_cpu() reads it */
	unsigned int id;      /* 0 is the bootstrap processor */
	u32 apic_id;
	bool online;

	/* Owned by this CPU: who runs on it, for everybody's convenience. */
	void *vmx;	      /* the VMX unit's per-CPU state */
	struct vcpu *vcpu;    /* the vCPU inside vcpu_run(), or NULL */
	struct recovery *recovery; /* of recovery_run(), or NULL */
	bool reporting;	      /* a crash is being described */

	/*
	 * Read by the watchdog's tick.  `progress` is bumped by everything
	 * that counts as getting on: a guest's check or hypercall, a stage of
	 * the test driver.  `exits` is bumped by each VM exit and tells a
	 * guest that is stuck from one that exits in circles.
	 */
	u64 progress;
	u64 exits;
	u64 ticks;	      /* watchdog ticks since boot */
	u64 seen_progress;    /* progress at the last change */
	u64 seen_exits;	      /* exits at that time */
	u32 idle_ticks;	      /* ticks since that change */
	u64 tick_exits;	      /* exits at the last tick */
	bool foreign;	      /* a guest that is not ours: its exits are all
			       * that it tells of getting on */
	u64 turns;	      /* of the emulation loop (invalid_state.c) */
	u64 tick_turns;	      /* turns at the last tick */
	bool turned;	      /* the loop has turned between two ticks */
	u32 stuck_ticks;      /* ticks in a row within the same exit */
	bool tick_in_guest;   /* the tick being taken interrupted the guest */
	bool waiting;	      /* for another CPU; see cpu_begin_waiting() */

	/* Locks held now, newest last; a recovery releases what is left. */
	unsigned int nlocks;
	struct spinlock *locks[CPU_LOCKS_MAX];

	/* The mailbox of cpu_run_on(): written by others while !busy. */
	cpu_fn_t fn;
	void *arg;
	bool busy;

	/* Read by the processor itself. */
	u64 gdt[GDT_ENTRIES];
	struct tss tss;
};

/** The CPU that this code runs on.  Valid from the first call in hv_main(). */
static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	asm volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/** Tell the watchdog that something was achieved. */
static inline void cpu_progress(void)
{
	this_cpu()->progress++;
}

/**
 * From here to cpu_end_waiting() this CPU does nothing but wait for what
 * another one holds.  If that one hangs, both stand still, and its watchdog
 * must bark first: the watchdog of a CPU that waits has twice the patience.
 */
static inline void cpu_begin_waiting(void)
{
	this_cpu()->waiting = true;
}

static inline void cpu_end_waiting(void)
{
	this_cpu()->waiting = false;
}

/**
 * Make the running processor CPU `id`: GS base, GDT, TSS, IDT.
 * Must come before anything that may fault or ask this_cpu().
 * @param id 0 to CPU_MAX - 1
 */
void cpu_init(unsigned int id);

/** @return how many CPUs are up, 1 to CPU_MAX; they have ids 0 to count - 1 */
unsigned int cpu_count(void);

/** @return the per-CPU area of CPU `id`, which is below CPU_MAX */
struct cpu *cpu_get(unsigned int id);

/**
 * Hand a function to a parked CPU and return at once.
 * @param id an online CPU other than this one
 * @param fn what to run there, with interrupts on, outside of any recovery
 * @param arg its argument; must live until cpu_wait() returns
 * @return 0; -ENODEV when there is no such CPU or it is this one; -EBUSY when
 *	it still runs something
 * Several CPUs must not hand functions to the same one at the same time.
 */
int cpu_start_on(unsigned int id, cpu_fn_t fn, void *arg) __must_check;

/** Wait until CPU `id` has finished what it was handed. */
void cpu_wait(unsigned int id);

/** cpu_start_on() and cpu_wait(); runs fn directly when `id` is this CPU. */
int cpu_run_on(unsigned int id, cpu_fn_t fn, void *arg) __must_check;

/** Where a started CPU ends up: wait for functions and run them. */
__noreturn void cpu_park(void);

/** For hv/boot/smp.c: CPU `id` is up; ids are given out in rising order. */
void cpu_set_online(unsigned int id);

#endif
