/** @file
 * Tests of the emulation loop from the VMM's side (spec 9): what it returns
 * for, and what waits.
 *
 * As in vcpu_selftest.c the test is the VMM: a VM without unrestricted guest,
 * 64 KiB of memory, a few bytes of 16-bit code.
 *
 *	0x0000 the interrupt table	0x1000 code	0x2000 handler
 *	0x8000 top of stack
 *
 * In real mode without an unrestricted guest all of it is emulated
 * (invalid_state.c): no exit separates two instructions, so whatever makes the
 * loop stop must do so by itself. Half of the tests here are about that; the
 * others are about what happens between two emulated instructions, where the
 * emulator has to do what a processor does: deliver events, hold them off
 * behind STI, stop at breakpoints.
 *
 * Numbers in brackets are the statements at the end of spec 9.
 */
#include "hv/vcpu/invalid_selftest.h"

#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/vcpu/invalid_state.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vcpu_state.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/cr.h"

#define RAM_PAGES 16
#define CODE 0x1000
#define HANDLER 0x2000
#define STACK 0x8000
#define VECTOR 0x30
#define GDT 0x3000
#define BREAK (CODE + 17) /* of breakpoint() */
/*
 * A gate of protected mode, offset in the low and high word, selector 8 in
 * between; type 0xe is a 32-bit interrupt gate, which clears IF, and 5 a task
 * gate, which the emulator does not know.
 */
#define GATE (0x8e0000080000ull | HANDLER) /* 32 bits, selector 8 */
#define TASK_GATE 0x85 /* byte 5 of the descriptor */

/*
 * The one that is being tested. Tests run one after the other on one CPU, so
 * plain statics do.
 */
static struct vm *vm;
static struct vcpu *vcpu;
static u8 *ram;
static char text[160];

#define CHECK(condition)                                                      \
	do {                                                                  \
		if (!(condition)) {                                           \
			snprintf(text, sizeof(text), "line %d: not true: %s", \
				 __LINE__, #condition);                       \
			return text;                                          \
		}                                                             \
	} while (0)

/**
 * The reset state, but with CS at 0 in place of the top of 4 GiB, where there
 * is no memory.
 * @param cr0 bits to be set besides: CR0_PE with segments of real mode is one
 * of those states in between
 */
static int set_registers(u64 cr0)
{
	struct vcpu_regs regs = { .rip = CODE, .rflags = RFLAGS_FIXED };
	struct vcpu_sregs system;

	vcpu_regs_reset_system(&system);
	system.segment[SEG_CS] = vcpu_regs_real_segment(SEG_CS, 0, false);
	system.idt.limit = 0x3ff;
	system.cr0 |= cr0;
	regs.gpr[GPR_RSP] = STACK;
	vcpu_regs_set(vcpu, &regs);
	return vcpu_regs_set_system(vcpu, &system);
}

/**
 * `unrestricted` is taken away by hand, before the first vCPU is made: so these
 * tests run on all machines, also on those whose processor could do without the
 * emulator.
 */
static int make_vm(void)
{
	struct vm_region region = { .size = RAM_PAGES * PAGE_SIZE };
	int error = vm_create(&vm);

	if (error) {
		return error;
	}
	vm->unrestricted = false;
	ram = page_alloc_contig(vm->owner, RAM_PAGES, 1);
	if (!ram) {
		return -ENOMEM;
	}
	region.hpa = virt_to_hpa(ram);
	error = vm_set_memory_region(vm, &region);
	if (!error) {
		error = vcpu_create(vm, 0, &vcpu);
	}
	if (error) {
		return error;
	}
	*(u32 *)(ram + 4ul * VECTOR) = HANDLER;
	return set_registers(0);
}

/** Run a test in a VM of its own, in VMX operation, and clean up. */
static const char *with_vm(const char *(*test)(void))
{
	const char *why = "no VM could be made";

	vm = NULL;
	if (vmx_unit_select(options.unit) || vmx_caps_read() ||
	    vmx_cpu_enable()) {
		return "VMX cannot be switched on here";
	}
	if (!make_vm()) {
		why = test();
	}
	if (vm) {
		vm_destroy(vm);
	}
	vmx_cpu_disable();
	return why;
}

#define CODE_IS(at, ...)                                \
	do {                                            \
		static const u8 code_[] = {__VA_ARGS__}; \
                                                        \
		memcpy(ram + (at), code_, sizeof(code_)); \
	} while (0)

static struct vcpu_regs registers(void)
{
	struct vcpu_regs regs;

	vcpu_regs_get(vcpu, &regs);
	return regs;
}

/**
 * sti; hlt; inc bx; hlt -- inc cx; iret
 *
 * HLT leaves the loop at once, with RIP behind it [4]. The interrupt is
 * delivered by the emulator, through the table of real mode at address 0: a
 * word of offset and a word of selector for each vector. IRET brings it back
 * behind the HLT.
 */
static const char *halt(void)
{
	CODE_IS(CODE, 0xfb, 0xf4, 0x43, 0xf4);
	CODE_IS(HANDLER, 0x41, 0xcf);
	CHECK(vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(registers().rip == CODE + 2);
	CHECK(vcpu_interrupt(vcpu, VECTOR) == 0);
	CHECK(vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(registers().gpr[GPR_RCX] == 1 && registers().gpr[GPR_RBX] == 1);
	CHECK(registers().gpr[GPR_RSP] == STACK);
	return NULL;
}

/**
 * sti; again: inc ax; jmp again -- hlt
 *
 * AX counts turns of the loop. A thousand calls, each with a signal, bring us
 * into the middle of it. Then an interrupt: until the handler runs, no more
 * instructions than a section has may go by [2].
 */
static const char *latency(void)
{
	u64 before;

	CODE_IS(CODE, 0xfb, 0x40, 0xeb, 0xfd);
	CODE_IS(HANDLER, 0xf4);
	for (unsigned int i = 0; i < 1000; i++) {
		vcpu_signal(vcpu);
		CHECK(vcpu_run(vcpu) == -EINTR);
	}
	before = registers().gpr[GPR_RAX];
	CHECK(vcpu_interrupt(vcpu, VECTOR) == 0);
	CHECK(vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(registers().rip == HANDLER + 1);
	CHECK(registers().gpr[GPR_RAX] - before <= INVALID_STATE_BOUND);
	CHECK(!(registers().rflags & RFLAGS_IF));
	return NULL;
}

/**
 * mov $200,%cx; again: loop again; hlt
 *
 * A signal is there before each call. If it were honoured first, no instruction
 * would ever run; if never, the VMM would not get its turn. 201 instructions
 * and the HLT in at most 202 calls, and at least 2, is the rule [3].
 */
static const char *storm(void)
{
	unsigned int calls = 0;
	int error = -EINTR;

	CODE_IS(CODE, 0xb9, 200, 0, 0xe2, 0xfe, 0xf4);
	while (error == -EINTR && calls < 1000) {
		vcpu_signal(vcpu);
		error = vcpu_run(vcpu);
		calls++;
	}
	CHECK(error == 0 && vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(calls >= 2 && calls <= 202);
	CHECK(registers().gpr[GPR_RCX] == 0);
	return NULL;
}

/**
 * An exception that the VMM has set, in protected mode, with a task's gate:
 * nothing of the guest runs, and it is told why [5, 15]. SS's selector gets
 * another privilege level than CS', which makes the state invalid.
 */
static const char *exception(void)
{
	static struct vcpu_state state;

	CODE_IS(CODE, 0x43, 0xf4);
	CHECK(set_registers(CR0_PE) == 0);
	CHECK(vcpu_state_save(vcpu, &state) == 0);
	state.system.segment[SEG_SS].selector |= 3;
	state.event.info = INTR_INFO_VALID | INTR_TYPE_HARD_EXCEPTION << 8 | 6;
	ram[6 * 8 + 5] = TASK_GATE;
	CHECK(vcpu_state_restore(vcpu, &state) == 0);
	CHECK(vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_INTERNAL_ERROR);
	CHECK(vcpu->run.internal.subreason == VCPU_INTERNAL_EMULATION);
	CHECK(registers().rip == CODE && registers().gpr[GPR_RBX] == 0);
	CHECK(vcpu_run(vcpu) == -EIO);
	return NULL;
}

/** Code and data of 32 bits, and gates to HANDLER in them. */
static const char *make_protected(void)
{
	static const u64 gdt[] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff};
	static struct vcpu_state state;
	struct vcpu_segment *segment = state.system.segment;

	CHECK(set_registers(CR0_PE) == 0);
	CHECK(vcpu_state_save(vcpu, &state) == 0);
	state.system.gdt.base = gva(GDT);
	state.system.gdt.limit = sizeof(gdt) - 1;
	segment[SEG_CS] = (struct vcpu_segment){
		.selector = 8, .limit = ~0u, .ar = 0xc09b};
	segment[SEG_SS] = (struct vcpu_segment){
		.selector = 16, .limit = ~0u, .ar = 0xc093};
	CHECK(vcpu_state_restore(vcpu, &state) == 0);
	memcpy(ram + GDT, gdt, sizeof(gdt));
	*(u64 *)(ram + 8ul * VECTOR_DB) = GATE;
	*(u64 *)(ram + 8ul * VECTOR) = GATE;
	return NULL;
}

/**
 * sti; inc ebx; inc ebx; hlt -- pop eax; hlt
 *
 * The instruction behind STI belongs to it. The frame's EIP, popped by the
 * handler, must therefore be behind the first INC, and EBX is 1.
 */
static const char *shadow(void)
{
	const char *wrong = make_protected();

	CODE_IS(CODE, 0xfb, 0x43, 0x43, 0xf4);
	CODE_IS(HANDLER, 0x58, 0xf4);
	CHECK(!wrong && vcpu_interrupt(vcpu, VECTOR) == 0);
	CHECK(vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(registers().rip == HANDLER + 2);
	CHECK(registers().gpr[GPR_RAX] == CODE + 2);
	CHECK(registers().gpr[GPR_RBX] == 1);
	CHECK(!(registers().rflags & RFLAGS_IF));
	return NULL;
}

/**
 * mov $BREAK,eax; mov eax,dr0; mov $2,eax; mov eax,dr7; inc ebx; BREAK: inc
 * ebx; hlt -- inc edx; iret, which brings RF
 *
 * The #DB of a code breakpoint comes before the instruction, with RIP there.
 * RFLAGS.RF in the frame is what lets the instruction be executed after the
 * IRET; without it the breakpoint would go off for ever (SDM 3B 18.3.1.1).
 */
static const char *breakpoint(void)
{
	const char *wrong = make_protected();

	CODE_IS(CODE, 0xb8, BREAK & 0xff, BREAK >> 8, 0, 0, 0x0f, 0x23, 0xc0,
		0xb8, 2, 0, 0, 0, 0x0f, 0x23, 0xf8, 0x43, 0x43, 0xf4);
	CODE_IS(HANDLER, 0x42, 0xcf);
	CHECK(!wrong && vcpu_run(vcpu) == 0);
	CHECK(vcpu->run.exit_reason == VCPU_EXIT_HLT);
	CHECK(registers().rip == BREAK + 2);
	CHECK(registers().gpr[GPR_RBX] == 2 && registers().gpr[GPR_RDX] == 1);
	CHECK(registers().gpr[GPR_RSP] == STACK);
	CHECK(read_dr6() & BIT(0));
	return NULL;
}

/** A register of long mode, as the processor would not enter with it. */
static bool is_invalid_with(enum vcpu_seg seg, u32 limit, u32 ar)
{
	struct vcpu_sregs system;

	vcpu_regs_long_mode(&system, gpa(0));
	system.segment[seg].limit = limit;
	system.segment[seg].ar = ar;
	if (vcpu_regs_set_system(vcpu, &system)) {
		return false;
	}
	return invalid_state_look(vcpu);
}

/**
 * Each line breaks one rule of SDM 3C 27.3.1.2 and no other, from a state that
 * is good. A granularity bit of 0 with a limit above 1 MiB; a segment that is
 * usable and not present; a TR that is not busy; a stack in a code segment.
 */
static const char *predicate(void)
{
	CHECK(invalid_state_look(vcpu));
	CHECK(!is_invalid_with(SEG_FS, 0xffffffff, 0xc093));
	CHECK(is_invalid_with(SEG_FS, 0xffffffff, 0x4093)); /* G is 0 */
	CHECK(is_invalid_with(SEG_FS, 0xffffffff, 0xc013)); /* P is 0 */
	CHECK(is_invalid_with(SEG_TR, 0x67, 0x89));	    /* not busy */
	CHECK(is_invalid_with(SEG_SS, 0xffffffff, 0xc09b)); /* code */
	CHECK(!is_invalid_with(SEG_LDTR, 0, SEG_AR_UNUSABLE));
	CHECK(set_registers(0) == 0 && invalid_state_look(vcpu));
	return NULL;
}

#define CASE(function)                                   \
	const char *invalid_selftest_##function(void)    \
	{                                                \
		return with_vm(function);                \
	}

CASE(halt)
CASE(latency)
CASE(storm)
CASE(exception)
CASE(shadow)
CASE(breakpoint)
CASE(predicate)
