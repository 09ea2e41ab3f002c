/** @file
 * What the soft unit costs: `bench=softvmx`.
 *
 * Three figures, in ticks of the time stamp counter, which counts instructions
 * where QEMU runs with -icount, and else the time that goes by:
 *
 *	# softvmx cpuid_exit N     one exit for CPUID, entry to entry, with
 *	                           what each handler does: reason, RIP, length
 *	# softvmx vmread N         one VMREAD
 *	# softvmx exits A bare B   so many exits; as many bare pairs of VMRUN
 *	                           and #VMEXIT, which is SVM's own cost
 *
 * Exits and pairs take turns, a thousand each, so that whatever else the
 * computer does meanwhile slows down both.
 */
#include "hv/unittest/unit_bench.h"

#include "hv/softvmx/softvmx_cpu.h"
#include "hv/unittest/tiny_guest.h"
#include "hv/vmm/tap.h"
#include "hv/x86/cr.h"

#define ROUNDS 100
#define PER_ROUND 1000
#define WARM_UP 100

TINY_CODE(bench_code, "1:\tcpuid\n\t"
		      "jmp 1b\n\t")

/** What a hypervisor does at each exit, and no more. */
static void make_exits(struct tiny_guest *g, unsigned int count)
{
	enum vmx_result result = VMX_SUCCEED;

	for (unsigned int i = 0; i < count && !g->why; i++) {
		vmx_entry_run(g->gpr, &result);
		if (result != VMX_SUCCEED ||
		    vmread(EXIT_REASON) != EXIT_REASON_CPUID) {
			g->why = "an exit was not CPUID's";
		}
		vmwrite(GUEST_RIP, vmread(GUEST_RIP) +
					   vmread(VM_EXIT_INSTRUCTION_LEN));
	}
}

/** VMRUN and back.  The guest executes CPUID with the registers that it finds,
 * and exits before it has changed one. */
static void run_pair(hpa_t vmcb)
{
	asm volatile("vmrun %%rax" : : "a"(vmcb.v) : "memory", "cc");
}

/** The same guest's VMCB, as the unit has left it, at the same instruction. */
static void make_pairs(unsigned int count)
{
	struct vmcb *vmcb = softvmx_cpu()->guest;

	vmcb_clgi();
	for (unsigned int i = 0; i < count; i++) {
		vmcb->save.rip = TINY_CODE_AT;
		run_pair(virt_to_hpa(vmcb));
	}
	vmcb_stgi();
}

static u64 time_exits(struct tiny_guest *g, unsigned int count)
{
	u64 start = rdtsc();

	make_exits(g, count);
	return rdtsc() - start;
}

static u64 time_pairs(unsigned int count)
{
	u64 start = rdtsc();

	make_pairs(count);
	return rdtsc() - start;
}

static u64 time_vmreads(unsigned int count)
{
	u64 start = rdtsc();

	for (unsigned int i = 0; i < count; i++) {
		(void)softvmx_vmread(GUEST_RIP); /* as in the run loop */
	}
	return rdtsc() - start;
}

static void measure(struct tiny_guest *g)
{
	u64 exits = 0, pairs = 0, vmreads;

	TINY_LOAD(g, bench_code);
	make_exits(g, WARM_UP);
	vmreads = time_vmreads(PER_ROUND);
	for (unsigned int round = 0; round < ROUNDS && !g->why; round++) {
		exits += time_exits(g, PER_ROUND);
		pairs += time_pairs(PER_ROUND);
	}
	if (g->why) {
		tap_comment("softvmx failed: %s", g->why);
		return;
	}
	tap_comment("softvmx cpuid_exit %llu",
		    (unsigned long long)(exits / (ROUNDS * PER_ROUND)));
	tap_comment("softvmx vmread %llu",
		    (unsigned long long)(vmreads / PER_ROUND));
	tap_comment("softvmx exits %llu bare %llu", (unsigned long long)exits,
		    (unsigned long long)pairs);
}

void unit_bench_run(void)
{
	static struct tiny_guest guest;

	if (!vmx_unit_is_soft) {
		tap_comment("softvmx failed: this machine has VMX itself");
		return;
	}
	irq_disable();
	if (tiny_guest_create(&guest)) {
		measure(&guest);
	} else {
		tap_comment("softvmx failed: no memory for a guest");
	}
	tiny_guest_destroy(&guest);
	page_free_all(TINY_OWNER);
	irq_enable();
}
