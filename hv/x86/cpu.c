/** @file
 * The per-CPU areas, and handing functions to parked CPUs.
 *
 * The mailbox is a function, its argument, and `busy`.  Writing the function
 * before setting busy, and reading it after having seen busy, is all that it
 * takes.  A parked CPU sleeps in HLT: it looks at the mailbox with interrupts
 * off, and STI lets the wake-up in only after the instruction that follows it
 * (SDM 2B STI), which is HLT.  So no wake-up is lost between look and sleep.
 */
#include "hv/x86/cpu.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/watchdog.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"
#include "hv/x86/desc.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/msr.h"

static struct cpu cpus[CPU_MAX] __aligned(64);
static unsigned int cpus_online = 1;

/**
 * CR0 and CR4 as the hypervisor wants them; VMX adds CR4.VMXE itself.
 *
 * Written whole and not changed bit by bit: firmware and boot loader leave
 * different values, and each CPU of a machine shall have the same.  WP makes
 * our own read-only pages read-only for us, too; NE is wanted by VMX; MCE is
 * #GP where the processor has no machine checks.
 */
static void init_control_registers(void)
{
	u64 cr4 = CR4_PAE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpuid(1, 0).edx & CPUID_1_EDX_MCE) {
		cr4 |= CR4_MCE;
	}
	write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG);
	write_cr4(cr4);
}

/* Loading a selector into FS or GS may change its base (SDM 3A 3.4.4.1), so
 * they come first, and the base that this_cpu() goes by comes last. */
void cpu_init(unsigned int id)
{
	struct cpu *cpu = &cpus[id];

	cpu->self = cpu;
	cpu->id = id;
	cpu->online = id == 0;
	desc_load(cpu);
	write_fs(0);
	write_gs(0);
	wrmsr(MSR_IA32_GS_BASE, (unsigned long)cpu);
	init_control_registers();
}

unsigned int cpu_count(void)
{
	return smp_load_acquire(&cpus_online);
}

struct cpu *cpu_get(unsigned int id)
{
	return &cpus[id];
}

/* Whoever sees the count sees the CPU's area filled in: a release here, an
 * acquire in cpu_count(). */
void cpu_set_online(unsigned int id)
{
	cpus[id].online = true;
	smp_store_release(&cpus_online, id + 1);
}

/*
 *	this CPU                     the parked one
 *	busy? (acquire)  <---------  busy = false (release), done
 *	fn, arg
 *	busy = true (release) ---->  busy? (acquire)
 *	IPI, if it sleeps            fn(arg)
 *
 * The left acquire matters as well: the other must have read fn and arg of the
 * last time before they are overwritten, and what it did is seen by who waits.
 */
int cpu_start_on(unsigned int id, cpu_fn_t fn, void *arg)
{
	struct cpu *cpu;

	if (id >= cpu_count() || id == this_cpu()->id) {
		return -ENODEV;
	}
	cpu = cpu_get(id);
	if (smp_load_acquire(&cpu->busy)) {
		return -EBUSY;
	}
	cpu->fn = fn;
	cpu->arg = arg;
	smp_store_release(&cpu->busy, true);
	lapic_send_ipi(cpu->apic_id, IRQ_VECTOR_WAKEUP);
	return 0;
}

/* Polling, since the caller has nothing else to do and the other CPU must not
 * have to know who waits. */
void cpu_wait(unsigned int id)
{
	struct cpu *cpu = cpu_get(id);

	while (smp_load_acquire(&cpu->busy)) {
		/* It has a watchdog of its own; ours need not bark too. */
		if (READ_ONCE(cpu->recovery)) {
			cpu_progress();
		}
		cpu_relax();
	}
}

/* Running it here when `id` is this CPU spares callers a case: with one CPU
 * everything works, only nothing at the same time. */
int cpu_run_on(unsigned int id, cpu_fn_t fn, void *arg)
{
	int error;

	if (id == this_cpu()->id) {
		fn(arg);
		return 0;
	}
	error = cpu_start_on(id, fn, arg);
	if (!error) {
		cpu_wait(id);
	}
	return error;
}

/*
 * Each turn of the loop ends by a function or by a wake-up.  What has woken the
 * CPU need not have been the IPI, so it looks again, with interrupts off, and
 * does not take the wake-up for an answer.
 */
void cpu_park(void)
{
	struct cpu *cpu = this_cpu();

	for (;;) {
		irq_disable();
		if (!smp_load_acquire(&cpu->busy)) {
			asm volatile("sti; hlt" : : : "memory");
			continue;
		}
		/* A parked CPU needs no ticks: they would only wake it up. */
		irq_enable();
		watchdog_start();
		cpu->fn(cpu->arg);
		watchdog_stop();
		smp_store_release(&cpu->busy, false);
	}
}
