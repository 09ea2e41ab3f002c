/** @file
 * There and back, SDM 3A 10.8.5.3 and 10.8.5: paging has to be off while
 * EFER.LME and CR4.PAE change, and the code that turns it off or on has to be
 * mapped onto itself.  Interrupts are off.
 */

#define CODE64 0x08
#define DATA 0x10
#define CODE32 0x38

#define CR0_PG 0x80000000
#define EFER 0xc0000080
#define EFER_LME 0x100

	.text
	.code64
	/* void visit_run(struct visit *visit) */
	.globl visit_run
visit_run:
	push %rbx
	push %rbp
	mov %rsp, saved_rsp
	mov %cr0, %rax
	mov %eax, saved_cr0
	mov %cr3, %rax
	mov %eax, saved_cr3
	mov %cr4, %rax
	mov %eax, saved_cr4
	mov %edi, %ebx
	push $CODE32
	push $1f
	lretq

	.code32
1:	mov $DATA, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	mov %cr0, %eax
	and $~CR0_PG, %eax
	mov %eax, %cr0
	mov $EFER, %ecx
	rdmsr
	and $~EFER_LME, %eax
	wrmsr
	mov 8(%ebx), %eax
	mov %eax, %cr4
	mov 4(%ebx), %eax
	mov %eax, %cr3
	mov 0(%ebx), %eax
	mov %eax, %cr0

	mov 12(%ebx), %ecx
	mov (%ecx), %eax
	mov %eax, 24(%ebx)
	mov 16(%ebx), %ecx
	mov 20(%ebx), %eax
	mov %eax, (%ecx)
	mov (%ecx), %eax
	mov %eax, 28(%ebx)

	mov %cr0, %eax
	and $~CR0_PG, %eax
	mov %eax, %cr0
	mov saved_cr4, %eax
	mov %eax, %cr4
	mov saved_cr3, %eax
	mov %eax, %cr3
	mov $EFER, %ecx
	rdmsr
	or $EFER_LME, %eax
	wrmsr
	mov saved_cr0, %eax
	mov %eax, %cr0
	ljmp $CODE64, $2f

	.code64
2:	mov saved_rsp, %rsp
	pop %rbp
	pop %rbx
	ret

	.bss
	.balign 8
saved_rsp:
	.quad 0
saved_cr0:
	.long 0
saved_cr3:
	.long 0
saved_cr4:
	.long 0

	.section .note.GNU-stack, "", @progbits
