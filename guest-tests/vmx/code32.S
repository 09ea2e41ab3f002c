/** @file
 * Code in 32 bits, for protected mode with and without paging, PAE and
 * compatibility mode.  ESI is the test's argument; each piece ends in
 * SERVICE_RETURN.
 *
 * What a test expects of each line stands in modes32.c, in the same order.
 */
#include "hv/vmxtest/services.h"

	.text
	.code32

.macro known_flags
	cmp	%esp, %esp
.endm

/* Behind an exception, or an access to memory that there is not: go on. */
.macro landing text:vararg
	movl	$9f, MAILBOX_GPA
	known_flags
	\text
9:	movl	$0, MAILBOX_GPA
.endm

.macro return
	movl	$SERVICE_RETURN_NUMBER, %eax
	known_flags
	vmcall
.endm

	.globl	code32_instructions
code32_instructions:
	xorl	%eax, %eax
	known_flags
	cpuid
	hlt
	pause
	invd
	wbinvd
	rdpmc
	rdtsc
	rdtscp
	xorl	%ecx, %ecx
	movl	%esi, %eax
	xorl	%edx, %edx
	known_flags
	monitor
	mwait
	invlpg	0x10(%esi)
	invlpg	%fs:0x7000(,%ebx,2)
	invlpg	0x20(%bx,%si)
	movl	$0x174, %ecx
	rdmsr
	wrmsr
	return

	.globl	code32_ports
code32_ports:
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
	addr16 outsb
	addr16 rep insl
	return

	.globl	code32_memory
code32_memory:
	xorl	%ecx, %ecx
	landing	movl (%esi), %eax
	landing	movb %al, 0x123(%esi)
	landing	incl 4(%esi,%ecx,8)
	landing	movw %ax, 0xfff(%esi)
	landing	call *%esi
	landing	lock cmpxchg8b (%esi)
	movl	%esp, %ebx
	movl	%esi, %esp
	addl	$0x100, %esp
	landing	pushl %eax
	landing	popl %eax
	movl	%ebx, %esp
	return

	.globl	code32_vmx
code32_vmx:
	known_flags
	vmread	%eax, %ebx
	vmread	%ecx, 0x12345678(%esi,%edi,8)
	vmwrite	%ebp, %edx
	vmwrite	-4(%ebp), %esp
	vmxon	0x70000
	vmclear	(%eax)
	vmptrld	0x10(%bx,%si)
	vmptrst	(%bp)
	invept	(%eax), %ecx
	invvpid	%gs:(%edx), %ebx
	vmlaunch
	vmresume
	vmxoff
	sgdt	0x70000
	.byte	0x66		/* the other operand size */
	sidt (%esp)
	lgdt	(%eax,%ecx,4)
	.byte	0x66		/* the other operand size */
	lidt %es:(%esi)
	sldt	%ecx
	str	(%edi)
	lldt	%ax
	ltr	%bx
	return

	.globl	code32_registers
code32_registers:
	movl	%cr0, %eax
	orl	$8, %eax		/* TS, which is the hypervisor's */
	known_flags
	movl	%eax, %cr0
	clts
	lmsw	%ax
	clts
	movl	%cr4, %ecx
	known_flags
	xorl	$0x2000, %ecx
	known_flags
	movl	%ecx, %cr4
	movl	%cr3, %edx
	movl	%edx, %cr3
	movl	%dr7, %ebx
	movl	%esi, %dr6
	return

	.globl	code32_events
code32_events:
	known_flags
	int3
	int	$0x30
	movl	$0x80000000, %eax	/* overflow: OF = 1 */
	negl	%eax
	into
	.globl	code32_faults
code32_faults:
	landing	ud2
	landing	movw %si, %ds
	landing	ljmp $0x1230, $0
	return

/* Count, and return. */
	.globl	code32_handler
code32_handler:
	incl	modes_events
	pushl	%eax
	movl	4(%esp), %eax
	movl	%eax, modes_return
	popl	%eax
	iret

	.globl	code32_error_handler
code32_error_handler:
	popl	modes_error
	jmp	code32_handler

/* An event arrives before the first of these or, if it is software, behind the
 * NOPs that stand for its instruction. */
	.globl	code32_inject
code32_inject:
	nop
	nop
	known_flags
	cpuid
	return

	.globl	code32_task
code32_task:
	movw	$0x28, %ax
	ltr	%ax
	landing	ljmp $0x30, $0
	landing	lcall $0x30, $0
	return

/* IRET with NT goes back to the task that the TSS names. */
	.globl	code32_task_iret
code32_task_iret:
	movw	$0x28, %ax
	ltr	%ax
	pushfl
	pushfl
	orl	$0x4000, (%esp)
	popfl
	movl	$8f, MAILBOX_GPA
	iret
8:	movl	$0, MAILBOX_GPA
	popfl
	return

/* Through task gates: INT, and a fault. */
	.globl	code32_task_gates
code32_task_gates:
	movw	$0x28, %ax
	ltr	%ax
	landing	int $0x31
	landing	ud2
	return

	.section .note.GNU-stack, "", @progbits
