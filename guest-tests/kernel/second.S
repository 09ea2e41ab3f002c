/** @file
 * What the second processor can do: it is started in real mode, at the first
 * byte of a page into which one of these and what follows it is copied.
 */
#define PM_TIMER 0x608
#define TWO_SECONDS (2 * 3579545)
#define EXIT_PORT 0xf4
#define EXIT_CODE 49

	.section .rodata
	.code16

	/* The emptiest IDT there is, as in entry.S. */
	.globl second_triple
second_triple:
	cli
	lidtw %cs:(second_no_idt - second_triple)
	int3
second_no_idt:
	.word 0
	.long 0

	.globl second_hang
second_hang:
	cli
1:	jmp 1b

	.globl second_exit
second_exit:
	cli
	movw $PM_TIMER, %dx
	inl %dx, %eax
	movl %eax, %ebx
1:	inl %dx, %eax
	subl %ebx, %eax
	andl $0xffffff, %eax
	cmpl $TWO_SECONDS, %eax
	jb 1b
	movb $EXIT_CODE, %al
	outb %al, $EXIT_PORT
	hlt

	.globl second_end
second_end:
