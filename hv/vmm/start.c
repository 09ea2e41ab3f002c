/** @file
 * The first state of a guest.
 *
 * A real machine needs hundreds of instructions from reset to 64-bit mode; a
 * test needs none of them.  As KVM's VMMs do for a Linux kernel, the tables
 * are written into the guest's memory from outside and the registers are set
 * to what that code would have left there - SDM 3A 10.8.5.
 *
 *	GPA 0 ...      page tables, GDT, boot page, stack
 *	2 MiB ...      the program (GUEST_LINK_MIN)
 *	4 GiB          end of the identity map
 *
 * The map reaches beyond RAM on purpose: the devices' addresses lie there, and
 * an address that is not mapped would be a page fault of the guest and no exit.
 */
#include "hv/vmm/start.h"

#include "hv/x86/cr.h"

/* Paging-structure entries - SDM 3A 4.5, tables 4-15 to 4-18. */
#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_PS BIT(7)

/*
 * Accessed and dirty are set from the start. Otherwise the processor would set
 * them at first use, by a store to the guest's tables that exits with some
 * tests and not with others. User everywhere, for tests at CPL 3.
 */
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_U | PTE_A)
#define LARGE_FLAGS (TABLE_FLAGS | PTE_D | PTE_PS)
#define PDS 4 /* a GiB each */

/**
 * One PML4 entry, four of the next level, and 2 MiB pages below: six pages of
 * tables for 4 GiB.
 */
void start_write_page_tables(u8 *memory)
{
	u64 *pml4 = (u64 *)(memory + START_PML4);
	u64 *pdpt = (u64 *)(memory + START_PML4 + PAGE_SIZE);
	u64 pds = START_PML4 + 2 * PAGE_SIZE;
	u64 *pd = (u64 *)(memory + pds);

	pml4[0] = (START_PML4 + PAGE_SIZE) | TABLE_FLAGS;
	for (u64 i = 0; i < PDS; i++) {
		pdpt[i] = (pds + i * PAGE_SIZE) | TABLE_FLAGS;
	}
	for (u64 i = 0; i < PDS * 512; i++) {
		pd[i] = i << 21 | LARGE_FLAGS;
	}
}

/**
 * Descriptors of 64-bit code and of data - SDM 3A 3.4.5, accessed. A null
 * descriptor must be first. "Accessed" is set for the same reason as in the
 * page tables.
 */
static void write_gdt(u8 *memory)
{
	u64 *gdt = (u64 *)(memory + START_GDT);

	gdt[0] = 0;
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
}

void start_write_memory(u8 *memory, const struct boot_info *info)
{
	start_write_page_tables(memory);
	write_gdt(memory);
	memcpy(memory + START_BOOT_PAGE, info, sizeof(*info));
}

/**
 * RSP as a called function finds it: 8 below a multiple of 16, where the return
 * address would be. RDI is the first argument by the ABI, so that the program's
 * entry can be a function in C. The limit of the GDT is its last byte, hence -
 * 1.
 */
int start_set_registers(struct vcpu *vcpu, gva_t entry)
{
	struct vcpu_sregs system;
	struct vcpu_regs regs;
	int error;

	vcpu_regs_long_mode(&system, gpa(START_PML4));
	system.gdt.base = gva(START_GDT);
	system.gdt.limit = 3 * 8 - 1;
	error = vcpu_regs_set_system(vcpu, &system);
	if (error) {
		return error;
	}
	memset(&regs, 0, sizeof(regs));
	regs.rip = entry.v;
	regs.rflags = RFLAGS_FIXED;
	regs.gpr[GPR_RSP] = START_STACK_TOP - 8;
	regs.gpr[GPR_RDI] = START_BOOT_PAGE;
	vcpu_regs_set(vcpu, &regs);
	return 0;
}
