/** @file
 * The soft unit's assembly: the ways in and out of a guest.
 *
 * softvmx_vmlaunch and softvmx_vmresume stand where vmx_entry.S has the
 * instruction of that name in the native unit, so all general registers are the
 * guest's and not one is free: RAX goes to the stack until the CPU's struct is
 * found.  From there on we are on a stack of our own; the vCPU's stack is left
 * as VMLAUNCH found it.
 *
 * The end is either VMfail, a return with flags, or a VM exit: HOST_RSP,
 * HOST_RIP, RFLAGS = 2 (SDM 3C 28.5.3) and the guest's registers.  HOST_RIP is
 * reached by a RET, whose address goes below HOST_RSP, where nothing lives.  No
 * IRET: that would unblock NMIs.
 */
#include "hv/softvmx/softvmx_offsets.h"

	.cfi_sections .debug_frame
	.text

#define GPR(n) (OFFSET_GPR + 8 * n)
#define RAX GPR(0)
#define RCX GPR(1)
#define RDX GPR(2)
#define RBX GPR(3)
#define RBP GPR(5)
#define RSI GPR(6)
#define RDI GPR(7)
#define R8 GPR(8)
#define R9 GPR(9)
#define R10 GPR(10)
#define R11 GPR(11)
#define R12 GPR(12)
#define R13 GPR(13)
#define R14 GPR(14)
#define R15 GPR(15)

#define FLAGS_SUCCEED 0x02
#define FLAGS_FAIL_INVALID 0x03 /* CF */
#define FLAGS_FAIL_VALID 0x42	/* ZF */

/* All but RAX and RSP, from and to the array that \base points to. */
.macro load_most base
	mov RCX(\base), %rcx
	mov RDX(\base), %rdx
	mov RBX(\base), %rbx
	mov RBP(\base), %rbp
	mov R8(\base), %r8
	mov R9(\base), %r9
	mov R10(\base), %r10
	mov R11(\base), %r11
	mov R12(\base), %r12
	mov R13(\base), %r13
	mov R14(\base), %r14
	mov R15(\base), %r15
	mov RDI(\base), %rdi
	mov RSI(\base), %rsi
.endm

.macro save_most base
	mov %rcx, RCX(\base)
	mov %rdx, RDX(\base)
	mov %rbx, RBX(\base)
	mov %rbp, RBP(\base)
	mov %rsi, RSI(\base)
	mov %rdi, RDI(\base)
	mov %r8, R8(\base)
	mov %r9, R9(\base)
	mov %r10, R10(\base)
	mov %r11, R11(\base)
	mov %r12, R12(\base)
	mov %r13, R13(\base)
	mov %r14, R14(\base)
	mov %r15, R15(\base)
.endm

/* VMLAUNCH, VMRESUME.  Guest's registers in; see vmx_unit.h. */
	.globl softvmx_vmlaunch
	.type softvmx_vmlaunch, @function
softvmx_vmlaunch:
	.cfi_startproc
	push %rax
	.cfi_adjust_cfa_offset 8
	mov %gs:OFFSET_CPU_VMX, %rax
	save_most %rax
	xor %esi, %esi
	jmp .Lenter
	.cfi_endproc
	.size softvmx_vmlaunch, . - softvmx_vmlaunch

	.globl softvmx_vmresume
	.type softvmx_vmresume, @function
softvmx_vmresume:
	.cfi_startproc
	push %rax
	.cfi_adjust_cfa_offset 8
	mov %gs:OFFSET_CPU_VMX, %rax
	save_most %rax
	mov $1, %esi

	/*
	 * A backtrace from our stack goes on in vmx_entry.S, whose RBP is the
	 * guest's; but the frame of the run loop that it has pushed, RBP and
	 * return address, lies two words above our return address.
	 */
.Lenter:
	pop RAX(%rax)
	.cfi_adjust_cfa_offset -8
	mov %rsp, OFFSET_CALLER_RSP(%rax)
	mov (%rsp), %rdx
	mov %rax, %rbx
	/* For the debugger, CFA = caller_rsp + 8, found through RBX (3):
	 * DW_CFA_def_cfa_expression { breg3 136; deref; plus_uconst 8 } */
	.cfi_escape 0x0f, 6, 0x73, 0x88, 0x01, 0x06, 0x23, 8
	mov OFFSET_STACK_TOP(%rax), %rsp
	push %rdx
	mov OFFSET_CALLER_RSP(%rax), %rdx
	add $16, %rdx
	push %rdx
	mov %rsp, %rbp
	mov %rax, %rdi
	call svm_enter_run		/* (cpu, resume): enum vmx_result */
	test %eax, %eax
	jnz .Lvmfail

	/* A VM exit.  The return address for RET below HOST_RSP: */
	mov OFFSET_HOST_RSP(%rbx), %rcx
	mov OFFSET_HOST_RIP(%rbx), %rdx
	mov %rdx, -8(%rcx)
	sub $8, %rcx
	mov %rcx, OFFSET_CALLER_RSP(%rbx)
	push $FLAGS_SUCCEED
	jmp .Lleave

.Lvmfail:
	cmp $1, %eax
	je 1f
	push $FLAGS_FAIL_VALID
	jmp .Lleave
1:	push $FLAGS_FAIL_INVALID

	/* RFLAGS from the stack; MOV leaves them alone. */
.Lleave:
	mov %rbx, %rax
	/* As above, from here through RAX (0): RBX will be the guest's. */
	.cfi_escape 0x0f, 6, 0x70, 0x88, 0x01, 0x06, 0x23, 8
	.cfi_escape 0x0f, 6, 0x70, 0x88, 0x01, 0x06, 0x23, 8	/* by RAX (0) */
	popfq
	stgi
	load_most %rax
	mov OFFSET_CALLER_RSP(%rax), %rsp
	.cfi_def_cfa rsp, 8
	mov RAX(%rax), %rax
	ret
	.cfi_endproc
	.size softvmx_vmresume, . - softvmx_vmresume

/*
 * void softvmx_run_guest(hpa_t vmcb, u64 gpr[], bool shadow)
 *
 * RFLAGS.IF as it is at VMRUN decides, under V_INTR_MASKING, whether interrupts
 * reach the guest's intercepts, hence the STI; GIF = 0 keeps them from us.
 * VMRUN under TCG takes its interrupt shadow from the STI in front of it and
 * not from the VMCB: so it is STI; VMRUN or STI; NOP; VMRUN.
 */
	.globl softvmx_run_guest
	.type softvmx_run_guest, @function
softvmx_run_guest:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbp, 0
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset rbx, 0
	push %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r12, 0
	push %r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r13, 0
	push %r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r14, 0
	push %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset r15, 0
	push %rsi
	.cfi_adjust_cfa_offset 8
	mov %gs:OFFSET_CPU_VMX, %rax
	push OFFSET_ENTRY_VMCB(%rax)
	.cfi_adjust_cfa_offset 8

	mov %rdi, %rax
	vmload %rax
	test %dl, %dl
	load_most %rsi
	jnz 1f
	sti
	nop
	vmrun %rax
	jmp 2f
1:	sti
	vmrun %rax
2:	cli
	vmsave %rax

	pop %rax
	.cfi_adjust_cfa_offset -8
	vmload %rax
	pop %rax
	.cfi_adjust_cfa_offset -8
	save_most %rax
	pop %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore r15
	pop %r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore r14
	pop %r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore r13
	pop %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore r12
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbx
	pop %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore rbp
	ret
	.cfi_endproc
	.size softvmx_run_guest, . - softvmx_run_guest

/* The whole program of the guest that waits in HLT (svm_halt.c). */
	.globl softvmx_run_hlt_loop
softvmx_run_hlt_loop:
	hlt
	jmp softvmx_run_hlt_loop
