/** @file
 * What the soft unit keeps for each CPU: making it and giving it back.
 *
 * All of it is SVM's need: VMCBs, bitmaps in which everything exits, a page for
 * VMRUN to hide the host in (APM 2 15.30.4), nested page tables.  The stack is
 * one of our own (hv/x86/stack.h), so that the vCPU's is as VMLAUNCH found it
 * when the exit comes.  About 1 MiB a CPU, most of it pools of page tables.
 */
#include "hv/softvmx/softvmx_cpu.h"

#include "hv/lib/page.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/svm_tlb.h"
#include "hv/x86/segment.h"
#include "hv/x86/stack.h"

#define MSRPM_PAGES 2
#define IOPM_PAGES 3

/* The IDT for softvmx_run_acknowledge(): gate n leads to vector n. */
#define GATE_SIZE 16
#define GATE_INTERRUPT 0x8e00ull

static u64 private_idt[256][2];
struct table_register softvmx_run_idtr;

/** An interrupt gate of CPL 0 on the current stack (SDM 3A figure 6-8). */
static void set_gate(unsigned int vector, u64 handler)
{
	private_idt[vector][0] = bits(handler, 15, 0) |
				 (u64)SEL_CODE64 << 16 | GATE_INTERRUPT << 32 |
				 bits(handler, 31, 16) << 48;
	private_idt[vector][1] = handler >> 32;
}

/** The same for each CPU, so that filling it again does no harm. */
static void fill_private_idt(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		set_gate(i, (u64)softvmx_run_gates + i * GATE_SIZE);
	}
	set_gate(2, (u64)softvmx_run_nmi_gate);
	softvmx_run_idtr = (struct table_register){
		sizeof(private_idt) - 1, (u64)private_idt
	};
}

/* SVM wants its bitmaps contiguous in physical memory. */
static void *alloc_pages(size_t count)
{
	return page_alloc_contig(PAGE_OWNER_HV, count, 1);
}

static void free_pages(void *pages, size_t count)
{
	if (pages) {
		page_free_contig(pages, count);
	}
}

void softvmx_cpu_destroy(struct softvmx_cpu *cpu)
{
	free_pages(cpu->guest, 1);
	free_pages(cpu->before, 1);
	free_pages(cpu->after, 1);
	free_pages(cpu->halted, 1);
	free_pages(cpu->host_save, 1);
	free_pages(cpu->msrpm, MSRPM_PAGES);
	free_pages(cpu->iopm_all, IOPM_PAGES);
	free_pages(cpu->iopm_copy, IOPM_PAGES);
	ept_shadow_destroy(cpu->shadow);
	svm_tlb_destroy(cpu->tlb);
	free_pages(cpu, 1);
}

/** @return whether there was memory for all of it */
static bool alloc_parts(struct softvmx_cpu *cpu)
{
	cpu->guest = alloc_pages(1);
	cpu->before = alloc_pages(1);
	cpu->after = alloc_pages(1);
	cpu->halted = alloc_pages(1);
	cpu->host_save = alloc_pages(1);
	cpu->msrpm = alloc_pages(MSRPM_PAGES);
	cpu->iopm_all = alloc_pages(IOPM_PAGES);
	cpu->iopm_copy = alloc_pages(IOPM_PAGES);
	cpu->shadow = ept_shadow_create();
	cpu->tlb = svm_tlb_create();
	return cpu->guest && cpu->before && cpu->after &&
	       cpu->halted && cpu->host_save && cpu->msrpm && cpu->iopm_all &&
	       cpu->iopm_copy && cpu->shadow && cpu->tlb;
}

struct softvmx_cpu *softvmx_cpu_create(void)
{
	struct softvmx_cpu *cpu = alloc_pages(1);

	if (!cpu) {
		return NULL;
	}
	if (!alloc_parts(cpu)) {
		softvmx_cpu_destroy(cpu);
		return NULL;
	}
	/* A set bit intercepts: everything exits unless the VMCS says less. */
	memset(cpu->msrpm, 0xff, MSRPM_PAGES * PAGE_SIZE);
	memset(cpu->iopm_all, 0xff, IOPM_PAGES * PAGE_SIZE);
	memset(cpu->iopm_copy, 0xff, IOPM_PAGES * PAGE_SIZE);
	cpu->stack_top = stack_top(this_cpu()->id, STACK_SOFTVMX);
	cpu->entry_vmcb = virt_to_hpa(cpu->before).v;
	cpu->vmcs_address = hpa(VMCS_NONE);
	fill_private_idt();
	return cpu;
}
