/** @file
 * 256 stubs for interrupts, and the way of a second vCPU from real mode.
 *
 * An interrupt calls apic_dispatch(vector) and returns to what it interrupted,
 * of which nothing has changed.
 *
 * The trampoline is copied to a page below 1 MiB, where a SIPI starts the vCPU
 * in real mode with CS at that page.  It goes the way that systems go: GDT,
 * protected mode, paging and long mode by the control registers of the first
 * vCPU, a far jump to 64-bit code.  Selectors are those of lib/trap.c.
 */
	.set	TRAMPOLINE, 0x10000
	.set	CODE64, 0x08
	.set	DATA, 0x10
	.set	CODE32, 0x38

	.text
	.balign 16
	.globl	apic_entry_stubs
apic_entry_stubs:
	vector = 0
	.rept	256
	.balign 16
	pushq	$vector
	jmp	dispatch
	vector = vector + 1
	.endr

dispatch:
	.irp	reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, rbp, rbx
	pushq	%\reg
	.endr
	cld
	movq	88(%rsp), %rdi
	movq	%rsp, %rbp
	andq	$-16, %rsp
	call	apic_dispatch
	movq	%rbp, %rsp
	.irp	reg, rbx, rbp, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	popq	%\reg
	.endr
	addq	$8, %rsp
	iretq

	.section .rodata
	.balign	16
	.globl	apic_trampoline, apic_trampoline_end
	.code16
apic_trampoline:
	cli
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	apic_trampoline_gdt - apic_trampoline
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$CODE32, $(TRAMPOLINE + 1f - apic_trampoline)

	.code32
1:
	movw	$DATA, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$apic_trampoline_data, %ebx
	movl	8(%ebx), %eax
	movl	%eax, %cr4
	movl	(%ebx), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	movl	16(%ebx), %eax
	xorl	%edx, %edx
	wrmsr
	movl	24(%ebx), %eax
	movl	%eax, %cr0
	ljmpl	$CODE64, $apic_enter64
	.balign	8
	.globl	apic_trampoline_gdt
apic_trampoline_gdt:	/* the first vCPU's, written into the copy */
	.space	10
apic_trampoline_end:

	.text
	.code64
apic_enter64:
	movq	apic_trampoline_data+40(%rip), %rsp
	xorl	%ebp, %ebp
	jmpq	*apic_trampoline_data+32(%rip)

	.data
	.balign	8
	.globl	apic_trampoline_data
apic_trampoline_data:
	.space	64

	.section .note.GNU-stack, "", @progbits
