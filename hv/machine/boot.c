/** @file
 * Loading a kernel, whichever kind it is.
 *
 * What a boot loader does stands in three specifications, but most of it is the
 * same: copy the pieces, leave tables where the kernel will not write, set the
 * registers, jump.  That is here.  What the kernel is *told*, and where it
 * looks for it, is each protocol's own (boot_linux.c, boot_multiboot.c).
 *
 *	multiboot	32-bit protected mode, paging off, EBX: information
 *	Linux		64-bit mode over an identity map, RSI: zero page; or
 *			32-bit protected mode where it has no 64-bit entry
 *
 * Both want flat segments and a GDT that stays valid until they have their own.
 */
#include "hv/machine/boot.h"

#include "hv/machine/layout.h"
#include "hv/vmm/start.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/x86/cr.h"

/* Descriptors, flat, accessed - SDM 3A 3.4.5 */
#define CODE_64 0x00af9b000000ffffull
#define CODE_32 0x00cf9b000000ffffull
#define DATA 0x00cf93000000ffffull

/**
 * The segment registers begin loaded; the GDT is there for the first far jump
 * or the first interrupt that loads one anew.  Entry 0 stays null.
 */
static void write_gdt(const struct kernel *kernel, u8 *ram)
{
	u64 *gdt = (u64 *)(ram + LAYOUT_GDT);

	gdt[LAYOUT_CODE / 8] = kernel->entry_64 ? CODE_64 : CODE_32;
	gdt[LAYOUT_DATA / 8] = DATA;
}

const char *boot_load(const struct boot *boot, u8 *ram,
		      struct vcpu_regs *regs)
{
	const struct kernel *kernel = boot->kernel;

	memset(regs, 0, sizeof(*regs));
	regs->rip = kernel->entry.v;
	regs->rflags = RFLAGS_FIXED;
	kernel_load(kernel, ram);
	write_gdt(kernel, ram);
	if (kernel->entry_64) {
		start_write_page_tables(ram);
	}
	switch (kernel->kind) {
	case KERNEL_LINUX:
		return boot_linux(boot, ram, regs);
	case KERNEL_MULTIBOOT:
		break;
	}
	return boot_multiboot(boot, ram, regs);
}

/*
 * From long mode backwards: all is as for a 64-bit entry, and for a 32-bit one
 * paging, PAE and EFER go, and the code segment loses L and gets D.
 */
void boot_system(const struct kernel *kernel, struct vcpu_sregs *out)
{
	vcpu_regs_long_mode(out, gpa(START_PML4));
	for (unsigned int seg = 0; seg < SEG_LDTR; seg++) {
		out->segment[seg].selector = LAYOUT_DATA;
	}
	out->segment[SEG_CS].selector = LAYOUT_CODE;
	out->gdt.base = gva(LAYOUT_GDT);
	out->gdt.limit = LAYOUT_DATA + 7;
	if (kernel->entry_64) {
		return;
	}
	out->segment[SEG_CS].ar &= ~(u32)SEG_AR_L;
	out->segment[SEG_CS].ar |= SEG_AR_DB;
	out->segment[SEG_CS].limit = ~0u;
	out->cr0 = CR0_PE | CR0_ET;
	out->cr3 = 0;
	out->cr4 = 0;
	out->efer = 0;
}
