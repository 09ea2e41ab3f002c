/** @file
 * The program's half of exceptions: the tables, and who gets what.
 *
 *	GDT   0x08 code, 0x10 data, 0x18 user data, 0x20 user code, 0x28 TSS,
 *	      0x38 32-bit code
 *
 * At CPL 0 an exception stays on the stack of what it interrupts, but for a
 * page fault, which may be about that stack; from CPL 3 it switches to the
 * stack named in the TSS - SDM 3A 6.14.
 */
#include "guest-tests/lib/trap.h"

#include "guest-tests/lib/check.h"
#include "guest-tests/lib/text.h"

#define SELECTOR_CODE 0x08
#define SELECTOR_TSS 0x28
#define IST_FAULT 1

/** An IDT entry - SDM 3A 6.14.1, figure 6-8. */
struct gate {
	u16 offset_low;
	u16 selector;
	u16 type; /* 0x8e00: present, DPL 0, interrupt gate; and the IST */
	u16 offset_middle;
	u32 offset_high;
	u32 zero;
};

struct tss {
	u32 reserved;
	u64 rsp0;
	u8 more[24];
	u64 ist1;
	u8 rest[60];
} __packed;

struct table_register {
	u16 limit;
	u64 base;
} __packed;

/** As trap_entry.S leaves it. */
struct trap_frame {
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* trap_entry.S; the registers are those of when it came */
extern struct {
	u64 rcx, rsi, rdi;
} trap_registers;
extern char trap_entry_stubs[32][16];
void trap_entry_catch(void (*fn)(void), u64 user_stack);
/** Called by trap_entry.S for each exception. */
void trap_dispatch(const struct trap_frame *frame, u64 cr2);
/** The same for #DB inside trap_step(); it returns to where that came. */
void trap_stepped(const struct trap_frame *frame);
/** ... which trap_entry.S asks for here. */
extern struct trap_steps *trap_stepping;

static struct gate idt[32];
static struct tss tss;
static u64 gdt[8] = {
	0,
	0x00af9b000000ffff, /* 64-bit code, CPL 0 */
	0x00cf93000000ffff, /* data */
	0x00cff3000000ffff, /* data, CPL 3 */
	0x00affb000000ffff, /* 64-bit code, CPL 3 */
	[7] = 0x00cf9b000000ffff, /* 32-bit code, CPL 0 */
};
static u8 stack_kernel[8192] __aligned(16);
static u8 stack_fault[8192] __aligned(16);
static u8 stack_user[8192] __aligned(16);
static struct trap *waiting; /* trap_catch()'s caller, or NULL */
struct trap_steps *trap_stepping; /* trap_step()'s caller, or NULL */

static void set_gate(unsigned int vector)
{
	u64 stub = (u64)trap_entry_stubs[vector];

	idt[vector] = (struct gate){
		.offset_low = (u16)stub,
		.selector = SELECTOR_CODE,
		.type = 0x8e00 | (vector == TRAP_PF ? IST_FAULT : 0),
		.offset_middle = (u16)(stub >> 16),
		.offset_high = (u32)(stub >> 32),
	};
}

/** The TSS' descriptor, two entries long - SDM 3A 8.2.3. */
static void set_tss(void)
{
	u64 base = (u64)&tss;

	tss.rsp0 = (u64)(stack_kernel + sizeof(stack_kernel));
	tss.ist1 = (u64)(stack_fault + sizeof(stack_fault));
	gdt[5] = (sizeof(tss) - 1) | (base & BITS(23, 0)) << 16 |
		 0x89ull << 40 | bits(base, 31, 24) << 56;
	gdt[6] = base >> 32;
}

void trap_load_idt(u64 base)
{
	struct table_register idtr = { sizeof(idt) - 1, base };

	asm volatile("lidt %0" : : "m"(idtr) : "memory");
}

void trap_init(void)
{
	struct table_register gdtr = { sizeof(gdt) - 1, (u64)gdt };

	set_tss();
	for (unsigned int i = 0; i < ARRAY_SIZE(idt); i++) {
		set_gate(i);
	}
	asm volatile("lgdt %0\n\t"
		     "ltr %1"
		     :
		     : "m"(gdtr), "r"((u16)SELECTOR_TSS)
		     : "memory");
	trap_load_idt((u64)idt);
}

/** Nobody waits for it: that fails the test. */
static void fail_unexpected(const struct trap_frame *frame, u64 cr2)
{
	struct text text = { .length = 0 };

	text_add(&text, "exception ");
	text_add_decimal(&text, frame->vector);
	text_add(&text, ", error code ");
	text_add_hex(&text, frame->error);
	text_add(&text, ", RIP ");
	text_add_hex(&text, frame->rip);
	text_add(&text, ", CR2 ");
	text_add_hex(&text, cr2);
	check_text(CHECK_PLACE("a guest meets no exception which it does not "
			       "expect", FORMAT_TEXT),
		   text.buffer, "none");
}

void trap_dispatch(const struct trap_frame *frame, u64 cr2)
{
	if (!waiting) {
		fail_unexpected(frame, cr2);
		for (;;) {
			asm volatile("hlt");
		}
	}
	*waiting = (struct trap){
		.vector = frame->vector,
		.error = frame->error,
		.rip = frame->rip,
		.cs = frame->cs,
		.cr2 = cr2,
		.rcx = trap_registers.rcx,
		.rsi = trap_registers.rsi,
		.rdi = trap_registers.rdi,
	};
}

static void catch_on(void (*fn)(void), struct trap *out, u64 user_stack)
{
	*out = (struct trap){ .vector = TRAP_NONE };
	waiting = out;
	trap_entry_catch(fn, user_stack);
	waiting = NULL;
}

void trap_catch(void (*fn)(void), struct trap *out)
{
	catch_on(fn, out, 0);
}

void trap_user(void (*fn)(void), struct trap *out)
{
	catch_on(fn, out, (u64)(stack_user + sizeof(stack_user)));
}

void trap_stepped(const struct trap_frame *frame)
{
	if (trap_stepping->count < ARRAY_SIZE(trap_stepping->rip)) {
		trap_stepping->rip[trap_stepping->count] = frame->rip;
	}
	trap_stepping->count++;
}

void trap_step(void (*fn)(void), struct trap_steps *out)
{
	memset(out, 0, sizeof(*out));
	trap_stepping = out;
	fn();
	trap_stepping = NULL;
}

void trap_call32(const void *code)
{
	struct {
		u32 offset;
		u16 selector;
	} __packed target = { (u32)(u64)code, TRAP_CODE32 };

	const void *at = &target;

	/* LCALL pushes 4 + 4 bytes, which the LRET of 32-bit code pops. */
	asm volatile("pushq %%rbp\n\t"
		     "lcall *(%0)\n\t"
		     "popq %%rbp"
		     : "+a"(at)
		     :
		     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		       "r11", "r12", "r13", "r14", "r15", "memory", "cc");
}
