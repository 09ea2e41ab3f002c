/** @file
 * The tables of a tiny guest: its EPT, its page tables, GDT, TSS and IDT.
 *
 * Everything is mapped with all rights and with accessed and dirty flags set,
 * so that no test meets an exit or a flag that it did not ask for.
 */
#include "hv/unittest/tiny_tables.h"

#include "hv/vmx/vmx_controls.h"

#define PTE_READY                                            \
	(TINY_PTE_PRESENT | TINY_PTE_WRITE | TINY_PTE_USER | \
	 TINY_PTE_ACCESSED | TINY_PTE_DIRTY)
#define EPT_LEAF (TINY_EPT_ALL | TINY_EPT_WRITE_BACK)

/* Descriptors (SDM 3A 3.4.5 and 7.2.3) */
#define DESCRIPTOR_CODE64 0x00af9b000000ffffull
#define DESCRIPTOR_DATA 0x00cf93000000ffffull
#define DESCRIPTOR_CODE32 0x00cf9b000000ffffull
#define DESCRIPTOR_TSS64 (0x00008b0000000067ull | TINY_TSS << 16)
#define DESCRIPTOR_DPL3 BITS(46, 45)

#define GATE_INTERRUPT (0x8eull << 40) /* P=1, DPL=0, type 14 */
#define STUB_SIZE 16

static void build_ept(struct tiny_guest *g)
{
	g->ept_pml4[0] = virt_to_hpa(g->ept_pdpt).v | TINY_EPT_ALL;
	g->ept_pdpt[0] = virt_to_hpa(g->ept_pd).v | TINY_EPT_ALL;
	g->ept_pd[0] = virt_to_hpa(g->ept_pt).v | TINY_EPT_ALL;
	g->ept_pd[1] = (g->hpa.v + TINY_LARGE) | EPT_LEAF | TINY_EPT_LARGE;
	for (u64 i = 0; i < 512; i++) {
		g->ept_pt[i] = (g->hpa.v + i * PAGE_SIZE) | EPT_LEAF;
	}
	g->eptp = virt_to_hpa(g->ept_pml4).v | EPTP_MEMORY_TYPE_WB |
		  EPTP_WALK_LENGTH_4;
}

static void build_page_tables(struct tiny_guest *g)
{
	*tiny_guest_word(g, TINY_PML4) = TINY_PDPT | PTE_READY;
	*tiny_guest_word(g, TINY_PDPT) = TINY_PD | PTE_READY;
	*tiny_guest_word(g, TINY_PD) = TINY_PT | PTE_READY;
	*tiny_guest_word(g, TINY_PD + 8) =
		TINY_LARGE | PTE_READY | TINY_PTE_LARGE;
	for (u64 i = 0; i < 512; i++) {
		*tiny_guest_pte(g, i * PAGE_SIZE) = i * PAGE_SIZE | PTE_READY;
	}
}

static void build_gdt(struct tiny_guest *g)
{
	u64 *gdt = tiny_guest_word(g, TINY_GDT);

	gdt[TINY_SEL_CODE / 8] = DESCRIPTOR_CODE64;
	gdt[TINY_SEL_DATA / 8] = DESCRIPTOR_DATA;
	gdt[TINY_SEL_CODE32 / 8] = DESCRIPTOR_CODE32;
	gdt[TINY_SEL_TSS / 8] = DESCRIPTOR_TSS64;
	gdt[TINY_SEL_CODE3 / 8] = DESCRIPTOR_CODE64 | DESCRIPTOR_DPL3;
	gdt[TINY_SEL_DATA3 / 8] = DESCRIPTOR_DATA | DESCRIPTOR_DPL3;
	/* RSP0, where events at CPL 3 are pushed. */
	*tiny_guest_word(g, TINY_TSS + 4) = TINY_STACK - 0x800;
}

/** Each gate leads to a stub: MOV EAX, vector; VMCALL. */
static void build_idt(struct tiny_guest *g)
{
	static const u8 stub[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xc1 };

	for (u64 vector = 0; vector < 256; vector++) {
		u64 at = TINY_STUBS + vector * STUB_SIZE;
		u64 *gate = tiny_guest_word(g, TINY_IDT + vector * 16);

		memcpy(g->memory + at, stub, sizeof(stub));
		g->memory[at + 1] = vector;
		gate[0] = bits(at, 15, 0) | (u64)TINY_SEL_CODE << 16 |
			  GATE_INTERRUPT | bits(at, 31, 16) << 48;
	}
}

void tiny_tables_build(struct tiny_guest *g)
{
	build_ept(g);
	build_page_tables(g);
	build_gdt(g);
	build_idt(g);
}
