/** @file
 * What the soft unit keeps for each CPU: making it and giving it back.
 *
 * All of it is SVM's need: VMCBs, bitmaps in which everything exits, a page for
 * VMRUN to hide the host in (APM 2 15.30.4), nested page tables.  The stack is
 * one of our own (hv/x86/stack.h), so that the vCPU's is as VMLAUNCH found it
 * when the exit comes.
 *
 * A processor's VMX unit is out of a wild pointer's reach; this one is memory
 * like any other.  So it lies in one piece with a guard page before it and
 * behind each part, which is not mapped: who writes past the end of what he
 * has, or of a part, faults, and the report says behind what.
 *
 *	| guard | state | guard | VMCB | guard | ... | page tables | guard |
 */
#include "hv/softvmx/softvmx_cpu.h"

#include "hv/boot/paging.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/softvmx/ept_shadow.h"
#include "hv/softvmx/softvmx_run.h"
#include "hv/softvmx/svm_tlb.h"
#include "hv/x86/fault_report.h"
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

/**
 * A part of a unit's memory: how many pages, and where in struct softvmx_cpu
 * the pointer to it belongs.  Behind each lies a guard page.
 */
struct part {
	const char *name;
	size_t pages;
	size_t pointer;
};

#define PART(name, pages, member) \
	{ name, pages, offsetof(struct softvmx_cpu, member) }

/** The struct itself is the first part, and has no pointer. */
static const struct part parts[] = {
	{ "state", 1, 0 },
	PART("VMCB of the guest", 1, guest),
	PART("VMCB of the host before", 1, before),
	PART("VMCB of the host after", 1, after),
	PART("VMCB of the halted guest", 1, halted),
	PART("host-save area", 1, host_save),
	PART("MSR permission map", MSRPM_PAGES, msrpm),
	PART("I/O permission map", IOPM_PAGES, iopm_all),
	PART("copied I/O bitmaps", IOPM_PAGES, iopm_copy),
	PART("nested page tables", EPT_SHADOW_PAGES, shadow),
	PART("TLB", SVM_TLB_PAGES, tlb),
};

/** Each CPU's area: a guard page, then parts and guard pages in turn. */
static char *areas[CPU_MAX];

static size_t area_pages(void)
{
	size_t pages = 1;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		pages += parts[i].pages + 1;
	}
	return pages;
}

/**
 * Call fn with each guard page of an area: the first page, and the one behind
 * each part.
 */
static void for_each_guard(char *area, void (*fn)(const void *guard))
{
	fn(area);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		area += (parts[i].pages + 1) * PAGE_SIZE;
		fn(area);
	}
}

/** A guard page that cannot be taken out of the map guards nothing, but does no
 * harm either. */
static void unmap_guard(const void *guard)
{
	if (!paging_unmap(guard)) {
		printf("softvmx: a guard page could not be unmapped\n");
	}
}

/** Say whose guard page it is, of the page before part i. */
static void name_guard(unsigned int id, size_t i, char *buffer, size_t size)
{
	if (i) {
		snprintf(buffer, size,
			 "the guard page behind the %s of CPU %u's soft VMX "
			 "unit", parts[i - 1].name, id);
	} else {
		snprintf(buffer, size,
			 "the guard page before CPU %u's soft VMX unit", id);
	}
}

/** For fault reports: is it a guard page of ours? */
static bool name_address(unsigned long address, char *buffer, size_t size)
{
	for (unsigned int id = 0; id < CPU_MAX; id++) {
		unsigned long at = (unsigned long)areas[id];

		for (size_t i = 0; at && i <= ARRAY_SIZE(parts); i++) {
			if (address - at < PAGE_SIZE) {
				name_guard(id, i, buffer, size);
				return true;
			}
			if (i < ARRAY_SIZE(parts)) {
				at += (parts[i].pages + 1) * PAGE_SIZE;
			}
		}
	}
	return false;
}

/** Cut an area into its parts.  @return the first, struct softvmx_cpu */
static struct softvmx_cpu *cut(char *area)
{
	struct softvmx_cpu *cpu = (struct softvmx_cpu *)(area + PAGE_SIZE);

	area += PAGE_SIZE;
	for (size_t i = 1; i < ARRAY_SIZE(parts); i++) {
		area += (parts[i - 1].pages + 1) * PAGE_SIZE;
		*(void **)((char *)cpu + parts[i].pointer) = area;
	}
	return cpu;
}

/* The pages go back as they came, mapped and in one piece. */
void softvmx_cpu_destroy(struct softvmx_cpu *cpu)
{
	char *area = (char *)cpu - PAGE_SIZE;

	areas[this_cpu()->id] = NULL;
	for_each_guard(area, paging_map);
	page_free_contig(area, area_pages());
}

/* A set bit intercepts: everything exits unless the VMCS says less. */
struct softvmx_cpu *softvmx_cpu_create(void)
{
	char *area = page_alloc_contig(PAGE_OWNER_HV, area_pages(), 1);
	struct softvmx_cpu *cpu;

	if (!area) {
		return NULL;
	}
	cpu = cut(area);
	ept_shadow_init(cpu->shadow);
	svm_tlb_init(cpu->tlb);
	memset(cpu->msrpm, 0xff, MSRPM_PAGES * PAGE_SIZE);
	memset(cpu->iopm_all, 0xff, IOPM_PAGES * PAGE_SIZE);
	memset(cpu->iopm_copy, 0xff, IOPM_PAGES * PAGE_SIZE);
	cpu->stack_top = stack_top(this_cpu()->id, STACK_SOFTVMX);
	cpu->entry_vmcb = virt_to_hpa(cpu->before).v;
	cpu->vmcs_address = hpa(VMCS_NONE);
	fill_private_idt();
	for_each_guard(area, unmap_guard);
	areas[this_cpu()->id] = area;
	fault_report_ask(name_address);
	return cpu;
}
