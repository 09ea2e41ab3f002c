/** @file
 * In and out of random bytes, with all registers.
 *
 * void random_run(struct random_machine *machine);
 *
 * In: IRET.  Out: any exception, on the stack of IST 1, after which either
 * IRET goes on, with the registers as they are then, or random_run() returns.
 */
#define RIP 128
#define RFLAGS 136
#define VECTOR 144
#define ERROR 152
#define CS 160
#define SS 168

	.macro	load_all
	movq	8(%rax), %rcx
	movq	16(%rax), %rdx
	movq	24(%rax), %rbx
	movq	40(%rax), %rbp
	movq	48(%rax), %rsi
	movq	56(%rax), %rdi
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	movq	8 * \n(%rax), %r\n
	.endr
	movq	(%rax), %rax
	.endm

	/* Between the exception's frame and the struct. */
	.macro	frame_out frame, field
	movq	\frame(%rsp), %rcx
	movq	%rcx, \field(%rax)
	.endm

	.macro	frame_in frame, field
	movq	\field(%rax), %rcx
	movq	%rcx, \frame(%rsp)
	.endm

	.text
	.globl random_run
random_run:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, run_rsp(%rip)
	movq	%rdi, run_machine(%rip)
	pushq	SS(%rdi)
	pushq	32(%rdi)
	pushq	RFLAGS(%rdi)
	pushq	CS(%rdi)
	pushq	RIP(%rdi)
	movq	%rdi, %rax
	load_all
	iretq

	.set	with_error, (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | \
			(1 << 13) | (1 << 14) | (1 << 17) | (1 << 21)

	.balign 16
	.globl random_stubs
random_stubs:
	vector = 0
	.rept	32
	.balign 16
	.if	!((with_error >> vector) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	out
	vector = vector + 1
	.endr

	/* vector, error code, RIP, CS, RFLAGS, RSP, SS */
out:
	pushq	%rax
	movq	run_machine(%rip), %rax
	movq	%rcx, 8(%rax)
	movq	%rdx, 16(%rax)
	movq	%rbx, 24(%rax)
	movq	%rbp, 40(%rax)
	movq	%rsi, 48(%rax)
	movq	%rdi, 56(%rax)
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	movq	%r\n, 8 * \n(%rax)
	.endr
	popq	(%rax)
	popq	VECTOR(%rax)
	popq	ERROR(%rax)
	frame_out 0, RIP
	frame_out 8, CS
	frame_out 16, RFLAGS
	frame_out 24, 32
	frame_out 32, SS
	cld
	movq	%rax, %rdi
	movq	%rsp, %rbx
	andq	$-16, %rsp
	call	random_step
	movq	%rbx, %rsp
	testb	%al, %al
	jz	1f
	movq	run_machine(%rip), %rax
	frame_in 0, RIP
	frame_in 8, CS
	frame_in 16, RFLAGS
	frame_in 24, 32
	frame_in 32, SS
	load_all
	iretq
1:	movq	run_rsp(%rip), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.bss
	.balign 8
run_machine:
	.quad	0
run_rsp:
	.quad	0

	.section .note.GNU-stack, "", @progbits
