/** @file
 * Where exceptions and interrupts arrive: 256 stubs of 16 bytes.
 *
 * The processor pushes SS, RSP, RFLAGS, CS, RIP and for some exceptions an
 * error code.  A stub pushes 0 where there is none, then its vector; the
 * common part pushes the general registers.  What is then on the stack is
 * struct trap_frame of trap.h.  The processor has aligned RSP to 16 before it
 * pushed, and 22 words keep it so for the call.
 *
 * The CFI lines lead a debugger's backtrace to what was interrupted.  The
 * frame's base, the CFA, is taken to be the end of what the processor pushed.
 */
	.cfi_sections .debug_frame

/* The processor has pushed this many words: 5, or 6 with an error code. */
.macro trap_frame_begin words
	.cfi_def_cfa rsp, 8 * \words
	.cfi_offset rsp, -16
	.cfi_offset rip, -40
.endm

.macro push_word value
	pushq \value
	.cfi_adjust_cfa_offset 8
.endm

.macro push_reg reg
	pushq %\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro pop_reg reg
	popq %\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

	/* Exceptions with an error code - SDM 3A 6.13: 8 10-14 17 21 29 30. */
#define ERROR_CODE_VECTORS 0x60227d00

	.text
	.balign 16
	.globl trap_stubs
	.type trap_stubs, @function
trap_stubs:
	.cfi_startproc
	.cfi_signal_frame
	vector = 0
	.rept 32
	.balign 16
	.if ((ERROR_CODE_VECTORS >> vector) & 1) == 0
	trap_frame_begin 5
	push_word $0
	.else
	trap_frame_begin 6
	.endif
	push_word $vector
	jmp trap_common
	vector = vector + 1
	.endr
	.rept 224
	.balign 16
	trap_frame_begin 5
	push_word $0
	push_word $vector
	jmp trap_common
	vector = vector + 1
	.endr
	.cfi_endproc
	.size trap_stubs, . - trap_stubs

	.balign 16
	.type trap_common, @function
trap_common:
	.cfi_startproc
	.cfi_signal_frame
	trap_frame_begin 7		/* and the two words of the stub */
	push_reg rax
	push_reg rbx
	push_reg rcx
	push_reg rdx
	push_reg rsi
	push_reg rdi
	push_reg rbp
	push_reg r8
	push_reg r9
	push_reg r10
	push_reg r11
	push_reg r12
	push_reg r13
	push_reg r14
	push_reg r15
	cld
	movq %rsp, %rdi
	call trap_dispatch
	pop_reg r15
	pop_reg r14
	pop_reg r13
	pop_reg r12
	pop_reg r11
	pop_reg r10
	pop_reg r9
	pop_reg r8
	pop_reg rbp
	pop_reg rdi
	pop_reg rsi
	pop_reg rdx
	pop_reg rcx
	pop_reg rbx
	pop_reg rax
	addq $16, %rsp			/* vector and error code */
	.cfi_adjust_cfa_offset -16
	iretq
	.cfi_endproc
	.size trap_common, . - trap_common
	.section .note.GNU-stack, "", @progbits
