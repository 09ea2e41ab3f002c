/** @file
 * The shortest way from reset to a multiboot kernel, as Bochs' boot ROM.
 *
 * A PC's firmware takes seconds under Bochs: it probes disks, shows a menu,
 * waits. None of that is our subject. Bochs can replace the firmware by any
 * 64 KiB file (`romimage`) and can start with files already lying in RAM
 * (`optramimage`), so all that a boot loader would load is there before the
 * first instruction, and this ROM only has to enter protected mode with the
 * registers that multiboot 1 asks for:
 *
 *     EAX  0x2badb002, "a multiboot loader was here"
 *     EBX  physical address of the multiboot information
 *     CS   flat 32-bit code, the other segments flat 32-bit data
 *     CR0  PE set, PG clear; interrupts off; A20 open (it is, at reset)
 *
 *     0xffff0000  +---------------+
 *                 | this code     |  runs here, in place: nothing is copied
 *     0xffff0100  | entry point,  |  four words, written by
 *                 | information,  |  tools/exit49/bochs.py
 *                 | first, end    |
 *     0xfffffff0  | reset vector  |  where a CPU starts (SDM 3A 10.1.4)
 *                 +---------------+
 *
 * One trap. Bochs gives RAM out in blocks, in the order in which they are first
 * touched, each block being the next piece of one host array; but it reads the
 * file into that array in one go, as if the blocks lay there in order. So they
 * must be made to: nothing touches RAM before this code (it has no stack), the
 * file is a single one, and the first thing done is to touch its pages from the
 * first to the last. Two files, or a write elsewhere, and the kernel would find
 * another's bytes in its own memory.
 *
 * What firmware would have done and this does not: it leaves
 * IA32_FEATURE_CONTROL unlocked, the PICs as reset left them, and writes no
 * ACPI tables. The other CPUs wait for INIT-SIPI as after any reset.
 * `make iso` is the way through real firmware.
 */
	ROM_BASE	= 0xffff0000
	ROM_SIZE	= 0x10000
	HANDOVER	= 0x100		/* for bochs.py's four words */
	PAGE		= 0x1000
	RESET_VECTOR	= 0xfff0
	CODE_SELECTOR	= 0x08
	DATA_SELECTOR	= 0x10
	CR0_PE		= 1 << 0
	MEM_UPPER	= 8		/* in the multiboot information */
	BLOCK_SHIFT	= 17		/* 128 KiB, Bochs' BX_MEM_BLOCK_LEN */
	CR0_CACHE_OFF	= 3 << 29	/* CD and NW, set by reset */

	.text
rom:
	.code16
	/*
	 * Real mode, but CS's hidden base is still ROM_BASE: addresses
	 * relative to CS are offsets into this file until the far jump below.
	 */
real_mode:
	cli
	lgdtl	%cs:(gdt_pointer - rom)
	mov	%cr0, %eax
	and	$~CR0_CACHE_OFF, %eax
	or	$CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$CODE_SELECTOR, $(ROM_BASE + (protected_mode - rom))

	.code32
protected_mode:
	mov	$DATA_SELECTOR, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	mov	ROM_BASE + HANDOVER + 8, %esi
	mov	ROM_BASE + HANDOVER + 12, %edi
1:	mov	(%esi), %al		/* see "One trap" above */
	add	$PAGE, %esi
	cmp	%edi, %esi
	jb	1b
	mov	$0x2badb002, %eax
	mov	ROM_BASE + HANDOVER + 4, %ebx

	/*
	 * Bochs gives the guest memory in blocks, in the order in which they
	 * are first touched, but reads a file of several blocks in one go: what
	 * lies behind the first block is ours only if the next blocks are
	 * touched in ascending order. So touch them all (mem_upper is in KiB).
	 */
	mov	MEM_UPPER(%ebx), %ecx
	shr	$(BLOCK_SHIFT - 10), %ecx
	mov	$0x100000, %esi
1:	mov	(%esi), %edx
	add	$(1 << BLOCK_SHIFT), %esi
	loop	1b
	jmp	*ROM_BASE + HANDOVER

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* code: base 0, 4 GiB, 32-bit, accessed */
	.quad	0x00cf93000000ffff	/* data: base 0, 4 GiB, writable, accessed */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	ROM_BASE + (gdt - rom)

	.org	rom + HANDOVER
entry:	.long	0
info:	.long	0
first:	.long	0
end:	.long	0

	.org	rom + RESET_VECTOR
	.code16
	jmp	real_mode
	.org	rom + ROM_SIZE, 0xff
