/** @file
 * Every kind of event meets every table that the hypervisor has not mapped.
 *
 * On the way of an event the processor reads IDT, GDT and TSS and writes the
 * stack; each of these may be what makes it exit.  The hypervisor maps the page
 * and has to bring the event to its end: once, with its error code, with the
 * RIP that belongs to it, and after one exit or four.  If the page is no memory
 * the VM ends, and says that an event was on its way.
 */
#include "guest-tests/apic/apic.h"

#include "guest-tests/apic/arrival.h"

#define ALL_SETS BIT(ARRIVAL_PAGES)
#define VECTOR_SOFT 0x50
#define VECTOR_ABSENT 0x52
#define ERROR_ABSENT (VECTOR_ABSENT * 8 + 2) /* of the IDT */
#define NP 11
#define SELECTOR_BEYOND 0x1238 /* the GDT's limit */
#define NOTHING PAGES_FREE_GVA

/** The instructions that call the event: of a fault the one, of a trap what is
 * behind it. */
static u64 begins, ends;

/** Forget the pages, run `before`, note the places, and run `text`.  The
 * handler goes to its end in any case. */
#define PROVOKE(pages, before, text, ...) \
	do { \
		arrival_forget(pages); \
		asm volatile(before "\n\t" \
			     "leaq 8f(%%rip), %%rdx\n\t" \
			     "movq %%rdx, %0\n\t" \
			     "leaq 9f(%%rip), %%rdx\n\t" \
			     "movq %%rdx, %1\n\t" \
			     "movq %%rdx, %2\n" \
			     "8:	" text "\n" \
			     "9:	cli" \
			     : "=m"(begins), "=m"(ends), \
			       "=m"(arrival_seen.landing) \
			     : __VA_ARGS__ \
			     : "rax", "rdx", "cc", "memory"); \
	} while (0)

static void interrupt(unsigned int pages)
{
	apic_write(APIC_ICR_LOW, APIC_SELF | APIC_ASSERT | APIC_VECTOR);
	PROVOKE(pages, "", "sti; nop; nop", "i"(0));
}

static void nmi(unsigned int pages)
{
	apic_write(APIC_ICR_HIGH, 0);
	PROVOKE(pages, "", "movl %4, (%3); nop; nop",
		"r"(APIC_GPA + APIC_ICR_LOW), "i"(APIC_NMI | APIC_ASSERT));
}

static void soft_interrupt(unsigned int pages)
{
	PROVOKE(pages, "", "int %3", "i"(VECTOR_SOFT));
}

static void breakpoint(unsigned int pages)
{
	PROVOKE(pages, "", "int3", "i"(0));
}

static void icebp(unsigned int pages)
{
	PROVOKE(pages, "", ".byte 0xf1", "i"(0));
}

static void single_step(unsigned int pages)
{
	PROVOKE(pages, "pushfq; orl $0x100, (%%rsp); popq %%rax",
		"pushq %%rax; popfq; nop", "i"(0));
}

static void invalid_opcode(unsigned int pages)
{
	PROVOKE(pages, "", "ud2", "i"(0));
}

static void protection(unsigned int pages)
{
	PROVOKE(pages, "movl %3, %%eax", "movw %%ax, %%fs",
		"i"(SELECTOR_BEYOND));
}

static void page_fault(unsigned int pages)
{
	PROVOKE(pages, "", "movb $0, (%3)", "r"(NOTHING));
}

/** An INT on its way becomes another event: its gate is absent. */
static void absent_gate(unsigned int pages)
{
	PROVOKE(pages, "", "int %3", "i"(VECTOR_ABSENT));
}

/** So does #DE, which is contributory, and #NP on top. */
static void double_fault(unsigned int pages)
{
	PROVOKE(pages, "xorl %%eax, %%eax", "divl %%eax", "i"(0));
}

enum place { AT, BEHIND, BETWEEN, ANYWHERE };

struct kind {
	void (*provoke)(unsigned int pages);
	u64 vector, error;
	enum place place; /* of the RIP that it saves */
	/** What TCG has in its place, at this RIP or behind (docs/machines.md);
	 * 0: nothing else. */
	u64 tcg_vector, tcg_error;
};

static void check_what(const struct kind *kind)
{
	if (kind->tcg_vector && arrival_seen.vector == kind->tcg_vector &&
	    arrival_seen.error == kind->tcg_error) {
		return;
	}
	CHECK_EQ(arrival_seen.vector, kind->vector, "it is this event");
	CHECK_EQ(arrival_seen.error, kind->error, "with its error code");
}

static void check_place(const struct kind *kind)
{
	u64 rip = arrival_seen.rip;
	bool allowed = kind->tcg_vector && rip == ends;

	switch (kind->place) {
	case AT:
		CHECK_EQ(allowed ? begins : rip, begins,
			 "a fault returns to its instruction");
		break;
	case BEHIND:
		CHECK_EQ(rip, ends, "a trap, or INT, returns behind it");
		break;
	case BETWEEN:
		CHECK_TRUE(rip > begins && rip <= ends,
			   "an interrupt returns to where it came");
		break;
	case ANYWHERE:
		break;
	}
}

static u64 size_of_set(unsigned int pages)
{
	u64 size = 0;

	for (; pages; pages &= pages - 1) {
		size++;
	}
	return size;
}

static void check_one(const struct kind *kind, unsigned int pages)
{
	u64 before = vmcall_counter(COUNTER_VIOLATIONS);

	arrival_seen.count = 0;
	kind->provoke(pages);
	if (kind->vector == APIC_VECTOR) {
		apic_write(APIC_EOI, 0);
	}
	asm volatile("sti; nop; nop; cli"); /* was there another one? */
	CHECK_COUNT(arrival_seen.count, 1,
		    "an event whose delivery exits is delivered once (SDM 3C "
		    "28.2.4)");
	check_what(kind);
	check_place(kind);
	CHECK_TRUE(vmcall_counter(COUNTER_VIOLATIONS) - before >=
			   size_of_set(pages),
		   "each page was met on its way");
}

/** With each set of the four pages. */
static void check_kind(const struct kind *kind)
{
	arrival_begin();
	apic_write(APIC_SVR, APIC_SVR_ENABLE | APIC_VECTOR_SPURIOUS);
	arrival_close(VECTOR_ABSENT);
	arrival_close(TRAP_DE);
	for (unsigned int pages = 1; pages < ALL_SETS; pages++) {
		check_one(kind, pages);
	}
}

TEST(interrupt_meets_every_table)
{
	check_kind(&(struct kind){ interrupt, APIC_VECTOR, 0, BETWEEN });
}

TEST(nmi_meets_every_table)
{
	check_kind(&(struct kind){ nmi, APIC_VECTOR_NMI, 0, BETWEEN });
}

TEST(int_n_meets_every_table)
{
	check_kind(&(struct kind){ soft_interrupt, VECTOR_SOFT, 0, BEHIND });
}

TEST(int3_meets_every_table)
{
	check_kind(&(struct kind){ breakpoint, 3, 0, BEHIND });
}

TEST(int1_meets_every_table)
{
	check_kind(&(struct kind){ icebp, TRAP_DB, 0, BEHIND });
}

TEST(single_step_meets_every_table)
{
	check_kind(&(struct kind){ single_step, TRAP_DB, 0, BEHIND });
}

TEST(ud_meets_every_table)
{
	check_kind(&(struct kind){ invalid_opcode, TRAP_UD, 0, AT });
}

TEST(gp_meets_every_table)
{
	check_kind(&(struct kind){ protection, TRAP_GP, SELECTOR_BEYOND, AT });
}

TEST(np_of_an_int_meets_every_table)
{
	check_kind(&(struct kind){ absent_gate, NP, ERROR_ABSENT, AT,
				   NP, VECTOR_ABSENT * 16 + 2 });
}

TEST(double_fault_meets_every_table)
{
	check_kind(&(struct kind){ double_fault, TRAP_DF, 0, ANYWHERE,
				   NP, TRAP_DE * 16 + 2 });
}

TEST(page_fault_meets_every_table)
{
	const struct kind kind = { page_fault, TRAP_PF, 2, AT };

	check_kind(&kind);
	CHECK_EQ(arrival_seen.cr2, NOTHING,
		 "CR2 is that of the guest's fault, not of ours");
}

/* Two at a time ------------------------------------------------------------ */

/** It is executed again if it is forgotten, but behind the other one. */
static void int_on_its_way(unsigned int pages)
{
	PROVOKE(pages, "", "movq $0, %2; sti; nop; int %3; nop; nop",
		"i"(VECTOR_SOFT));
}

/** The APIC has given it away: it must not be lost. */
static void interrupt_on_its_way(unsigned int pages)
{
	apic_write(APIC_ICR_LOW, APIC_SELF | APIC_ASSERT | APIC_VECTOR);
	PROVOKE(pages, "", "movq $0, %2; sti; nop; nop", "i"(0));
}

/**
 * An event is on its way and exits at each of the pages; meanwhile an IPI
 * arrives.  What is on its way comes first.
 * @param order vectors in the order of their handlers
 */
static void check_both(void (*provoke)(unsigned int pages), u32 icr, u64 order)
{
	arrival_begin();
	apic_write(APIC_SVR, APIC_SVR_ENABLE | APIC_VECTOR_SPURIOUS);
	for (unsigned int i = 0; i < ARRIVAL_PAGES; i++) {
		arrival_seen.count = 0;
		arrival_seen.order = 0;
		arrival_send_amid(i, icr);
		provoke(BIT(i));
		apic_write(APIC_EOI, 0);
		CHECK_COUNT(arrival_seen.count, 2, "each comes once");
		CHECK_EQ(arrival_seen.order, order,
			 "an event on its way is not overtaken");
	}
}

TEST(interrupt_waits_for_an_int_on_its_way)
{
	check_both(int_on_its_way, APIC_VECTOR, VECTOR_SOFT << 8 | APIC_VECTOR);
}

/** It interrupts the other's handler before its first instruction. */
TEST(nmi_waits_for_an_interrupt_on_its_way)
{
	check_both(interrupt_on_its_way, APIC_NMI,
		   APIC_VECTOR_NMI << 8 | APIC_VECTOR);
}

/* Tables that are no memory at all ----------------------------------------- */

/**
 * Let an event meet a table in a device.
 * @param known it has been met
 * @param exits for want of memory, or ~0: the APIC's come in between
 */
static void check_end(void (*provoke)(unsigned int pages),
		      enum arrival_page page, bool known, u64 exits)
{
	arrival_begin();
	if (known) {
		mmio_read4(DEVICE_NOBODY_GPA);
	}
	apic_write(APIC_SVR, APIC_SVR_ENABLE | APIC_VECTOR_SPURIOUS);
	arrival_spoil(page);
	CHECK_STOP(STOP_DELIVERY, ~0ull, exits,
		   "an event whose tables lie in a device ends the run with a "
		   "delivery error (spec 1.4)");
	provoke(0);
}

TEST(interrupt_with_its_gate_in_a_device)
{
	check_end(interrupt, ARRIVAL_IDT, true, ~0ull);
}

TEST(nmi_with_its_segment_in_a_device)
{
	check_end(nmi, ARRIVAL_GDT, false, ~0ull);
}

TEST(int_n_with_its_tss_in_a_device)
{
	check_end(soft_interrupt, ARRIVAL_TSS, true, 1);
}

TEST(gp_with_its_stack_in_a_device)
{
	check_end(protection, ARRIVAL_STACK, false, 1);
}
