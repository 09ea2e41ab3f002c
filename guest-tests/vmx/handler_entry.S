/** @file
 * The stubs of handler.c: note what has arrived, return.
 *
 * On the stack: SS, RSP, RFLAGS, CS, RIP, error code, vector, RAX.  Flags are
 * the interrupted code's own again after IRET; no other register is touched.
 */
	.text

/* Offsets into struct handler_seen */
#define COUNT 0
#define VECTOR 8
#define ERROR 16
#define RIP 24
#define RFLAGS 32
#define LANDING 40
#define CALL 48

#define SERVICE_NOTHING 0x4a00

/* Vectors whose exceptions push an error code - SDM 3A 6.13, table 6-1. */
	.set	with_error, (1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | \
			(1 << 13) | (1 << 14) | (1 << 17) | (1 << 21)

	.balign 16
	.globl handler_stubs
handler_stubs:
	vector = 0
	.rept	256
	.balign 16
	.if	vector > 31 || !((with_error >> (vector & 31)) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	note
	vector = vector + 1
	.endr

note:
	pushq	%rax
	incq	handler_seen + COUNT
	movq	8(%rsp), %rax
	movq	%rax, handler_seen + VECTOR
	movq	16(%rsp), %rax
	movq	%rax, handler_seen + ERROR
	movq	24(%rsp), %rax
	movq	%rax, handler_seen + RIP
	movq	40(%rsp), %rax
	movq	%rax, handler_seen + RFLAGS
	cmpq	$0, handler_seen + CALL
	je	2f
	movl	$SERVICE_NOTHING, %eax
	cmp	%esp, %esp
	vmcall
2:	movq	handler_seen + LANDING, %rax
	testq	%rax, %rax
	jz	1f
	movq	%rax, 24(%rsp)
	movq	$0, handler_seen + LANDING
1:	popq	%rax
	addq	$16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
