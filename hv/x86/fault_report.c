/** @file
 * The readable report of an exception in the hypervisor.
 *
 * A student who dereferences NULL should read that, and not 0x0000000e.  The
 * report says in one sentence what happened, then shows everything that the
 * sentence was made from:
 *
 *	exit49: fault on CPU 0: #PF page fault: read of 0x18, which is in the
 *	NULL page (not present)
 *	  rip ffffffff80104c12  ept_walk+0x12 labs/lab1-ept-fault/ept_fault.c:88
 *	  registers, control registers, the code bytes, the backtrace
 *
 * One rule for all of it: touch no memory that may be what is broken.  An
 * address is described by comparing numbers, and read only where it is sure to
 * be mapped.  A second fault in here would end the machine with a line.
 */
#include "hv/x86/fault_report.h"

#include "hv/boot/image.h"
#include "hv/lib/backtrace.h"
#include "hv/lib/page.h"
#include "hv/lib/printf.h"
#include "hv/lib/string.h"
#include "hv/lib/symbol.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/stack.h"
#include "hv/x86/trap.h"

/** One more than the longest instruction has. */
#define CODE_BYTES 16

/** Canonical: bits 63 to 47 are all equal - SDM 1 3.3.7.1. */
static bool is_canonical(unsigned long address)
{
	return (long)(address << 16) >> 16 == (long)address;
}

static bool in_range(unsigned long address, const char *start,
		     const char *end)
{
	return address >= (unsigned long)start && address < (unsigned long)end;
}

/** Which part of the image, or NULL.  The linker's symbols have no value, only
 * an address: that is what the names stand for. */
static const char *image_part(unsigned long address)
{
	if (in_range(address, image_text_start, image_text_end)) {
		return "the image's read-only text";
	}
	if (in_range(address, image_rodata_start, image_rodata_end)) {
		return "the image's constants";
	}
	if (in_range(address, image_data_start, image_end)) {
		return "the image's data";
	}
	return NULL;
}

/** See fault_report_ask(): who knows more of an address, for instance that it
 * is in a structure of the soft VMX unit, is asked first. */
static bool (*ask)(unsigned long address, char *buffer, size_t size);

void fault_report_ask(bool (*fn)(unsigned long address, char *buffer,
				 size_t size))
{
	ask = fn;
}

/**
 * Say in a few words what a host virtual address is: "the NULL page", "the
 * guard page below CPU 0's stack".  From the particular to the general: the
 * NULL page is below everything, a guard page lies within the image's data.
 */
static void describe(unsigned long address, char *buffer, size_t size)
{
	struct stack_place place;
	const char *part = image_part(address);

	if (ask && ask(address, buffer, size)) {
		return;
	}
	if (address < PAGE_SIZE) {
		snprintf(buffer, size, "the NULL page");
	} else if (!is_canonical(address)) {
		snprintf(buffer, size, "not a canonical address");
	} else if (stack_find(address, &place)) {
		snprintf(buffer, size, "%sCPU %u's %s",
			 place.is_guard ? "the guard page below " : "",
			 place.cpu, stack_name(place.kind));
	} else if (part) {
		snprintf(buffer, size, "%s", part);
	} else if (address - DIRECT_MAP_BASE < DIRECT_MAP_SIZE) {
		snprintf(buffer, size, "the direct map of physical 0x%lx (%s)",
			 address - DIRECT_MAP_BASE,
			 page_is_ram(hpa(address - DIRECT_MAP_BASE)) ?
			 "RAM" : "not allocatable RAM");
	} else {
		snprintf(buffer, size, "not mapped");
	}
}

/**
 * The error code of #PF as words - SDM 3A 4.7.
 *
 * P = 0 is "not present".  P = 1 means that all entries were there and one of
 * them forbade the access, or had a reserved bit set, which is said first: that
 * is a broken table and no forbidden access.
 */
static void summarise_page_fault(const struct trap_frame *frame,
				 unsigned long address, char *buffer,
				 size_t size)
{
	const char *access = "read of";
	const char *why = "not present";
	char what[96];

	if (frame->error & PF_I) {
		access = "execution of";
	} else if (frame->error & PF_W) {
		access = "write to";
	}
	if (frame->error & PF_RSVD) {
		why = "a reserved bit is set in its page tables";
	} else if (frame->error & PF_P) {
		why = "not permitted";
	}
	describe(address, what, sizeof(what));
	snprintf(buffer, size, "%s: %s 0x%lx, %s (%s)",
		 trap_name(frame->vector), access, address, what, why);
}

/**
 * #GP says nothing about an address; a bad one shows in a register.  Only one
 * is named: with two of them the instruction must be looked at anyway.  #SS
 * is the same for addresses that were formed with RSP or RBP.
 */
static void summarise_protection(const struct trap_frame *frame, char *buffer,
				 size_t size)
{
	static const char *const names[] = {
		"r15", "r14", "r13", "r12", "r11", "r10", "r9", "r8",
		"rbp", "rdi", "rsi", "rdx", "rcx", "rbx", "rax",
	};
	const u64 *registers = &frame->r15;
	int used = snprintf(buffer, size, "%s, error code 0x%lx",
			    trap_name(frame->vector), frame->error);

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (!is_canonical(registers[i]) && (size_t)used < size) {
			snprintf(buffer + used, size - used,
				 "; %s = 0x%lx is not a canonical address",
				 names[i], registers[i]);
			return;
		}
	}
}

/**
 * #DF follows a #PF whose frame could not be pushed; CR2 is from that.  Where
 * it points tells a stack overflow from everything else.
 */
static void summarise_double_fault(const struct trap_frame *frame,
				   unsigned long address, char *buffer,
				   size_t size)
{
	struct stack_place place;

	if (stack_find(address, &place) && place.is_guard) {
		snprintf(buffer, size, "stack overflow: CPU %u ran into the "
			 "guard page below its %s at 0x%lx (%s)", place.cpu,
			 stack_name(place.kind), address,
			 trap_name(frame->vector));
		return;
	}
	snprintf(buffer, size, "%s; CR2 is 0x%lx, rsp is 0x%lx",
		 trap_name(frame->vector), address, frame->rsp);
}

/* The one sentence, which is also the run's result.  CR2 comes as an argument:
 * the register itself may have changed since. */
void fault_report_summary(const struct trap_frame *frame,
			  unsigned long address, char *buffer, size_t size)
{
	const char *name = trap_name(frame->vector);

	switch (frame->vector) {
	case VECTOR_PF:
		summarise_page_fault(frame, address, buffer, size);
		break;
	case VECTOR_GP:
	case VECTOR_SS:
		summarise_protection(frame, buffer, size);
		break;
	case VECTOR_DF:
		summarise_double_fault(frame, address, buffer, size);
		break;
	default:
		snprintf(buffer, size, "%s, error code 0x%lx",
			 name ? name : "reserved exception", frame->error);
		break;
	}
}

/** Three to a line, which fits a terminal of 80 columns. */
static void print_registers(const struct trap_frame *f)
{
	printf("  rax %016lx  rbx %016lx  rcx %016lx\n"
	       "  rdx %016lx  rsi %016lx  rdi %016lx\n"
	       "  rbp %016lx  rsp %016lx  r8  %016lx\n"
	       "  r9  %016lx  r10 %016lx  r11 %016lx\n"
	       "  r12 %016lx  r13 %016lx  r14 %016lx\n"
	       "  r15 %016lx  rfl %016lx  err %016lx\n",
	       f->rax, f->rbx, f->rcx, f->rdx, f->rsi, f->rdi, f->rbp, f->rsp,
	       f->r8, f->r9, f->r10, f->r11, f->r12, f->r13, f->r14, f->r15,
	       f->rflags, f->error);
}

/** CR2 as it was on arrival; the others do not change by themselves. */
static void print_control_registers(unsigned long cr2)
{
	printf("  cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n",
	       read_cr0(), cr2, read_cr3(), read_cr4());
}

/** The bytes at RIP, when RIP is somewhere that can be read. */
static void print_code(unsigned long rip)
{
	if (!in_range(rip, image_text_start, image_text_end) ||
	    !in_range(rip + CODE_BYTES, image_text_start, image_text_end)) {
		return;
	}
	printf("  code");
	for (unsigned int i = 0; i < CODE_BYTES; i++) {
		printf(" %02x", ((const u8 *)rip)[i]);
	}
	printf("\n");
}

/*
 * From what is most likely enough to what is needed seldom, and from what is
 * safe to what may fail: the backtrace follows pointers and comes last.
 */
void fault_report_print(const struct trap_frame *frame, unsigned long address)
{
	char text[240];
	struct backtrace trace;

	fault_report_summary(frame, address, text, sizeof(text));
	printf("\nexit49: fault on CPU %u: %s\n", this_cpu()->id, text);
	symbol_format(frame->rip, false, text, sizeof(text));
	printf("  rip %016lx  cs %02lx  %s\n", frame->rip, frame->cs, text);
	print_registers(frame);
	print_control_registers(address);
	print_code(frame->rip);
	backtrace_from_frame(frame, &trace);
	backtrace_print(&trace);
}
