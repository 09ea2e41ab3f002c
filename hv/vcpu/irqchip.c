/** @file
 * A VM's local APICs: between the model and the rest of the core.
 *
 *	model (hv/platform/vlapic.h)      here
 *	wake(): something waits           vcpu_kick()
 *	arm(): at this moment             a timer of the vCPU's CPU
 *	eoi(): told to the IOAPICs        struct irqchip_wires
 *	registers                         a device on the MMIO bus
 *
 * All vCPUs find their own APIC at the same address, 0xfee00000 unless they
 * move it.  On the bus is a *window* there, one for all; which APIC answers is
 * decided by the CPU that asks, since each vCPU has one of its own.  A vCPU
 * that moves its APIC gets a window at the new address.  Where its APIC is not,
 * a window leaves the access to the VMM, like any address that is nobody's; so
 * windows may stay when the last APIC has left them.
 *
 * Who may call what from where:
 *
 *	from any CPU	irqchip_send(), irqchip_set_intr(), irqchip_pulse_nmi():
 *			they set atomic bits and kick
 *	the vCPU's CPU	everything else of a vCPU: registers, timer, reset
 *	under chip->lock
 *			making a window; nothing on the way of an access
 *
 * An interrupt's way: a chip sends, the model sets a bit in IRR and calls
 * wake(), the vCPU leaves its guest or its sleep, and before the next entry
 * interrupts.c finds the vector and gives it to VMX. EOI goes back the other
 * way: a store to the APIC's page, through the bus, to the model, which tells
 * the IOAPICs if the interrupt was a level.
 */
#include "hv/vcpu/irqchip.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/lib/spinlock.h"
#include "hv/lib/timer.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cpuid.h"
#include "hv/x86/cr.h"

/** Addresses that a VM's APICs may have had, over its life. */
#define WINDOWS_MAX 32

#define BASE_DEFAULT 0xfee00000ull

/**
 * The guest's periodic timers are not faster than this many in a second, nor
 * than the hypervisor can be: interrupts would leave no time for the guest.
 * PERIOD_MIN is in ticks of the TSC, and counts on machines where a second has
 * few of them.
 */
#define PERIODS_MAX 20000
#define PERIOD_MIN 3000

/** A vCPU's APIC and its surroundings. */
struct irqchip_apic {
	struct vlapic model; /* first, so that its address is ours */
	struct timer timer;
};

struct irqchip {
	struct vlapic_bus bus;
	struct irqchip_apic apic[VM_VCPUS];
	struct irqchip_wires wires;
	struct spinlock lock; /* the windows' */
	unsigned int windows;
	struct bus_device window[WINDOWS_MAX];
};

_Static_assert(VM_VCPUS <= VLAPIC_MAX, "each vCPU has an APIC");

/* What the model asks ------------------------------------------------------ */

/**
 * Of its own doing a vCPU hears before its next entry anyway: `work` is enough.
 * The kick's exchange and barrier are for those that are elsewhere.
 */
static void wake(struct vlapic *apic)
{
	struct vcpu *vcpu = apic->owner;

	if (vcpu == this_cpu()->vcpu) {
		vcpu->work = true;
	} else {
		vcpu_kick(vcpu);
	}
}

/**
 * In the timer's interrupt. The model is not touched here: its timer belongs to
 * the vCPU, which may be in the middle of a register access below this
 * interrupt. The kick makes it look at its clock itself (activity_look()).
 */
static void strike(struct timer *timer)
{
	vcpu_kick(container_of(timer, struct irqchip_apic, timer)->model.owner);
}

/** Always on the vCPU's CPU, where the timer is as well. */
static void arm(struct vlapic *apic, u64 when)
{
	struct timer *timer = &((struct irqchip_apic *)apic)->timer;

	if (when != VLAPIC_NEVER) {
		timer_set(timer, when);
	} else if (timer->queued) {
		timer_cancel(timer);
	}
}

/**
 * Remote IRR: an IOAPIC that has sent a level-triggered interrupt does not send
 * it again until it hears of the EOI. Forgotten, the device's line stays up and
 * no interrupt ever comes again.
 */
static void end(struct vlapic *apic, u8 vector)
{
	struct vcpu *vcpu = apic->owner;
	const struct irqchip_wires *wires = &vcpu->vm->irqchip->wires;

	if (wires->eoi) {
		wires->eoi(wires->ctx, vector);
	}
}

static const struct vlapic_ops ops = { wake, arm, end };

/* The registers ------------------------------------------------------------ */

/**
 * Something has changed that may let an interrupt in: TPR was lowered, an EOI,
 * the APIC switched on. `work` sends the run loop through interrupts_choose();
 * without it a vector would lie in IRR until something else happens.
 */
static void look_again(struct vlapic *apic)
{
	struct vcpu *vcpu = apic->owner;

	if (vlapic_pending(apic) >= 0 || vlapic_extint(apic)) {
		vcpu->work = true;
	}
}

/** What is undefined, a write of less or more than a register, is dropped. */
static int access_apic(struct vlapic *apic, struct bus_access *a)
{
	u64 now = rdtsc();

	if (!a->is_write) {
		a->value = vlapic_regs_read(apic, a->offset, a->length, now);
	} else if (vlapic_is_register(a->offset, a->length)) {
		vlapic_regs_write(apic, a->offset, a->value, now);
		look_again(apic);
	}
	return 0;
}

/**
 * The vCPU that asks runs on this CPU; is its APIC here? Not if it has moved
 * it, has switched it off, or if the access is none of a guest's. EOPNOTSUPP is
 * "nobody answers": the bus hands the access on to the VMM.
 */
static int access_window(void *opaque, struct bus_access *a)
{
	const struct irqchip *chip = opaque;
	struct vcpu *vcpu = this_cpu()->vcpu;
	u64 here = a->address.v - a->offset;

	if (!vcpu || !vcpu->apic || vcpu->vm->irqchip != chip ||
	    !vlapic_is_on(vcpu->apic) ||
	    (vcpu->apic->base & ~0xfffull) != here) {
		return -EOPNOTSUPP;
	}
	return access_apic(vcpu->apic, a);
}

/**
 * A window is never taken away: other vCPUs' APICs may still be there, and an
 * unused one does no harm. So the list only grows, and WINDOWS_MAX is what
 * keeps a guest that moves its APIC in a loop from filling the bus.
 */
static int add_window(struct vm *vm, u64 base)
{
	struct irqchip *chip = vm->irqchip;
	struct bus_device *window = &chip->window[chip->windows];
	int error;

	for (unsigned int i = 0; i < chip->windows; i++) {
		if (chip->window[i].base.v == base) {
			return 0;
		}
	}
	if (chip->windows == WINDOWS_MAX) {
		return -ENOSPC;
	}
	*window = (struct bus_device){
		.name = "local APIC",
		.base = bus_addr(base),
		.length = VLAPIC_SIZE,
		.widths = BUS_WIDTH_ANY,
		.opaque = chip,
		.access = access_window,
	};
	error = vm_register_device(vm, &vm->mmio_bus, window);
	chip->windows += !error;
	return error;
}

/*
 * The model first, since it knows which values are legal, then the window. If
 * there can be no window the model goes back: 52 bits of address allow the old
 * value whatever it was.
 */
int irqchip_set_base(struct vcpu *vcpu, u64 base)
{
	struct irqchip *chip = vcpu->vm->irqchip;
	u64 old = vcpu->apic->base;
	int error;

	if (!vlapic_set_base(vcpu->apic, base,
			     cpuid(0x80000008, 0).eax & 0xff)) {
		return -EINVAL;
	}
	spinlock_lock(&chip->lock);
	error = add_window(vcpu->vm, base & ~0xfffull);
	spinlock_unlock(&chip->lock);
	if (error && !vlapic_set_base(vcpu->apic, old, 52)) {
		return -EINVAL;
	}
	vcpu->work = true;
	return error;
}

/* Life --------------------------------------------------------------------- */

/*
 * Before the first vCPU, as each vCPU is given its APIC when it is made. The
 * lock is `stoppable`: under it is the VM's data only, which goes with the VM
 * if the code there crashes (hv/lib/spinlock.h).
 */
int irqchip_create(struct vm *vm)
{
	size_t pages = (sizeof(struct irqchip) + PAGE_SIZE - 1) / PAGE_SIZE;

	if (vm->irqchip) {
		return -EEXIST;
	}
	if (vm->vcpus) {
		return -EBUSY;
	}
	vm->irqchip = page_alloc_contig(vm->owner, pages, 1);
	if (!vm->irqchip) {
		return -ENOMEM;
	}
	vm->irqchip->lock.stoppable = true;
	return add_window(vm, BASE_DEFAULT);
}

void irqchip_connect(struct vm *vm, const struct irqchip_wires *wires)
{
	vm->irqchip->wires = *wires;
}

static u64 period_min(void)
{
	u64 period = timer_hz() / PERIODS_MAX;

	return period > PERIOD_MIN ? period : PERIOD_MIN;
}

/*
 * The place in apic[] may have belonged to an earlier vCPU of this number.
 * vlapic_init() puts the model on the bus as its last step; messages may come
 * from then on.
 */
void irqchip_attach(struct vcpu *vcpu)
{
	struct irqchip_apic *a;

	if (!vcpu->vm->irqchip) {
		return;
	}
	a = &vcpu->vm->irqchip->apic[vcpu->number];
	memset(a, 0, sizeof(*a));
	timer_init(&a->timer, strike);
	a->model.ops = &ops;
	a->model.owner = vcpu;
	a->model.period_min = period_min();
	vcpu->apic = &a->model;
	vlapic_init(&a->model, &vcpu->vm->irqchip->bus, vcpu->number);
	irqchip_reset(vcpu);
}

/*
 * After power-up one processor begins at the reset vector, the bootstrap
 * processor; the others wait for a SIPI (SDM 3A 9.4). Which one it is a real
 * machine finds out by a race on its bus; here it is number 0.
 */
void irqchip_reset(struct vcpu *vcpu)
{
	vlapic_reset(vcpu->apic);
	vcpu->apic->signals = 0;
	vcpu->apic->awaits_startup = vcpu->number != 0;
	vcpu->halted = false;
	vcpu->work = true;
}

/*
 * First nobody finds the APIC any more, then its timer ends. A message that is
 * just on its way may still set a bit of the model: its memory is the VM's and
 * stays.
 */
void irqchip_detach(struct vcpu *vcpu)
{
	struct irqchip *chip = vcpu->vm->irqchip;

	if (chip) {
		smp_store_release(&chip->bus.apic[vcpu->number], NULL);
		timer_cancel(&chip->apic[vcpu->number].timer);
	}
}

void irqchip_set_running(struct vcpu *vcpu)
{
	if (vcpu->apic) {
		vcpu->apic->awaits_startup = false;
	}
	vcpu->halted = false;
}

/* What comes from outside -------------------------------------------------- */

unsigned int irqchip_send(struct vm *vm, const struct vlapic_message *message)
{
	return vlapic_bus_send(&vm->irqchip->bus, message);
}

/*
 * The 8259s' one line goes to LINT0 of the bootstrap processor, as on a PC.
 * Without that vCPU nobody hears it.
 */
void irqchip_set_intr(struct vm *vm, bool up)
{
	struct vlapic *first = smp_load_acquire(&vm->irqchip->bus.apic[0]);

	if (first) {
		vlapic_set_lint0(first, up);
	}
}

void irqchip_pulse_nmi(struct vm *vm)
{
	for (unsigned int i = 0; i < VM_VCPUS; i++) {
		struct vlapic *apic =
			smp_load_acquire(&vm->irqchip->bus.apic[i]);

		if (apic) {
			vlapic_pulse_lint1(apic);
		}
	}
}

/*
 * With two INTA cycles the processor asks the 8259 for the vector; that the
 * answer comes from outside of the APIC is the meaning of "ExtINT". The 8259
 * changes by being asked: the interrupt is in service then. So it is asked only
 * when the vector is going to be delivered.
 */
u8 irqchip_acknowledge(struct vcpu *vcpu)
{
	const struct irqchip_wires *wires = &vcpu->vm->irqchip->wires;

	vlapic_take_extint(vcpu->apic);
	return wires->acknowledge ? wires->acknowledge(wires->ctx) : 0xff;
}
