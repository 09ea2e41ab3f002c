/** @file
 * What the neighbour does; neighbour.c does the same in C.
 *
 * RDI is the place in the sequence, which VMCALL shows to the VMM.
 */
#include "hv/vmm/neighbour_code.h"

	.section .rodata
	.globl neighbour_code
neighbour_code:
	movl	$NEIGHBOUR_FIRST, %edi
	movl	$NEIGHBOUR_WORDS_AT, %esi
	movabsq	$NEIGHBOUR_FACTOR, %rdx
1:	movl	$NEIGHBOUR_STEPS, %ecx
2:	imulq	%rdx, %rdi
	addq	$NEIGHBOUR_ADDEND, %rdi
	movq	%rdi, %rax
	shrq	$NEIGHBOUR_SHIFT, %rax
	xorq	%rdi, (%rsi,%rax,8)
	decl	%ecx
	jnz	2b
	xorl	%eax, %eax
	.globl neighbour_code_exit
neighbour_code_exit:
	vmcall
	jmp	1b
	.globl neighbour_code_end
neighbour_code_end:

	.section .note.GNU-stack, "", @progbits
