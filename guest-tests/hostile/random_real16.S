/** @file
 * The handlers of random bytes in real mode; random_real.c copies them to CS:0.
 */
#define REAL_NUMBER 0xfffc /* real_prepare() leaves it there */
#define LEFT 0xfff0	   /* random_real.c */

	.text
	.code16
	.globl	random_real16, random_real16_end
	.globl	random_real16_step, random_real16_return

/* An exception but #DB: that case is over. */
random_real16:
1:	movl	%cs:REAL_NUMBER, %eax
	vmcall

/* #DB: one step more. */
random_real16_step:
	decl	%cs:LEFT
	jz	1b

/* INT n. */
random_real16_return:
	iretw
random_real16_end:

	.section .note.GNU-stack, "", @progbits
