/** @file
 * One handler: it notes the error code and goes on where the instruction that
 * may fault has said.  Any other exception finds no gate: a triple fault.
 */
#include "guest-tests/kernel/trap.h"

#define CODE_SELECTOR 0x08
#define INTERRUPT_GATE 0x8e00
#define GP 13

struct gate {
	u16 low, selector, type, high;
};

static struct gate idt[GP + 1];
u32 trap_landing, trap_error;
static u32 odd;

void trap_gp_entry(void);

asm("trap_gp_entry:\n"
    "	popl trap_error\n"
    "	pushl %eax\n"
    "	movl trap_landing, %eax\n"
    "	movl %eax, 4(%esp)\n"
    "	popl %eax\n"
    "	iret\n");

/** An instruction between the two, EBX being 0 only if it did not fault. */
#define TRY "movl $1f, trap_landing; movl $1, %%ebx\n\t"
#define DONE "\n\txorl %%ebx, %%ebx\n1:"

void trap_load(void)
{
	struct {
		u16 limit;
		u32 base;
	} __packed idtr = { sizeof(idt) - 1, (u32)idt };
	u32 entry = (u32)trap_gp_entry;

	idt[GP] = (struct gate){ (u16)entry, CODE_SELECTOR, INTERRUPT_GATE,
				 entry >> 16 };
	asm volatile("lidt %0" : : "m"(idtr));
}

static bool judge(u32 faulted)
{
	odd += faulted && trap_error;
	return !faulted;
}

bool trap_rdmsr(u32 msr, u64 *value)
{
	u32 low = (u32)*value, high = *value >> 32, faulted;

	asm volatile(TRY "rdmsr" DONE
		     : "=&b"(faulted), "+a"(low), "+d"(high)
		     : "c"(msr)
		     : "memory");
	*value = low | (u64)high << 32;
	return judge(faulted);
}

bool trap_wrmsr(u32 msr, u64 value)
{
	u32 faulted;

	asm volatile(TRY "wrmsr" DONE
		     : "=&b"(faulted)
		     : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
	return judge(faulted);
}

bool trap_write_cr4(u32 value)
{
	u32 faulted;

	asm volatile(TRY "movl %1, %%cr4" DONE
		     : "=&b"(faulted)
		     : "a"(value)
		     : "memory");
	return judge(faulted);
}

u32 trap_odd(void)
{
	return odd;
}
