/** @file
 * void interrupt_nmi(u64 lapic): send an NMI to oneself by the local APIC.
 *
 * An NMI comes between two instructions, and after which one depends on how an
 * emulator groups them: QEMU looks for NMIs between blocks of instructions, and
 * no block goes beyond the end of a page.  So the store is the last instruction
 * of a page, and everybody takes the NMI right behind it.
 */
/* The local APIC's registers - SDM 3A 10.4.1, 10.6.1 */
#define ID 0x20
#define ICR_LOW 0x300
#define ICR_HIGH 0x310
#define ICR_NMI 0x4400

	.section .text.interrupt_nmi, "ax"
	.balign	4096
	.globl	interrupt_nmi
interrupt_nmi:
	movl	ID(%rdi), %eax		/* nobody else is meant */
	movl	%eax, ICR_HIGH(%rdi)
	xorl	%eax, %eax
	addq	$ICR_LOW, %rdi
	movl	$ICR_NMI, %esi
	cmp	%esp, %esp
	jmp	send
	.skip	4096 - (. - interrupt_nmi) - 2
send:
	movl	%esi, (%rdi)
	.globl	interrupt_nmi_behind
interrupt_nmi_behind:
	nop
	ret

	.section .note.GNU-stack, "", @progbits
