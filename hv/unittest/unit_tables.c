/** @file
 * Cases: the guest's page tables in memory that the EPT makes read-only.
 *
 * A walk through them only reads as long as it has no accessed or dirty flag to
 * set (SDM 3C 29.3.3.2).  So the guest must run on without an exit, and yet not
 * one store to such a table may be missed, not even by the instruction that was
 * translated by it.  Bochs 2.7 sets the flags through the read-only mapping;
 * the cases about that are the soft unit's alone.
 */
#include "hv/unittest/unit_cases.h"

#include "hv/unittest/tiny_guest.h"
#include "hv/unittest/tiny_tables.h"
#include "hv/x86/cr.h"
#include "hv/x86/trap.h"

/** A table's entry that nobody uses. */
#define SPARE_ENTRY (TINY_PT + 0x7f8)

/* Exit qualifications (SDM 3C table 28-7) on a page that can only be read. */
#define QUAL_STORE 0x18a /* write; readable; address known; the access itself */
#define QUAL_FLAG 0x8b	 /* read and write; readable; known; a table walk */
#define QUAL_LOAD_ABSENT 0x181

/** All four tables become read-only, for a guest that has not run yet. */
static void protect_tables(struct tiny_guest *g)
{
	for (u64 at = TINY_PML4; at <= TINY_PT; at += PAGE_SIZE) {
		*tiny_guest_ept(g, at) &= ~(TINY_EPT_WRITE | TINY_EPT_EXECUTE);
	}
}

TINY_CODE(store_code, "mov (%rdi), %eax\n\t"
		      "mov %rax, (%rdi)\n\t"
		      "mov %rbx, (%rsi)\n\t"
		      "vmcall\n\t")

void unit_tables_store(struct tiny_guest *g)
{
	u64 before = *tiny_guest_word(g, SPARE_ENTRY);

	TINY_LOAD(g, store_code);
	protect_tables(g);
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RSI] = SPARE_ENTRY;
	g->gpr[GPR_RBX] = 0x5678;
	for (unsigned int i = 0; i < 3; i++) {
		tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
		tiny_guest_field(g, EXIT_QUALIFICATION, QUAL_STORE);
		tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS, SPARE_ENTRY);
		tiny_guest_field(g, GUEST_LINEAR_ADDRESS, SPARE_ENTRY);
		tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + 5);
		tiny_guest_equal(g, "the entry",
				 *tiny_guest_word(g, SPARE_ENTRY), before);
	}
	*tiny_guest_ept(g, TINY_PT) |= TINY_EPT_WRITE;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the entry", *tiny_guest_word(g, SPARE_ENTRY),
			 0x5678);
}

TINY_CODE(flag_code, "mov (%rdi), %eax\n\t"
		     "mov %rax, (%rsi)\n\t"
		     "vmcall\n\t")

/** An accessed flag, then a dirty one, each an exit of its own. */
void unit_tables_flags(struct tiny_guest *g)
{
	u64 *loaded = tiny_guest_pte(g, TINY_DATA);
	u64 *stored = tiny_guest_pte(g, TINY_DATA + PAGE_SIZE);

	if (!vmx_unit_is_soft) {
		return;
	}
	TINY_LOAD(g, flag_code);
	protect_tables(g);
	*loaded &= ~TINY_PTE_ACCESSED;
	*stored &= ~TINY_PTE_DIRTY;
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RSI] = TINY_DATA + PAGE_SIZE + 8;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, QUAL_FLAG);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS,
			 TINY_PT + TINY_DATA / PAGE_SIZE * 8);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS, TINY_DATA);
	*loaded |= TINY_PTE_ACCESSED;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, QUAL_FLAG);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS, TINY_DATA + PAGE_SIZE + 8);
	*tiny_guest_ept(g, TINY_PT) |= TINY_EPT_WRITE;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the dirty flag", *stored & TINY_PTE_DIRTY,
			 TINY_PTE_DIRTY);
}

TINY_CODE(registers_code, "mov (%rdi), %eax\n\t"
			  "mov %cr3, %rbx\n\t"
			  "mov %rbx, %cr3\n\t"
			  "mov %cr0, %rcx\n\t"
			  "mov %cr4, %rdx\n\t"
			  "mov (%rdi), %eax\n\t"
			  "mov %rsi, (%r8)\n\t"
			  "vmcall\n\t")

/** What stands in for the guest's tables must not show in its registers. */
void unit_tables_registers(struct tiny_guest *g)
{
	TINY_LOAD(g, registers_code);
	protect_tables(g);
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_R8] = SPARE_ENTRY;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, QUAL_STORE);
	tiny_guest_equal(g, "CR3", g->gpr[GPR_RBX], TINY_PML4);
	tiny_guest_equal(g, "CR0", g->gpr[GPR_RCX], vmread(GUEST_CR0));
	tiny_guest_equal(g, "CR4", g->gpr[GPR_RDX] | CR4_VMXE,
			 vmread(GUEST_CR4));
	tiny_guest_field(g, GUEST_CR3, TINY_PML4);
	tiny_guest_field(g, GUEST_IA32_EFER,
			 EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE);
}

TINY_CODE(fault_code, "mov %rax, (%rdi)\n\t"
		      "vmcall\n\t")

/** The guest's own page faults keep coming, with the right error code. */
void unit_tables_fault(struct tiny_guest *g)
{
	u64 *entry = tiny_guest_pte(g, TINY_DATA);
	u64 frame = TINY_STACK - 48; /* error code, RIP, CS, RFLAGS, RSP, SS */

	TINY_LOAD(g, fault_code);
	protect_tables(g);
	g->gpr[GPR_RDI] = TINY_DATA + 0x10;
	*entry &= ~TINY_PTE_WRITE;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the vector", g->gpr[GPR_RAX], VECTOR_PF);
	tiny_guest_equal(g, "the error code", *tiny_guest_word(g, frame),
			 PF_P | PF_W);
	tiny_guest_equal(g, "CR2", read_cr2(), TINY_DATA + 0x10);
	TINY_LOAD(g, fault_code);
	*entry = 0;
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the error code", *tiny_guest_word(g, frame), PF_W);
	TINY_LOAD(g, fault_code);
	*entry = TINY_DATA | BITS(6, 0) | BIT(51);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_equal(g, "the error code", *tiny_guest_word(g, frame),
			 PF_P | PF_W | PF_RSVD);
	/* CR0.WP = 0: the supervisor may. */
	TINY_LOAD(g, fault_code);
	*entry = TINY_DATA | BITS(6, 5) | TINY_PTE_PRESENT;
	vmwrite(GUEST_CR0, vmread(GUEST_CR0) & ~CR0_WP);
	tiny_guest_expect(g, EXIT_REASON_VMCALL);
	tiny_guest_field(g, GUEST_RIP, TINY_CODE_AT + 3);
}

TINY_CODE(absent_code, "mov (%rsi), %eax\n\t"
		       "add (%rdi), %rax\n\t"
		       "vmcall\n\t")

/** Nor does anything get lost of the EPT's own violations. */
void unit_tables_absent(struct tiny_guest *g)
{
	TINY_LOAD(g, absent_code);
	protect_tables(g);
	g->gpr[GPR_RSI] = TINY_DATA;
	g->gpr[GPR_RDI] = TINY_DATA + PAGE_SIZE + 0x123;
	*tiny_guest_ept(g, TINY_DATA + PAGE_SIZE) = 0;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, QUAL_LOAD_ABSENT);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS,
			 TINY_DATA + PAGE_SIZE + 0x123);
	*tiny_guest_ept(g, TINY_DATA + PAGE_SIZE) = TINY_EPT_WRITE;
	tiny_guest_expect(g, EXIT_REASON_EPT_MISCONFIG);
	tiny_guest_field(g, GUEST_PHYSICAL_ADDRESS,
			 TINY_DATA + PAGE_SIZE + 0x123);
}

/* Tables of the older paging modes, free pages all of them. */
#define LEGACY_TOP 0x50000ull
#define LEGACY_DIRECTORY 0x51000ull /* PAE only */
#define LEGACY_TABLE 0x52000ull
#define LEGACY_SPARE (LEGACY_TABLE + 0xff8)

#define LEGACY_ENTRY                                                 \
	(TINY_PTE_PRESENT | TINY_PTE_WRITE | TINY_PTE_USER |         \
	 TINY_PTE_ACCESSED | TINY_PTE_DIRTY)

/** Identity tables of entries of 4 or 8 bytes, read-only in the EPT. */
static void build_legacy(struct tiny_guest *g, bool pae)
{
	u64 *pdpte = tiny_guest_word(g, LEGACY_TOP);

	if (pae) {
		*pdpte = LEGACY_DIRECTORY | TINY_PTE_PRESENT;
		*tiny_guest_word(g, LEGACY_DIRECTORY) =
			LEGACY_TABLE | LEGACY_ENTRY;
		vmwrite(GUEST_PDPTE0, *pdpte);
	} else {
		*(u32 *)pdpte = LEGACY_TABLE | LEGACY_ENTRY;
	}
	for (u32 i = 0; i < 512; i++) {
		u32 entry = i * PAGE_SIZE | LEGACY_ENTRY;

		memcpy(g->memory + LEGACY_TABLE + i * (pae ? 8 : 4), &entry, 4);
	}
	for (u64 at = LEGACY_TOP; at <= LEGACY_TABLE; at += PAGE_SIZE) {
		*tiny_guest_ept(g, at) &= ~TINY_EPT_WRITE;
	}
	vmwrite(GUEST_CR3, LEGACY_TOP);
	vmwrite(GUEST_CR0, vmread(GUEST_CR0) | CR0_PG | CR0_WP);
	tiny_guest_change(GUEST_CR4, pae ? CR4_PAE : 0, CR4_PAE);
}

TINY_CODE(legacy_code, ".code32\n\t"
		       "mov (%edi), %ecx\n\t"
		       "mov %ebx, 4(%edi)\n\t"
		       "mov %cr4, %edx\n\t"
		       "mov %ebx, (%esi)\n\t"
		       "vmcall\n\t")

static void try_legacy(struct tiny_guest *g, bool pae)
{
	TINY_LOAD(g, legacy_code);
	tiny_guest_enter_32bit(g);
	build_legacy(g, pae);
	*tiny_guest_word(g, TINY_DATA) = 0x1234;
	g->gpr[GPR_RDI] = TINY_DATA;
	g->gpr[GPR_RSI] = LEGACY_SPARE;
	g->gpr[GPR_RBX] = 0x5678;
	tiny_guest_expect(g, EXIT_REASON_EPT_VIOLATION);
	tiny_guest_field(g, EXIT_QUALIFICATION, 0x1aa);
	tiny_guest_field(g, GUEST_LINEAR_ADDRESS, LEGACY_SPARE);
	tiny_guest_equal(g, "the loaded value", g->gpr[GPR_RCX], 0x1234);
	tiny_guest_equal(g, "CR4.PAE", g->gpr[GPR_RDX] & CR4_PAE,
			 pae ? CR4_PAE : 0);
	tiny_guest_equal(g, "the stored value",
			 *tiny_guest_word(g, TINY_DATA) >> 32, 0x5678);
}

/** 32-bit paging, whose entries know no NX. */
void unit_tables_32bit(struct tiny_guest *g)
{
	try_legacy(g, false);
}

/** PAE paging, whose topmost entries are registers. */
void unit_tables_pae(struct tiny_guest *g)
{
	try_legacy(g, true);
}
