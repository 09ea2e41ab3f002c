/** @file
 * The bench's loop in 16 bits, for what the emulator's guest costs in real mode
 * (rows.c): CX times, stamps from DS:DI on, SI an address.  Each body is of
 * sixteen instructions, or none.
 */
#define REAL_NUMBER 0xfffc /* lib/real.h */

	.text
	.code16

.macro loop16 name insn:vararg
	.globl	\name, \name\()_end
\name:
1:	rdtsc
	movl	%eax, (%di)
	addw	$4, %di
	.rept	16
	\insn
	.endr
	decw	%cx
	jnz	1b
	movl	%cs:REAL_NUMBER, %eax
	vmcall
\name\()_end:
.endm

	loop16	loop16_empty
	loop16	loop16_mov movw %ax, %bx
	loop16	loop16_load movw (%si), %ax

	.section .note.GNU-stack, "", @progbits
