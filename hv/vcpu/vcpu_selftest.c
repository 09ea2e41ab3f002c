/** @file
 * Tests of vcpu_run()'s contract from the VMM's side (spec 4.2, 4.3).
 *
 * A guest program cannot see when vcpu_run() returns, nor set immediate_exit,
 * nor write nonsense into the exit record.  So these tests are the VMM: each
 * makes a VM of 64 KiB with a few bytes of code, runs it step by step, and
 * looks at the record and at the registers in between.
 *
 *	guest physical	0x1000 PML4, 0x2000 PDPT, 0x3000 PD: one page of 2 MiB
 *			0x4000 IDT, 0x5000 GDT, 0x6000 handler, 0x8000 code
 *			0x9000 top of stack; no memory from 0x10000 on
 *
 * How to read one: the comment above it is the guest's program, CODE_IS() is
 * the same in bytes, and what follows is the VMM. There is no memory from
 * 0x10000 on, RSI points there, so `mov (%rsi),%eax` is an access to a device,
 * and as the VM has none it comes to the VMM. The program's HLT comes back as
 * well and marks its end.
 *
 * The cases run with the option `selftest`, on whichever unit there is: VMX
 * of the processor, or our own on top of SVM.
 */
#include "hv/vcpu/vcpu_selftest.h"

#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/printf.h"
#include "hv/vcpu/invalid_selftest.h"
#include "hv/vcpu/vcpu.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/cr.h"

#define RAM_PAGES 16
#define PML4 0x1000
#define PDPT 0x2000
#define PD 0x3000
#define IDT 0x4000
#define GDT 0x5000
#define HANDLER 0x6000
#define CODE 0x8000
#define STACK 0x9000
#define MMIO 0x100000

/*
 * Entries of the guest's tables. With "accessed" and "dirty" set already the
 * processor has no reason to write to them, so no test depends on who sets
 * these bits.
 */
#define TABLE 0x27 /* present, writable, user, accessed */
#define PAGE 0xe7  /* and dirty, large */

#define VECTOR 0x30

/** The VM of the running test. */
struct bed {
	struct vm *vm;
	struct vcpu *vcpu;
	struct vcpu_run *run;
	u8 *ram;
};

/* A failed CHECK() leaves its sentence here; one test runs at a time. */
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
 * One page of 2 MiB maps linear addresses onto themselves. Of these 2 MiB the
 * slot covers the first 64 KiB. The gate for VECTOR is a 64-bit interrupt gate
 * to code segment 8; the GDT has a 64-bit code and a data segment behind the
 * null descriptor.
 */
static void write_tables(u8 *ram)
{
	u64 *gate = (u64 *)(ram + IDT) + 2 * VECTOR;
	u64 *gdt = (u64 *)(ram + GDT);

	*(u64 *)(ram + PML4) = PDPT | TABLE;
	*(u64 *)(ram + PDPT) = PD | TABLE;
	*(u64 *)(ram + PD) = PAGE;
	gate[0] = HANDLER | 0x8ull << 16 | 0x8e00ull << 32;
	gdt[1] = 0x00af9b000000ffff;
	gdt[2] = 0x00cf93000000ffff;
}

/**
 * The IDT's limit is that of all 256 vectors, but only one has a gate: any
 * other event, and the exceptions that follow from it, end in a triple fault.
 * So a test that goes wrong stops at once.
 */
static int set_registers(struct vcpu *vcpu)
{
	struct vcpu_regs regs = {.rip = CODE, .rflags = RFLAGS_FIXED};
	struct vcpu_sregs system;
	int error;

	vcpu_regs_long_mode(&system, gpa(PML4));
	system.gdt.base = gva(GDT);
	system.gdt.limit = 3 * 8 - 1;
	system.idt.base = gva(IDT);
	system.idt.limit = 0xfff;
	error = vcpu_regs_set_system(vcpu, &system);
	regs.gpr[GPR_RSP] = STACK;
	regs.gpr[GPR_RSI] = MMIO;
	vcpu_regs_set(vcpu, &regs);
	return error;
}

/**
 * What a VMM does first, in its order: a VM, memory for it, a vCPU, code and
 * tables, registers. The memory is the VM's own, so that it goes with it.
 */
static int make_bed(struct bed *bed)
{
	struct vm_region region = {.size = RAM_PAGES * PAGE_SIZE};
	int error = vm_create(&bed->vm);

	if (error) {
		return error;
	}
	bed->ram = page_alloc_contig(bed->vm->owner, RAM_PAGES, 1);
	if (!bed->ram) {
		return -ENOMEM;
	}
	region.hpa = virt_to_hpa(bed->ram);
	error = vm_set_memory_region(bed->vm, &region);
	if (!error) {
		error = vcpu_create(bed->vm, 0, &bed->vcpu);
	}
	if (error) {
		return error;
	}
	bed->run = &bed->vcpu->run;
	write_tables(bed->ram);
	return set_registers(bed->vcpu);
}

/**
 * Run a test in a VM of its own, in VMX operation, and clean up. The machine's
 * free pages are counted before and after, so each test is also one for
 * vm_destroy(): nothing that a vCPU, its tables or its emulator took may be
 * left.
 */
static const char *with_bed(const char *(*test)(struct bed *bed))
{
	const char *why = "no VM could be made";
	struct bed bed = {.vm = NULL};
	size_t before = page_count_free();

	if (vmx_unit_select(options.unit) || vmx_caps_read() ||
	    vmx_cpu_enable()) {
		return "VMX cannot be switched on here";
	}
	if (!make_bed(&bed)) {
		why = test(&bed);
	}
	if (bed.vm) {
		vm_destroy(bed.vm);
	}
	vmx_cpu_disable();
	if (!why && page_count_free() != before) {
		return "pages were not given back";
	}
	return why;
}

static void put_code(struct bed *bed, const u8 *code, size_t bytes)
{
	memcpy(bed->ram + CODE, code, bytes);
}

#define CODE_IS(bed, ...)                                \
	do {                                             \
		static const u8 code_[] = {__VA_ARGS__}; \
                                                         \
		put_code(bed, code_, sizeof(code_));     \
	} while (0)

static struct vcpu_regs regs_of(struct bed *bed)
{
	struct vcpu_regs regs;

	vcpu_regs_get(bed->vcpu, &regs);
	return regs;
}

/**
 * mov (%rsi),%eax; hlt
 *
 * A load is two calls: the first comes back with the question, RIP still at the
 * instruction, the second with the VMM's answer. In between the VMM lies about
 * length, direction and address, and gives four bytes too many. None of that
 * may matter (spec 4.2): what was asked is in struct vcpu.
 */
static const char *read_mmio(struct bed *bed)
{
	CODE_IS(bed, 0x8b, 0x06, 0xf4);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_MMIO);
	CHECK(bed->run->mmio.gpa.v == MMIO && bed->run->mmio.len == 4);
	CHECK(!bed->run->mmio.is_write);
	CHECK(regs_of(bed).rip == CODE);
	memcpy(bed->run->mmio.data, "\x78\x56\x34\x12\xff\xff\xff\xff", 8);
	bed->run->mmio.len = 64; /* not believed: TOCTOU */
	bed->run->mmio.is_write = 1;
	bed->run->mmio.gpa = gpa(~0ull);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	CHECK(regs_of(bed).gpr[GPR_RAX] == 0x12345678);
	CHECK(regs_of(bed).rip == CODE + 3);
	return NULL;
}

/**
 * mov %eax,(%rsi); hlt
 *
 * RIP is behind the store when the VMM sees it: the guest's part is done,
 * whatever the VMM does with the data. A load cannot do that, its register is
 * missing.
 */
static const char *write_mmio(struct bed *bed)
{
	CODE_IS(bed, 0x89, 0x06, 0xf4);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_MMIO);
	CHECK(bed->run->mmio.is_write && bed->run->mmio.len == 4);
	CHECK(regs_of(bed).rip == CODE + 2);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	return NULL;
}

/**
 * What is pending is completed before immediate_exit is looked at. This is how
 * a VMM brings a vCPU to a state that it can save: an answer and immediate_exit
 * together, and -EINTR says that no instruction is in its middle.
 */
static const char *interrupt_read(struct bed *bed)
{
	CODE_IS(bed, 0x8b, 0x06, 0xf4);
	CHECK(vcpu_run(bed->vcpu) == 0);
	memcpy(bed->run->mmio.data, "\x21\x43\x65\x87", 4);
	bed->run->immediate_exit = 1;
	CHECK(vcpu_run(bed->vcpu) == -EINTR);
	CHECK(bed->run->exit_reason == VCPU_EXIT_INTERRUPTED);
	CHECK(regs_of(bed).gpr[GPR_RAX] == 0x87654321);
	CHECK(regs_of(bed).rip == CODE + 2);
	CHECK(vcpu_run(bed->vcpu) == -EINTR);
	bed->run->immediate_exit = 0;
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	return NULL;
}

/**
 * mov %rax,-4(%rsi): 4 bytes of no memory and 4 more in the next page.
 *
 * Two pages, so two exits. immediate_exit does not cut an instruction in two:
 * as long as there are pieces the call returns 0 with the next one, and -EINTR
 * comes only behind the last (spec 4.3).
 */
static const char *interrupt_pieces(struct bed *bed)
{
	CODE_IS(bed, 0x48, 0x89, 0x46, 0xfc, 0xf4);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_MMIO);
	CHECK(bed->run->mmio.gpa.v == MMIO - 4 && bed->run->mmio.len == 4);
	bed->run->immediate_exit = 1;
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_MMIO);
	CHECK(bed->run->mmio.gpa.v == MMIO && bed->run->mmio.len == 4);
	CHECK(vcpu_run(bed->vcpu) == -EINTR);
	return NULL;
}

/**
 * nop; sti; nop; jmp . and a handler: mov $0x49,%eax; hlt
 *
 * It is asked for with IF clear, so it must wait: that is one interrupt-window
 * exit. Of an interrupt's frame in 64-bit mode, SS, RSP, RFLAGS, CS, RIP, RIP
 * is the last that is pushed, 40 bytes below the top.
 */
static const char *take_interrupt(struct bed *bed)
{
	static const u8 handler[] = {0xb8, 0x49, 0, 0, 0, 0xf4};

	CODE_IS(bed, 0x90, 0xfb, 0x90, 0xeb, 0xfe);
	memcpy(bed->ram + HANDLER, handler, sizeof(handler));
	CHECK(vcpu_interrupt(bed->vcpu, 31) == -EINVAL);
	CHECK(vcpu_interrupt(bed->vcpu, VECTOR) == 0);
	CHECK(vcpu_interrupt(bed->vcpu, VECTOR) == -EBUSY);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	CHECK(regs_of(bed).gpr[GPR_RAX] == 0x49);
	CHECK(bed->vcpu->count.exits[EXIT_REASON_INTERRUPT_WINDOW] == 1);
	/* One instruction behind STI still runs: the frame says where. */
	CHECK(*(u64 *)(bed->ram + STACK - 40) == CODE + 3);
	CHECK(vcpu_interrupt(bed->vcpu, VECTOR) == 0);
	return NULL;
}

/**
 * ud2 with an IDT that is not there: #UD cannot be delivered, nor the #GP for
 * that, nor the double fault. A processor shuts down then; here the VM is asked
 * to end, the code at RIP is in the record, and the vCPU runs only after a
 * reset.
 */
static const char *triple_fault(struct bed *bed)
{
	struct vcpu_sregs system;

	CODE_IS(bed, 0x0f, 0x0b);
	vcpu_regs_get_system(bed->vcpu, &system);
	system.idt.limit = 0;
	CHECK(vcpu_regs_set_system(bed->vcpu, &system) == 0);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_SHUTDOWN);
	CHECK(bed->run->internal.insn_len >= 2);
	CHECK(bed->run->internal.insn[1] == 0x0b);
	CHECK(vcpu_run(bed->vcpu) == -EIO);
	vcpu_reset(bed->vcpu);
	CHECK(set_registers(bed->vcpu) == 0);
	CODE_IS(bed, 0xf4, 0x90);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	return NULL;
}

/**
 * A state that no processor can be in is refused, and can be mended. CPUID goes
 * first so that the VMCS has been launched: the refusal is then one of
 * VMRESUME, and the next entry must be one again.
 */
static const char *fail_entry(struct bed *bed)
{
	struct vcpu_sregs good, bad;

	CODE_IS(bed, 0x0f, 0xa2, 0xf4, 0xf4); /* cpuid; hlt; hlt */
	CHECK(vcpu_run(bed->vcpu) == 0);
	vcpu_regs_get_system(bed->vcpu, &good);
	bad = good;
	bad.segment[SEG_TR].ar = 0x10000; /* TR may not be unusable */
	CHECK(vcpu_regs_set_system(bed->vcpu, &bad) == 0);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_FAIL_ENTRY);
	CHECK(bed->run->fail_entry.sentence[0] != 0);
	CHECK(vcpu_regs_set_system(bed->vcpu, &good) == 0);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	return NULL;
}

/**
 * CR4.VMXE is set while VMX is on, but that is the host's: a guest that was not
 * told of VMX may not have it, and does not see that it is set.
 */
static const char *refuse_registers(struct bed *bed)
{
	struct vcpu_sregs system, seen;

	vcpu_regs_get_system(bed->vcpu, &system);
	seen = system;
	system.cr4 |= CR4_VMXE;
	CHECK(vcpu_regs_set_system(bed->vcpu, &system) == -EINVAL);
	vcpu_regs_get_system(bed->vcpu, &system);
	CHECK(memcmp(&system, &seen, sizeof(seen)) == 0);
	CHECK(!(system.cr4 & CR4_VMXE));
	return NULL;
}

/**
 * in (%dx),%al with a value that is longer than asked for; hlt. AH and what is
 * above stay: an IN of one byte changes AL only.
 */
static const char *read_port(struct bed *bed)
{
	struct vcpu_regs regs = regs_of(bed);

	CODE_IS(bed, 0xec, 0xf4);
	regs.gpr[GPR_RAX] = 0x1111;
	regs.gpr[GPR_RDX] = 0x1234;
	vcpu_regs_set(bed->vcpu, &regs);
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_IO);
	CHECK(bed->run->io.port == 0x1234 && bed->run->io.size == 1);
	CHECK(regs_of(bed).rip == CODE);
	memset(bed->run->io.data, 0xab, sizeof(bed->run->io.data));
	bed->run->io.size = 4; /* not believed */
	CHECK(vcpu_run(bed->vcpu) == 0);
	CHECK(bed->run->exit_reason == VCPU_EXIT_HLT);
	CHECK(regs_of(bed).gpr[GPR_RAX] == 0x11ab);
	return NULL;
}

/**
 * Two vCPUs of one CPU take turns: neither sees the other's registers. XMM3 is
 * the witness, since VM exits do not switch it; it must have been saved and
 * loaded in between (vcpu_load.c).
 */
static const char *take_turns(struct bed *bed)
{
	struct vcpu *other;

	/* movq %rax,%xmm3; mov $0xc0000103,%ecx; wrmsr, which is TSC_AUX; hlt;
	 * movq %xmm3,%rbx; rdtscp; hlt */
	CODE_IS(bed, 0x66, 0x48, 0x0f, 0x6e, 0xd8, 0xb9, 0x03, 0x01, 0x00, 0xc0,
		0x0f, 0x30, 0xf4, 0x66, 0x48, 0x0f, 0x7e, 0xdb, 0x0f, 0x01,
		0xf9, 0xf4);
	CHECK(vcpu_create(bed->vm, 1, &other) == 0);
	CHECK(set_registers(other) == 0);
	bed->vcpu->gpr[GPR_RAX] = 0x1111;
	other->gpr[GPR_RAX] = 0x2222;
	bed->vcpu->gpr[GPR_RDX] = other->gpr[GPR_RDX] = 0;
	CHECK(vcpu_run(bed->vcpu) == 0 && vcpu_run(other) == 0);
	CHECK(vcpu_run(bed->vcpu) == 0 && vcpu_run(other) == 0);
	CHECK(bed->vcpu->gpr[GPR_RBX] == 0x1111);
	CHECK(other->gpr[GPR_RBX] == 0x2222);
	CHECK(bed->vcpu->gpr[GPR_RCX] == 0x1111);
	CHECK(other->gpr[GPR_RCX] == 0x2222);
	return NULL;
}

/** The same of the control words: how each rounds and what it masks. */
static const char *take_turns_rounding(struct bed *bed)
{
	struct vcpu *other;

	/* mov %eax,(%rdi); ldmxcsr (%rdi); mov %ebx,(%rdi); fldcw (%rdi); hlt;
	 * stmxcsr (%rdi); mov (%rdi),%eax; fnstcw (%rdi); mov (%rdi),%ebx; hlt
	 */
	CODE_IS(bed, 0x89, 0x07, 0x0f, 0xae, 0x17, 0x89, 0x1f, 0xd9, 0x2f, 0xf4,
		0x0f, 0xae, 0x1f, 0x8b, 0x07, 0xd9, 0x3f, 0x8b, 0x1f, 0xf4);
	CHECK(vcpu_create(bed->vm, 1, &other) == 0);
	CHECK(set_registers(other) == 0);
	bed->vcpu->gpr[GPR_RAX] = 0x3f80;
	bed->vcpu->gpr[GPR_RBX] = 0x027f;
	other->gpr[GPR_RAX] = 0x5f00;
	other->gpr[GPR_RBX] = 0x0f7e;
	bed->vcpu->gpr[GPR_RDI] = other->gpr[GPR_RDI] = CODE + 0x80;
	CHECK(vcpu_run(bed->vcpu) == 0 && vcpu_run(other) == 0);
	CHECK(vcpu_run(bed->vcpu) == 0 && vcpu_run(other) == 0);
	CHECK(bed->vcpu->gpr[GPR_RAX] == 0x3f80);
	CHECK(bed->vcpu->gpr[GPR_RBX] == 0x027f);
	CHECK(other->gpr[GPR_RAX] == 0x5f00 && other->gpr[GPR_RBX] == 0x0f7e);
	return NULL;
}

#define CASE(function)                          \
	static const char *run_##function(void) \
	{                                       \
		return with_bed(function);      \
	}

CASE(read_mmio)
CASE(write_mmio)
CASE(interrupt_read)
CASE(interrupt_pieces)
CASE(take_interrupt)
CASE(triple_fault)
CASE(fail_entry)
CASE(refuse_registers)
CASE(read_port)
CASE(take_turns)
CASE(take_turns_rounding)

static const struct vcpu_selftest_case cases[] = {
	{"vcpu.record_is_not_believed_but_its_data", run_read_mmio},
	{"vcpu.rip_is_behind_a_write_that_exits", run_write_mmio},
	{"vcpu.pending_read_is_completed_before_eintr", run_interrupt_read},
	{"vcpu.next_piece_comes_before_eintr", run_interrupt_pieces},
	{"vcpu.interrupt_waits_for_its_window", run_take_interrupt},
	{"vcpu.triple_fault_is_shutdown", run_triple_fault},
	{"vcpu.failed_entry_has_a_sentence", run_fail_entry},
	{"vcpu.registers_of_the_host_are_refused", run_refuse_registers},
	{"vcpu.port_read_takes_its_own_size", run_read_port},
	{"vcpu.vcpus_of_one_cpu_take_turns", run_take_turns},
	{"vcpu.each_vcpu_rounds_its_own_way", run_take_turns_rounding},
	{"invalid.halt_waits_for_an_interrupt", invalid_selftest_halt},
	{"invalid.interrupt_comes_within_a_section", invalid_selftest_latency},
	{"invalid.storm_of_signals_lets_it_move", invalid_selftest_storm},
	{"invalid.exception_set_outside_is_refused", invalid_selftest_exception},
	{"invalid.interrupt_waits_behind_sti", invalid_selftest_shadow},
	{"invalid.breakpoint_comes_once", invalid_selftest_breakpoint},
	{"invalid.state_is_judged_by_the_manual", invalid_selftest_predicate},
};

const struct vcpu_selftest_case *vcpu_selftest_case(size_t i)
{
	return i < ARRAY_SIZE(cases) ? &cases[i] : NULL;
}
