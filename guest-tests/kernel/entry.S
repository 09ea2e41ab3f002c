/** @file
 * Where the kernel begins: as a multiboot 1 loader starts it, in 32-bit
 * protected mode without paging.  EAX holds the loader's mark, EBX the address
 * of its information.
 *
 * The header has the address fields as well, for the flat file; in the ELF
 * files they agree with the segments.
 */
#define MAGIC 0x1badb002
#define FLAGS 0x00010003 /* pages, memory information, address fields */

	.section .multiboot, "a"
	.align 4
kernel_header:
	.long MAGIC, FLAGS, -(MAGIC + FLAGS)
	.long kernel_header, kernel_load, kernel_load_end, kernel_end
	.long kernel_entry

	.text
	.globl kernel_entry
kernel_entry:
	movl $kernel_stack, %esp
	lgdt kernel_gdtr
	ljmp $0x08, $1f
1:	movl $0x10, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %ss
	pushl %ebx
	pushl %eax
	call main_begin
	cli
2:	hlt
	jmp 2b

	/* The emptiest IDT there is: any exception ends in a triple fault. */
	.globl kernel_triple_fault
kernel_triple_fault:
	lidt kernel_no_idt
	ud2

	.section .rodata
	.align 8
kernel_gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
	.quad 0x00009b020000ffff, 0x000093020000ffff /* 16 bits, at 0x20000 */
kernel_gdtr:
	.word . - kernel_gdt - 1
	.long kernel_gdt
kernel_no_idt:
	.word 0
	.long 0

	.bss
	.align 16
	.skip 8192
kernel_stack:
