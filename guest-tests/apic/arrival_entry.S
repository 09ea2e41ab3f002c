/** @file
 * 256 handlers that note what has arrived, and go where the test says.
 *
 * They touch no memory but the stack of the event and arrival_seen, whose
 * fields stand in arrival.h.
 */
	/* Exceptions with an error code - SDM 3A 6.13: 8 10-14 17. */
	.set	ERROR_CODES, 0x27d00

	.text
	.balign 16
	.globl	arrival_stubs
arrival_stubs:
	vector = 0
	.rept	256
	.balign 16
	.if vector > 17 || ((ERROR_CODES >> (vector & 31)) & 1) == 0
	pushq	$0
	.endif
	pushq	$vector
	jmp	arrived
	vector = vector + 1
	.endr

	/* vector, error code, RIP, CS, RFLAGS, RSP, SS */
arrived:
	pushq	%rax
	incq	arrival_seen(%rip)
	movq	8(%rsp), %rax
	movq	%rax, arrival_seen+8(%rip)
	shlq	$8, arrival_seen+48(%rip)
	movb	%al, arrival_seen+48(%rip)
	movq	16(%rsp), %rax
	movq	%rax, arrival_seen+16(%rip)
	movq	24(%rsp), %rax
	movq	%rax, arrival_seen+24(%rip)
	movq	%cr2, %rax
	movq	%rax, arrival_seen+32(%rip)
	andq	$~0x100, 40(%rsp)	/* TF: one step is enough */
	movq	arrival_seen+40(%rip), %rax
	testq	%rax, %rax
	jz	1f
	movq	%rax, 24(%rsp)
1:	popq	%rax
	addq	$16, %rsp
	iretq

	.bss
	.balign	8
	.globl	arrival_seen
arrival_seen:
	.space	56

	.section .note.GNU-stack, "", @progbits
