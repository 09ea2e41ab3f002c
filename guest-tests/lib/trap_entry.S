/** @file
 * The machine's half of exceptions: 32 stubs, and the jumps in and out.
 *
 * A stub completes the frame that the processor has pushed, so that all
 * vectors look alike:
 *
 *	SS, RSP, RFLAGS, CS, RIP | error code | vector  <- RSP
 *
 * (struct trap_frame) and gives it to trap_dispatch() (trap.c), which returns
 * only when somebody waits for the exception: then the stack is that of
 * trap_entry_catch(), which returns as if the function had ended.
 */
	.text

/* Vectors whose exceptions push an error code - SDM 3A 6.13, table 6-1. */
	.set	with_error, (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | \
			(1 << 13) | (1 << 14) | (1 << 17) | (1 << 21)

	.balign 16
	.globl trap_entry_stubs
trap_entry_stubs:
	vector = 0
	.rept	32
	.balign 16
	.if	!((with_error >> vector) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	dispatch
	vector = vector + 1
	.endr

dispatch:
	cld
	cmpq	$1, (%rsp)	/* #DB, and trap_step() waits for it? */
	jne	1f
	cmpq	$0, trap_stepping(%rip)
	jne	stepped
1:
	movq	%rcx, trap_registers(%rip)
	movq	%rsi, trap_registers+8(%rip)
	movq	%rdi, trap_registers+16(%rip)
	movq	%rsp, %rdi
	movq	%cr2, %rsi
	andq	$-16, %rsp
	call	trap_dispatch
	/* Somebody waits: back onto the stack of trap_entry_catch(). */
	movq	caught_rsp(%rip), %rsp
	jmp	caught

	/* Nothing of what was interrupted may change. */
stepped:
	.irp	reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rbp
	pushq	%\reg
	.endr
	leaq	80(%rsp), %rdi
	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	trap_stepped
	movq	%rbp, %rsp
	.irp	reg, rbp, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	popq	%\reg
	.endr
	addq	$16, %rsp
	iretq

/*
 * void trap_entry_catch(void (*fn)(void), u64 user_stack);
 * user_stack 0: call fn here, at CPL 0.
 */
	.globl trap_entry_catch
trap_entry_catch:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushfq
	movq	%rsp, caught_rsp(%rip)
	testq	%rsi, %rsi
	jnz	user
	subq	$8, %rsp	/* at a call RSP is a multiple of 16 */
	call	*%rdi
	addq	$8, %rsp
caught:
	popfq
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret

user:	/* IRET to CPL 3: SS, RSP, RFLAGS, CS, RIP; selectors of trap.c */
	subq	$8, %rsi
	pushq	$0x1b
	pushq	%rsi
	pushq	$2
	pushq	$0x23
	pushq	%rdi
	iretq

	.bss
	.balign 8
caught_rsp:
	.quad	0
	.globl trap_registers
trap_registers:
	.space	24

	.section .note.GNU-stack, "", @progbits
