/** @file
 * Code in 16 bits, for real mode and 16-bit protected mode.  It runs as a copy
 * below 1 MiB, which CS' base points to; all other bases are 0; SI is the
 * test's argument.
 *
 * What a test expects of each line stands in modes16.c, in the same order.
 */
#include "hv/vmxtest/services.h"

	.text
	.code16

.macro known_flags
	cmp	%esp, %esp
.endm

.macro landing text:vararg
	movl	$(9f - code16_base), MAILBOX_GPA
	known_flags
	\text
9:	movl	$0, MAILBOX_GPA
.endm

.macro return
	movl	$SERVICE_RETURN_NUMBER, %eax
	known_flags
	vmcall
.endm

	.balign	16
	.globl	code16_base
code16_base:

	.globl	code16_instructions
code16_instructions:
	xorl	%eax, %eax
	known_flags
	cpuid
	hlt
	pause
	invd
	wbinvd
	rdpmc
	rdtsc
	.byte	0x66		/* the other operand size */
	rdtsc
	invlpg	0x10(%si)
	invlpg	0x20(%esi)
	movl	$0x174, %ecx
	rdmsr
	wrmsr
	return

	.globl	code16_ports
code16_ports:
	movl	$0x1234, %edx
	xorl	%eax, %eax
	known_flags
	inb	$0x80, %al
	inl	$0x80, %eax
	outw	%ax, %dx
	outl	%eax, %dx
	outsb
	rep insw
	fs outsl
	.byte	0x67		/* addresses of 32 bits */
	outsb
	.byte	0x67
	rep insl
	return

	.globl	code16_memory
code16_memory:
	xorl	%ecx, %ecx
	landing	movw (%si), %ax
	landing	movb %al, 0x123(%si)
	landing	incw 4(%si)
	landing	movl %eax, 8(%si)
	landing	movb %al, 1(%esi,%ecx,4)
	movl	%esp, %ebx
	movw	%si, %sp
	addw	$0x100, %sp
	landing	pushw %ax
	landing	popl %eax
	movl	%ebx, %esp
	return

	.globl	code16_registers
code16_registers:
	movl	%cr0, %eax
	orl	$8, %eax		/* TS, which is the hypervisor's */
	known_flags
	movl	%eax, %cr0
	clts
	lmsw	%ax
	clts
	movl	%cr4, %ecx
	xorl	$0x2000, %ecx
	known_flags
	movl	%ecx, %cr4
	movl	%dr7, %ebx
	movl	%esi, %dr6
	sgdt	0x7000
	.byte	0x66		/* the other operand size */
	sidt (%bx,%si)
	lgdt	%fs:(%bp)
	lidtl (%eax,%ecx,4)
	return

	.globl	code16_events
code16_events:
	known_flags
	int3
	int	$0x30
	landing	ud2
	landing	int $0xff		/* beyond the vector table */
	return

/* See code32_inject. */
	.globl	code16_inject
code16_inject:
	nop
	nop
	known_flags
	cpuid
	return

	.globl	code16_vmx
code16_vmx:
	known_flags
	landing	vmread %eax, %ebx
	landing	vmxon (%bx,%si)
	landing	vmlaunch
	landing	sldt %ax
	return

/* At CPL 3, with IOPL 0. */
	.globl	code16_v8086
code16_v8086:
	xorl	%eax, %eax
	known_flags
	cpuid
	rdtsc
	pause
	landing	hlt
	landing	int3
	landing	ud2
	landing	vmread %eax, %ebx
	landing	movw %ax, (%si)
	sgdt	0x7000
	return

/* To protected mode by the guest's own hand - SDM 3A 10.9.1. */
	.globl	code16_to_32
code16_to_32:
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	known_flags
	cpuid				/* PE = 1, CS still of real mode */
	ljmpl	$0x08, $1f		/* where it is linked */
	.code32
1:	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	known_flags
	cpuid
	movl	%cr0, %eax
	andl	$~1, %eax
	return

	.globl	code16_end
code16_end:

	.section .note.GNU-stack, "", @progbits
