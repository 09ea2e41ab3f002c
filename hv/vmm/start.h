/** @file
 * Where a guest program begins: 64-bit mode, made by the VMM.
 *
 *	0x001000  boot page (struct boot_info); its address is in RDI
 *	0x002000  GDT: null, 64-bit code, data
 *	0x003000  PML4 -> 0x004000 PDPT -> 0x005000 .. 0x008fff four PDs
 *	0x1f0000  top of the stack; a zero return address on it
 *	0x200000  here and above: the program (GUEST_LINK_MIN)
 *
 * The page tables map 0 to 4 GiB onto itself in 2 MiB pages, with accessed and
 * dirty bits set, so that the processor never writes to them.
 */
#ifndef HV_VMM_START_H
#define HV_VMM_START_H

#include "hv/vcpu/vcpu.h"
#include "hv/vmm/hypercall.h"

/** Where the boot page lies, and what the guest's control registers find. */
#define START_BOOT_PAGE 0x1000ull
#define START_GDT 0x2000ull
#define START_PML4 0x3000ull
#define START_STACK_TOP 0x1f0000ull

/**
 * Write boot page, GDT and page tables into a guest's memory.
 * @param memory guest-physical 0; at least GUEST_LINK_MIN bytes
 * @param info what the boot page is to say
 */
void start_write_memory(u8 *memory, const struct boot_info *info);

/**
 * Only the page tables, six pages from START_PML4 on.
 * @param memory guest-physical 0
 */
void start_write_page_tables(u8 *memory);

/**
 * Put a vCPU at the beginning of the program.
 * @param vcpu fresh
 * @param entry the program's first instruction
 * @return 0, or what vcpu_regs_set_system() says
 */
int start_set_registers(struct vcpu *vcpu, gva_t entry) __must_check;

#endif
