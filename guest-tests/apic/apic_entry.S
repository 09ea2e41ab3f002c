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

/*
 * An NMI's handler for delivery.c.  The first of two sends another one to
 * itself and unmaps the page of its stack, so that its IRET is what meets it
 * again.  Only RBP and RBX are kept: apic_nmi_on() knows.
 */
	.globl	apic_entry_nmi_unmapping, apic_entry_unmap, apic_entry_nmi_rip
apic_entry_nmi_unmapping:
	movq	apic_entry_nmi_rip(%rip), %rax
	movq	%rax, apic_entry_nmi_rip+8(%rip)
	movq	(%rsp), %rax
	movq	%rax, apic_entry_nmi_rip(%rip)
	movq	%gs:0, %rax
	incq	8+2*8(%rax)		/* count[2] */
	xorl	%esi, %esi
	xchgq	apic_entry_unmap+8(%rip), %rsi
	testq	%rsi, %rsi
	jz	1f
	movl	$0x4400, %eax		/* an NMI to APIC 0 */
	movl	$0xfee00310, %ecx
	movl	$0, (%rcx)
	movl	$0xfee00300, %ecx
	movl	%eax, (%rcx)
	movq	apic_entry_unmap(%rip), %rdi
	movq	apic_entry_unmap+16(%rip), %rax
	vmcall
1:	iretq
	.globl	apic_entry_nmi_end
apic_entry_nmi_end:

/* void apic_nmi_on(void *stack): send oneself an NMI on that stack. */
	.globl	apic_nmi_on
apic_nmi_on:
	pushq	%rbx
	movq	%rsp, %rbx
	movq	%rdi, %rsp
	movl	$0xfee00310, %ecx
	movl	$0, (%rcx)
	movl	$0xfee00300, %ecx
	movl	$0x4400, (%rcx)
	nop
	nop
	movq	%rbx, %rsp
	popq	%rbx
	ret

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
apic_entry_unmap:
	.quad	0, 0, 0
apic_entry_nmi_rip:
	.quad	0, 0
	.globl	apic_trampoline_data
apic_trampoline_data:
	.space	64

	.section .note.GNU-stack, "", @progbits
