/** @file
 * The stacks of all CPUs, and their guard pages.
 *
 * They are one array in .bss.  Each slot is a guard page and the stack above
 * it; hv/boot/paging.c takes the guard pages out of the page tables.
 *
 * Why a page and not a check: a push beyond the end writes to what lies below,
 * silently, and what breaks is somebody else's data, much later.  With the
 * guard it is a #PF at the very instruction.  The processor cannot push the
 * frame of that #PF either, so a #DF comes of it; and a #DF needs a stack that
 * is sound, hence its own (desc.c).
 *
 * All is laid out at compile time: the report of a crash must be able to say
 * which stack an address is in, whatever else is broken by then.
 */
#include "hv/x86/stack.h"

#include "hv/x86/cpu.h"

/** One CPU's stacks. */
struct stacks {
	struct {
		char guard[STACK_GUARD_SIZE];
		char stack[STACK_IST_SIZE];
	} other[STACK_KINDS - 1];
	char main_guard[STACK_GUARD_SIZE];
	char main[STACK_MAIN_SIZE];
};

static struct stacks stacks[CPU_MAX] __aligned(4096);

_Static_assert(sizeof(struct stacks) % 4096 == 0, "guards are whole pages");

#define MAIN_TOP(cpu) (stacks[cpu].main + STACK_MAIN_SIZE)

/* Read by entry.S before there is anything else: a word for each CPU spares it
 * from multiplying by the size of struct stacks. */
extern char *const stack_main_tops[];
char *const stack_main_tops[CPU_MAX] = {
	MAIN_TOP(0), MAIN_TOP(1), MAIN_TOP(2), MAIN_TOP(3),
	MAIN_TOP(4), MAIN_TOP(5), MAIN_TOP(6), MAIN_TOP(7),
};

_Static_assert(CPU_MAX == 8, "one row per CPU above");

/** The range of one stack. */
static struct stack_place stack_place(unsigned int cpu, enum stack_kind kind)
{
	struct stack_place place = { .cpu = cpu, .kind = kind };

	if (kind == STACK_MAIN) {
		place.low = (unsigned long)stacks[cpu].main;
		place.high = place.low + STACK_MAIN_SIZE;
	} else {
		place.low = (unsigned long)stacks[cpu].other[kind - 1].stack;
		place.high = place.low + STACK_IST_SIZE;
	}
	return place;
}

unsigned long stack_top(unsigned int cpu, enum stack_kind kind)
{
	return stack_place(cpu, kind).high;
}

/** The stack of one CPU that an address, or its guard page, belongs to.  A
 * guard page goes with the stack above it, whose overflow it catches. */
static bool find_on_cpu(unsigned int cpu, unsigned long address,
			struct stack_place *place)
{
	for (unsigned int kind = 0; kind < STACK_KINDS; kind++) {
		*place = stack_place(cpu, kind);
		place->is_guard = address < place->low;
		if (address >= place->low - STACK_GUARD_SIZE &&
		    address < place->high) {
			return true;
		}
	}
	return false;
}

/* Each CPU's part has the same size, so a division says whose it is. */
bool stack_find(unsigned long address, struct stack_place *place)
{
	unsigned long base = (unsigned long)stacks;

	if (address < base || address >= base + sizeof(stacks)) {
		return false;
	}
	return find_on_cpu((address - base) / sizeof(stacks[0]), address,
			   place);
}

/* As a report has them: "the guard page below CPU 0's NMI stack". */
const char *stack_name(enum stack_kind kind)
{
	static const char *const names[STACK_KINDS] = {
		[STACK_MAIN] = "stack",
		[STACK_DF] = "#DF stack",
		[STACK_NMI] = "NMI stack",
		[STACK_MC] = "#MC stack",
		[STACK_SOFTVMX] = "stack of the soft VMX unit",
	};

	return names[kind];
}

void stack_for_each_guard(void (*fn)(unsigned long guard))
{
	for (unsigned int cpu = 0; cpu < CPU_MAX; cpu++) {
		for (unsigned int kind = 0; kind < STACK_KINDS; kind++) {
			fn(stack_place(cpu, kind).low - STACK_GUARD_SIZE);
		}
	}
}
