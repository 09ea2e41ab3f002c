/** @file
 * 16-bit code that the tests here send their vCPU to (lib/real.h).
 *
 * Each piece stands alone, is copied to CS:0, and comes back by a VMCALL of
 * its own, with all registers but EAX as the test will see them.
 */
#define REAL_NUMBER 0xfffc /* real_prepare() leaves it there */

	.text
	.code16

.macro piece name
	.globl	\name
\name:
.endm

/* Back to the test, which finds EAX in EBP. */
.macro back
	movl	%eax, %ebp
	movl	%cs:REAL_NUMBER, %eax
	vmcall
.endm

piece code16_add
	movl	%ebx, %eax
	addl	$5, %eax
	back
piece code16_add_end

	.section .note.GNU-stack, "", @progbits
