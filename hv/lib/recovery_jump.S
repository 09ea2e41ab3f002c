/** @file
 * Leaving many calls at once: save a place, come back to it later.
 *
 * A place is what a C function expects to find again when a call returns: the
 * callee-saved registers, RSP, the return address, and RFLAGS for the
 * interrupt flag.  Coming back is done with IRETQ, since the crash may have
 * been an NMI: after one, the processor lets no other in until an IRET.
 *
 *	struct recovery_context: rbx rbp r12 r13 r14 r15 rsp rip rflags
 */
	.text

	/* int recovery_jump_save(struct recovery_context *); 0, later 1 */
	.globl recovery_jump_save
	.type recovery_jump_save, @function
recovery_jump_save:
	movq %rbx, 0(%rdi)
	movq %rbp, 8(%rdi)
	movq %r12, 16(%rdi)
	movq %r13, 24(%rdi)
	movq %r14, 32(%rdi)
	movq %r15, 40(%rdi)
	leaq 8(%rsp), %rax		/* RSP as it is after the return */
	movq %rax, 48(%rdi)
	movq (%rsp), %rax
	movq %rax, 56(%rdi)
	pushfq
	popq 64(%rdi)
	xorl %eax, %eax
	ret
	.size recovery_jump_save, . - recovery_jump_save

	/* void recovery_jump_restore(const struct recovery_context *) */
	.globl recovery_jump_restore
	.type recovery_jump_restore, @function
recovery_jump_restore:
	movq 0(%rdi), %rbx
	movq 8(%rdi), %rbp
	movq 16(%rdi), %r12
	movq 24(%rdi), %r13
	movq 32(%rdi), %r14
	movq 40(%rdi), %r15
	movq %ss, %rax
	pushq %rax
	pushq 48(%rdi)
	pushq 64(%rdi)
	movq %cs, %rax
	pushq %rax
	pushq 56(%rdi)
	movl $1, %eax
	iretq
	.size recovery_jump_restore, . - recovery_jump_restore
	.section .note.GNU-stack, "", @progbits
