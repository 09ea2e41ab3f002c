/** @file
 * Into the guest and back: the only code between the two worlds.
 *
 * VMX switches RIP, RSP, RFLAGS, segments and control registers by itself and
 * leaves the other fifteen general registers as they are: what the guest sees
 * in them is what we load here, and what it leaves in them is what we must
 * save before we use any.
 *
 *	stack while the guest runs	HOST_RSP points to the last line
 *	  return address into the run loop
 *	  rbp				the caller's frame
 *	  gpr				where the guest's registers go
 *
 * A VM exit does not return behind VMRESUME: the processor loads RIP from
 * HOST_RIP, which is vmx_entry_exit below.  Behind VMLAUNCH and VMRESUME is
 * only the failure path.  The soft unit keeps to that (vmx_unit.h).
 *
 * The CFI lines tell a debugger at each instruction where the caller's frame
 * is, so that `bt` works on both sides, also from inside the soft unit, where
 * all registers but RSP are the guest's.
 */
	.cfi_sections .debug_frame
	.text

#define HOST_RSP 0x6c14 /* VMCS_ENCODING(WNAT, HOST, 10) */

/* Offsets into gpr[], enum gpr of vmx_unit.h. */
#define RAX 0
#define RCX 8
#define RDX 16
#define RBX 24
#define RBP 40
#define RSI 48
#define RDI 56
#define R8 64
#define R9 72
#define R10 80
#define R11 88
#define R12 96
#define R13 104
#define R14 112
#define R15 120
#define LAST_RSP 128 /* GPR_HOST_RSP */
#define LAUNCHED 136 /* GPR_LAUNCHED */

.macro push_reg reg
	push %\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro pop_reg reg
	pop %\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

/* All from gpr[]; RDI, which points there, last.  Leaves RFLAGS alone. */
.macro load_guest
	mov RAX(%rdi), %rax
	mov RCX(%rdi), %rcx
	mov RDX(%rdi), %rdx
	mov RBX(%rdi), %rbx
	mov RBP(%rdi), %rbp
	mov RSI(%rdi), %rsi
	mov R8(%rdi), %r8
	mov R9(%rdi), %r9
	mov R10(%rdi), %r10
	mov R11(%rdi), %r11
	mov R12(%rdi), %r12
	mov R13(%rdi), %r13
	mov R14(%rdi), %r14
	mov R15(%rdi), %r15
	mov RDI(%rdi), %rdi
.endm

/* All into gpr[], whose address RDI holds; the guest's RDI is on the stack. */
.macro save_guest
	mov %rax, RAX(%rdi)
	mov %rcx, RCX(%rdi)
	mov %rdx, RDX(%rdi)
	mov %rbx, RBX(%rdi)
	mov %rbp, RBP(%rdi)
	mov %rsi, RSI(%rdi)
	mov %r8, R8(%rdi)
	mov %r9, R9(%rdi)
	mov %r10, R10(%rdi)
	mov %r11, R11(%rdi)
	mov %r12, R12(%rdi)
	mov %r13, R13(%rdi)
	mov %r14, R14(%rdi)
	mov %r15, R15(%rdi)
.endm

/*
 * vmx_entry_run()'s other half (vmx_unit.h).  RDI: gpr; result in RAX, gpr in
 * RDI; keeps RBP and RSP only.
 *
 * HOST_RSP known to be right says more than that: only the native VMRESUME
 * below sets it, so the unit is the native one and the VMCS is launched.
 */
	.globl vmx_entry_switch
	.type vmx_entry_switch, @function
vmx_entry_switch:
	.cfi_startproc
	/* What the caller has lost: a debugger must not show the guest's. */
	.irp reg, rbx, rcx, rdx, rsi, r8, r9, r10, r11, r12, r13, r14, r15
	.cfi_undefined \reg
	.endr
	push_reg rbp
	push_reg rdi
	cmp %rsp, LAST_RSP(%rdi)
	jne .Lslow
	load_guest
	vmresume

	/* VMfail.  CF: no current VMCS; ZF: VM_INSTRUCTION_ERROR says why. */
.Lfailed:
	mov $1, %eax		/* VMX_FAIL_INVALID; RFLAGS stays */
	mov $2, %ecx		/* VMX_FAIL_VALID */
	cmovz %ecx, %eax
	pop_reg rdi
	movq $0, LAST_RSP(%rdi)
	pop_reg rbp
	ret
	/* No .cfi_restore_state: Clang 14 counts on from a wrong offset. */
	.cfi_def_cfa_offset 24
	.cfi_offset rbp, -16
	.cfi_offset rdi, -24

	/* The first entries, another stack depth, or the soft unit. */
.Lslow:
	cmpb $0, vmx_unit_is_soft(%rip)
	jne .Lsoft
	mov $HOST_RSP, %eax
	vmwrite %rsp, %rax
	jbe .Lfailed
	cmpq $0, LAUNCHED(%rdi)
	je 1f
	mov %rsp, LAST_RSP(%rdi)
	load_guest
	vmresume
	jmp .Lfailed
1:	movq $1, LAUNCHED(%rdi)
	load_guest
	vmlaunch
.Lnot_launched:
	mov (%rsp), %rdi
	movq $0, LAUNCHED(%rdi)
	jmp .Lfailed

	/*
	 * The same two instructions, as calls.  LAST_RSP has bit 0 set here,
	 * so that the fast path is never taken.
	 */
.Lsoft:
	lea 1(%rsp), %rax
	cmp %rax, LAST_RSP(%rdi)
	je .Lsoft_known
	mov %rax, LAST_RSP(%rdi)
	sub $8, %rsp
	.cfi_adjust_cfa_offset 8
	push %rdi
	.cfi_adjust_cfa_offset 8
	lea 16(%rsp), %rsi
	mov $HOST_RSP, %edi
	call softvmx_vmwrite_if_current
	pop %rdi
	.cfi_adjust_cfa_offset -8
	add $8, %rsp
	.cfi_adjust_cfa_offset -8
.Lsoft_known:
	cmpq $0, LAUNCHED(%rdi)
	je 2f
	load_guest
	call softvmx_vmresume
	jmp .Lfailed
2:	movq $1, LAUNCHED(%rdi)
	load_guest
	call softvmx_vmlaunch
	jmp .Lnot_launched

	/*
	 * A VM exit arrives here.  The guest's RDI and the address of gpr[]
	 * change places, and RDI is the first register that is ours.
	 */
	.balign 16
	.globl vmx_entry_exit
vmx_entry_exit:
	xchg %rdi, (%rsp)
	.cfi_restore rdi
	save_guest
	pop RDI(%rdi)
	.cfi_adjust_cfa_offset -8
	pop_reg rbp
	xor %eax, %eax		/* VMX_SUCCEED */
	ret
	.cfi_endproc
	.size vmx_entry_switch, . - vmx_entry_switch

/*
 * vmread() and vmwrite() of the soft unit: C functions, called so that all
 * registers but RAX are kept, as VMREAD and VMWRITE keep them (vmx_unit.h).
 */
.macro soft_call name, target
	.globl \name
	.type \name, @function
\name:
	.cfi_startproc
	push_reg rbp
	mov %rsp, %rbp
	.irp reg, rcx, rdx, rsi, rdi, r8, r9, r10, r11
	push_reg \reg
	.endr
	call \target
	.irp reg, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rbp
	pop_reg \reg
	.endr
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

	soft_call vmx_entry_soft_vmread, softvmx_vmread
	soft_call vmx_entry_soft_vmwrite, softvmx_vmwrite
