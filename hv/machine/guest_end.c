/** @file
 * Telling how a guest has ended, where, and after what.
 *
 * Each vCPU's own CPU knows it: what is in a VMCS is dumped over there.
 *
 * By then all vCPUs have left and the VM stands still, so that everything can
 * be read without a lock.  Two readers are served: a person, who wants to know
 * where to begin looking (COM1), and a script, which wants one line that never
 * changes its form (COM2).
 *
 * The trace rings are the host's, one for each CPU.  They have not been cleared
 * since the guest's last exit, and that is what makes "its last exits" possible
 * without any bookkeeping of our own.
 */
#include "hv/machine/guest_end.h"

#include "hv/boot/image.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/lib/trace.h"
#include "hv/machine/pc.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cpu.h"
#include "hv/x86/uart.h"

/* So much is shown: a screen of events, a line of exits. */
#define TRACE_LINES 40
#define LAST_EXITS 4

/* The words of the line for tools: the script knows them by heart. */
static const char *const end_names[] = {
	[PC_RUNS] = "running",
	[PC_POWERED_OFF] = "powered-off",
	[PC_RESET] = "reset",
	[PC_HALTED] = "halted",
	[PC_EXITED] = "exited",
	[PC_CRASHED] = "crashed",
	[PC_UNWRITTEN] = "unwritten",
};

/**
 * Pages of everybody's but the guest's memory, and the image itself; not what
 * the boot loader has brought.  The VM owns its RAM, too, which is subtracted:
 * what is left is the price of the hypervisor, tables and all.
 */
static void tell_memory(const struct pc *pc)
{
	u64 pages = page_count(PAGE_OWNER_HV) + page_count(pc->vm->owner) -
		    (pc->boot.memory >> PAGE_SHIFT);

	printf("exit49: %llu KiB besides the guest's\n",
	       (unsigned long long)(pages * 4 +
				    (u64)(image_end - image_start) / 1024));
}

/**
 * What it has exited for, with guestlog.  A doorbell that was rung without
 * emulation is an exit, too, and the cheapest one of those for a device.
 */
static void tell_exits(const struct vcpu *vcpu)
{
	for (unsigned int i = 0; i <= EXIT_REASON_MAX; i++) {
		if (vcpu->count.exits[i]) {
			printf("exit49: vCPU %u: %llu times %s\n",
			       vcpu->number,
			       (unsigned long long)vcpu->count.exits[i],
			       exit_reasons_name(i));
		}
	}
	printf("exit49: vCPU %u: %llu doorbells rung without emulation\n",
	       vcpu->number, (unsigned long long)vcpu->count.rings);
}

/**
 * Whether it is one of its exits, and not the host's interrupt.  Those two
 * reasons happen to a guest, they are nothing that it did; in the last moments
 * of one that hangs they are all there is.
 */
static bool is_exit_of(const struct vcpu *vcpu, const struct trace_record *r)
{
	return trace_event_of(r) == TRACE_KVM_EXIT &&
	       trace_vcpu_of(r) == vcpu->number &&
	       trace_arg_of(r) != EXIT_REASON_EXTERNAL_INTERRUPT &&
	       trace_arg_of(r) != EXIT_REASON_PREEMPTION_TIMER;
}

/**
 * From its CPU's ring, where other events stand, too.  trace_get() counts back
 * from the newest and ends when the ring has no older one.
 */
static void tell_last_exits(const struct vcpu *vcpu)
{
	struct trace_record r;
	unsigned int told = 0;

	printf("; its last exits, the last one first:");
	for (unsigned int back = 0; told < LAST_EXITS &&
				    trace_get(vcpu->cpu, back, &r); back++) {
		if (is_exit_of(vcpu, &r)) {
			printf("%s %s", told ? "," : "",
			       exit_reasons_name(trace_arg_of(&r)));
			told++;
		}
	}
	printf("%s\n", told ? "" : " the host's interrupts");
}

/**
 * A processor that was never started has no place; its rip would be that of its
 * creation.
 */
static void tell_place(const struct vcpu *vcpu)
{
	if (vcpu->apic->awaits_startup) {
		printf("exit49: vCPU %u waits to be started\n", vcpu->number);
		return;
	}
	printf("exit49: vCPU %u %s at rip 0x%llx", vcpu->number,
	       vcpu->halted ? "is halted" : "stands",
	       (unsigned long long)vcpu->rip);
	tell_last_exits(vcpu);
}

static void dump(void *vcpu)
{
	vcpu_dump(vcpu); /* and the last events */
}

/**
 * With all that is known of it.  The VMCS is current on the vCPU's own CPU, and
 * no other can read its fields: so the dump is run there.  If that CPU does not
 * answer any more, the trace has to do.
 */
static void tell_crash(const struct pc *pc)
{
	struct vcpu *vcpu = pc->vm->vcpu[pc->vcpu];

	if (!vcpu || cpu_run_on(vcpu->cpu, dump, vcpu)) {
		trace_dump(TRACE_LINES);
	}
}

/*
 * The worst first, the verdict last: it is what stands above the prompt.  Where
 * the guest stood is of no interest when it has ended by itself with a code.
 */
void guest_end_tell(const struct pc *pc)
{
	if (pc->end == PC_CRASHED) {
		tell_crash(pc);
	}
	for (unsigned int i = 0; i < pc->cpus; i++) {
		if (pc->end != PC_EXITED && pc->end != PC_UNWRITTEN) {
			tell_place(pc->vm->vcpu[i]);
		}
		if (pc->log) {
			tell_exits(pc->vm->vcpu[i]);
		}
	}
	tell_memory(pc);
	printf("\nexit49: %s (%s).\n", pc->text, end_names[pc->end]);
	uart_printf(UART_RESULTS, "# guest: end=%s code=%u: %s\n",
		    end_names[pc->end], pc->code, pc->text);
}
