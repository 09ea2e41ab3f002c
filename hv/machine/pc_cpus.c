/** @file
 * The processors but the first: each is a vCPU on a CPU of its own, and waits
 * in vcpu_run() until the guest's kernel sends it INIT and a start-up message.
 *
 * A vCPU is made on the CPU that will run it, because its VMCS, its MSRs and
 * its timer live there (vcpu_load.c).  So even creating one is handed over, by
 * cpu_run_on(), and its error comes back in struct pc_cpu.
 *
 * From pc_cpus_start() to pc_cpus_wait() all run at once.  The first who comes
 * to an end writes it (pc_stop()) and wakes the others, which then leave their
 * loops; a CPU that crashes takes only its own vCPU with it and ends the PC the
 * same way.
 */
#include "hv/machine/pc.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/panic.h"
#include "hv/x86/cpu.h"

/** Runs on the CPU itself; what it has to say goes into the struct. */
static void make(void *arg)
{
	struct pc_cpu *cpu = arg;

	cpu->error = vcpu_create(cpu->pc->vm, cpu->number, &cpu->vcpu);
}

/* vCPU i belongs to CPU i for ever; CPU 0 is ours and has vCPU 0. */
int pc_cpus_create(struct pc *pc)
{
	int error = 0;

	for (unsigned int i = 1; i < pc->cpus && !error; i++) {
		struct pc_cpu *cpu = &pc->more[i];

		*cpu = (struct pc_cpu){.pc = pc, .number = i};
		error = cpu_run_on(i, make, cpu);
		if (!error) {
			error = cpu->error;
		}
	}
	return error;
}

static void run_guarded(void *arg)
{
	struct pc_cpu *cpu = arg;

	pc_run_vcpu(cpu->pc, cpu->vcpu);
}

/** Each CPU has a net of its own: a crash here must not unwind CPU 0. */
static void run(void *arg)
{
	struct pc_cpu *cpu = arg;
	struct crash crash;

	if (!recovery_run(run_guarded, cpu, &crash)) {
		pc_abandon(cpu->pc, cpu->vcpu, &crash);
	}
}

/* A CPU that does not take its work is our bug, not the guest's. */
void pc_cpus_start(struct pc *pc)
{
	for (unsigned int i = 1; i < pc->cpus; i++) {
		panic_unless(cpu_start_on(i, run, &pc->more[i]) == 0);
		pc->more[i].running = true;
	}
}

/* From here on no vCPU runs, and what they shared may be read freely. */
void pc_cpus_wait(struct pc *pc)
{
	for (unsigned int i = 1; i < pc->cpus; i++) {
		if (pc->more[i].running) {
			cpu_wait(i);
		}
	}
}
