/** @file
 * To real mode, an INT, and back.
 *
 * The code between bios_code and bios_code_end runs at LOW (bios.c), whatever
 * address it is linked to: a 16-bit segment begins there.
 */
#define LOW 0x20000
#define CODE_16 0x18
#define DATA_16 0x20
#define CODE_32 0x08
#define DATA_32 0x10

#define AT(label) ((label) - bios_code)

	.text
	/* u32 bios_visit(u32 ax): returns AX, and FLAGS in the upper half. */
	.globl bios_visit
bios_visit:
	pushal
	movl 36(%esp), %eax
	movl %esp, bios_stack
	lidt bios_low_idt
	ljmp $CODE_16, $0
bios_back:
	movl $DATA_32, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %ss
	movl bios_stack, %esp
	movl %ebx, 28(%esp) /* POPA's EAX */
	popal
	ret

	.globl bios_code, bios_code_end, bios_vector
	.code16
bios_code:
	movw $DATA_16, %cx
	movw %cx, %ds
	movw %cx, %es
	movw %cx, %ss
	movl %cr0, %ecx
	andb $0xfe, %cl
	movl %ecx, %cr0
	ljmp $LOW >> 4, $AT(1f)
1:	movw $LOW >> 4, %cx
	movw %cx, %ds
	movw %cx, %es
	movw %cx, %ss
	movw $0x8000, %sp
	cmpw %cx, %cx
	incw %cx /* CF and ZF clear */
	.byte 0xcd
bios_vector:
	.byte 0
	pushfw
	pushw %ax
	popl %ebx
	movl %cr0, %ecx
	orb $1, %cl
	movl %ecx, %cr0
	ljmpl $CODE_32, $bios_back
bios_code_end:

	.code32
	.section .rodata
bios_low_idt:
	.word 0x3ff
	.long 0
	.bss
	.align 4
bios_stack:
	.skip 4
