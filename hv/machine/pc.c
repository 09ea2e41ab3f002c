/** @file
 * Making the PC: memory, devices, the first processor.
 *
 * Guest memory is one piece of the hypervisor's, so that guest-physical 0 is at
 * its beginning: whoever writes boot information or a disk's sectors can do so
 * with a plain pointer.  It is aligned to 2 MiB, or lab 1 could not map it with
 * large leaves.  The guest sees it through three slots:
 *
 *	0 .. 0xa0000		RAM
 *	0xa0000 .. 0xc0000	no slot: a PC's display would be there
 *	0xc0000 .. 0xe0000	a read-only slot, all ones: no ROMs
 *	0xe0000 .. memory	RAM; firmware's tables at its beginning
 *
 * The order below is that of what needs what: the board before vCPUs, since a
 * VM gets its local APICs before its first vCPU (irqchip.h); the tables before
 * the kernel, which is told where they are.
 */
#include "hv/machine/pc.h"

#include "bus/errno.h"
#include "hv/lib/page.h"
#include "hv/machine/layout.h"
#include "hv/x86/cr.h"

#define LARGE_PAGE_PAGES 512

/** hpa and gpa run side by side: what differs between slots is their rights. */
static int add_slot(struct pc *pc, u32 flags, u64 start, u64 end)
{
	struct vm_region region = {
		.slot = (u32)(start >> PAGE_SHIFT), /* any number will do */
		.flags = flags,
		.gpa = gpa(start),
		.size = end - start,
		.hpa = virt_to_hpa(pc->ram + start),
	};

	return vm_set_memory_region(pc->vm, &region);
}

static int add_memory(struct pc *pc)
{
	u64 memory = pc->boot.memory;
	int error;

	pc->ram = page_alloc_contig(pc->vm->owner,
					 memory >> PAGE_SHIFT,
					 LARGE_PAGE_PAGES);
	if (!pc->ram) {
		return -ENOMEM;
	}
	/* Kernels look for ROMs 16 bytes by 16, and must not exit for each. */
	memset(pc->ram + LAYOUT_ROMS, 0xff, LAYOUT_TABLES - LAYOUT_ROMS);
	error = add_slot(pc, 0, 0, LAYOUT_HOLE);
	if (!error) {
		error = add_slot(pc, MEMSLOT_READONLY, LAYOUT_ROMS,
				 LAYOUT_TABLES);
	}
	return error ? error : add_slot(pc, 0, LAYOUT_TABLES, memory);
}

/**
 * What firmware does to the first processor's local APIC (MP specification
 * 3.6.2.2, "virtual wire mode"): a kernel that knows only the 8259s gets their
 * interrupts through it.
 */
static void wire_through(struct vlapic *apic)
{
	const u32 lvt = VLAPIC_LVT + 16 * VLAPIC_LVT_LINT0;

	vlapic_regs_write(apic, VLAPIC_SVR, 0x1ff, rdtsc()); /* enabled */
	vlapic_regs_write(apic, lvt, VLAPIC_EXTINT << 8, rdtsc());
	vlapic_regs_write(apic, lvt + 16, VLAPIC_NMI << 8, rdtsc());
}

/**
 * Two parts meet here: the registers are what the boot protocol promises, the
 * local APIC's state is what firmware would have left.
 */
static int start_first(struct pc *pc, const struct vcpu_regs *regs)
{
	struct vcpu_sregs system;
	struct vcpu *vcpu;
	int error = vcpu_create(pc->vm, 0, &vcpu);

	if (error) {
		return error;
	}
	boot_system(&pc->kernel, &system);
	error = vcpu_regs_set_system(vcpu, &system);
	vcpu_regs_set(vcpu, regs);
	wire_through(vcpu->apic);
	return error;
}

static const char *add_extra(struct pc *pc)
{
	pc->extra.vm = pc->vm;
	pc->extra.board = &pc->board;
	pc->extra.output = pc_board_virtio_output;
	return extra_create(&pc->extra);
}

const char *pc_create(struct pc *pc)
{
	struct vcpu_regs regs;
	const char *why = extra_parse(&pc->extra);
	int error;

	if (why) {
		return why;
	}
	error = vm_create(&pc->vm);
	if (!error) {
		pc->vm->foreign = true;
		pc->vm->cpus = pc->cpus;
		error = add_memory(pc);
	}
	if (!error) {
		error = pc_board_create(pc);
	}
	if (error) {
		return error == -ENOMEM
			       ? "the machine has too little memory for this "
				 "guest: say a smaller MEM="
			       : "the guest's machine cannot be made";
	}
	why = add_extra(pc);
	if (!why) {
		why = boot_load(&pc->boot, pc->ram, &regs);
	}
	if (!why && (start_first(pc, &regs) || pc_cpus_create(pc))) {
		why = "the guest's processors cannot be made";
	}
	return why;
}
