/** @file
 * The first instructions of an application processor.
 *
 * A SIPI starts it in real mode at a page below 1 MiB, CS = page << 8.
 * hv/boot/smp.c copies these few instructions there.  They only get into
 * protected mode; the rest is boot_ap_start in entry.S, which the boot tables'
 * identity map still covers.
 */
	.section .rodata
	.globl trampoline_start, trampoline_end
	.code16
trampoline_start:
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	lgdtl trampoline_gdtr - trampoline_start
	mov $0x11, %eax			/* PE and ET, caches on */
	mov %eax, %cr0
	ljmpl $0x18, $boot_ap_start
	.balign 4
trampoline_gdtr:
	.word 31
	.long boot_gdt
trampoline_end:
	.section .note.GNU-stack, "", @progbits
