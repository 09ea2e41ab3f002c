/** @file
 * The first instructions: from the boot loader to hv_main().
 *
 * A multiboot 1 loader leaves the processor in 32-bit protected mode without
 * paging.  From here it goes through the steps of SDM 3A 10.8.5:
 *
 *	check     is there a 64-bit processor with no-execute at all?
 *	tables    2 MiB pages: the identity of the first 2 MiB, since the
 *	          next instruction must still be there once paging is on, and
 *	          the first GiB again at IMAGE_BASE, where C code is linked
 *	switch    CR4.PAE, CR3, EFER.LME, CR0.PG, a jump into a 64-bit segment
 *	high      a jump to the linked address, a stack, hv_main()
 *
 * hv/boot/paging.c builds the real tables later, without the identity.  The
 * boot tables stay: an application processor takes the same way from
 * boot_ap_start on, one at a time (hv/boot/smp.c).
 */
#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 3	/* page-aligned modules, a memory map */

#define LOW(symbol) ((symbol) - 0xffffffff80000000)

#define PTE_RW 0x3
#define PTE_RW_2M 0x83
#define PAE 0x20
#define LME_NXE 0x900
#define MSR_EFER 0xc0000080
#define CR0_BOOT 0x80010033	/* PG WP NE ET MP PE, caches on */
#define COM1 0x3f8
#define COM2 0x2f8

	.section .multiboot, "a"
	.balign 4
	.long MULTIBOOT_MAGIC, MULTIBOOT_FLAGS
	.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

	.section .boot, "ax"
	.code32
	.globl boot_start
boot_start:
	cli
	cld
	mov $LOW(boot_stack32_top), %esp
	mov %eax, LOW(boot_magic)
	mov %ebx, LOW(boot_info)

	/* CPUID exists when RFLAGS.ID can be changed - SDM 1 20.1. */
	pushfl
	pop %eax
	mov %eax, %ecx
	xor $(1 << 21), %eax
	push %eax
	popfl
	pushfl
	pop %eax
	cmp %ecx, %eax
	je no_long_mode
	mov $0x80000000, %eax
	cpuid
	cmp $0x80000001, %eax
	jb no_long_mode
	mov $0x80000001, %eax
	cpuid
	and $(1 << 29 | 1 << 20), %edx		/* LM and NX */
	cmp $(1 << 29 | 1 << 20), %edx
	jne no_long_mode

	/* The tables are in .bss and so all zero. */
	movl $LOW(boot_pdpt_low) + PTE_RW, LOW(boot_pml4)
	movl $LOW(boot_pd_low) + PTE_RW, LOW(boot_pdpt_low)
	movl $PTE_RW_2M, LOW(boot_pd_low)
	movl $LOW(boot_pdpt_high) + PTE_RW, LOW(boot_pml4 + 511 * 8)
	movl $LOW(boot_pd_high) + PTE_RW, LOW(boot_pdpt_high + 510 * 8)
	mov $LOW(boot_pd_high), %edi
	mov $PTE_RW_2M, %eax
	mov $512, %ecx
1:	mov %eax, (%edi)
	add $0x200000, %eax
	add $8, %edi
	loop 1b

	mov $LOW(boot_high), %ebp
	/* Falls through; EBP: where to go in 64-bit mode, - IMAGE_BASE. */

enter_long_mode:
	mov $PAE, %eax
	mov %eax, %cr4
	mov $LOW(boot_pml4), %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $LME_NXE, %eax
	wrmsr
	mov $CR0_BOOT, %eax
	mov %eax, %cr0
	lgdtl boot_gdtr
	ljmpl $0x08, $1f
	.code64
1:	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	mov %ebp, %eax
	or $-0x80000000, %rax	/* IMAGE_BASE + EBP */
	jmp *%rax

	/*
	 * An application processor arrives here from the trampoline, in
	 * protected mode.  The gate lets one through at a time; the C code
	 * opens it again when it has left everything that is shared.
	 */
	.code32
	.globl boot_ap_start
boot_ap_start:
	mov $0x10, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	lock incl LOW(smp_arrived)
1:	pause
	lock btsl $0, LOW(smp_gate)
	jc 1b
	mov $LOW(boot_ap_high), %ebp
	jmp enter_long_mode

	/*
	 * No long mode: say so on both ports and end like machine_exit(2).
	 * QEMU's port 0xf4 makes that its exit status 5.
	 */
no_long_mode:
	mov $COM1, %edx
	mov $message_people, %esi
	call say
	mov $COM2, %edx
	mov $message_results, %esi
	call say
	mov $message_shutdown, %esi
	mov $0x8900, %edx
1:	lodsb
	test %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	mov $2, %al
	outb %al, $0xf4
3:	hlt
	jmp 3b

	/* Write the string at ESI to the UART at EDX, waiting for THR empty,
	 * and at the end until the last byte has left it.  Reset leaves a UART
	 * at 5 data bits, and no firmware may have been here before us. */
say:	add $3, %edx
	mov $3, %al			/* LCR: 8 data bits, no parity */
	outb %al, %dx
	sub $3, %edx
say_byte:
	lodsb
	mov %al, %ah
	add $5, %edx
	mov $100000, %ecx	/* a port that is not there must not hang us */
1:	inb %dx, %al
	and $0x60, %al
	cmp $0x60, %al
	loopne 1b
	sub $5, %edx
	mov %ah, %al
	test %al, %al
	jz 2f
	outb %al, %dx
	jmp say_byte
2:	ret

message_people:
	.ascii "exit49: this processor has no 64-bit mode with no-execute"
	.asciz " pages; use QEMU's -cpu max.\n"
message_results:
	.ascii "Bail out! this processor has no 64-bit mode with no-execute"
	.asciz " pages; use QEMU's -cpu max\n# exit49: end status=2\n"
message_shutdown:
	.asciz "Shutdown"

	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 0x08 64-bit code */
	.quad 0x00cf93000000ffff	/* 0x10 data */
	.quad 0x00cf9b000000ffff	/* 0x18 32-bit code */
boot_gdt_end:
	.globl boot_gdtr
boot_gdtr:
	.word boot_gdt_end - boot_gdt - 1
	.quad boot_gdt

	/*
	 * From here on at the linked addresses.  Nobody has called these two,
	 * which the undefined return address tells a debugger.
	 */
	.cfi_sections .debug_frame
	.text
	.code64
	.type boot_high, @function
boot_high:
	.cfi_startproc
	.cfi_undefined rip
	mov stack_main_tops, %rsp
	xor %ebp, %ebp			/* ends every backtrace */
	mov boot_magic, %edi
	mov boot_info, %esi
	call hv_main
	ud2
	.cfi_endproc
	.size boot_high, . - boot_high

	.type boot_ap_high, @function
boot_ap_high:
	.cfi_startproc
	.cfi_undefined rip
	mov smp_next_id, %edi
	cmp smp_limit, %edi
	jae 1f
	mov stack_main_tops(, %rdi, 8), %rsp
	xor %ebp, %ebp
	call smp_ap_main
	ud2
1:	movl $0, smp_gate		/* one too many: halt for good */
2:	hlt
	jmp 2b
	.cfi_endproc
	.size boot_ap_high, . - boot_ap_high

	.bss
	.balign 4096
boot_pml4:	.skip 4096
boot_pdpt_low:	.skip 4096
boot_pd_low:	.skip 4096
boot_pdpt_high:	.skip 4096
boot_pd_high:	.skip 4096
	.skip 64
boot_stack32_top:
boot_magic:	.long 0
boot_info:	.long 0
	.section .note.GNU-stack, "", @progbits
