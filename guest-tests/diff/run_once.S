/** @file
 * One instruction between a prologue that loads all registers and an epilogue
 * that stores them.
 *
 * void run_once(struct state *state, const void *code);
 *
 * Nothing is on the stack while the instruction's own RSP is loaded.  If the
 * instruction faults, the exception's handler finds its way back by itself
 * (lib/trap_entry.S), and the registers after it are not stored.
 */
#define RFLAGS 128
#define XMM 144

	.text
	.globl run_once
run_once:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rdi, run_state(%rip)
	movq	%rsi, run_code(%rip)
	movq	%rsp, run_rsp(%rip)
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	XMM + 16 * \n(%rdi), %xmm\n
	.endr
	pushq	RFLAGS(%rdi)
	popfq
	movq	0(%rdi), %rax
	movq	8(%rdi), %rcx
	movq	16(%rdi), %rdx
	movq	24(%rdi), %rbx
	movq	32(%rdi), %rsp
	movq	40(%rdi), %rbp
	movq	48(%rdi), %rsi
	movq	64(%rdi), %r8
	movq	72(%rdi), %r9
	movq	80(%rdi), %r10
	movq	88(%rdi), %r11
	movq	96(%rdi), %r12
	movq	104(%rdi), %r13
	movq	112(%rdi), %r14
	movq	120(%rdi), %r15
	movq	56(%rdi), %rdi
	jmp	*run_code(%rip)

	.globl run_once_end
run_once_end:
	movq	%rdi, run_rdi(%rip)
	movq	run_state(%rip), %rdi
	movq	%rax, 0(%rdi)
	movq	%rcx, 8(%rdi)
	movq	%rdx, 16(%rdi)
	movq	%rbx, 24(%rdi)
	movq	%rsp, 32(%rdi)
	movq	%rbp, 40(%rdi)
	movq	%rsi, 48(%rdi)
	movq	%r8, 64(%rdi)
	movq	%r9, 72(%rdi)
	movq	%r10, 80(%rdi)
	movq	%r11, 88(%rdi)
	movq	%r12, 96(%rdi)
	movq	%r13, 104(%rdi)
	movq	%r14, 112(%rdi)
	movq	%r15, 120(%rdi)
	movq	run_rdi(%rip), %rax
	movq	%rax, 56(%rdi)
	movq	run_rsp(%rip), %rsp
	pushfq
	popq	RFLAGS(%rdi)
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\n, XMM + 16 * \n(%rdi)
	.endr
	cld
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.bss
	.balign 8
run_state:
	.quad	0
run_code:
	.quad	0
run_rsp:
	.quad	0
run_rdi:
	.quad	0

	.section .note.GNU-stack, "", @progbits
