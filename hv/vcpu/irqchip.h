/** @file
 * The interrupt controllers in the core: a local APIC for each vCPU.
 *
 * A VM has them only if it asks before its first vCPU is made, like
 * KVM_CREATE_IRQCHIP.  Then
 *
 *	- each vCPU has a local APIC at 0xfee00000 or where it is moved to;
 *	- HLT waits inside vcpu_run() until something comes;
 *	- vCPU 0 begins as usual, all others wait for INIT and SIPI in
 *	  vcpu_run(), unless irqchip_set_running() says otherwise;
 *	- vcpu_interrupt() sets a bit of the APIC's IRR and works from any CPU.
 *
 * A VM without them is what it was: HLT returns to the VMM, vcpu_interrupt()
 * delivers one vector, there is nothing at 0xfee00000.
 *
 * 8259s and IOAPICs are not here.  They send through irqchip_send() and
 * irqchip_set_intr(), and are called through struct irqchip_wires.
 */
#ifndef HV_VCPU_IRQCHIP_H
#define HV_VCPU_IRQCHIP_H

#include "bus/types.h"
#include "hv/platform/vlapic.h"

struct vcpu;
struct vm;

/** What the other controllers do for the local APICs.  Called on a vCPU's CPU,
 * perhaps with interrupts off; they may send, and must not wait. */
struct irqchip_wires {
	void *ctx;
	/** An interrupt that was sent level-triggered has met its EOI: drop
	 * remote IRR, and send again if the line is still up.  NULL: nobody */
	void (*eoi)(void *ctx, u8 vector);
	/** The INTA cycle of the 8259s. @return a vector, spurious ones too */
	u8 (*acknowledge)(void *ctx);
};

/**
 * Give a VM its local APICs.
 * @return 0; -EBUSY: it has vCPUs already; -EEXIST; -ENOMEM
 */
int irqchip_create(struct vm *vm) __must_check;

/** Connect the other controllers, before a vCPU runs. @param wires copied */
void irqchip_connect(struct vm *vm, const struct irqchip_wires *wires);

/**
 * A message of an IOAPIC, or an MSI.  From any CPU, also in an interrupt.
 * @return how many local APICs have accepted it
 */
unsigned int irqchip_send(struct vm *vm, const struct vlapic_message *message);

/** The INTR output of the 8259s is up or down.  From any CPU. */
void irqchip_set_intr(struct vm *vm, bool up);

/** LINT1 of all local APICs is pulsed: an NMI for those that listen. */
void irqchip_pulse_nmi(struct vm *vm);

/** This vCPU shall not wait for a SIPI but run with the registers it has.  On
 * its CPU, outside of vcpu_run(). */
void irqchip_set_running(struct vcpu *vcpu);

/* For the core ------------------------------------------------------------- */

/** Give a new vCPU its local APIC, if its VM has any; take it away again.  On
 * the vCPU's CPU. */
void irqchip_attach(struct vcpu *vcpu);
void irqchip_detach(struct vcpu *vcpu);

/** As after power-up, for vcpu_reset(). */
void irqchip_reset(struct vcpu *vcpu);

/**
 * The guest writes IA32_APIC_BASE.
 * @return 0; -EINVAL a value that it may not have; -ENOSPC it has moved its
 *	APICs to too many places; -ENOMEM
 */
int irqchip_set_base(struct vcpu *vcpu, u64 base) __must_check;

/** The INTA cycle. @return the 8259s' vector; 0xff without any */
u8 irqchip_acknowledge(struct vcpu *vcpu);

#endif
