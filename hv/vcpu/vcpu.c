/** @file
 * A vCPU from beginning to end.
 *
 * vcpu_create() takes a handful of pages of the VM's owner, makes a VMCS
 * current, and writes all of it: controls and host state once (hv/vmx), guest
 * state by vcpu_reset().  vcpu_run() finishes what the last call left open and
 * hands over to the run loop.
 *
 * vcpu_run() is a state machine whose state is `pending`, between two calls:
 *
 *	NONE       nothing is open: enter the guest
 *	MMIO       an instruction waits for the VMM's answer, or has more
 *	           pieces to hand out
 *	IN         a port was read: its value goes to AL, AX or EAX
 *	HYPERCALL  a VMCALL has retired: its result goes to RAX
 *	STOPPED    the VM is at its end; only vcpu_reset() leads out
 *
 * Nothing of a call survives on the stack (spec 4.5.2): the next one may come
 * from another function, after another vCPU has run, or after the vCPU was
 * saved and restored elsewhere.
 *
 * A vCPU is bound to its CPU for life, as its VMCS may be active on one CPU
 * only (SDM 3C 25.11.1). So nearly all of it needs no lock. The exceptions are
 * two words that anybody may set, `signal` and `kicked`, and those that
 * changers of slots read.
 */
#include "hv/vcpu/vcpu.h"

#include "bus/access.h"
#include "bus/errno.h"
#include "hv/lib/options.h"
#include "hv/lib/page.h"
#include "hv/lib/panic.h"
#include "hv/lib/trace.h"
#include "hv/vcpu/emulate.h"
#include "hv/vcpu/exit.h"
#include "hv/vcpu/irqchip.h"
#include "hv/vcpu/vcpu_paging.h"
#include "hv/vcpu/preempt.h"
#include "hv/vcpu/run.h"
#include "hv/vcpu/vcpu_load.h"
#include "hv/vcpu/vm.h"
#include "hv/vmx/vmcs_setup.h"
#include "hv/vmx/vmx_caps.h"
#include "hv/vmx/vmx_controls.h"
#include "hv/vmx/vmx_cpu.h"
#include "hv/x86/cpu.h"
#include "hv/x86/cr.h"
#include "hv/x86/irq.h"
#include "hv/x86/lapic.h"
#include "hv/x86/msr.h"

/**
 * Exceptions that exit (SDM 3C 25.6.3): #AC, which can recur for ever while it
 * is delivered, and #MC, which is the host's affair.
 */
#define EXCEPTIONS (BIT(17) | BIT(18))

#define APIC_BASE_DEFAULT 0xfee00000ull
#define MISC_ENABLE_FAST_STRINGS BIT(0)

/** IA32_PAT after reset, SDM 3A 12.12.4. */
#define PAT_RESET 0x0007040600070406ull

/**
 * MSRs that pass without an exit; all other MSRs and all ports do exit. A
 * passed MSR is the real one. It may be that only if nothing of the hypervisor
 * depends on it, and if it changes hands with the vCPU: by the VMCS (SYSENTER,
 * FS and GS bases) or by vcpu_load.c.
 */
static const u32 passed_msrs[] = {
	MSR_IA32_SYSENTER_CS,	 MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
	MSR_IA32_STAR,		 MSR_IA32_LSTAR,	MSR_IA32_CSTAR,
	MSR_IA32_FMASK,		 MSR_IA32_FS_BASE,	MSR_IA32_GS_BASE,
	MSR_IA32_KERNEL_GS_BASE,
};

/**
 * The MSR bitmap is four of 1024 bytes, each with a bit for 8192 MSRs (SDM 3C
 * 25.6.9):
 *
 *	0     reads of 0..0x1fff         1024  of 0xc0000000..0xc0001fff
 *	2048  writes of 0..0x1fff        3072  of 0xc0000000..0xc0001fff
 *
 * What is in neither range exits always.
 */
static void pass_msr(u8 *bitmap, u32 msr)
{
	u8 *reads = msr >= 0xc0000000u ? bitmap + 1024 : bitmap;
	u32 index = msr & 0x1fff;

	reads[index / 8] &= ~BIT(index % 8);
	reads[2048 + index / 8] &= ~BIT(index % 8);
}

static int alloc_pages(struct vcpu *vcpu)
{
	page_owner_t owner = vcpu->vm->owner;
	u32 *vmcs = page_alloc(owner);

	vcpu->io_bitmap = page_alloc_contig(owner, 2, 1);
	vcpu->msr_bitmap = page_alloc(owner);
	vcpu->emulation = emulate_create(vcpu, owner);
	if (!vmcs || !vcpu->io_bitmap || !vcpu->msr_bitmap ||
	    !vcpu->emulation) {
		return -ENOMEM;
	}
	/* In which format the processor keeps it (SDM 3C 25.2). */
	vmcs[0] = vmx_caps.revision;
	vcpu->vmcs = virt_to_hpa(vmcs);
	/* A one exits: what nobody has thought of comes to us. */
	memset(vcpu->io_bitmap, 0xff, 2 * PAGE_SIZE);
	memset(vcpu->msr_bitmap, 0xff, PAGE_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(passed_msrs); i++) {
		pass_msr(vcpu->msr_bitmap, passed_msrs[i]);
	}
	return 0;
}

/**
 * Without EPT also #PF, and #UD, which an INVPCID of the guest's is: the
 * processor is not told to offer that instruction (exit_invpcid.c).
 */
static u32 exceptions(const struct vcpu *vcpu)
{
	return EXCEPTIONS |
	       (vcpu->vm->with_ept ? 0 : BIT(VECTOR_PF) | BIT(VECTOR_UD));
}

/**
 * A VMCS' format is the processor's own; all but its first words are reached by
 * VMREAD and VMWRITE only. So no field may be believed to be 0 because its page
 * was: each is written, here and in vcpu_reset(). At which ones the processor
 * will look follows from the controls.
 */
static void setup_vmcs(struct vcpu *vcpu)
{
	struct vmcs_setup setup = {
		.eptp = vcpu->vm->with_ept ? vcpu->vm->eptp : 0,
		.unrestricted = vcpu->vm->unrestricted,
		.own_invlpg = vcpu->vm->foreign,
		.vpid = vcpu->vpid,
		.io_bitmap = virt_to_hpa(vcpu->io_bitmap),
		.msr_bitmap = virt_to_hpa(vcpu->msr_bitmap),
		.exceptions = exceptions(vcpu),
		.timer = preempt_period(),
		.virtual_nmis = vcpu->vm->irqchip,
	};

	vcpu_load_drop(vcpu); /* VMCLEAR: the first thing a VMCS needs */
	vcpu_load_reset(vcpu);
	vcpu_load(vcpu);
	vmcs_setup_all(&setup);
	vcpu->virtual_nmis =
		vmread(PIN_BASED_VM_EXEC_CONTROL) & PIN_VIRTUAL_NMIS;
}

/**
 * Numbers, and the translations cached for whoever had them before us. A VPID
 * tags a vCPU's translations in the TLB, so that entries and exits need not
 * flush. It is the same number that some vCPU of an earlier VM had, and its
 * entries may still be there.
 */
static void set_identity(struct vcpu *vcpu, struct vm *vm, unsigned int number)
{
	vcpu->vm = vm;
	vcpu->number = number;
	vcpu->cpu = this_cpu()->id;
	vcpu->trace = trace_of(vcpu->cpu);
	vcpu->trace_tag = trace_tag(number);
	vcpu->asked_seen = ~0ull; /* an invalidation at the first entry */
	vcpu->work = options.vmx_check;
	vcpu->cpuid_more = !vm->with_ept || vm->irqchip || vm->foreign;
	mmio_known_init(&vcpu->known, vm->with_ept, &vcpu->shadow.paging);
	vcpu->known.off = vm->mmio_cache_off;
	if (vmx_caps.invvpid) {
		/* 0 is the host (SDM 3C 29.1). */
		vcpu->vpid = 1 + vm->number * VM_VCPUS + number;
		vmx_cpu_invvpid(vcpu->vpid);
	}
}

/*
 * A failure in the middle gives nothing back: all of it is the VM's, and goes
 * when the VM goes. The vCPU becomes visible to other CPUs by one store at the
 * end, with release: who sees the pointer sees a whole vCPU behind it.
 */
int vcpu_create(struct vm *vm, unsigned int number, struct vcpu **out)
{
	struct vcpu *vcpu;
	int error;

	if (number >= VM_VCPUS || !vmx_cpu_enabled()) {
		return -EINVAL;
	}
	if (vm->vcpu[number]) {
		return -EEXIST;
	}
	vcpu = page_alloc_contig(
		vm->owner, (sizeof(*vcpu) + PAGE_SIZE - 1) / PAGE_SIZE, 1);
	if (!vcpu) {
		return -ENOMEM;
	}
	set_identity(vcpu, vm, number);
	error = alloc_pages(vcpu);
	if (!error) {
		error = vcpu_paging_create(vcpu);
	}
	if (!error) {
		error = srcu_add_reader(&vm->srcu, &vcpu->reader);
	}
	if (error) {
		return error; /* what was taken goes with the VM's owner */
	}
	setup_vmcs(vcpu);
	irqchip_attach(vcpu);
	vcpu_reset(vcpu);
	/* Changers of slots may look at it from now on, on any CPU. */
	smp_store_release(&vm->vcpu[number], vcpu);
	vm->vcpus++;
	*out = vcpu;
	return 0;
}

/*
 * Three things of a vCPU can make another CPU wait: that it is in the guest
 * (kicks wait for in_guest), in a read section (changes of slots wait for its
 * counter), and that it holds the MMU lock, which is not on the list that
 * recovery releases (vm.h). A crash leaves them as they are, so they are undone
 * here.
 */
void vcpu_abandon(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	panic_unless(vcpu->cpu == this_cpu()->id);
	smp_store_release(&vcpu->in_guest, 0);
	smp_store_release(&vcpu->reader.count, 0);
	if (READ_ONCE(vm->mmu_lock.locked) == vm_mmu_holder()) {
		vm_unlock_mmu(vm);
	}
}

/*
 * On the vCPU's own CPU, since only there can VMCLEAR take the VMCS back. The
 * order matters: first it hears no interrupts, then it is no reader any more,
 * then it cannot be found.
 */
void vcpu_destroy(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	panic_unless(vcpu->cpu == this_cpu()->id);
	vcpu_load_drop(vcpu);
	if (this_cpu()->vcpu == vcpu) {
		this_cpu()->vcpu = NULL; /* it crashed inside vcpu_run() */
	}
	vcpu_abandon(vcpu);
	/* Interrupts find it no more, then changers of slots do not. */
	irqchip_detach(vcpu);
	srcu_remove_reader(&vm->srcu, &vcpu->reader); /* perhaps inside */
	smp_store_release(&vm->vcpu[vcpu->number], NULL);
	vm->vcpus--;
}

/**
 * What reset and INIT have in common; MSRs and the FPU are not among it. The
 * caches of MMIO addresses and of the known store go too: what an address means
 * has changed.
 */
static void reset_registers(struct vcpu *vcpu)
{
	struct vcpu_regs regs = {.rip = 0xfff0, .rflags = RFLAGS_FIXED};
	struct vcpu_sregs sregs;

	vcpu->event.info = 0;
	vcpu->left_asking = false;
	vcpu->irq = 0;
	vcpu->stuck.times = 0;
	vcpu->cr8 = 0;
	vcpu->halted = false;
	mmio_known_event(&vcpu->known, MMIO_CACHE_RESET, gva(0));
	known_store_drop(&vcpu->store);
	vmwrite(GUEST_DR7, DR7_RESET);
	vmwrite(GUEST_INTERRUPTIBILITY_STATE, 0);
	vmwrite(GUEST_ACTIVITY_STATE, ACTIVITY_ACTIVE);
	regs.gpr[GPR_RDX] = 0x600; /* the processor's signature: family 6 */
	vcpu_regs_set(vcpu, &regs);
	vcpu_regs_reset_system(&sregs);
	if (vcpu_regs_set_system(vcpu, &sregs)) {
		panic("the reset state is refused");
	}
}

void vcpu_reset(struct vcpu *vcpu)
{
	panic_unless(vcpu->cpu == this_cpu()->id);
	vcpu_load(vcpu);
	vcpu_load_reset(vcpu);
	emulate_cancel(vcpu);
	vcpu->pending = VCPU_PENDING_NONE;
	vcpu->signal = 0;
	vcpu->apic_base = APIC_BASE_DEFAULT | APIC_BASE_EN;
	if (vcpu->number == 0) {
		vcpu->apic_base |= APIC_BASE_BSP;
	}
	vcpu->pvclock = 0;
	mtrr_reset(&vcpu->mtrr, vcpu->vm->ept.phys_bits);
	vcpu->misc_enable = MISC_ENABLE_FAST_STRINGS;
	vmwrite(GUEST_IA32_PAT, PAT_RESET);
	reset_registers(vcpu);
	if (vcpu->apic) {
		irqchip_reset(vcpu);
	}
}

/*
 * In the run loop, for a signal of the local APIC: what is pending with the VMM
 * cannot be, as the loop has been entered. DR6 and DR7 have reserved bits that
 * read as 1.
 */
void vcpu_init(struct vcpu *vcpu)
{
	reset_registers(vcpu);
	for (unsigned int i = 0; i < 8; i++) {
		exit_dr_set(i, i == 6 ? DR6_RESET : i == 7 ? DR7_RESET : 0);
	}
}

/** To the local APIC, as another APIC would send it. */
static int send_interrupt(struct vcpu *vcpu, u8 vector)
{
	struct vlapic_message message = {.vector = vector};

	return vlapic_accept(vcpu->apic, &message) ? 0 : -ENODEV;
}

/*
 * Vectors 0 to 31 are exceptions; no device may send one. With an irqchip any
 * number of interrupts can wait, a bit of IRR each; without, there is one
 * place, which is why -EBUSY exists.
 */
int vcpu_interrupt(struct vcpu *vcpu, u8 vector)
{
	if (vector < 32) {
		return -EINVAL;
	}
	if (vcpu->apic) {
		return send_interrupt(vcpu, vector);
	}
	if (vcpu->irq) {
		return -EBUSY;
	}
	vcpu->irq = 0x100 | vector; /* bit 8: there is one */
	vcpu->work = true;
	return 0;
}

static void interrupt_cpu(const struct vcpu *vcpu)
{
	if (vcpu->cpu != this_cpu()->id) {
		lapic_send_ipi(cpu_get(vcpu->cpu)->apic_id, IRQ_VECTOR_WAKEUP);
	}
}

/**
 * Who finds it kicked already leaves the rest to whoever did that: the vCPU
 * looks only after it has cleared the word, run.c. So however many events come
 * while it is on its way out, there is one IPI.
 *
 * The IPI's handler does nothing. That it comes makes the guest exit, or ends
 * the CPU's sleep, and then `work` is seen.
 */
void vcpu_kick(struct vcpu *vcpu)
{
	if (__atomic_exchange_n(&vcpu->kicked, 1, __ATOMIC_SEQ_CST)) {
		return;
	}
	WRITE_ONCE(vcpu->work, true);
	smp_mb(); /* the words are there before it is made to look */
	interrupt_cpu(vcpu);
}

/*
 * As vcpu_kick(), but for the VMM: the kick makes the vCPU look, the signal
 * makes vcpu_run() return. It is set before `work`, so that who sees `work`
 * finds it.
 */
void vcpu_signal(struct vcpu *vcpu)
{
	smp_store_release(&vcpu->signal, 1);
	WRITE_ONCE(vcpu->work, true);
	smp_mb();
	interrupt_cpu(vcpu);
}

/**
 * Finish what the last vcpu_run() left open. `pending` is cleared first, since
 * finishing may leave something new: the next piece of a wide access, or the
 * next element of a string. Then the guest is not entered at all.
 * @return what is to follow
 */
static enum exit_action complete(struct vcpu *vcpu)
{
	u8 pending = vcpu->pending;

	vcpu->pending = VCPU_PENDING_NONE;
	/* The way of an access: it shall not pay for the switch. */
	if (likely(pending == VCPU_PENDING_MMIO)) {
		return emulate_complete(vcpu);
	}
	switch ((enum vcpu_pending)pending) {
	case VCPU_PENDING_MMIO:
		break;
	case VCPU_PENDING_IN:
		return exit_io_complete_in(vcpu);
	case VCPU_PENDING_HYPERCALL:
		vcpu->gpr[GPR_RAX] = vcpu->run.hypercall.ret;
		return EXIT_RESUME;
	case VCPU_PENDING_NONE:
	case VCPU_PENDING_STOPPED:
		break;
	}
	return EXIT_RESUME;
}

/**
 * The body of vcpu_run(), the vCPU being this CPU's. immediate_exit is read
 * once and before all else: the VMM may write it at any time, from another
 * thread as with KVM, and one call must not see two values (spec 4.3).
 */
static int run_once(struct vcpu *vcpu)
{
	u8 immediate = READ_ONCE(vcpu->run.immediate_exit);
	int error = -EINTR;

	if (unlikely(vcpu->pending == VCPU_PENDING_STOPPED)) {
		return -EIO;
	}
	vcpu_load(vcpu);
	/* The answer to one piece may lead to the next question. */
	if (vcpu->pending && complete(vcpu) != EXIT_RESUME) {
		return 0;
	}
	if (likely(!immediate)) {
		error = run_loop(vcpu);
	}
	if (unlikely(error)) {
		vcpu->run.exit_reason = VCPU_EXIT_INTERRUPTED;
	}
	return error;
}

int vcpu_run(struct vcpu *vcpu)
{
	struct cpu *cpu = this_cpu();
	int error;

	if (unlikely(vcpu->cpu != cpu->id)) {
		return -EINVAL;
	}
	/* For who comes from below and asks on whose behalf: an interrupt, a
	 * device that each vCPU has one of, the report of a crash. */
	cpu->vcpu = vcpu;
	error = run_once(vcpu);
	cpu->vcpu = NULL;
	return error;
}

#define POISON_BYTES 4032
#define POISON 0x5a5a5a5a5a5a5a5aull

/**
 * The array lies where the frames of the next calls will be, and lay where
 * those of the last calls were.
 */
__noinline void vcpu_poison_stack(void)
{
	volatile u64 dead[POISON_BYTES / sizeof(u64)];

	/* Eight stores a turn: this comes with every exit of every test. */
	for (size_t i = 0; i < ARRAY_SIZE(dead); i += 8) {
		volatile u64 *line = &dead[i];

		line[0] = POISON;
		line[1] = POISON;
		line[2] = POISON;
		line[3] = POISON;
		line[4] = POISON;
		line[5] = POISON;
		line[6] = POISON;
		line[7] = POISON;
	}
}
