/** @file
 * The neighbour's life, on the last CPU.
 */
#include "hv/vmm/neighbour.h"

#include "hv/lib/page.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmm/neighbour_code.h"
#include "hv/vmm/start.h"
#include "hv/x86/cpu.h"

#define RAM_SIZE (4ull << 20)
#define RAM_PAGES (RAM_SIZE >> PAGE_SHIFT)
#define LARGE_PAGE_PAGES 512
#define MODEL_BYTES (NEIGHBOUR_WORDS * sizeof(u64))

#define OPCODE_HLT 0xf4
#define OPCODE_JMP_HERE 0xfeeb

/** neighbour_code.S */
extern const u8 neighbour_code[], neighbour_code_exit[], neighbour_code_end[];

static unsigned int last_cpu(void)
{
	return cpu_count() - 1;
}

static u64 *words(const struct neighbour *n)
{
	return (u64 *)(n->ram + NEIGHBOUR_WORDS_AT);
}

/** What the program does between two exits. */
static void play_round(struct neighbour *n)
{
	for (unsigned int i = 0; i < NEIGHBOUR_STEPS; i++) {
		n->x = n->x * NEIGHBOUR_FACTOR + NEIGHBOUR_ADDEND;
		n->model[n->x >> NEIGHBOUR_SHIFT] ^= n->x;
	}
}

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

/** On its CPU, while it does not run. */
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

static void run(void *arg)
{
	struct neighbour *n = arg;

	if (!recovery_run(live, n, &n->crash)) {
		n->wrong = n->crash.message;
		vcpu_abandon(n->vcpu);
	}
	smp_store_release(&n->ended, true);
}

/** On its CPU. */
static void make_vcpu(void *arg)
{
	struct neighbour *n = arg;

	n->error = vcpu_create(n->vm, 0, &n->vcpu);
	if (!n->error) {
		n->error = start_set_registers(n->vcpu, gva(GUEST_LINK_MIN));
	}
}

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

/** It is to live after the hostile guest's end as well. */
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

void neighbour_destroy(struct neighbour *n)
{
	struct vm *vm = n->vm;

	n->vm = NULL;
	if (vm) {
		vm_destroy(vm);
	}
}
