/** @file
 * The neighbour's life, on the last CPU.
 *
 * A hostile guest may break its own VM as it likes. What it must not do is
 * reach anybody else: through a page that was given out twice, a TLB entry with
 * another VM's tag, a register that the world switch forgot. Such a fault shows
 * in the victim, not in the culprit, so there is a victim here whose every bit
 * is predictable.
 *
 *	neighbour_code.S   x = next(x); words[high bits of x] ^= x
 *	play_round()       the same on n->x and n->model
 *
 * Both sides begin with the same x and the same zeroes. After each exit the
 * register must agree, after the last one all words must.
 *
 * Who writes what: while the neighbour lives, its CPU alone touches `wrong`,
 * `model` and `x`. The first CPU only asks, by `stop` and `harm`, and looks at
 * `rounds` and `ended`. Hence no lock, but an acquire and a release for each
 * word that crosses over.
 */
#include "hv/vmm/neighbour.h"

#include "hv/lib/page.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmm/neighbour_code.h"
#include "hv/vmm/start.h"
#include "hv/x86/cpu.h"

/*
 * Program at 2 MiB, words at 3 MiB, tables below: 4 MiB are enough. The block
 * is aligned to 2 MiB, so that the EPT may map it with large pages; a neighbour
 * made of small pages only would never meet their bugs.
 */
#define RAM_SIZE (4ull << 20)
#define RAM_PAGES (RAM_SIZE >> PAGE_SHIFT)
#define LARGE_PAGE_PAGES 512
#define MODEL_BYTES (NEIGHBOUR_WORDS * sizeof(u64))

/*
 * Instructions of at most two bytes, to put in place of the three of VMCALL. As
 * a word in memory the low byte comes first: 0xfeeb is EB FE, a JMP to itself.
 */
#define OPCODE_HLT 0xf4
#define OPCODE_JMP_HERE 0xfeeb

/** neighbour_code.S */
extern const u8 neighbour_code[], neighbour_code_exit[], neighbour_code_end[];

/**
 * The last one, since tests start further vCPUs from CPU 1 upwards. A test that
 * needs one besides the neighbour says so by TEST_NEEDS_3_CPUS.
 */
static unsigned int last_cpu(void)
{
	return cpu_count() - 1;
}

static u64 *words(const struct neighbour *n)
{
	return (u64 *)(n->ram + NEIGHBOUR_WORDS_AT);
}

/**
 * What the program does between two exits. The highest bits choose the word: of
 * a sequence modulo 2^64 they are the ones that look random, while the lowest
 * ones repeat after a few steps.
 */
static void play_round(struct neighbour *n)
{
	for (unsigned int i = 0; i < NEIGHBOUR_STEPS; i++) {
		n->x = n->x * NEIGHBOUR_FACTOR + NEIGHBOUR_ADDEND;
		n->model[n->x >> NEIGHBOUR_SHIFT] ^= n->x;
	}
}

/**
 * Its program exits by VMCALL alone. Interrupts of the host are handled below
 * vcpu_run() and do not show here, so any other reason means that somebody has
 * changed its code, its tables or its registers.
 */
static void compare(struct neighbour *n)
{
	if (n->vcpu->run.exit_reason != VCPU_EXIT_HYPERCALL) {
		n->wrong = "it ended though it asks for nothing";
		return;
	}
	play_round(n);
	if (n->vcpu->run.hypercall.args[0] != n->x) {
		n->wrong = "its registers are not what it has computed";
	}
}

/**
 * RDI is the place in the sequence, which it hands out at each exit. One bit is
 * enough: from there on it is on another way for good.
 */
static void change_register(struct neighbour *n)
{
	struct vcpu_regs regs;

	vcpu_regs_get(n->vcpu, &regs);
	regs.gpr[GPR_RDI] ^= BIT(49);
	vcpu_regs_set(n->vcpu, &regs);
}

/** In place of the VMCALL that its program loops around. */
static void change_exit(const struct neighbour *n, u16 code)
{
	u64 at = (u64)(neighbour_code_exit - neighbour_code);

	*(volatile u16 *)(n->ram + GUEST_LINK_MIN + at) = code;
}

/**
 * On its CPU, while it does not run. It is done by the neighbour's own CPU
 * between two calls of vcpu_run(), since registers of a running vCPU are not in
 * memory. HARM_NONE is stored last and with release: whoever has asked waits
 * for it and may then rely on the harm being done.
 *
 * This is a test of the test. A judge that never finds anything is worth
 * nothing, so hostile tests order each kind of harm once and must fail
 * (neighbour_judge()).
 */
static void harm(struct neighbour *n)
{
	switch (n->harm) {
	case HARM_NONE:
	case HARM_COUNT:
		return;
	case HARM_MEMORY:
		words(n)[NEIGHBOUR_WORDS / 2] ^= 1;
		break;
	case HARM_PROGRAM:
		n->ram[GUEST_LINK_MIN + 1] ^= 1;
		break;
	case HARM_REGISTERS:
		change_register(n);
		break;
	case HARM_END:
		change_exit(n, OPCODE_HLT);
		break;
	case HARM_HANG:
		change_exit(n, OPCODE_JMP_HERE);
		break;
	}
	smp_store_release(&n->harm, HARM_NONE);
}

/**
 * One turn is one round of the program. `rounds` goes up even for a round that
 * was found wrong. cpu_progress() tells this CPU's watchdog that all is well: a
 * neighbour never ends by itself and would be taken for an endless loop.
 */
static void live(void *arg)
{
	struct neighbour *n = arg;

	while (!READ_ONCE(n->stop) && !n->wrong) {
		harm(n);
		if (vcpu_run(n->vcpu)) {
			n->wrong = "vcpu_run() failed";
			return;
		}
		compare(n);
		cpu_progress();
		smp_store_release(&n->rounds, n->rounds + 1);
	}
}

/**
 * A crash of the hypervisor on this CPU ends the neighbour, not the machine.
 * The vCPU cannot be destroyed in an orderly way then, since nobody knows where
 * in vcpu_run() it was: it is given up. `ended` comes last, after all that the
 * first CPU will read.
 */
static void run(void *arg)
{
	struct neighbour *n = arg;

	if (!recovery_run(live, n, &n->crash)) {
		n->wrong = n->crash.message;
		vcpu_abandon(n->vcpu);
	}
	smp_store_release(&n->ended, true);
}

/**
 * On its CPU. A VMCS is current on one CPU at a time, and the CPU that has made
 * it is the one that runs it. So the vCPU is made there and not by the caller.
 */
static void make_vcpu(void *arg)
{
	struct neighbour *n = arg;

	n->error = vcpu_create(n->vm, 0, &n->vcpu);
	if (!n->error) {
		n->error = start_set_registers(n->vcpu, gva(GUEST_LINK_MIN));
	}
}

/**
 * The pages belong to the new VM's owner number: whatever way this test ends,
 * page_free_all() finds them. The model lives under the same number, though the
 * guest cannot see it.
 *
 * `slot` stays 0: the one slot of this VM is its RAM at GPA 0.
 */
static int make_memory(struct neighbour *n)
{
	struct vm_region region = { .size = RAM_SIZE };
	struct boot_info info = { .memory_size = RAM_SIZE };

	n->ram = page_alloc_contig(n->vm->owner, RAM_PAGES, LARGE_PAGE_PAGES);
	n->model = page_alloc_contig(n->vm->owner, MODEL_BYTES >> PAGE_SHIFT,
				     1);
	if (!n->ram || !n->model) {
		return -ENOMEM;
	}
	start_write_memory(n->ram, &info);
	memcpy(n->ram + GUEST_LINK_MIN, neighbour_code,
	       (size_t)(neighbour_code_end - neighbour_code));
	n->x = NEIGHBOUR_FIRST;
	region.hpa = virt_to_hpa(n->ram);
	return vm_set_memory_region(n->vm, &region);
}

/**
 * Each stage hands its errno on, and whatever was made by then is taken away by
 * neighbour_destroy(). n->error is what keeps neighbour_judge() from waiting
 * for a neighbour that never began.
 */
int neighbour_start(struct neighbour *n)
{
	int error = vm_create(&n->vm);

	if (!error) {
		error = make_memory(n);
	}
	if (!error) {
		error = cpu_run_on(last_cpu(), make_vcpu, n);
	}
	if (!error) {
		error = n->error;
	}
	n->error = error ? error : cpu_start_on(last_cpu(), run, n);
	return n->error;
}

/**
 * The caller waits under the bed's lock. That is safe: the neighbour's CPU
 * takes no lock of this bed, and a neighbour that has ended meanwhile says so.
 */
int neighbour_harm(struct neighbour *n, u64 how)
{
	if (!n->vcpu || !how || how >= HARM_COUNT) {
		return -EINVAL;
	}
	WRITE_ONCE(n->harm, how);
	while (smp_load_acquire(&n->harm) && !smp_load_acquire(&n->ended)) {
		cpu_relax();
	}
	return 0;
}

/**
 * It is to live after the hostile guest's end as well. Wait for one more round,
 * then ask it to stop. Without that round a harm done by the guest's very last
 * instruction would go unnoticed. cpu_progress() is ours, for the watchdog of
 * the first CPU.
 */
static void end(struct neighbour *n)
{
	u64 rounds = smp_load_acquire(&n->rounds);

	while (smp_load_acquire(&n->rounds) == rounds &&
	       !smp_load_acquire(&n->ended)) {
		cpu_progress();
		cpu_relax();
	}
	WRITE_ONCE(n->stop, true);
	cpu_wait(last_cpu());
}

/**
 * Its CPU is done by now (cpu_wait()), so its memory holds still. The program
 * is compared as well: a byte that has changed behind the loop would not show
 * in any number.
 */
static void judge(struct neighbour *n)
{
	if (!n->wrong && memcmp(words(n), n->model, MODEL_BYTES) != 0) {
		n->wrong = "its memory is not what it has written";
	}
	if (!n->wrong &&
	    memcmp(n->ram + GUEST_LINK_MIN, neighbour_code,
		   (size_t)(neighbour_code_end - neighbour_code)) != 0) {
		n->wrong = "its program has changed";
	}
}

/**
 * Harm outweighs whatever the guest has said of itself, so the verdict is
 * cleared first: verdict_stop() keeps the first reason otherwise, and that may
 * be "passed".
 */
void neighbour_judge(struct neighbour *n, struct verdict *verdict)
{
	if (!n->vcpu || n->error) {
		return;
	}
	end(n);
	judge(n);
	if (n->wrong) {
		verdict->stop = VERDICT_NONE;
		verdict_stop(verdict, VERDICT_NEIGHBOUR,
			     "the VM beside this one was harmed: %s", n->wrong);
	}
}

/** The pointer goes first: if vm_destroy() crashes, nobody tries again. */
void neighbour_destroy(struct neighbour *n)
{
	struct vm *vm = n->vm;

	n->vm = NULL;
	if (vm) {
		vm_destroy(vm);
	}
}
