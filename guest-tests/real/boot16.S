/** @file
 * From real mode to 64-bit mode, as a boot loader goes (SDM 3A 10.8.5, 10.9.1):
 *
 *	real       a call by INT, port 92h for A20, LGDT, CR0.PE
 *	32 bits    segments, a device; PAE, CR3, EFER.LME, CR0.PG
 *	64 bits    a device; LIDT, LTR; back to who has called
 *
 * It is copied to CS:0 (lib/real.h).  DS:0 has the operands of LGDT, DS:16
 * those of LIDT; EBX the address of a device, EDI CR3.  The GDT is that of
 * lib/trap.c.
 */
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x28
#define SELECTOR_CODE32 0x38
#define HERE 0x10000 /* REAL_CODE */
#define HANDLER 0x100

#define EFER 0xc0000080
#define VALUE_32 0x32323232
#define VALUE_64 0x64646464

	.text
	.globl	boot16_go, boot16_code, boot16_code_end

/* s64 boot16_go(struct hypercall_real *r, u64 number): the hypercall, and what
 * comes behind the boot. */
boot16_go:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, saved_rsp(%rip)
	movq	%rsi, %rax
	vmcall
	jmp	1f			/* it was refused */
boot16_land:
	movq	saved_rsp(%rip), %rsp
	xorl	%eax, %eax
1:	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	.code16
boot16_code:
	cli
	xorl	%edx, %edx
	int	$0x21
	inb	$0x92, %al
	orb	$2, %al
	outb	%al, $0x92
	movl	%ebx, %esi
	xorl	%eax, %eax
	cpuid				/* EBX, ECX, EDX: the vendor */
	movl	%ebx, 32
	movl	%esi, %ebx
	lgdtl	0
	smsw	%ax
	orw	$1, %ax
	lmsw	%ax
	ljmpl	$SELECTOR_CODE32, $(HERE + boot32 - boot16_code)
	.org	boot16_code + HANDLER
	movl	$0x2121, 36
	iretw

	.code32
boot32:
	movw	$SELECTOR_DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	movl	$0x28000, %esp
	movl	$VALUE_32, (%ebx)
	call	1f
	movl	%cr4, %eax
	orl	$0x620, %eax		/* PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	%edi, %cr3
	movl	$EFER, %ecx
	rdmsr
	orl	$0x900, %eax		/* LME, NXE */
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010000, %eax	/* PG, WP */
	movl	%eax, %cr0
	ljmp	$SELECTOR_CODE, $(HERE + boot64 - boot16_code)
1:	pushl	%ebx			/* a procedure with a frame */
	popl	%ebx
	ret

	.code64
boot64:
	movl	$VALUE_64, (%rbx)
	movl	$0x30010, %eax
	lidt	(%rax)
	movw	$SELECTOR_TSS, %ax
	ltr	%ax
	jmp	*landing(%rip)
	.balign	8
landing:
	.quad	boot16_land
boot16_code_end:

	.bss
	.balign	8
saved_rsp:
	.quad	0

	.section .note.GNU-stack, "", @progbits
