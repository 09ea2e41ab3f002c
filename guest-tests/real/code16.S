/** @file
 * 16-bit code that the tests here send their vCPU to (lib/real.h).
 *
 * Each piece stands alone, is copied to CS:0, and comes back by a VMCALL of
 * its own.  Addresses in it count from its name.  Handlers of interrupts are
 * at HANDLER.
 */
#define REAL_NUMBER 0xfffc /* real_prepare() leaves it there */
#define HANDLER 0x100

	.text
	.code16

.macro piece name
	.globl	\name, \name\()_end
\name:
.endm

/* Back to the test, which finds EAX in EBP. */
.macro back
	movl	%eax, %ebp
	movl	%cs:REAL_NUMBER, %eax
	vmcall
.endm

.macro handler name
	.org	\name + HANDLER
.endm

piece code16_add
	movl	%ebx, %eax
	addl	$5, %eax
	back
code16_add_end:

/* Only that. */
piece code16_back
	back
code16_back_end:

piece code16_load
	movl (%esi), %eax
	incl	%ebx
	back
code16_load_end:

piece code16_store
	movl %ebx, (%esi)
	back
code16_store_end:

piece code16_read_again
1:	incl	%edx
	cmpl %ebx, (%esi)
	jne	1b
	back
code16_read_again_end:

piece code16_modify
	movb	$0x43, %cs:(1f - code16_modify) /* INC BX */
1:	nop
	back
code16_modify_end:

piece code16_pops
	cld
	.byte	0x67			/* by ESI, EDI, ECX */
	rep movsb
	back
code16_pops_end:

/* Vector 1 counts.  The last POPF still ends with a trap, for TF was set. */
.macro set_tf
	pushw	$0x102
	popfw
.endm

.macro clear_tf
	pushw	$2
	popfw
.endm

piece code16_step
	set_tf
	nop				/* 1 */
	movw	$3, %cx			/* 2 */
	movw	%cx, %bx		/* 3 */
	loop	1f			/* 4 */
1:	clear_tf			/* 5, 6 */
	back
handler code16_step
	incl	%edx
	iretw
code16_step_end:

piece code16_step_stack
	movw	%ss, %ax
	set_tf
	movw	%ax, %ss		/* holds its trap off, ... */
	nop				/* 1: ... which is this one's */
	int	$0x21			/* none: the handler has TF clear */
	clear_tf			/* 2, 3 */
	back
handler code16_step_stack
	incl	%edx
	iretw
	.org	code16_step_stack + HANDLER + 0x10
	iretw
code16_step_stack_end:

piece code16_call_21
	clc
	int	$0x21
	setc	%al
	back
handler code16_call_21
	movw	$0x77, %bx
	pushw	%bp
	movw	%sp, %bp
	orw	$1, 6(%bp)
	popw	%bp
	iretw
code16_call_21_end:

piece code16_divide
	movw	$0x100, %ax
	divb	%bl			/* two bytes */
	movw	%sp, %cx
	back
handler code16_divide
	incl	%edx
	pushw	%bp
	movw	%sp, %bp
	addw	$2, 2(%bp)
	popw	%bp
	iretw
code16_divide_end:

piece code16_spin
	sti
1:	incl	%ecx
	testl	%edx, %edx
	jz	1b
	cli
	back
handler code16_spin
	incl	%edx
	iretw
code16_spin_end:

piece code16_sleep
	sti
	hlt
	cli
	back
handler code16_sleep
	incl	%edx
	iretw
code16_sleep_end:

piece code16_undefined
	ud2
handler code16_undefined
	incl	%edx
	back
code16_undefined_end:

piece code16_no_msr
	rdmsr
handler code16_no_msr
	incl	%edx
	back
code16_no_msr_end:

piece code16_unknown
	nop
	fadd	%st(0), %st
	back
code16_unknown_end:

/* The guest's half of BUS_ROUNDS; turns 0, flag 8, done 16, gone 24;
 * behind it the number of a hypercall. */
piece code16_rounds
	movl	$1, %ebx
1:	incl	(%di)
	cmpl	%ebx, 8(%di)
	jne	1b
	movl %ebx, (%esi)	/* the next instruction */
	movl	%ebx, 16(%di)
2:	cmpl	%ebx, 24(%di)
	jne	2b
	testb	$7, %bl
	jnz	3f
	movl	32(%di), %eax		/* a hypercall, for the watchdog */
	vmcall
3:	incl	%ebx
	cmpl	%ecx, %ebx
	jbe	1b
	back
code16_rounds_end:

/*
 * To protected mode and back, as code that makes big real mode does; DX is a
 * selector of flat data.
 */
piece code16_valid
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	movw	%dx, %ds
	movw	%dx, %es
	andb	$0xfe, %al
	movl	%eax, %cr0
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movl (%esi), %eax	/* beyond 64 KiB */
	back
code16_valid_end:

	.section .note.GNU-stack, "", @progbits
