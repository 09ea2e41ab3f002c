/** @file
 * A vCPU: its life, vcpu_run(), and what it remembers.
 *
 * A vCPU belongs to one physical CPU: the one that called vcpu_create().  All
 * functions here must be called there (they return -EINVAL elsewhere, or
 * panic where there is no result), and none may be called for the same vCPU
 * by two callers at once.  The only field that others may touch is marked so.
 *
 * The fields of struct vcpu are in groups by who touches them when.
 */
#ifndef HV_VCPU_VCPU_H
#define HV_VCPU_VCPU_H

#include "bus/bus.h"
#include "bus/types.h"
#include "hv/vcpu/hang.h"
#include "hv/vcpu/known_store.h"
#include "hv/vcpu/mtrr.h"
#include "hv/vcpu/vcpu_regs.h"
#include "hv/vcpu/vcpu_run.h"
#include "hv/vmx/exit_reasons.h"
#include "hv/vmx/vmx_unit.h"
#include "mmu/mmio_known.h"
#include "mmu/shadow.h"

struct vm;
struct vlapic;
struct trace_ring;
struct vcpu_emulation;

/** One VM exit, for who wants to see them all (struct vcpu, exit_log). */
struct vcpu_exit_info {
	u32 reason;	   /* basic exit reason */
	u32 insn_len;	   /* 0 where the SDM leaves it undefined */
	u64 qualification; /* 0 where undefined */
	gpa_t gpa;	   /* of exits 48 and 49, else 0 */
	gva_t gla;	   /* where valid, else 0 */
	u64 rip;
};

/** A power of two above EXIT_REASON_MAX, so that no reason is out of range. */
#define VCPU_EXIT_COUNTERS 128

/** What a vCPU has counted since vcpu_create(). */
struct vcpu_counters {
	u64 exits[VCPU_EXIT_COUNTERS]; /* by basic exit reason */
	u64 emulations;		       /* instructions given to the emulator */
	u64 mmio_exits;		       /* VCPU_EXIT_MMIO returned */
	u64 mmio_writes;	       /* ... of which writes; else reads */
	u64 io_exits;		       /* VCPU_EXIT_IO returned */
	u64 spurious;	/* violations that were none any more (spec 1.4) */
	u64 retries;	/* faults that ended in "try again" (spec 1.3) */
	u64 slow_paths; /* faults that had to ask the slots */
	u64 injected;	/* events delivered to the guest */
	u64 rings;	/* doorbells rung without emulation */
	/* without EPT: page faults that are not the guest's own; our entry */
	u64 faults;	   /* not present, or forbids it */
	u64 marked_faults; /* an MMIO SPTE that the cache did not know */
};

/** What the next vcpu_run() has to complete first. */
enum vcpu_pending {
	VCPU_PENDING_NONE,
	VCPU_PENDING_MMIO,	/* an access of an emulated instruction */
	VCPU_PENDING_IN,	/* an IN: the data goes to AL, AX or EAX */
	VCPU_PENDING_HYPERCALL, /* ret goes to RAX */
	VCPU_PENDING_STOPPED,	/* internal error: it never runs again */
};

/** An event on its way into the guest (SDM 3C 25.8.3). */
struct vcpu_event {
	u32 info; /* interruption information; bit 31: there is one */
	u32 error_code;
	u32 insn_len; /* of software interrupts and exceptions */
};

/** Registers that a VM exit does not switch, saved when vCPUs take turns. */
struct vcpu_extra {
	u64 star, lstar, cstar, fmask, kernel_gs_base, tsc_aux;
	u64 dr[4];
	u64 dr6;
	u8 fpu[512] __aligned(16); /* FXSAVE area, SDM 1 10.5.1 */
};

struct vcpu {
	/* --- hot: on every exit, by the vCPU's CPU only --- */
	u64 gpr[GPR_SLOTS]; /* RSP: while emulating only; first: see run.c */
	u64 rip;	    /* GUEST_RIP: kept in step while not in the guest */
	u64 qualification;  /* of this exit, where there is one */
	u32 exit_reason;    /* EXIT_REASON of this exit */
	bool work;	    /* an event or a window wants attention */
	u8 pending;	    /* enum vcpu_pending */
	u8 in_length;	    /* bytes of the IN that is pending */
	u64 guest_cr2;
	const u64 *asked; /* counts requests for an INVEPT or INVVPID ... */
	u64 asked_seen;	  /* ... up to the last that was done */
	u64 slots_seen;	 /* the generation at the last fault */
	struct mmio_known known; /* the MMIO cache */
	struct known_store store; /* the last to ring a doorbell */
	u64 trace_tag;	 /* trace_tag() of this vCPU */
	struct trace_ring *trace;
	/** Called for each exit but interrupts and timer; may be NULL. */
	void (*exit_log)(struct vcpu *vcpu, const struct vcpu_exit_info *info);
	void *exit_log_data; /* for the owner of the callback */
	struct vcpu_counters count;

	struct bus_hint mmio_hint; /* where the last access was answered */

	/* --- the exit record: written by core and VMM in turns --- */
	struct vcpu_run run;

	/* --- written by the vCPU's CPU, read by those that change slots --- */
	struct srcu_reader reader; /* of vm->srcu: its read sections */
	u32 in_guest; /* may use the tables as they were at asked_seen */

	/* --- written by anybody (vcpu_signal()) --- */
	u32 signal; /* leave with -EINTR; set before `work` */
	u32 kicked; /* look at what waits; set before `work` */

	/* --- events (events.c, interrupts.c, activity.c) --- */
	struct vcpu_event event; /* to inject at the next entry */
	u16 irq;		 /* 0x100 + vector of a waiting interrupt */
	bool window;		 /* interrupt-window exiting is on */
	bool nmi_window;	 /* NMI-window exiting is on */
	bool halted;		 /* with an irqchip: in HLT */
	bool objected;		 /* vmx_check=1: the checks refuse this entry */
	u32 emulate_next; /* for tests: so many that follow a CPUID */

	/* --- invalid guest state (invalid_state.c) --- */
	bool state_changed; /* it is to be asked again; with `work` */
	bool invalid;	    /* the emulator runs the guest; with `work` */
	bool forced;	    /* ... whatever its state is, for tests */
	bool left_asking;   /* the loop was left with an exit to the VMM */

	/* --- the emulator's memory across exits (emulate.c) --- */
	struct vcpu_emulation *emulation;

	/* --- without EPT (vcpu_paging.c): under vm->mmu_lock --- */
	struct shadow shadow;
	/* ... and the guest's registers that are not the real ones */
	u64 cr3;
	u64 efer;
	u64 pdptes[4];

	/* --- livelock detection (exit_mem.c) --- */
	struct {
		u64 gpr[GPR_COUNT];
		u64 rip;
		u64 rflags;
		gpa_t gpa;
		u32 times;
	} stuck;

	/* --- a guest that is not ours (hang.c) --- */
	struct hang_place hang;
	/* ... and sleeps (activity.c) */
	bool off; /* with interrupts off; others read it */
	u64 off_since; /* all of them: the CPU's count of ticks */

	/* --- what the guest believes of its machine --- */
	u64 cr8;
	u64 apic_base;
	u64 misc_enable;
	u64 pvclock; /* PVCLOCK_MSR_SYSTEM */
	struct mtrr mtrr;
	struct vcpu_extra extra;

	/* --- fixed after vcpu_create() --- */
	struct vm *vm;
	u16 number; /* among the VM's vCPUs */
	u16 vpid;   /* 0: VPIDs are not used */
	bool virtual_nmis; /* the unit keeps track of NMI blocking */
	bool cpuid_more;   /* CPUID has bits of ours beside the processor's */
	struct vlapic *apic; /* NULL: the VM has no irqchip */
	u32 cpu;    /* the physical CPU it belongs to */
	hpa_t vmcs;
	u8 *io_bitmap;	/* two pages */
	u8 *msr_bitmap; /* one page */
};

_Static_assert(offsetof(struct vcpu, gpr) == 0,
	       "vmx_entry_run() gives the vCPU back by this address");

/**
 * Make a vCPU on this CPU, in the architectural reset state (SDM 3A 10.1.1).
 * VMX must be on here (vmx_cpu_enable()).  One caller at a time for each VM,
 * whose other vCPUs may run.
 * @param vm     its VM; vm->vcpu[number] must be free
 * @param number 0 to VM_VCPUS - 1
 * @param out    the new vCPU; owned by the VM
 * @return 0; -EINVAL bad number; -EEXIST taken; -ENOMEM
 */
int vcpu_create(struct vm *vm, unsigned int number,
		struct vcpu **out) __must_check;

/**
 * Take a vCPU off its CPU and out of its VM.  Its memory goes back when the VM
 * is destroyed.  Safe after a crash in the middle of vcpu_run().
 */
void vcpu_destroy(struct vcpu *vcpu);

/**
 * It has crashed inside vcpu_run(): nobody shall wait any more for its CPU to
 * leave the guest, a read section, or the MMU lock.  What it was about to
 * change stays half changed, so the VM is at its end; its other vCPUs come out
 * of vcpu_run(), and that is all.  On the vCPU's CPU, after recovery_run().
 */
void vcpu_abandon(struct vcpu *vcpu);

/** Back to the reset state; whatever was pending is forgotten. */
void vcpu_reset(struct vcpu *vcpu);

/**
 * Run the guest until somebody outside the core is needed.
 *
 * Completes first what the last call left pending, taking the VMM's answer
 * from vcpu->run; then looks at immediate_exit; then enters the guest
 * (spec 4.2, 4.3).
 * @return 0: vcpu->run says why it came back.
 *	-EINTR: immediate_exit was set, or a signal has come (vcpu_signal());
 *	nothing is pending; exit_reason is VCPU_EXIT_INTERRUPTED.
 *	-EINVAL: called on another CPU than the vCPU's.
 *	-EIO: the vCPU had reported an internal error and cannot go on.
 * Called and returns with interrupts on.
 */
int vcpu_run(struct vcpu *vcpu) __must_check;

/**
 * Deliver an external interrupt as soon as the guest can take it.
 *
 * With an irqchip it is a message to the vCPU's local APIC, from any CPU.
 * @param vector 32 to 255
 * @return 0; -EINVAL; -EBUSY when one is waiting already; with an irqchip
 *	-ENODEV when the APIC is switched off
 */
int vcpu_interrupt(struct vcpu *vcpu, u8 vector) __must_check;

/**
 * Let a vCPU look at what waits for it before it goes on in the guest; out of
 * HLT as well.  From any CPU, also from an interrupt handler.
 */
void vcpu_kick(struct vcpu *vcpu);

/** What INIT does to it (SDM 3A table 10-1); from within vcpu_run(). */
void vcpu_init(struct vcpu *vcpu);

/**
 * Send a signal to whoever runs this vCPU: vcpu_run() returns -EINTR before it
 * enters the guest again, or for the first time.  What is pending is completed
 * before that (spec 4.3).  From any CPU, also from an interrupt handler; one
 * signal is remembered.
 */
void vcpu_signal(struct vcpu *vcpu);

/**
 * Fill a few KiB of dead stack below the caller with a pattern, so that a
 * pointer into the last vcpu_run()'s frames fails always, not sometimes
 * (spec 4.5.2).  Call it between two calls of vcpu_run().
 */
void vcpu_poison_stack(void);

/**
 * Read guest memory as the guest's own data accesses would translate it,
 * without permission checks and without side effects; for dumps and tests.
 * @return how many of the n bytes could be read
 */
size_t vcpu_peek(struct vcpu *vcpu, gva_t from, void *to, size_t n);

/** Print all there is to know about a vCPU on the console (style 19). */
void vcpu_dump(struct vcpu *vcpu);

#endif
