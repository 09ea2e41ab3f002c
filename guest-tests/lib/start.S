/** @file
 * The first instructions of a guest program.
 *
 * The VMM has already set up 64-bit mode, page tables and a stack; RDI holds
 * the address of the boot page.  From here on everything is the program's own:
 * first of all its stack, so that its size is known.
 */
	.cfi_sections .debug_frame
	.section .text.start, "ax"
	.globl _start
	.type _start, @function
_start:
	.cfi_startproc
	.cfi_undefined rip	/* a debugger's backtrace ends here */
	leaq	stack_top(%rip), %rsp
	xorl	%ebp, %ebp
	call	boot_main
	/* boot_main() does not return; a HLT here is seen as "unfinished". */
	hlt
	.cfi_endproc
	.size _start, . - _start

	.bss
	.balign 4096
stack:
	.space	65536
stack_top:

	.section .note.GNU-stack, "", @progbits
