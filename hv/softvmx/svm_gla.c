/** @file
 * The guest-linear address of a nested page fault.
 *
 * VMX reports it (GUEST_LINEAR_ADDRESS), SVM does not: a nested page fault has
 * the guest physical address and that is all.  But the places where a linear
 * address can come from are few: the operand of the instruction at RIP, RSI and
 * RDI of a string instruction, the stack, RIP itself, and while an event is
 * delivered the IDT, the GDT and the TSS.  Each is a candidate, and each can be
 * *verified*, by walking the guest's page tables:
 *
 *	the access itself   the walk must end in the page of the GPA
 *	a table walk        one of the walk's entries must lie at the GPA
 *
 * So the answer is right, or there is none.
 */
#include "hv/softvmx/svm_gla.h"

#include "hv/softvmx/svm_operand.h"
#include "hv/softvmx/svm_walk.h"
#include "hv/softvmx/vmcb_segments.h"

#define TSS_SIZE 104
/** A descriptor table has at most 64 KiB. */
#define TABLE_PAGES 16

/** A search: what is looked for, and what has been found. */
struct search {
	struct softvmx_cpu *cpu;
	const struct svm_gla_access *access;
	gva_t linear;
};

/**
 * Is one of the walk's entries what was accessed? Entries are eight bytes; the
 * access may be to any of them.
 */
static bool try_table_walk(struct search *search, gva_t linear,
			   const struct svm_walk *walk)
{
	for (unsigned int i = 0; i < walk->count; i++) {
		if (walk->entry_gpa[i].v == (search->access->gpa.v & ~7ull)) {
			search->linear = linear;
			return true;
		}
	}
	return false;
}

/** Does this very linear address lead to the access? */
static bool try_exact(struct search *search, gva_t linear)
{
	const struct svm_gla_access *access = search->access;
	struct svm_walk walk = { 0 };

	svm_walk_translate(search->cpu, linear, &walk);
	if (access->table_walk) {
		return try_table_walk(search, linear, &walk);
	}
	if (walk.end != SVM_WALK_MAPPED ||
	    gpa_frame(walk.gpa) != gpa_frame(access->gpa)) {
		return false;
	}
	search->linear = gva(gva_page(linear).v | gpa_offset(access->gpa));
	return true;
}

/** An address and, for an access that crosses into it, the next page. */
static bool try_address(struct search *search, u64 address)
{
	gva_t linear = gva(address);

	if (!softvmx_cpu_in_64bit(search->cpu)) {
		linear = gva((u32)address);
	}
	return try_exact(search, linear) ||
	       try_exact(search, gva_add(gva_page(linear), PAGE_SIZE));
}

/**
 * Any page of a table that is `size` bytes long. Descriptors are small and few
 * accesses read them, so a page is as exact as it gets before try_exact() adds
 * the offset.
 */
static bool try_range(struct search *search, u64 base, u64 size)
{
	for (unsigned int i = 0; i < TABLE_PAGES; i++) {
		if (i * PAGE_SIZE > size) {
			return false;
		}
		if (try_address(search, base + i * PAGE_SIZE)) {
			return true;
		}
	}
	return false;
}

/** Segment base and offset, which is cut to the address size. */
static bool try_offset(struct search *search, int segment, u64 offset)
{
	u8 size = search->access->insn->address_size;

	if (size < 8) {
		offset &= BITS(8 * size - 1, 0);
	}
	return try_address(search,
			   svm_operand_segment_base(search->cpu, segment) +
				   offset);
}

/**
 * The operand by ModRM. BT and its like count bits from there on when the
 * number is in a register, backwards too (SDM 1 3.7.6, 2A BT): 0F A3, AB, B3,
 * BB.
 */
static bool try_operand(struct search *search)
{
	const struct svm_insn *insn = search->access->insn;
	struct softvmx_cpu *cpu = search->cpu;
	u64 linear = svm_operand_linear(cpu, insn).v;
	s64 bit = cpu->gpr[insn->reg];

	if (insn->map == INSN_MAP_0F && (insn->opcode & 0xe7) == 0xa3) {
		if (insn->operand_size < 8) {
			bit = insn->operand_size == 4 ? (s32)bit : (s16)bit;
		}
		linear += (bit >> 3) & ~(s64)(insn->operand_size - 1);
	}
	return insn->has_memory && try_address(search, linear);
}

/**
 * The instruction at RIP: operand, string registers, stack; RBP is where LEAVE
 * reads, RBX plus AL where XLAT does. They are tried whatever the instruction
 * is; a wrong one does not lead to the GPA.
 */
static bool try_instruction(struct search *search)
{
	const struct svm_insn *insn = search->access->insn;
	struct softvmx_cpu *cpu = search->cpu;
	u64 ss = svm_operand_segment_base(cpu, VMCB_SS);
	int source = insn->segment == INSN_NONE ? VMCB_DS : insn->segment;
	u64 rsp = cpu->guest->save.rsp;
	u64 *gpr = cpu->gpr;

	return try_operand(search) ||
	       try_offset(search, source, gpr[GPR_RSI]) ||
	       try_offset(search, VMCB_ES, gpr[GPR_RDI]) ||
	       try_address(search, ss + rsp - 8) ||
	       try_address(search, ss + rsp) ||
	       try_offset(search, VMCB_SS, gpr[GPR_RBP]) ||
	       try_offset(search, source, gpr[GPR_RBX] + (u8)gpr[GPR_RAX]);
}

/** GDT, TSS and LDT, which segment loads and event delivery read. */
static bool try_descriptor_tables(struct search *search)
{
	const struct vmcb_save *save = &search->cpu->guest->save;

	return try_range(search, save->gdtr.base, save->gdtr.limit) ||
	       try_range(search, save->tr.base, TSS_SIZE) ||
	       ((save->ldtr.attributes & SVM_SEG_P) &&
		try_range(search, save->ldtr.base, save->ldtr.limit));
}

/**
 * An event is being delivered: its gate, and the stack it is pushed to, aligned
 * to 16 bytes in long mode (SDM 3A 6.14.2), six words at most.
 */
static bool try_delivery(struct search *search)
{
	struct softvmx_cpu *cpu = search->cpu;
	const struct vmcb_save *save = &cpu->guest->save;
	u32 vector = cpu->guest->control.exit_int_info & SVM_EVENT_VECTOR;
	u64 gate = save->idtr.base + vector * (save->efer & BIT(10) ? 16 : 8);
	u64 stack = svm_operand_segment_base(cpu, VMCB_SS) + save->rsp;

	return try_address(search, gate) ||
	       try_address(search, (stack & ~15ull) - 8) ||
	       try_address(search, (stack & ~15ull) - 48) ||
	       try_descriptor_tables(search);
}

/*
 * The most likely places first: each costs a walk. A fetch is at RIP; while an
 * event is delivered no instruction runs.
 */
bool svm_gla_find(struct softvmx_cpu *cpu, const struct svm_gla_access *access,
		  gva_t *linear)
{
	struct search search = { .cpu = cpu, .access = access };
	const struct vmcb_save *save = &cpu->guest->save;
	u64 rip = svm_operand_segment_base(cpu, VMCB_CS) + save->rip;
	bool found = access->fetch && try_address(&search, rip);

	if (!found && cpu->guest->control.exit_int_info & SVM_EVENT_VALID) {
		found = try_delivery(&search);
	}
	if (!found && access->insn->length) {
		found = try_instruction(&search);
	}
	found = found || try_address(&search, rip) ||
		try_descriptor_tables(&search);
	*linear = search.linear;
	return found;
}
