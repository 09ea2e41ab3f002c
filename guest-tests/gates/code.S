/** @file
 * The code of the arena (arena.h) that is no sequence of a case.
 */
#define ARENA 0x40000
#define HANDLERS 0x2800
#define FRAME 0x3000
#define STEPS 0x6ff0

#define CODE_0 0x08
#define DATA_0 0x10
#define TSS 0x90

#define AT(place) (HANDLERS + (place) - code_handlers)

	.text
	.globl	code_begin, code_begin_end
	.code16
code_begin:
	lgdtl	%cs:(code_gdtr - code_begin)
	lidtl	%cs:(code_idtr - code_begin)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$CODE_0, $AT(code_enter)
code_gdtr:
	.word	0x97
	.long	ARENA
code_idtr:
	.word	0x1ff
	.long	ARENA + 0x1000
code_begin_end:

	.globl	code_handlers, code_handlers_end
	.globl	code_enter, code_common, code_return, code_return_16
	.globl	code_step, code_number
	.code32
code_handlers:
code_enter:
	movl	$DATA_0, %eax
	movl	%eax, %ss
	movl	$FRAME, %esp
	movl	$TSS, %eax
	ltr	%ax
	popl	%gs
	popl	%fs
	popl	%es
	popl	%ds
	popal
	iretl

/* A vector's number is on the stack.  All that there is joins it. */
code_common:
	pushal
	movl	%ds, %eax
	pushl	%eax
	movl	%es, %eax
	pushl	%eax
	movl	%fs, %eax
	pushl	%eax
	movl	%gs, %eax
	pushl	%eax
	cld
	movl	%cs:AT(code_number), %eax
	vmcall
code_number:
	.long	0

code_return:
	pushal
	popal
	iretl

code_return_16:
	pushal
	popal
	iretw

code_step:
	incl	%ss:STEPS
	iretl
code_handlers_end:

	.section .note.GNU-stack, "", @progbits
