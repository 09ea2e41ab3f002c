/** @file
 * From 64-bit mode to protected mode without paging, and back (flat.h).
 *
 * Clearing CR0.PG leaves IA-32e mode and is allowed only in a 32-bit code
 * segment; setting it, with EFER.LME still 1, enters it again - SDM 3A 10.8.5.
 * The program is linked below 4 GiB with virtual = physical addresses, so that
 * each step finds its code and its stack.
 */
	.set	CODE_64, 0x08
	.set	DATA, 0x10
	.set	CODE_32, 0x18
	.set	CR0_PG, 0x80000000

	.text
	.globl	flat_read4_then_cr3
flat_read4_then_cr3:
	pushq	%rbx
	sgdt	old_gdtr(%rip)
	lgdt	gdtr(%rip)
	movl	%edi, %ebx
	movl	%esi, %ecx
	movq	%rsp, old_rsp(%rip)
	pushq	$CODE_32
	pushq	$without_64
	lretq

	.code32
without_64:
	movl	$DATA, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	movl	%cr0, %eax
	andl	$~CR0_PG, %eax
	movl	%eax, %cr0
	movl	(%ebx), %edx
	testl	%ecx, %ecx
	jz	1f
	movl	%ecx, %cr3
1:	movl	%cr0, %eax
	orl	$CR0_PG, %eax
	movl	%eax, %cr0
	ljmp	$CODE_64, $with_64

	.code64
with_64:
	movq	old_rsp(%rip), %rsp
	lgdt	old_gdtr(%rip)
	movl	%edx, %eax
	popq	%rbx
	ret

	.section .rodata
	.balign 8
gdt:	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
	.quad	0x00cf9b000000ffff	/* 32-bit code */
gdtr:	.word	. - gdt - 1
	.quad	gdt

	.bss
	.balign 8
old_rsp: .quad	0
old_gdtr: .space 10

	.section .note.GNU-stack, "", @progbits
