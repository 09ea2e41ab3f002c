/** @file
 * The soft unit's assembly: taking interrupts and NMIs by an IDT of our own.
 *
 * A #VMEXIT for an interrupt or an NMI leaves it pending (APM 2 15.13.1).  VMX
 * has consumed an NMI by then, and an interrupt if "acknowledge interrupt on
 * exit" is set.  The only way to consume one is to take it; so for a moment
 * GIF is 1 and the IDT is ours, whose gates do next to nothing:
 *
 *	gate n      puts n into EDX and returns with interrupts off
 *	NMI's gate  puts 1 into R8D and goes on behind the frame without an
 *	            IRET, so that the processor keeps NMIs blocked
 *
 * Both are entered on the current stack, and use registers that a C caller does
 * not expect to find again.
 */
	.text

#define RFLAGS_IF 0x200
#define NMI_CAME 32		/* bit of softvmx_run_acknowledge()'s result */

/* A table register on the stack, rounded up so that the stack stays aligned. */
#define SPACE 24

.macro take_our_idt
	sub $SPACE, %rsp
	.cfi_adjust_cfa_offset SPACE
	sidt (%rsp)
	lidt softvmx_run_idtr(%rip)
.endm

.macro give_idt_back
	lidt (%rsp)
	add $SPACE, %rsp
	.cfi_adjust_cfa_offset -SPACE
.endm

/*
 * u64 softvmx_run_acknowledge(void)
 *
 * STI lets interrupts in behind the instruction that follows it.  An NMI comes
 * at the STGI already, if there is one.
 */
	.globl softvmx_run_acknowledge
	.type softvmx_run_acknowledge, @function
softvmx_run_acknowledge:
	.cfi_startproc
	take_our_idt
	mov $-1, %edx
	xor %r8d, %r8d
	stgi
	sti
	nop
	nop
	cli
	clgi
	give_idt_back
	mov %edx, %eax
	shl $NMI_CAME, %r8
	or %r8, %rax
	ret
	.cfi_endproc
	.size softvmx_run_acknowledge, . - softvmx_run_acknowledge

/*
 * void softvmx_run_swallow_nmi(void)
 *
 * RFLAGS.IF is 0, so that nothing but the NMI comes.
 */
	.globl softvmx_run_swallow_nmi
	.type softvmx_run_swallow_nmi, @function
softvmx_run_swallow_nmi:
	.cfi_startproc
	take_our_idt
	stgi
	nop
	clgi
	give_idt_back
	ret
	.cfi_endproc
	.size softvmx_run_swallow_nmi, . - softvmx_run_swallow_nmi

/*
 * void softvmx_run_unmask_nmi(void)
 *
 * An IRET to the instruction behind it: all that it changes is that NMIs are no
 * longer blocked (SDM 3A 6.7.1).
 */
	.globl softvmx_run_unmask_nmi
	.type softvmx_run_unmask_nmi, @function
softvmx_run_unmask_nmi:
	mov %rsp, %rdx
	mov %ss, %eax
	push %rax
	push %rdx
	pushfq
	mov %cs, %eax
	push %rax
	lea 1f(%rip), %rax
	push %rax
	iretq
1:	ret
	.size softvmx_run_unmask_nmi, . - softvmx_run_unmask_nmi

	/* The frame: RIP, CS, RFLAGS, RSP, SS. */
	.globl softvmx_run_nmi_gate
softvmx_run_nmi_gate:
	mov $1, %r8d
	mov (%rsp), %rax
	mov 24(%rsp), %rsp
	jmp *%rax

	/* 256 gates of 16 bytes (softvmx_cpu.c: GATE_SIZE). */
	.balign 16
	.globl softvmx_run_gates
softvmx_run_gates:
	.set vector, 0
	.rept 256
	.balign 16
	mov $vector, %edx
	jmp .Lacknowledged
	.set vector, vector + 1
	.endr
.Lacknowledged:
	andl $~RFLAGS_IF, 16(%rsp)	/* of the RFLAGS to return to */
	iretq
